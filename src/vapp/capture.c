#include "vapp/capture.h"

#include <string.h>

#include "base/xml.h"
#include "vapp/seal.h"

/* One capture. `source` is the domain at hand. */
struct capture {
	struct vapp *vapp;
	char *source;
	GError **error;
};

static gboolean refuse(const struct capture *capture, const xmlNode *node, const char *why)
{
	base_xml_set_error(capture->error, capture->source, node, "%s", why);
	return FALSE;
}

/* Attribute of the child element, newly allocated, or NULL. */
static char *child_attr(const xmlNode *node, const char *child, const char *attr)
{
	const xmlNode *found = base_xml_find(node, NULL, child);

	return found ? base_xml_attr(found, NULL, attr) : NULL;
}

static char *child_text(const xmlNode *node, const char *child)
{
	const xmlNode *found = base_xml_find(node, NULL, child);

	return found ? base_xml_text(found) : NULL;
}

/* An absolute path as a file URL: hrefs never are bare absolute paths. */
static char *href_from_path(const char *path)
{
	return path && path[0] == '/' ? g_filename_to_uri(path, NULL, NULL) : g_strdup(path);
}

/* ---- cards ---- */

static void note_network(struct vapp *vapp, const char *name)
{
	if (!vapp_find_network(vapp, name))
		g_ptr_array_add(vapp->networks, vapp_network_new(name));
}

static gboolean capture_nic(
	struct capture *capture, const xmlNode *node, struct vapp_machine *machine)
{
	static const char *const sources[] = { "bridge", "network", "dev", NULL };
	g_autofree char *address = child_attr(node, "mac", "address");
	g_autofree char *mac = address ? vapp_mac_canonical(address) : NULL;
	g_autofree char *network = NULL;

	for (size_t i = 0; sources[i] && !network; i++)
		network = child_attr(node, "source", sources[i]);
	if (!network)
		return refuse(capture, node, "this card joins no bridge and no network");
	if (address && !mac)
		return refuse(
			capture, node, "the card's address is not a unicast Ethernet address");
	note_network(capture->vapp, network);
	g_ptr_array_add(machine->nics, vapp_nic_new(network, mac));
	return TRUE;
}

/* ---- disks ---- */

static gboolean capture_disk(
	struct capture *capture, const xmlNode *node, struct vapp_machine *machine)
{
	g_autofree char *device = base_xml_attr(node, NULL, "device");
	g_autofree char *path = child_attr(node, "source", "file");
	g_autofree char *href = href_from_path(path);
	gboolean cdrom = g_strcmp0(device, "cdrom") == 0;
	struct vapp_disk *disk;

	if (device && !cdrom && strcmp(device, "disk") != 0)
		return refuse(capture, node, "only disks and CD-ROMs can be captured");
	if (!href && !cdrom)
		return refuse(capture, node, "only disks that are files can be captured");
	disk = vapp_disk_new(cdrom ? VAPP_DISK_CDROM : VAPP_DISK_DISK, href);
	disk->format = child_attr(node, "driver", "type");
	g_ptr_array_add(machine->disks, disk);
	return TRUE;
}

/* What concerns us among the devices. */
static const struct {
	const char *name;
	gboolean (*capture)(
		struct capture *capture, const xmlNode *node, struct vapp_machine *machine);
} devices[] = {
	{ "interface", capture_nic },
	{ "disk", capture_disk },
};

static gboolean capture_device(
	struct capture *capture, const xmlNode *node, struct vapp_machine *machine)
{
	for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
		if (base_xml_is(node, NULL, devices[i].name))
			return devices[i].capture(capture, node, machine);
	return TRUE;
}

static gboolean capture_devices(
	struct capture *capture, const xmlNode *domain, struct vapp_machine *machine)
{
	const xmlNode *parent = base_xml_find(domain, NULL, "devices");

	for (const xmlNode *node = parent ? base_xml_first(parent) : NULL; node;
		node = base_xml_next(node))
		if (!capture_device(capture, node, machine))
			return FALSE;
	return TRUE;
}

/* ---- boot ---- */

static struct vapp_nic *find_nic(const struct vapp_machine *machine, const char *mac)
{
	for (unsigned i = 0; i < machine->nics->len; i++) {
		struct vapp_nic *nic = machine->nics->pdata[i];

		if (nic->mac && strcmp(nic->mac, mac) == 0)
			return nic;
	}
	return NULL;
}

/* "MAC,IP/LEN,IP/LEN": gives the card its addresses; what does not fit is passed over. */
static void take_addresses(const struct vapp_machine *machine, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	struct vapp_nic *nic = words[0] ? find_nic(machine, words[0]) : NULL;

	for (unsigned i = 1; nic && words[i]; i++) {
		struct vapp_prefix ip;

		if (vapp_prefix_from_string(words[i], &ip))
			g_array_append_val(nic->ips, ip);
	}
}

/* One word of the command line, so that it follows the machine when cards or name change; else as
 * it is, '$' doubled. */
static char *captured_word(const struct vapp_machine *machine, const char *word)
{
	static const char net[] = "drover.net=", name[] = "drover.name=";
	g_auto(GStrv) parts = NULL;

	if (g_str_has_prefix(word, net)) {
		g_auto(GStrv) cards = g_strsplit(word + strlen(net), ";", -1);

		for (char **card = cards; *card; card++)
			take_addresses(machine, *card);
		return g_strdup("drover.net=${drover.net}");
	}
	if (g_str_has_prefix(word, name) && strcmp(word + strlen(name), machine->name) == 0)
		return g_strdup("drover.name=${drover.name}");
	parts = g_strsplit(word, "$", -1);
	return g_strjoinv("$$", parts);
}

static char *captured_cmdline(const struct vapp_machine *machine, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);

	for (char **word = words; *word; word++) {
		char *captured = captured_word(machine, *word);

		g_free(*word);
		*word = captured;
	}
	return g_strjoinv(" ", words);
}

static void capture_os(const xmlNode *domain, struct vapp_machine *machine)
{
	const xmlNode *os = base_xml_find(domain, NULL, "os");
	const xmlNode *cpu = base_xml_find(domain, NULL, "cpu");
	g_autofree char *kernel = os ? child_text(os, "kernel") : NULL;
	g_autofree char *initrd = os ? child_text(os, "initrd") : NULL;
	g_autofree char *cmdline = os ? child_text(os, "cmdline") : NULL;

	machine->machine_type = os ? child_attr(os, "type", "machine") : NULL;
	machine->cpu_model = cpu ? child_text(cpu, "model") : NULL;
	if (!kernel)
		return;
	machine->boot.kernel = href_from_path(kernel);
	machine->boot.initrd = href_from_path(initrd);
	machine->boot.cmdline = cmdline ? captured_cmdline(machine, cmdline) : NULL;
}

/* ---- size and name ---- */

static const struct {
	const char *unit;
	guint64 size;
} memory_units[] = {
	{ "b", 1 },
	{ "bytes", 1 },
	{ "KB", 1000 },
	{ "k", 1ull << 10 },
	{ "KiB", 1ull << 10 },
	{ "MB", 1000000 },
	{ "M", 1ull << 20 },
	{ "MiB", 1ull << 20 },
	{ "GB", 1000000000 },
	{ "G", 1ull << 30 },
	{ "GiB", 1ull << 30 },
};

static gboolean capture_memory(
	struct capture *capture, const xmlNode *domain, struct vapp_machine *machine)
{
	g_autofree char *text = child_text(domain, "memory");
	g_autofree char *unit = child_attr(domain, "memory", "unit");
	guint64 amount, size = 0;

	if (!text || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT64, &amount, NULL))
		return refuse(capture, domain, "the amount of memory is missing or not a number");
	for (size_t i = 0; i < G_N_ELEMENTS(memory_units); i++)
		if (g_strcmp0(memory_units[i].unit, unit ? unit : "KiB") == 0)
			size = memory_units[i].size;
	if (size == 0 || __builtin_mul_overflow(size, amount, &size) || size >> 20 >= G_MAXUINT32)
		return refuse(capture, domain, "the amount of memory is not understood");
	machine->memory_mib = (unsigned)((size >> 20) + ((size & ((1u << 20) - 1)) != 0));
	return TRUE;
}

static gboolean capture_cpus(
	struct capture *capture, const xmlNode *domain, struct vapp_machine *machine)
{
	g_autofree char *text = child_text(domain, "vcpu");
	guint64 n_vcpus = 1;

	if (text && !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &n_vcpus, NULL))
		return refuse(capture, domain, "the number of processors is not a number");
	machine->n_vcpus = (unsigned)n_vcpus;
	return TRUE;
}

/* The member's machine name if it is one, else the domain's name, without "VAPP-" in front
 * (vapp_domain_name()). */
static char *machine_name(
	const struct vapp *vapp, const xmlNode *domain, const struct vapp_member *member)
{
	g_autofree char *prefix = g_strconcat(vapp->name, "-", NULL);
	g_autofree char *name = child_text(domain, "name");

	if (member)
		return g_strdup(member->machine);
	if (name && g_str_has_prefix(name, prefix) && name[strlen(prefix)])
		return g_strdup(name + strlen(prefix));
	return g_steal_pointer(&name);
}

static gboolean capture_machine(
	struct capture *capture, const xmlNode *domain, const struct vapp_member *member)
{
	g_autofree char *name = machine_name(capture->vapp, domain, member);
	g_autofree char *uuid = child_text(domain, "uuid");
	struct vapp_machine *machine;

	if (!name || !*name)
		return refuse(capture, domain, "the domain has no name");
	machine = vapp_machine_new(name);
	g_ptr_array_add(capture->vapp->machines, machine);
	machine->title = child_text(domain, "title");
	machine->tier = g_strdup(member ? member->role : NULL);
	machine->label = g_strdup(member ? member->label : NULL);
	machine->uuid = uuid && *uuid ? g_ascii_strdown(uuid, -1) : NULL;
	if (!capture_memory(capture, domain, machine) || !capture_cpus(capture, domain, machine) ||
		!capture_devices(capture, domain, machine))
		return FALSE;
	capture_os(domain, machine);
	return TRUE;
}

static gboolean capture_domain(struct capture *capture, const char *xml)
{
	g_autoptr(xmlDoc) doc = base_xml_read(
		capture->source, xml, strlen(xml), &BASE_XML_LIMITS_DEFAULT, capture->error);
	g_autoptr(vapp_member) member = NULL;

	if (!doc)
		return FALSE;
	if (!seal_take(xml, &member, capture->error))
		return FALSE;
	return capture_machine(capture, xmlDocGetRootElement(doc), member);
}

/* A label that all machines bear is the vApp's. */
static void lift_label(struct vapp *vapp)
{
	const struct vapp_machine *first = vapp->machines->len ? vapp->machines->pdata[0] : NULL;

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];

		if (!machine->label || strcmp(machine->label, first->label) != 0)
			return;
	}
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		struct vapp_machine *machine = vapp->machines->pdata[i];

		g_free(vapp->label);
		vapp->label = g_steal_pointer(&machine->label);
	}
}

struct vapp *vapp_capture(const char *name, const char *version, const char *const *domain_xmls,
	unsigned n_domains, GError **error)
{
	g_autoptr(vapp_value) vapp = vapp_new(name, version);
	struct capture capture = { .vapp = vapp, .error = error };

	for (unsigned i = 0; i < n_domains; i++) {
		gboolean good;

		capture.source = g_strdup_printf("domain %u", i + 1);
		good = capture_domain(&capture, domain_xmls[i]);
		g_free(capture.source);
		if (!good)
			return NULL;
	}
	lift_label(vapp);
	vapp_assign_macs(vapp);
	return vapp_validate(vapp, "capture", error) ? g_steal_pointer(&vapp) : NULL;
}
