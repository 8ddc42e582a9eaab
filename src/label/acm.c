#include "base/xml.h"
#include "label/check.h"
#include "label/draft.h"
#include "label/read.h"

#include <string.h>

#define OUR_NS  "urn:drover:label:1"
#define PRIMARY "PrimaryPolicyComponent"

static const struct base_xml_limits limits = { (size_t)1024 * 1024, 16, 200000 };

struct acm_reader {
	const char *name;
	struct label_policy *draft;
	struct label_header header; /* strings owned, until they go to the draft */
	struct label_parts *label;  /* being read, or NULL */
	GStrvBuilder *members;      /* where the types go of what is being read, or NULL */
};

struct label_parts {
	char *name;
	char *colour;
	GStrvBuilder *ste;
	GStrvBuilder *chw;
};

static gboolean place(GError **error, const struct acm_reader *reader, const xmlNode *node)
{
	g_autofree char *element = g_strdup_printf("<%s>", (const char *)node->name);

	return label_error_place(error, reader->name, (unsigned)xmlGetLineNo(node), element);
}

static gboolean refuse_at(
	GError **error, const struct acm_reader *reader, const xmlNode *node, const char *why)
{
	label_refuse(error, LABEL_ERROR_CONTENT, "%s", why);
	return place(error, reader, node);
}

/* Elements go by their local name: policies stand in IBM's namespace, in Xen's, or in none. */
static gboolean is_element(const xmlNode *node, const char *local)
{
	return strcmp((const char *)node->name, local) == 0;
}

static gboolean is_known_attribute(const xmlAttr *attribute, const char *const *known)
{
	const char *name = (const char *)attribute->name;
	g_autofree char *ours = NULL;

	if (!attribute->ns)
		return g_strv_contains(known, name);
	if (g_strcmp0((const char *)attribute->ns->href, OUR_NS) != 0)
		return TRUE; /* somebody else's */
	ours = g_strconcat("@", name, NULL);
	return g_strv_contains(known, ours);
}

/* An attribute we do not know might be one that was meant to protect: refuse, do not guess. `known`
 * (NULL: none) lists those of no namespace by their name, ours with an @ before it. */
static gboolean check_attributes(const struct acm_reader *reader, const xmlNode *node,
	const char *const *known, GError **error)
{
	static const char *const none[] = { NULL };

	for (const xmlAttr *at = node->properties; at; at = at->next) {
		if (is_known_attribute(at, known ? known : none))
			continue;
		label_refuse(error, LABEL_ERROR_CONTENT, "unknown attribute %.80s",
			(const char *)at->name);
		return place(error, reader, node);
	}
	return TRUE;
}

static char *read_leaf(const struct acm_reader *reader, const xmlNode *node, GError **error)
{
	if (base_xml_first(node)) {
		refuse_at(error, reader, node, "text expected, not elements");
		return NULL;
	}
	return base_xml_text(node);
}

/* One row an element that may stand in a certain place. `most` 0: any number. */
struct child_rule {
	const char *element;
	unsigned least, most;
	gboolean (*read)(struct acm_reader *reader, const xmlNode *node, GError **error);
};

#define MAX_RULES 8

static gboolean check_counts(const struct acm_reader *reader, const xmlNode *node,
	const struct child_rule *rules, const unsigned *counts, GError **error)
{
	for (size_t i = 0; rules[i].element; i++) {
		if (counts[i] >= rules[i].least)
			continue;
		label_refuse(error, LABEL_ERROR_CONTENT, "<%s> is missing", rules[i].element);
		return place(error, reader, node);
	}
	return TRUE;
}

/* Reads the children of `node` in the order of the document. */
static gboolean read_children(struct acm_reader *reader, const xmlNode *node,
	const struct child_rule *rules, GError **error)
{
	unsigned counts[MAX_RULES] = { 0 };

	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		size_t i = 0;

		while (rules[i].element && !is_element(child, rules[i].element))
			i++;
		if (!rules[i].element)
			return refuse_at(error, reader, child, "not expected here");
		if (rules[i].most && counts[i] == rules[i].most)
			return refuse_at(error, reader, child, "given twice");
		counts[i]++;
		if (rules[i].read && !rules[i].read(reader, child, error))
			return FALSE;
	}
	return check_counts(reader, node, rules, counts, error);
}

/* PolicyHeader. */

static gboolean read_header_text(
	struct acm_reader *reader, const xmlNode *node, char **into, GError **error)
{
	char *text = NULL;

	if (!check_attributes(reader, node, NULL, error))
		return FALSE;
	text = read_leaf(reader, node, error);
	if (!text)
		return FALSE;
	if (!*text)
		g_clear_pointer(&text, g_free);
	*into = text;
	return TRUE;
}

static gboolean read_policy_name(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_header_text(reader, node, &reader->header.name, error);
}

static gboolean read_policy_url(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_header_text(reader, node, &reader->header.url, error);
}

static gboolean read_date(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_header_text(reader, node, &reader->header.date, error);
}

static gboolean read_version(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_header_text(reader, node, &reader->header.version, error);
}

static const struct child_rule header_rules[] = {
	{ "PolicyName", 1, 1, read_policy_name },
	{ "PolicyUrl", 0, 1, read_policy_url },
	{ "Reference", 0, 1, NULL },
	{ "Date", 0, 1, read_date },
	{ "NameSpaceUrl", 0, 1, NULL },
	{ "Version", 1, 1, read_version },
	{ "FromPolicy", 0, 1, NULL },
	{ NULL },
};

static gboolean read_header(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	if (!check_attributes(reader, node, NULL, error) ||
		!read_children(reader, node, header_rules, error))
		return FALSE;
	return label_draft_set_header(reader->draft, &reader->header, error) ||
	       place(error, reader, node);
}

/* SimpleTypeEnforcement and ChineseWall. */

static gboolean declare_type(
	struct acm_reader *reader, const xmlNode *node, enum label_use use, GError **error)
{
	static const char *const known[] = { "@colour", NULL };
	g_autofree char *name = NULL;
	g_autofree char *colour = base_xml_attr(node, OUR_NS, "colour");

	if (!check_attributes(reader, node, known, error))
		return FALSE;
	name = read_leaf(reader, node, error);
	if (!name)
		return FALSE;
	if (!*name) /* as Xen wrote "none" */
		return TRUE;
	return label_draft_add_type(reader->draft, name, use, colour, error) ||
	       place(error, reader, node);
}

static gboolean declare_ste_type(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return declare_type(reader, node, LABEL_USE_STE, error);
}

static gboolean declare_chw_type(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return declare_type(reader, node, LABEL_USE_CHW, error);
}

static const struct child_rule ste_type_rules[] = { { "Type", 1, 0, declare_ste_type }, { NULL } };
static const struct child_rule chw_type_rules[] = { { "Type", 1, 0, declare_chw_type }, { NULL } };

static gboolean read_ste_types(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return check_attributes(reader, node, NULL, error) &&
	       read_children(reader, node, ste_type_rules, error);
}

static gboolean read_chw_types(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return check_attributes(reader, node, NULL, error) &&
	       read_children(reader, node, chw_type_rules, error);
}

/* A member of a conflict set or label. */
static gboolean read_member(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	g_autofree char *name = NULL;

	if (!check_attributes(reader, node, NULL, error))
		return FALSE;
	name = read_leaf(reader, node, error);
	if (!name)
		return FALSE;
	if (*name)
		g_strv_builder_add(reader->members, name);
	return TRUE;
}

static const struct child_rule member_rules[] = { { "Type", 1, 0, read_member }, { NULL } };

static gboolean read_members(
	struct acm_reader *reader, const xmlNode *node, GStrvBuilder *into, GError **error)
{
	reader->members = into;
	return read_children(reader, node, member_rules, error);
}

static gboolean read_lasting(
	const struct acm_reader *reader, const xmlNode *node, gboolean *ret_lasting, GError **error)
{
	g_autofree char *lasting = base_xml_attr(node, OUR_NS, "lasting");

	if (lasting && strcmp(lasting, "true") != 0 && strcmp(lasting, "false") != 0)
		return refuse_at(error, reader, node, "lasting is neither true nor false");
	*ret_lasting = lasting && strcmp(lasting, "true") == 0;
	return TRUE;
}

static gboolean read_conflict(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	static const char *const known[] = { "name", "@lasting", NULL };
	g_autoptr(GStrvBuilder) members = g_strv_builder_new();
	g_auto(GStrv) types = NULL;
	g_autofree char *name = base_xml_attr(node, NULL, "name");
	struct label_conflict conflict = { .name = name };

	if (!check_attributes(reader, node, known, error) ||
		!read_lasting(reader, node, &conflict.lasting, error) ||
		!read_members(reader, node, members, error))
		return FALSE;
	types = g_strv_builder_end(members);
	conflict.types = types;
	return label_draft_add_conflict(reader->draft, &conflict, error) ||
	       place(error, reader, node);
}

static const struct child_rule conflict_rules[] = { { "Conflict", 1, 0, read_conflict }, { NULL } };

static gboolean read_conflicts(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return check_attributes(reader, node, NULL, error) &&
	       read_children(reader, node, conflict_rules, error);
}

static const struct child_rule ste_rules[] = {
	{ "SimpleTypeEnforcementTypes", 1, 1, read_ste_types },
	{ NULL },
};

static const struct child_rule chw_rules[] = {
	{ "ChineseWallTypes", 1, 1, read_chw_types },
	{ "ConflictSets", 0, 1, read_conflicts },
	{ NULL },
};

static gboolean read_component(struct acm_reader *reader, const xmlNode *node,
	const struct child_rule *rules, enum label_primary primary, GError **error)
{
	static const char *const known[] = { "priority", NULL };
	g_autofree char *priority = base_xml_attr(node, NULL, "priority");

	if (!check_attributes(reader, node, known, error))
		return FALSE;
	if (priority && strcmp(priority, PRIMARY) != 0)
		return refuse_at(error, reader, node, "the only priority there is is " PRIMARY);
	if (priority && reader->header.primary != LABEL_PRIMARY_NONE)
		return refuse_at(error, reader, node, "a second " PRIMARY);
	if (priority)
		reader->header.primary = primary;
	return read_children(reader, node, rules, error);
}

static gboolean read_ste(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_component(reader, node, ste_rules, LABEL_PRIMARY_STE, error);
}

static gboolean read_chw(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_component(reader, node, chw_rules, LABEL_PRIMARY_CHW, error);
}

/* SecurityLabelTemplate. */

static gboolean read_label_name(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	static const char *const known[] = { "from", "@colour", NULL };
	struct label_parts *parts = reader->label;

	if (!check_attributes(reader, node, known, error))
		return FALSE;
	parts->name = read_leaf(reader, node, error);
	parts->colour = base_xml_attr(node, OUR_NS, "colour");
	return parts->name != NULL;
}

static gboolean read_label_ste(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return check_attributes(reader, node, NULL, error) &&
	       read_members(reader, node, reader->label->ste, error);
}

static gboolean read_label_chw(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return check_attributes(reader, node, NULL, error) &&
	       read_members(reader, node, reader->label->chw, error);
}

static const struct child_rule vm_label_rules[] = {
	{ "Name", 1, 1, read_label_name },
	{ "SimpleTypeEnforcementTypes", 0, 1, read_label_ste },
	{ "ChineseWallTypes", 0, 0, read_label_chw },
	{ NULL },
};

static const struct child_rule resource_label_rules[] = {
	{ "Name", 1, 1, read_label_name },
	{ "SimpleTypeEnforcementTypes", 1, 1, read_label_ste },
	{ NULL },
};

static gboolean add_label(struct acm_reader *reader, const xmlNode *node,
	const struct label_parts *parts, enum label_kind kind, GError **error)
{
	g_auto(GStrv) ste = g_strv_builder_end(parts->ste);
	g_auto(GStrv) chw = g_strv_builder_end(parts->chw);
	struct label label = { parts->name, kind, parts->colour, ste, chw };

	return label_draft_add_label(reader->draft, &label, error) || place(error, reader, node);
}

static gboolean read_label(struct acm_reader *reader, const xmlNode *node,
	const struct child_rule *rules, enum label_kind kind, GError **error)
{
	struct label_parts parts = { NULL, NULL, g_strv_builder_new(), g_strv_builder_new() };
	gboolean good;

	reader->label = &parts;
	good = check_attributes(reader, node, NULL, error) &&
	       read_children(reader, node, rules, error) &&
	       add_label(reader, node, &parts, kind, error);
	reader->label = NULL;
	g_free(parts.name);
	g_free(parts.colour);
	g_strv_builder_unref(parts.ste);
	g_strv_builder_unref(parts.chw);
	return good;
}

static gboolean read_vm_label(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_label(reader, node, vm_label_rules, LABEL_WORKLOAD, error);
}

static gboolean read_resource_label(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return read_label(reader, node, resource_label_rules, LABEL_RESOURCE, error);
}

static const struct child_rule subject_rules[] = {
	{ "VirtualMachineLabel", 1, 0, read_vm_label },
	{ NULL },
};

static const struct child_rule object_rules[] = {
	{ "ResourceLabel", 1, 0, read_resource_label },
	{ NULL },
};

static gboolean read_subjects(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	static const char *const known[] = { "bootstrap", NULL };

	reader->header.bootstrap = base_xml_attr(node, NULL, "bootstrap");
	return check_attributes(reader, node, known, error) &&
	       read_children(reader, node, subject_rules, error);
}

static gboolean read_objects(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return check_attributes(reader, node, NULL, error) &&
	       read_children(reader, node, object_rules, error);
}

static const struct child_rule template_rules[] = {
	{ "SubjectLabels", 0, 1, read_subjects },
	{ "ObjectLabels", 0, 1, read_objects },
	{ NULL },
};

static gboolean read_template(struct acm_reader *reader, const xmlNode *node, GError **error)
{
	return check_attributes(reader, node, NULL, error) &&
	       read_children(reader, node, template_rules, error);
}

static const struct child_rule policy_rules[] = {
	{ "PolicyHeader", 1, 1, read_header },
	{ "SimpleTypeEnforcement", 0, 1, read_ste },
	{ "ChineseWall", 0, 1, read_chw },
	{ "SecurityLabelTemplate", 1, 1, read_template },
	{ NULL },
};

static gboolean read_policy(struct acm_reader *reader, const xmlNode *root, GError **error)
{
	if (!is_element(root, "SecurityPolicyDefinition"))
		return refuse_at(error, reader, root, "<SecurityPolicyDefinition> expected");
	if (!check_attributes(reader, root, NULL, error) ||
		!read_children(reader, root, policy_rules, error))
		return FALSE;
	/* Again: the primary component and the bootstrap label were met after the header. */
	return (label_draft_set_header(reader->draft, &reader->header, error) &&
		       label_draft_finish(reader->draft, error)) ||
	       place(error, reader, root);
}

struct label_policy *label_acm_read(const char *name, const char *data, size_t size, GError **error)
{
	g_autoptr(xmlDoc) doc = base_xml_read(name, data, size, &limits, error);
	g_autoptr(label_policy) draft = label_draft_new();
	struct acm_reader reader = { .name = name, .draft = draft };
	gboolean good = doc && read_policy(&reader, xmlDocGetRootElement(doc), error);

	g_free(reader.header.name);
	g_free(reader.header.version);
	g_free(reader.header.url);
	g_free(reader.header.date);
	g_free(reader.header.bootstrap);
	return good ? g_steal_pointer(&draft) : NULL;
}
