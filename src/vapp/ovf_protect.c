/* Drover's own sections: BootSection of a system, ProtectionSection of the application
 * (docs/vapp.md). Strict: a word that is not understood would be a protection that is not carried
 * out. */
#include <string.h>

#include "vapp/ovf_reader.h"

#define SECTION_VERSION "1"

enum {
	MAX_ATTRIBUTES = 8,
	MAX_WORDS = 1000,
};

/* ---- attributes ---- */

static gboolean in_list(const char *const *list, const char *word)
{
	for (size_t i = 0; i < MAX_ATTRIBUTES && list[i]; i++)
		if (strcmp(list[i], word) == 0)
			return TRUE;
	return FALSE;
}

/* Refuses attributes that `allowed` does not name, and child elements. */
static gboolean check_shape(
	struct ovf_reader *reader, const xmlNode *node, const char *const *allowed)
{
	for (const xmlAttr *attr = node->properties; attr; attr = attr->next)
		if (!in_list(allowed, (const char *)attr->name))
			return ovf_refuse(
				reader, node, "unknown attribute '%s'", (const char *)attr->name);
	if (base_xml_first(node))
		return ovf_refuse(reader, node, "element '%s' has no place here",
			(const char *)base_xml_first(node)->name);
	return TRUE;
}

/* The words of a list attribute appended to `words`. */
static gboolean get_words(
	struct ovf_reader *reader, const xmlNode *node, const char *local, GPtrArray *words)
{
	g_autofree char *text = ovf_attr(reader, node, local);
	g_auto(GStrv) parts = text ? g_strsplit_set(text, " \t\r\n", -1) : NULL;

	for (char **part = parts; part && *part; part++) {
		if (!**part)
			continue;
		if (words->len >= MAX_WORDS)
			return ovf_refuse(
				reader, node, "more than %d words in '%s'", MAX_WORDS, local);
		g_ptr_array_add(words, g_strdup(*part));
	}
	return TRUE;
}

/* ---- tiers and labels ---- */

static gboolean read_tier(struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *name = ovf_need_attr(reader, node, "name");
	g_autoptr(GPtrArray) machines = g_ptr_array_new_with_free_func(g_free);

	if (!name || !get_words(reader, node, "machines", machines))
		return FALSE;
	if (machines->len == 0)
		return ovf_refuse(reader, node, "tier '%s' is empty", name);
	if (vapp_has_tier(reader->vapp, name))
		return ovf_refuse(reader, node, "tier '%s' is declared twice", name);
	for (unsigned i = 0; i < machines->len; i++) {
		const char *id = machines->pdata[i];
		struct vapp_machine *machine = (struct vapp_machine *)vapp_find_machine(
			reader->vapp, id);

		if (!machine)
			return ovf_refuse(reader, node, "there is no machine '%s'", id);
		if (machine->tier)
			return ovf_refuse(reader, node, "machine '%s' is already in tier '%s'", id,
				machine->tier);
		machine->tier = g_strdup(name);
	}
	return TRUE;
}

static gboolean set_label(
	struct ovf_reader *reader, const xmlNode *node, char **label, const char *name)
{
	if (*label)
		return ovf_refuse(
			reader, node, "label '%s' stands where '%s' stands already", name, *label);
	*label = g_strdup(name);
	return TRUE;
}

static gboolean read_label(struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *name = ovf_need_attr(reader, node, "name");
	g_autoptr(GPtrArray) subjects = g_ptr_array_new_with_free_func(g_free);

	if (!name || !get_words(reader, node, "on", subjects))
		return FALSE;
	if (subjects->len == 0)
		return set_label(reader, node, &reader->vapp->label, name);
	for (unsigned i = 0; i < subjects->len; i++) {
		g_autoptr(GPtrArray) machines = vapp_select(reader->vapp, subjects->pdata[i]);

		if (machines->len == 0)
			return ovf_refuse(reader, node, "there is no tier or machine '%s'",
				(const char *)subjects->pdata[i]);
		for (unsigned j = 0; j < machines->len; j++) {
			struct vapp_machine *machine = machines->pdata[j];

			if (!set_label(reader, node, &machine->label, name))
				return FALSE;
		}
	}
	return TRUE;
}

static gboolean read_profile(struct ovf_reader *reader, const xmlNode *node)
{
	struct vapp_profile_ref *profile = &reader->vapp->profile;

	if (profile->id)
		return ovf_refuse(reader, node, "a second profile");
	profile->id = ovf_need_attr(reader, node, "id");
	profile->version = ovf_attr(reader, node, "version");
	profile->href = ovf_attr(reader, node, "href");
	profile->line = ovf_line(node);
	return profile->id != NULL;
}

/* ---- flows ---- */

static gboolean read_outside(struct ovf_reader *reader, const xmlNode *node, struct vapp_flow *flow)
{
	gboolean from = strcmp(flow->from.name, VAPP_OUTSIDE) == 0,
		 to = strcmp(flow->to.name, VAPP_OUTSIDE) == 0;
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *text = ovf_attr(reader, node, "outside");

	if (text && from == to)
		return ovf_refuse(reader, node, "'outside' gives addresses, but %s",
			from ? "both ends are outside" : "neither end is outside");
	if (!get_words(reader, node, "outside", words))
		return FALSE;
	if (text && words->len == 0)
		return ovf_refuse(
			reader, node, "'outside' is empty; leave it out to mean everybody");
	for (unsigned i = 0; i < words->len; i++) {
		struct vapp_prefix prefix;

		if (!vapp_prefix_from_string(words->pdata[i], &prefix))
			return ovf_refuse(reader, node, "'%s' is not an address",
				(const char *)words->pdata[i]);
		g_array_append_val(from ? flow->from.outside : flow->to.outside, prefix);
	}
	return TRUE;
}

static gboolean read_ports(struct ovf_reader *reader, const xmlNode *node, struct vapp_flow *flow)
{
	g_autofree char *text = ovf_attr(reader, node, "ports");
	gboolean all = g_strcmp0(text, "all") == 0;
	gboolean has_ports = flow->protocol == VAPP_PROTOCOL_TCP ||
			     flow->protocol == VAPP_PROTOCOL_UDP;
	g_autoptr(GArray) ports = NULL;

	if (!text && has_ports)
		return ovf_refuse(
			reader, node, "attribute 'ports' is missing; 'all' means every port");
	if (!text || (all && has_ports))
		return TRUE;
	ports = vapp_ports_from_string(text);
	if (!ports || ports->len == 0)
		return ovf_refuse(reader, node,
			"'%s' are no ports: write 80 or 80,8000-8010 (1 to 65535)", text);
	g_array_unref(flow->ports);
	flow->ports = g_steal_pointer(&ports);
	return TRUE;
}

static gboolean read_paths(struct ovf_reader *reader, const xmlNode *node, struct vapp_flow *flow)
{
	g_autofree char *text = ovf_attr(reader, node, "paths");
	guint64 value = 1;

	if (text && !g_ascii_string_to_unsigned(text, 10, 1, 16, &value, NULL))
		return ovf_refuse(reader, node, "'paths' must be 1 to 16, not '%s'", text);
	flow->n_paths = (unsigned)value;
	return TRUE;
}

static gboolean read_flow(struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *id = ovf_need_attr(reader, node, "id");
	g_autofree char *from = id ? ovf_need_attr(reader, node, "from") : NULL;
	g_autofree char *to = from ? ovf_need_attr(reader, node, "to") : NULL;
	g_autofree char *protocol = to ? ovf_need_attr(reader, node, "protocol") : NULL;
	struct vapp_flow *flow;

	if (!protocol)
		return FALSE;
	flow = vapp_flow_new(id, from, to);
	flow->line = ovf_line(node);
	g_ptr_array_add(reader->vapp->flows, flow);
	flow->network = ovf_attr(reader, node, "network");
	if (!vapp_protocol_from_string(protocol, &flow->protocol))
		return ovf_refuse(
			reader, node, "protocol '%s' is none of tcp, udp, icmp, any", protocol);
	return read_ports(reader, node, flow) && read_paths(reader, node, flow) &&
	       read_outside(reader, node, flow);
}

/* ---- placement and duties ---- */

static gboolean read_placement(struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *text = ovf_need_attr(reader, node, "kind");
	struct vapp_placement *placement;
	enum vapp_placement_kind kind;

	if (!text)
		return FALSE;
	if (!vapp_placement_kind_from_string(text, &kind))
		return ovf_refuse(reader, node,
			"kind '%s' is none of apart, together, sites, never-with", text);
	placement = vapp_placement_new(kind);
	placement->line = ovf_line(node);
	g_ptr_array_add(reader->vapp->placements, placement);
	return get_words(reader, node, "on", placement->subjects) &&
	       get_words(reader, node, "values", placement->values);
}

/* "90s", "5m", "1h", "1d"; a bare number is seconds. */
static gboolean interval_from_string(const char *text, unsigned *ret_interval_s)
{
	static const struct {
		char unit;
		unsigned factor;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	g_autofree char *number = g_strdup(text);
	size_t size = strlen(number);
	unsigned factor = 1;
	guint64 value;

	for (size_t i = 0; size && i < G_N_ELEMENTS(units); i++)
		if (number[size - 1] == units[i].unit) {
			factor = units[i].factor;
			number[size - 1] = '\0';
			break;
		}
	if (!g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT32, &value, NULL) ||
		value * factor > G_MAXUINT32)
		return FALSE;
	*ret_interval_s = (unsigned)(value * factor);
	return TRUE;
}

static gboolean read_duty(struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *text = ovf_need_attr(reader, node, "kind");
	g_autofree char *every = text ? ovf_need_attr(reader, node, "every") : NULL;
	enum vapp_duty_kind kind;
	struct vapp_duty *duty;
	unsigned interval_s;

	if (!every)
		return FALSE;
	if (!vapp_duty_kind_from_string(text, &kind))
		return ovf_refuse(
			reader, node, "kind '%s' is none of boot, memory, disk, content", text);
	if (!interval_from_string(every, &interval_s))
		return ovf_refuse(
			reader, node, "'%s' is no interval: write 90s, 5m, 1h or 1d", every);
	duty = vapp_duty_new(kind, interval_s);
	duty->line = ovf_line(node);
	g_ptr_array_add(reader->vapp->duties, duty);
	return get_words(reader, node, "on", duty->subjects);
}

/* ---- ProtectionSection ---- */

/* One row an element. Tiers are read in a first pass, since the others name them. */
static const struct element {
	const char *name;
	int pass;
	gboolean (*read)(struct ovf_reader *reader, const xmlNode *node);
	const char *attributes[MAX_ATTRIBUTES];
} elements[] = {
	{ "Tier", 0, read_tier, { "name", "machines" } },
	{ "Label", 1, read_label, { "name", "on" } },
	{ "Profile", 1, read_profile, { "id", "version", "href" } },
	{ "Flow", 1, read_flow,
		{ "id", "from", "to", "network", "protocol", "ports", "paths", "outside" } },
	{ "Placement", 1, read_placement, { "kind", "on", "values" } },
	{ "Duty", 1, read_duty, { "kind", "every", "on" } },
};

static const struct element *find_element(const xmlNode *node)
{
	for (size_t i = 0; i < G_N_ELEMENTS(elements); i++)
		if (base_xml_is(node, OVF_NS_DROVER, elements[i].name))
			return &elements[i];
	return NULL;
}

static gboolean is_info(const struct ovf_reader *reader, const xmlNode *node)
{
	return base_xml_is(node, reader->ns, "Info") || base_xml_is(node, OVF_NS_DROVER, "Info");
}

static gboolean read_element(struct ovf_reader *reader, const xmlNode *node, int pass)
{
	const struct element *element = find_element(node);

	if (!element)
		return ovf_refuse(reader, node, "unknown element");
	if (element->pass != pass)
		return TRUE;
	return check_shape(reader, node, element->attributes) && element->read(reader, node);
}

static gboolean check_section(struct ovf_reader *reader, const xmlNode *node)
{
	static const char *const allowed[MAX_ATTRIBUTES] = { "required", "version" };
	g_autofree char *version = ovf_attr(reader, node, "version");

	for (const xmlAttr *attr = node->properties; attr; attr = attr->next)
		if (!in_list(allowed, (const char *)attr->name))
			return ovf_refuse(
				reader, node, "unknown attribute '%s'", (const char *)attr->name);
	if (version && strcmp(version, SECTION_VERSION) != 0)
		return ovf_refuse(reader, node, "version '%s' is not understood, only '%s' is",
			version, SECTION_VERSION);
	return TRUE;
}

gboolean ovf_read_protection(struct ovf_reader *reader, const xmlNode *node)
{
	if (!check_section(reader, node))
		return FALSE;
	for (int pass = 0; pass < 2; pass++)
		for (const xmlNode *child = base_xml_first(node); child;
			child = base_xml_next(child))
			if (!is_info(reader, child) && !read_element(reader, child, pass))
				return FALSE;
	return TRUE;
}

/* ---- BootSection ---- */

static gboolean read_boot_file(struct ovf_reader *reader, const xmlNode *node, char **href)
{
	static const char *const allowed[MAX_ATTRIBUTES] = { "fileRef" };
	g_autofree char *id = check_shape(reader, node, allowed)
				      ? ovf_need_attr(reader, node, "fileRef")
				      : NULL;

	if (!id)
		return FALSE;
	if (*href)
		return ovf_refuse(reader, node, "stands twice");
	*href = ovf_file_href(reader, node, id);
	return *href != NULL;
}

static gboolean read_kernel(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	return read_boot_file(reader, node, &machine->boot.kernel);
}

static gboolean read_initrd(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	return read_boot_file(reader, node, &machine->boot.initrd);
}

static gboolean read_cmdline(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	static const char *const allowed[MAX_ATTRIBUTES] = { NULL };

	if (!check_shape(reader, node, allowed))
		return FALSE;
	if (machine->boot.cmdline)
		return ovf_refuse(reader, node, "stands twice");
	machine->boot.cmdline = base_xml_text(node);
	return TRUE;
}

static gboolean read_platform(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	static const char *const allowed[MAX_ATTRIBUTES] = { "uuid", "machine", "cpu" };
	g_autofree char *uuid = ovf_attr(reader, node, "uuid");
	g_autofree char *type = ovf_attr(reader, node, "machine");

	if (!check_shape(reader, node, allowed))
		return FALSE;
	if (machine->uuid || machine->cpu_model)
		return ovf_refuse(reader, node, "stands twice");
	machine->uuid = uuid ? g_ascii_strdown(uuid, -1) : NULL;
	machine->cpu_model = ovf_attr(reader, node, "cpu");
	if (type) {
		g_free(machine->machine_type);
		machine->machine_type = g_steal_pointer(&type);
	}
	return TRUE;
}

static const struct {
	const char *name;
	gboolean (*read)(
		struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine);
} boot_elements[] = {
	{ "Platform", read_platform },
	{ "Kernel", read_kernel },
	{ "Initrd", read_initrd },
	{ "Cmdline", read_cmdline },
};

static gboolean read_boot_element(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	for (size_t i = 0; i < G_N_ELEMENTS(boot_elements); i++)
		if (base_xml_is(node, OVF_NS_DROVER, boot_elements[i].name))
			return boot_elements[i].read(reader, node, machine);
	return is_info(reader, node) || ovf_refuse(reader, node, "unknown element");
}

gboolean ovf_read_boot(struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	if (machine->boot.line)
		return ovf_refuse(reader, node, "a second BootSection");
	if (!check_section(reader, node))
		return FALSE;
	machine->boot.line = MAX(ovf_line(node), 1);
	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child))
		if (!read_boot_element(reader, child, machine))
			return FALSE;
	return TRUE;
}
