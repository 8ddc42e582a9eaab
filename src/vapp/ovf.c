/* The envelope: references, networks, collections and systems, start-up. */
#include "vapp/ovf.h"

#include <string.h>

#include "vapp/ovf_reader.h"

enum {
	MAX_DELAY_S = 24 * 3600,
	MAX_ORDER = 65535,
};

/* Where a section may stand. */
enum {
	IN_ENVELOPE = 1,
	IN_COLLECTION = 2,
	IN_SYSTEM = 4,
};

typedef gboolean (*section_fn)(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine);

/* ---- shared helpers ---- */

gboolean ovf_refuse(const struct ovf_reader *reader, const xmlNode *node, const char *format, ...)
{
	g_autofree char *why = NULL;
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	base_xml_set_error(reader->error, reader->source, node, "%s", why);
	return FALSE;
}

char *ovf_attr(const struct ovf_reader *reader, const xmlNode *node, const char *local)
{
	char *value = base_xml_attr(node, reader->ns, local);

	return value ? value : base_xml_attr(node, NULL, local);
}

char *ovf_need_attr(const struct ovf_reader *reader, const xmlNode *node, const char *local)
{
	g_autofree char *value = ovf_attr(reader, node, local);

	if (value && *value)
		return g_steal_pointer(&value);
	ovf_refuse(reader, node, "attribute '%s' is missing", local);
	return NULL;
}

unsigned ovf_line(const xmlNode *node)
{
	return (unsigned)MAX(xmlGetLineNo(node), 0);
}

gboolean ovf_is_chosen(const struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *bound = ovf_attr(reader, node, "bound");
	g_autofree char *configuration = ovf_attr(reader, node, "configuration");
	g_auto(GStrv) ids = configuration ? g_strsplit_set(configuration, " \t\r\n", -1) : NULL;

	if (bound)
		return FALSE; /* a range marker, not a device */
	if (!ids || !*configuration)
		return TRUE;
	return reader->configuration &&
	       g_strv_contains((const char *const *)ids, reader->configuration);
}

char *ovf_file_href(const struct ovf_reader *reader, const xmlNode *node, const char *id)
{
	const char *href = g_hash_table_lookup(reader->files, id);

	if (!href)
		ovf_refuse(reader, node, "there is no file '%s' in References", id);
	return g_strdup(href);
}

/* ---- envelope sections ---- */

static gboolean read_file(struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *id = ovf_need_attr(reader, node, "id");
	g_autofree char *href = id ? ovf_need_attr(reader, node, "href") : NULL;
	g_autofree char *compression = ovf_attr(reader, node, "compression");
	g_autofree char *chunk = ovf_attr(reader, node, "chunkSize");

	if (!href)
		return FALSE;
	if (g_hash_table_contains(reader->files, id))
		return ovf_refuse(reader, node, "file '%s' is declared twice", id);
	if (compression && *compression && strcmp(compression, "identity") != 0)
		return ovf_refuse(reader, node,
			"compression '%s' is not supported; unpack the file first", compression);
	if (chunk)
		return ovf_refuse(reader, node, "a file in chunks is not supported; join it first");
	g_hash_table_insert(reader->files, g_steal_pointer(&id), g_steal_pointer(&href));
	return TRUE;
}

static gboolean read_references(struct ovf_reader *reader, const xmlNode *node)
{
	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child))
		if (base_xml_is(child, reader->ns, "File") && !read_file(reader, child))
			return FALSE;
	return TRUE;
}

static gboolean read_disks(struct ovf_reader *reader, const xmlNode *node)
{
	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		g_autofree char *id = NULL;

		if (!base_xml_is(child, reader->ns, "Disk"))
			continue;
		id = ovf_need_attr(reader, child, "diskId");
		if (!id)
			return FALSE;
		if (g_hash_table_contains(reader->disks, id))
			return ovf_refuse(reader, child, "disk '%s' is declared twice", id);
		g_hash_table_insert(reader->disks, g_steal_pointer(&id), (gpointer)child);
	}
	return TRUE;
}

static gboolean read_networks(struct ovf_reader *reader, const xmlNode *node)
{
	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		const xmlNode *description;
		g_autofree char *name = NULL;
		struct vapp_network *network;

		if (!base_xml_is(child, reader->ns, "Network"))
			continue;
		name = ovf_need_attr(reader, child, "name");
		if (!name)
			return FALSE;
		network = vapp_network_new(name);
		network->line = ovf_line(child);
		description = base_xml_find(child, reader->ns, "Description");
		network->description = description ? base_xml_text(description) : NULL;
		g_ptr_array_add(reader->vapp->networks, network);
	}
	return TRUE;
}

/* The configuration marked as default, else the first (OVF 1.1, 9.8). */
static gboolean read_options(struct ovf_reader *reader, const xmlNode *node)
{
	gboolean fixed = FALSE;

	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		g_autofree char *id = NULL;
		g_autofree char *is_default = NULL;
		gboolean marked;

		if (!base_xml_is(child, reader->ns, "Configuration"))
			continue;
		id = ovf_need_attr(reader, child, "id");
		if (!id)
			return FALSE;
		is_default = ovf_attr(reader, child, "default");
		marked = g_strcmp0(is_default, "true") == 0 || g_strcmp0(is_default, "1") == 0;
		if (reader->configuration && (fixed || !marked))
			continue;
		g_free(reader->configuration);
		reader->configuration = g_steal_pointer(&id);
		fixed = marked;
	}
	return TRUE;
}

/* ---- start-up ---- */

static gboolean read_number(const struct ovf_reader *reader, const xmlNode *node, const char *local,
	unsigned max, unsigned *ret_value)
{
	g_autofree char *text = ovf_attr(reader, node, local);
	guint64 value;

	if (!text)
		return TRUE;
	if (!g_ascii_string_to_unsigned(text, 10, 0, max, &value, NULL))
		return ovf_refuse(
			reader, node, "attribute '%s' must be 0 to %u, not '%s'", local, max, text);
	*ret_value = (unsigned)value;
	return TRUE;
}

static gboolean read_startup_item(
	struct ovf_reader *reader, const xmlNode *node, GHashTable *collections)
{
	g_autofree char *id = ovf_need_attr(reader, node, "id");
	struct vapp_machine *machine = id ? (struct vapp_machine *)vapp_find_machine(
						    reader->vapp, id)
					  : NULL;

	if (!id)
		return FALSE;
	if (!machine && g_hash_table_contains(collections, id))
		return TRUE; /* the order of a nested collection: its own section orders its
				machines */
	if (!machine)
		return ovf_refuse(reader, node, "there is no machine '%s'", id);
	return read_number(reader, node, "order", MAX_ORDER, &machine->start_order) &&
	       read_number(reader, node, "startDelay", MAX_DELAY_S, &machine->start_delay_s) &&
	       read_number(reader, node, "stopDelay", MAX_DELAY_S, &machine->stop_delay_s);
}

static gboolean read_startups(struct ovf_reader *reader, GHashTable *collections)
{
	for (unsigned i = 0; i < reader->startups->len; i++)
		for (const xmlNode *item = base_xml_first(reader->startups->pdata[i]); item;
			item = base_xml_next(item))
			if (base_xml_is(item, reader->ns, "Item") &&
				!read_startup_item(reader, item, collections))
				return FALSE;
	return TRUE;
}

static gboolean keep_startup(struct ovf_reader *reader, const xmlNode *node)
{
	g_ptr_array_add(reader->startups, (gpointer)node);
	return TRUE;
}

static gboolean keep_protection(struct ovf_reader *reader, const xmlNode *node)
{
	if (!base_xml_is(node->parent->parent, reader->ns, "Envelope"))
		return ovf_refuse(
			reader, node, "it belongs to the whole application, not to a part of it");
	if (reader->protection)
		return ovf_refuse(reader, node, "a second ProtectionSection");
	reader->protection = node;
	return TRUE;
}

/* ---- sections ---- */

/* One row a section that we know. Neither reader: known, and nothing in it concerns us. */
static const struct section {
	const char *name;
	gboolean ours; /* in OVF_NS_DROVER, else in the envelope's namespace */
	int where;
	gboolean (*read)(struct ovf_reader *reader, const xmlNode *node);
	gboolean (*read_of)(
		struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine);
} sections[] = {
	{ "Info", FALSE, IN_COLLECTION | IN_SYSTEM },
	{ "Name", FALSE, IN_COLLECTION | IN_SYSTEM },
	{ "Strings", FALSE, IN_ENVELOPE },
	{ "References", FALSE, IN_ENVELOPE, read_references },
	{ "DiskSection", FALSE, IN_ENVELOPE, read_disks },
	{ "NetworkSection", FALSE, IN_ENVELOPE, read_networks },
	{ "DeploymentOptionSection", FALSE, IN_ENVELOPE, read_options },
	{ "AnnotationSection", FALSE, IN_COLLECTION | IN_SYSTEM },
	{ "EulaSection", FALSE, IN_COLLECTION | IN_SYSTEM },
	{ "ResourceAllocationSection", FALSE, IN_COLLECTION },
	{ "StartupSection", FALSE, IN_COLLECTION, keep_startup },
	{ "ProductSection", FALSE, IN_COLLECTION | IN_SYSTEM, NULL, ovf_read_product },
	{ "OperatingSystemSection", FALSE, IN_SYSTEM },
	{ "InstallSection", FALSE, IN_SYSTEM },
	{ "VirtualHardwareSection", FALSE, IN_SYSTEM, NULL, ovf_read_hardware },
	{ "BootSection", TRUE, IN_SYSTEM, NULL, ovf_read_boot },
	{ "ProtectionSection", TRUE, IN_COLLECTION | IN_SYSTEM, keep_protection },
};

static const struct section *find_section(
	const struct ovf_reader *reader, const xmlNode *node, int where)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sections); i++)
		if (sections[i].where & where &&
			base_xml_is(node, sections[i].ours ? OVF_NS_DROVER : reader->ns,
				sections[i].name))
			return &sections[i];
	return NULL;
}

/* A section nobody here knows may be passed over only if the package says so, and never if it is
 * ours. */
static gboolean pass_over(const struct ovf_reader *reader, const xmlNode *node)
{
	g_autofree char *required = ovf_attr(reader, node, "required");

	if (node->ns && strcmp((const char *)node->ns->href, OVF_NS_DROVER) == 0)
		return ovf_refuse(
			reader, node, "unknown or misplaced section of Drover's namespace");
	if (g_strcmp0(required, "false") == 0 || g_strcmp0(required, "0") == 0)
		return TRUE;
	return ovf_refuse(reader, node,
		"unknown or misplaced section, and the package requires it to be understood");
}

static gboolean read_section(
	struct ovf_reader *reader, const xmlNode *node, int where, struct vapp_machine *machine)
{
	const struct section *section = find_section(reader, node, where);

	if (!section)
		return pass_over(reader, node);
	if (section->read)
		return section->read(reader, node);
	return !section->read_of || section->read_of(reader, node, machine);
}

/* ---- systems and collections ---- */

/* The system's hardware, or all the rest. */
static gboolean read_sections(struct ovf_reader *reader, const xmlNode *system,
	struct vapp_machine *machine, gboolean hardware)
{
	for (const xmlNode *child = base_xml_first(system); child; child = base_xml_next(child))
		if (base_xml_is(child, reader->ns, "VirtualHardwareSection") == hardware &&
			!read_section(reader, child, IN_SYSTEM, machine))
			return FALSE;
	return TRUE;
}

static gboolean read_system(struct ovf_reader *reader, const xmlNode *node, const char *tier)
{
	g_autofree char *id = ovf_need_attr(reader, node, "id");
	const xmlNode *name = base_xml_find(node, reader->ns, "Name");
	struct vapp_machine *machine;

	if (!id)
		return FALSE;
	if (vapp_find_machine(reader->vapp, id))
		return ovf_refuse(reader, node, "machine '%s' is declared twice", id);
	machine = vapp_machine_new(id);
	g_ptr_array_add(reader->vapp->machines, machine);
	machine->line = ovf_line(node);
	machine->tier = g_strdup(tier);
	machine->title = name ? base_xml_text(name) : NULL;
	/* Hardware first: properties and boot speak of it, wherever they stand. */
	return read_sections(reader, node, machine, TRUE) &&
	       read_sections(reader, node, machine, FALSE);
}

/* One collection; those inside it join `queue`. `tier` NULL: the outermost one, whose sections are
 * the vApp's. */
static gboolean read_collection(
	struct ovf_reader *reader, const xmlNode *node, const char *tier, GQueue *queue)
{
	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		if (base_xml_is(child, reader->ns, "VirtualSystemCollection"))
			g_queue_push_tail(queue, (gpointer)child);
		else if (base_xml_is(child, reader->ns, "VirtualSystem")) {
			if (!read_system(reader, child, tier))
				return FALSE;
		} else if (!read_section(reader, child, IN_COLLECTION, NULL))
			return FALSE;
	}
	return TRUE;
}

/* A collection inside the vApp's is a tier, called by its id. */
static gboolean read_content(struct ovf_reader *reader, const xmlNode *content)
{
	g_autoptr(GHashTable)
		collections = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GQueue) queue = g_queue_new();
	gboolean good = TRUE;

	if (base_xml_is(content, reader->ns, "VirtualSystem"))
		return read_system(reader, content, NULL);
	g_queue_push_tail(queue, (gpointer)content);
	while (good && !g_queue_is_empty(queue)) {
		const xmlNode *node = g_queue_pop_head(queue);
		g_autofree char *id = ovf_need_attr(reader, node, "id");

		good = id && read_collection(reader, node, node == content ? NULL : id, queue);
		if (id)
			g_hash_table_add(collections, g_steal_pointer(&id));
	}
	return good && read_startups(reader, collections);
}

static gboolean is_content(const struct ovf_reader *reader, const xmlNode *node)
{
	return base_xml_is(node, reader->ns, "VirtualSystemCollection") ||
	       base_xml_is(node, reader->ns, "VirtualSystem");
}

/* Reads the envelope's own sections, which may stand before or after the content; finds the
 * content. */
static const xmlNode *read_envelope_sections(struct ovf_reader *reader, const xmlNode *root)
{
	const xmlNode *content = NULL;

	for (const xmlNode *child = base_xml_first(root); child; child = base_xml_next(child)) {
		if (!is_content(reader, child)) {
			if (!read_section(reader, child, IN_ENVELOPE, NULL))
				return NULL;
			continue;
		}
		if (content) {
			ovf_refuse(reader, child,
				"an envelope holds one application, this is a second");
			return NULL;
		}
		content = child;
	}
	if (!content)
		ovf_refuse(
			reader, root, "there is no VirtualSystemCollection and no VirtualSystem");
	return content;
}

static gboolean set_name(struct ovf_reader *reader, const xmlNode *content)
{
	reader->vapp->name = ovf_need_attr(reader, content, "id");
	reader->vapp->line = ovf_line(content);
	return reader->vapp->name != NULL;
}

static int compare_properties(const void *a, const void *b)
{
	const struct vapp_property *left = *(struct vapp_property *const *)a,
				   *right = *(struct vapp_property *const *)b;

	return strcmp(left->key, right->key);
}

static void sort_properties(struct vapp *vapp)
{
	g_ptr_array_sort(vapp->properties, compare_properties);
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		struct vapp_machine *machine = vapp->machines->pdata[i];

		g_ptr_array_sort(machine->properties, compare_properties);
	}
}

static gboolean read_envelope(struct ovf_reader *reader, const xmlNode *root)
{
	static const char *const namespaces[] = { OVF_NS_1, OVF_NS_2 };
	const xmlNode *content;

	for (size_t i = 0; i < G_N_ELEMENTS(namespaces); i++)
		if (base_xml_is(root, namespaces[i], "Envelope"))
			reader->ns = namespaces[i];
	if (!reader->ns)
		return ovf_refuse(reader, root, "this is not an OVF 1.x or 2.x envelope");
	content = read_envelope_sections(reader, root);
	if (!content || !set_name(reader, content) || !read_content(reader, content))
		return FALSE;
	if (reader->protection && !ovf_read_protection(reader, reader->protection))
		return FALSE;
	sort_properties(reader->vapp);
	vapp_assign_macs(reader->vapp);
	return vapp_validate(reader->vapp, reader->source, reader->error);
}

struct vapp *ovf_read(const char *source, const char *data, size_t size, GError **error)
{
	g_autoptr(xmlDoc) doc = base_xml_read(source, data, size, &BASE_XML_LIMITS_DEFAULT, error);
	struct ovf_reader reader = { .source = source, .error = error };
	gboolean good;

	if (!doc)
		return NULL;
	reader.vapp = vapp_new(NULL, NULL);
	reader.files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	reader.disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	reader.startups = g_ptr_array_new();
	good = read_envelope(&reader, xmlDocGetRootElement(doc));
	g_hash_table_unref(reader.files);
	g_hash_table_unref(reader.disks);
	g_ptr_array_unref(reader.startups);
	g_free(reader.configuration);
	if (good)
		return reader.vapp;
	vapp_free(reader.vapp);
	return NULL;
}
