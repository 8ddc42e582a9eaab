/* VirtualHardwareSection and ProductSection: what a machine is made of, and its properties. */
#include <string.h>

#include "vapp/ovf_reader.h"
#include "vapp/units.h"

/* The CIM classes of Item, EthernetPortItem and StorageItem share their local names and this
 * prefix. */
#define CIM_PREFIX "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"

typedef gboolean (*item_fn)(
	struct ovf_reader *reader, const xmlNode *item, struct vapp_machine *machine);

/* Text of the CIM property, newly allocated, or NULL. */
static char *cim_text(const xmlNode *item, const char *local)
{
	for (const xmlNode *child = base_xml_first(item); child; child = base_xml_next(child)) {
		const char *uri = child->ns ? (const char *)child->ns->href : "";

		if (strcmp((const char *)child->name, local) == 0 &&
			g_str_has_prefix(uri, CIM_PREFIX))
			return base_xml_text(child);
	}
	return NULL;
}

/* ---- items ---- */

static gboolean read_cpu(
	struct ovf_reader *reader, const xmlNode *item, struct vapp_machine *machine)
{
	g_autofree char *quantity = cim_text(item, "VirtualQuantity");
	guint64 value;

	if (!quantity || !g_ascii_string_to_unsigned(quantity, 10, 1, G_MAXUINT16, &value, NULL))
		return ovf_refuse(
			reader, item, "the number of processors is missing or not a number");
	machine->n_vcpus = (unsigned)value;
	return TRUE;
}

static gboolean read_memory(
	struct ovf_reader *reader, const xmlNode *item, struct vapp_machine *machine)
{
	g_autofree char *quantity = cim_text(item, "VirtualQuantity");
	g_autofree char *units = cim_text(item, "AllocationUnits");
	const guint64 mib = 1ull << 20;
	guint64 size;

	if (!quantity || !ovf_units_to_size(quantity, units, "byte * 2^20", &size) ||
		size / mib >= G_MAXUINT32)
		return ovf_refuse(reader, item,
			"amount of memory '%s' in units '%s' is not understood",
			quantity ? quantity : "", units ? units : "");
	machine->memory_mib = (unsigned)(size / mib + (size % mib != 0));
	return TRUE;
}

static gboolean read_ethernet(
	struct ovf_reader *reader, const xmlNode *item, struct vapp_machine *machine)
{
	g_autofree char *network = cim_text(item, "Connection");
	g_autofree char *address = cim_text(item, "Address");
	g_autofree char *mac = address && *address ? vapp_mac_canonical(address) : NULL;
	struct vapp_nic *nic;

	if (!network || !*network)
		return ovf_refuse(reader, item, "a network card without a Connection to a network");
	if (address && *address && !mac)
		return ovf_refuse(reader, item, "'%s' is not a unicast Ethernet address", address);
	nic = vapp_nic_new(network, mac);
	nic->line = ovf_line(item);
	g_ptr_array_add(machine->nics, nic);
	return TRUE;
}

/* ---- disks ---- */

static const struct {
	const char *needle; /* in the format's URI */
	const char *name;
} disk_formats[] = {
	{ "vmdk", "vmdk" },
	{ "qcow", "qcow2" },
	{ "raw", "raw" },
};

static char *format_from_uri(const char *uri)
{
	g_autofree char *lower = g_ascii_strdown(uri, -1);

	for (size_t i = 0; i < G_N_ELEMENTS(disk_formats); i++)
		if (strstr(lower, disk_formats[i].needle))
			return g_strdup(disk_formats[i].name);
	return *uri ? g_strdup(uri) : NULL;
}

static gboolean read_disk_node(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_disk *disk)
{
	g_autofree char *file = ovf_attr(reader, node, "fileRef");
	g_autofree char *capacity = ovf_attr(reader, node, "capacity");
	g_autofree char *units = ovf_attr(reader, node, "capacityAllocationUnits");
	g_autofree char *format = ovf_attr(reader, node, "format");
	g_autofree char *parent = ovf_attr(reader, node, "parentRef");

	disk->line = ovf_line(node);
	if (parent)
		return ovf_refuse(
			reader, node, "a disk that builds on another one is not supported");
	if (capacity && !ovf_units_to_size(capacity, units, "byte", &disk->capacity_size))
		return ovf_refuse(reader, node, "capacity '%s' in units '%s' is not understood",
			capacity, units ? units : "");
	if (!capacity && !file)
		return ovf_refuse(reader, node, "a disk needs a file or a capacity");
	disk->format = format ? format_from_uri(format) : NULL;
	if (!file)
		return TRUE;
	disk->href = ovf_file_href(reader, node, file);
	return disk->href != NULL;
}

/* "ovf:/disk/ID" or "/disk/ID": the ID, or NULL. */
static const char *resource_id(const char *resource, const char *kind)
{
	const char *path = g_str_has_prefix(resource, "ovf:") ? resource + strlen("ovf:")
							      : resource;

	while (path[0] == '/' && path[1] == '/')
		path++;
	if (path[0] != '/' || !g_str_has_prefix(path + 1, kind) || path[1 + strlen(kind)] != '/')
		return NULL;
	return path + 2 + strlen(kind);
}

static gboolean read_backing(struct ovf_reader *reader, const xmlNode *item, const char *resource,
	struct vapp_disk *disk)
{
	const char *disk_id = resource_id(resource, "disk");
	const char *file_id = resource_id(resource, "file");
	const xmlNode *node = disk_id ? g_hash_table_lookup(reader->disks, disk_id) : NULL;

	if (node)
		return read_disk_node(reader, node, disk);
	if (!file_id)
		return ovf_refuse(
			reader, item, "'%s' names no disk and no file of the package", resource);
	disk->href = ovf_file_href(reader, item, file_id);
	return disk->href != NULL;
}

static gboolean add_disk(struct ovf_reader *reader, const xmlNode *item,
	struct vapp_machine *machine, enum vapp_disk_kind kind)
{
	g_autofree char *resource = cim_text(item, "HostResource");
	struct vapp_disk *disk;

	if (kind == VAPP_DISK_DISK && !resource)
		return ovf_refuse(reader, item, "a disk without HostResource");
	disk = vapp_disk_new(kind, NULL);
	disk->line = ovf_line(item);
	g_ptr_array_add(machine->disks, disk);
	return !resource || !*resource || read_backing(reader, item, resource, disk);
}

static gboolean read_disk(
	struct ovf_reader *reader, const xmlNode *item, struct vapp_machine *machine)
{
	return add_disk(reader, item, machine, VAPP_DISK_DISK);
}

static gboolean read_cdrom(
	struct ovf_reader *reader, const xmlNode *item, struct vapp_machine *machine)
{
	return add_disk(reader, item, machine, VAPP_DISK_CDROM);
}

/* CIM resource types that concern us; controllers, displays and the like are the host's own choice.
 */
static const struct {
	const char *type;
	item_fn fn;
} items[] = {
	{ "3", read_cpu },
	{ "4", read_memory },
	{ "10", read_ethernet },
	{ "15", read_cdrom },
	{ "16", read_cdrom },
	{ "17", read_disk },
	{ "31", read_disk },
};

static gboolean read_item(
	struct ovf_reader *reader, const xmlNode *item, struct vapp_machine *machine)
{
	g_autofree char *type = cim_text(item, "ResourceType");

	if (!ovf_is_chosen(reader, item))
		return TRUE;
	if (!type)
		return ovf_refuse(reader, item, "ResourceType is missing");
	for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
		if (strcmp(items[i].type, type) == 0)
			return items[i].fn(reader, item, machine);
	return TRUE;
}

/* Other people's system types ("vmx-07") mean nothing to QEMU. */
static void read_system_type(const xmlNode *node, struct vapp_machine *machine)
{
	g_autofree char *type = cim_text(node, "VirtualSystemType");

	if (type && !machine->machine_type &&
		(g_str_has_prefix(type, "pc-q35-") || g_str_has_prefix(type, "pc-i440fx-")))
		machine->machine_type = g_steal_pointer(&type);
}

gboolean ovf_read_hardware(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	if (machine->memory_mib)
		return TRUE; /* an alternative to the first one */
	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		if (base_xml_is(child, reader->ns, "System"))
			read_system_type(child, machine);
		if ((base_xml_is(child, reader->ns, "Item") ||
			    base_xml_is(child, reader->ns, "EthernetPortItem") ||
			    base_xml_is(child, reader->ns, "StorageItem")) &&
			!read_item(reader, child, machine))
			return FALSE;
	}
	if (machine->memory_mib == 0)
		return ovf_refuse(reader, node, "machine '%s' has no memory", machine->name);
	return TRUE;
}

/* ---- product and properties ---- */

/* The value for the default deployment: a chosen <Value>, else the attribute, else "". */
static char *property_value(const struct ovf_reader *reader, const xmlNode *node)
{
	char *value;

	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		g_autofree char *configuration = ovf_attr(reader, child, "configuration");

		if (base_xml_is(child, reader->ns, "Value") && configuration &&
			ovf_is_chosen(reader, child)) {
			value = ovf_attr(reader, child, "value");
			if (value)
				return value;
		}
	}
	value = ovf_attr(reader, node, "value");
	return value ? value : g_strdup("");
}

/* [CLASS.]KEY[.INSTANCE] (OVF 1.1, 9.5). */
static char *property_key(const struct ovf_reader *reader, const xmlNode *product, const char *key)
{
	g_autofree char *class = ovf_attr(reader, product, "class");
	g_autofree char *instance = ovf_attr(reader, product, "instance");
	gboolean has_class = class && *class, has_instance = instance && *instance;

	return g_strconcat(has_class ? class : "", has_class ? "." : "", key,
		has_instance ? "." : "", has_instance ? instance : "", NULL);
}

/* "drover.nicN.addresses": the addresses of the machine's card N, counted from 0 as the cards
 * stand. */
static gboolean nic_index(const char *key, unsigned *ret_index)
{
	static const char head[] = "drover.nic", tail[] = ".addresses";
	g_autofree char *number = NULL;
	guint64 value;

	if (!g_str_has_prefix(key, head) || !g_str_has_suffix(key, tail) ||
		strlen(key) <= strlen(head) + strlen(tail))
		return FALSE;
	number = g_strndup(key + strlen(head), strlen(key) - strlen(head) - strlen(tail));
	if (!g_ascii_string_to_unsigned(number, 10, 0, 31, &value, NULL))
		return FALSE;
	*ret_index = (unsigned)value;
	return TRUE;
}

static gboolean set_addresses(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_nic *nic, const char *text)
{
	g_auto(GStrv) words = g_strsplit_set(text, " ,\t\r\n", -1);

	for (char **word = words; *word; word++) {
		struct vapp_prefix ip;

		if (!**word)
			continue;
		if (!strchr(*word, '/') || !vapp_prefix_from_string(*word, &ip))
			return ovf_refuse(reader, node, "'%s' is not ADDRESS/LENGTH", *word);
		g_array_append_val(nic->ips, ip);
	}
	return TRUE;
}

static gboolean read_drover_property(struct ovf_reader *reader, const xmlNode *node,
	struct vapp_machine *machine, const char *key, const char *value)
{
	unsigned i;

	if (!machine || !nic_index(key, &i))
		return ovf_refuse(reader, node,
			"property '%s': 'drover.' begins only drover.nicN.addresses of a system",
			key);
	if (i >= machine->nics->len)
		return ovf_refuse(reader, node, "property '%s': machine '%s' has %u network cards",
			key, machine->name, machine->nics->len);
	return set_addresses(reader, node, machine->nics->pdata[i], value);
}

static gboolean has_property(const GPtrArray *properties, const char *key)
{
	for (unsigned i = 0; i < properties->len; i++) {
		const struct vapp_property *property = properties->pdata[i];

		if (strcmp(property->key, key) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean read_property(struct ovf_reader *reader, const xmlNode *product,
	const xmlNode *node, struct vapp_machine *machine)
{
	GPtrArray *properties = machine ? machine->properties : reader->vapp->properties;
	g_autofree char *short_key = ovf_need_attr(reader, node, "key");
	g_autofree char *key = short_key ? property_key(reader, product, short_key) : NULL;
	g_autofree char *value = property_value(reader, node);
	struct vapp_property *property;

	if (!key)
		return FALSE;
	if (g_str_has_prefix(key, "drover."))
		return read_drover_property(reader, node, machine, key, value);
	if (has_property(properties, key))
		return ovf_refuse(reader, node, "property '%s' is declared twice", key);
	property = vapp_property_new(key, value);
	property->line = ovf_line(node);
	g_ptr_array_add(properties, property);
	return TRUE;
}

/* A version as a name: what stands between becomes '-'. */
static char *version_from_text(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *p = text; *p && out->len < 63; p++)
		if (g_ascii_isalnum(*p) || (out->len && strchr("._-", *p)))
			g_string_append_c(out, *p);
		else if (out->len && out->str[out->len - 1] != '-')
			g_string_append_c(out, '-');
	while (out->len && out->str[out->len - 1] == '-')
		g_string_truncate(out, out->len - 1);
	return g_string_free(out, FALSE);
}

/* Product and version are the vApp's when its collection says them, or the only system of an
 * envelope. */
static void read_about(struct ovf_reader *reader, const xmlNode *node)
{
	const xmlNode *product = base_xml_find(node, reader->ns, "Product");
	const xmlNode *version = base_xml_find(node, reader->ns, "Version");
	struct vapp *vapp = reader->vapp;

	if (product && !vapp->product)
		vapp->product = base_xml_text(product);
	if (version && strcmp(vapp->version, "0") == 0) {
		g_autofree char *text = base_xml_text(version);
		g_autofree char *name = version_from_text(text);

		if (*name) {
			g_free(vapp->version);
			vapp->version = g_steal_pointer(&name);
		}
	}
}

gboolean ovf_read_product(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine)
{
	if (!machine || strcmp(machine->name, reader->vapp->name) == 0)
		read_about(reader, node);
	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child))
		if (base_xml_is(child, reader->ns, "Property") &&
			!read_property(reader, node, child, machine))
			return FALSE;
	return TRUE;
}
