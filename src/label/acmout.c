#include "base/xmlout.h"
#include "label/read.h"

#include <string.h>

static const char head[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<SecurityPolicyDefinition xmlns=\"http://www.ibm.com\" xmlns:d=\"urn:drover:label:1\">\n";

static void write_line(GString *out, unsigned depth, const char *element, const char *text)
{
	if (!text)
		return;
	g_string_append_printf(out, "%*s", (int)depth * 2, "");
	base_xmlout_element(out, element, text);
	g_string_append_c(out, '\n');
}

static void write_header(GString *out, const struct label_header *header)
{
	g_string_append(out, "  <PolicyHeader>\n");
	write_line(out, 2, "PolicyName", header->name);
	write_line(out, 2, "PolicyUrl", header->url);
	write_line(out, 2, "Date", header->date);
	write_line(out, 2, "Version", header->version);
	g_string_append(out, "  </PolicyHeader>\n");
}

/* `<element d:colour="...">name</element>` */
static void write_coloured(
	GString *out, unsigned depth, const char *element, const char *name, const char *colour)
{
	g_string_append_printf(out, "%*s<%s", (int)depth * 2, "", element);
	base_xmlout_attr(out, "d:colour", colour);
	g_string_append_c(out, '>');
	base_xmlout_text(out, name);
	g_string_append_printf(out, "</%s>\n", element);
}

/* The schema wants at least one Type; Xen's own policies write an empty one for none. A type that
 * has both uses tells its colour the first time. */
static void write_declared(
	GString *out, const struct label_policy *policy, const char *element, enum label_use use)
{
	size_t n;
	const struct label_type *types = label_policy_types(policy, &n);
	size_t written = 0;

	g_string_append_printf(out, "    <%s>\n", element);
	for (size_t i = 0; i < n; i++) {
		gboolean told = use == LABEL_USE_CHW && (types[i].uses & LABEL_USE_STE);

		if (!(types[i].uses & use))
			continue;
		write_coloured(out, 3, "Type", types[i].name, told ? NULL : types[i].colour);
		written++;
	}
	if (!written)
		g_string_append(out, "      <Type/>\n");
	g_string_append_printf(out, "    </%s>\n", element);
}

static void write_members(GString *out, unsigned depth, char *const *types)
{
	if (!*types)
		g_string_append_printf(out, "%*s<Type/>\n", (int)depth * 2, "");
	for (; *types; types++)
		write_line(out, depth, "Type", *types);
}

static void write_conflicts(GString *out, const struct label_policy *policy)
{
	size_t n;
	const struct label_conflict *conflicts = label_policy_conflicts(policy, &n);

	if (!n)
		return;
	g_string_append(out, "    <ConflictSets>\n");
	for (size_t i = 0; i < n; i++) {
		g_string_append(out, "      <Conflict");
		base_xmlout_attr(out, "name", conflicts[i].name);
		base_xmlout_attr(out, "d:lasting", conflicts[i].lasting ? "true" : NULL);
		g_string_append(out, ">\n");
		write_members(out, 4, conflicts[i].types);
		g_string_append(out, "      </Conflict>\n");
	}
	g_string_append(out, "    </ConflictSets>\n");
}

static void open_component(GString *out, const char *element, gboolean primary)
{
	g_string_append_printf(out, "  <%s", element);
	base_xmlout_attr(out, "priority", primary ? "PrimaryPolicyComponent" : NULL);
	g_string_append(out, ">\n");
}

static void write_types(GString *out, const struct label_policy *policy)
{
	enum label_primary primary = label_policy_header(policy)->primary;

	open_component(out, "SimpleTypeEnforcement", primary == LABEL_PRIMARY_STE);
	write_declared(out, policy, "SimpleTypeEnforcementTypes", LABEL_USE_STE);
	g_string_append(out, "  </SimpleTypeEnforcement>\n");
	open_component(out, "ChineseWall", primary == LABEL_PRIMARY_CHW);
	write_declared(out, policy, "ChineseWallTypes", LABEL_USE_CHW);
	write_conflicts(out, policy);
	g_string_append(out, "  </ChineseWall>\n");
}

static void write_list(GString *out, const char *element, char *const *types)
{
	g_string_append_printf(out, "        <%s>\n", element);
	write_members(out, 5, types);
	g_string_append_printf(out, "        </%s>\n", element);
}

static void write_label(GString *out, const struct label *label)
{
	const char *element = label->kind == LABEL_WORKLOAD ? "VirtualMachineLabel"
							    : "ResourceLabel";

	g_string_append_printf(out, "      <%s>\n", element);
	write_coloured(out, 4, "Name", label->name, label->colour);
	write_list(out, "SimpleTypeEnforcementTypes", label->ste);
	if (label->kind == LABEL_WORKLOAD)
		write_list(out, "ChineseWallTypes", label->chw);
	g_string_append_printf(out, "      </%s>\n", element);
}

static void write_labels(GString *out, const struct label_policy *policy, enum label_kind kind)
{
	const char *element = kind == LABEL_WORKLOAD ? "SubjectLabels" : "ObjectLabels";
	const char *bootstrap = label_policy_header(policy)->bootstrap;
	size_t n, written = 0;
	const struct label *labels = label_policy_labels(policy, &n);

	for (size_t i = 0; i < n; i++) {
		if (labels[i].kind != kind)
			continue;
		if (!written++) {
			g_string_append_printf(out, "    <%s", element);
			base_xmlout_attr(
				out, "bootstrap", kind == LABEL_WORKLOAD ? bootstrap : NULL);
			g_string_append(out, ">\n");
		}
		write_label(out, &labels[i]);
	}
	if (written)
		g_string_append_printf(out, "    </%s>\n", element);
}

char *label_acm_write(const struct label_policy *policy)
{
	GString *out = g_string_new(head);

	write_header(out, label_policy_header(policy));
	write_types(out, policy);
	g_string_append(out, "  <SecurityLabelTemplate>\n");
	write_labels(out, policy, LABEL_WORKLOAD);
	write_labels(out, policy, LABEL_RESOURCE);
	g_string_append(out, "  </SecurityLabelTemplate>\n</SecurityPolicyDefinition>\n");
	return g_string_free(out, FALSE);
}
