#include "vapp/domain.h"

#include "base/xmlout.h"

#include <string.h>

#define DEFAULT_MACHINE "pc-q35-7.2"
#define DEFAULT_CPU     "qemu64"

enum {
	MAX_DISKS = 26, /* vda to vdz */
};

/* One domain being written. */
struct writer {
	const struct vapp *vapp;
	const struct vapp_machine *machine;
	const struct vapp_domain_options *options;
	GString *out;
};

char *vapp_domain_name(const struct vapp *vapp, const struct vapp_machine *machine)
{
	return g_strdup_printf("%s-%s", vapp->name, machine->name);
}

char *vapp_tap_name(const char *mac)
{
	GString *name = g_string_new("dv");

	/* The last four of six octets: skips "52:54:". */
	for (const char *p = mac + 6; *p; p++)
		if (*p != ':')
			g_string_append_c(name, *p);
	return g_string_free(name, FALSE);
}

/* Appends `<name attr="value"/>`. */
static void put_empty(GString *out, const char *name, const char *attr, const char *value)
{
	g_string_append_printf(out, "<%s", name);
	base_xmlout_attr(out, attr, value);
	g_string_append(out, "/>");
}

/* ---- files ---- */

static gboolean is_below(const char *path, const char *dir)
{
	size_t dir_size = strlen(dir);

	while (dir_size && dir[dir_size - 1] == '/')
		dir_size--;
	return strncmp(path, dir, dir_size) == 0 && path[dir_size] == '/';
}

/* The host's path of a package file, newly allocated. */
static char *resolve_href(const struct writer *writer, const char *href, GError **error)
{
	const char *dir = writer->options->file_dir;
	g_autofree char *scheme = g_uri_parse_scheme(href);
	g_autofree char *path = NULL;
	g_autofree char *canonical = NULL;

	if (!dir) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_INVALID,
			"machine '%s' needs file '%s', but no folder of files was given",
			writer->machine->name, href);
		return NULL;
	}
	path = scheme ? g_filename_from_uri(href, NULL, NULL) : g_build_filename(dir, href, NULL);
	canonical = path ? g_canonicalize_filename(path, "/") : NULL;
	if (!canonical || !is_below(canonical, dir)) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_UNSUPPORTED,
			"machine '%s' needs '%s', which is not a file below %s; copy it there first",
			writer->machine->name, href, dir);
		return NULL;
	}
	return g_steal_pointer(&canonical);
}

static gboolean put_file(
	const struct writer *writer, const char *element, const char *href, GError **error)
{
	g_autofree char *path = NULL;

	if (!href)
		return TRUE;
	path = resolve_href(writer, href, error);
	if (!path)
		return FALSE;
	base_xmlout_element(writer->out, element, path);
	return TRUE;
}

/* ---- parts ---- */

static void put_head(const struct writer *writer)
{
	const struct vapp_machine *machine = writer->machine;
	const struct vapp_domain_options *options = writer->options;
	g_autofree char *name = vapp_domain_name(writer->vapp, machine);
	g_autofree char *uuid = vapp_machine_uuid(writer->vapp, machine);
	const char *type = options->type ? options->type : "qemu";

	g_string_append(writer->out, "<domain");
	base_xmlout_attr(writer->out, "type", type);
	g_string_append(writer->out, ">\n  ");
	base_xmlout_element(
		writer->out, "name", options->domain_name ? options->domain_name : name);
	g_string_append(writer->out, "\n  ");
	base_xmlout_element(writer->out, "uuid", uuid);
	g_string_append(writer->out, "\n  ");
	base_xmlout_element(writer->out, "title", machine->title);
	g_string_append_printf(writer->out, "<memory unit=\"MiB\">%u</memory>\n  <vcpu>%u</vcpu>\n",
		machine->memory_mib, machine->n_vcpus);
	g_string_append(writer->out,
		"  <memoryBacking><source type=\"memfd\"/><access mode=\"shared\"/></memoryBacking>\n");
}

static gboolean put_os(const struct writer *writer, GError **error)
{
	const struct vapp_machine *machine = writer->machine;
	g_autofree char *cmdline = vapp_machine_cmdline(writer->vapp, machine, error);

	if (!cmdline)
		return FALSE;
	g_string_append(writer->out, "  <os><type arch=\"x86_64\"");
	base_xmlout_attr(writer->out, "machine",
		machine->machine_type ? machine->machine_type : DEFAULT_MACHINE);
	g_string_append(writer->out, ">hvm</type>");
	if (!put_file(writer, "kernel", machine->boot.kernel, error) ||
		!put_file(writer, "initrd", machine->boot.initrd, error))
		return FALSE;
	if (machine->boot.kernel)
		base_xmlout_element(writer->out, "cmdline", cmdline);
	else
		put_empty(writer->out, "boot", "dev", "hd");
	g_string_append(writer->out, "</os>\n");
	return TRUE;
}

static void put_cpu(const struct writer *writer)
{
	const char *type = writer->options->type;
	const char *model = writer->machine->cpu_model ? writer->machine->cpu_model : DEFAULT_CPU;
	gboolean emulated = !type || strcmp(type, "qemu") == 0;

	/* A small translation cache saves 45 MiB of host memory a guest; only emulation has one. */
	g_string_append_printf(writer->out, "  <features><acpi/>%s</features>\n",
		emulated ? "<tcg><tb-cache unit=\"MiB\">16</tb-cache></tcg>" : "");
	g_string_append(writer->out,
		"  <cpu mode=\"custom\" match=\"exact\" check=\"none\"><model fallback=\"forbid\">");
	base_xmlout_text(writer->out, model);
	g_string_append(writer->out,
		"</model></cpu>\n  <clock offset=\"utc\"/>\n  <on_poweroff>destroy</on_poweroff>");
	/* A directly booted guest that panics reboots at once (panic=-1): end it, so that somebody
	 * sees it. */
	g_string_append_printf(writer->out,
		"<on_reboot>%s</on_reboot><on_crash>destroy</on_crash>\n",
		writer->machine->boot.kernel ? "destroy" : "restart");
}

static void put_member(const struct writer *writer)
{
	g_autofree char *xml = NULL;

	if (!writer->options->member)
		return;
	xml = vapp_member_to_xml(writer->options->member);
	/* "<member ..." becomes "<drover:member xmlns:drover=... ". */
	g_string_append(writer->out, "  <metadata><drover:member");
	base_xmlout_attr(writer->out, "xmlns:drover", VAPP_DOMAIN_NS);
	g_string_append_printf(writer->out, "%s</metadata>\n", xml + strlen("<member"));
}

static gboolean put_disk(
	const struct writer *writer, const struct vapp_disk *disk, unsigned n, GError **error)
{
	static const char *const formats[] = { "raw", "qcow2", "vmdk", NULL };
	gboolean cdrom = disk->kind == VAPP_DISK_CDROM;
	const char *format = disk->format ? disk->format : "raw";
	g_autofree char *path = NULL;

	if (!disk->href && cdrom)
		return TRUE; /* an empty drive */
	if (!g_strv_contains(formats, format) || !disk->href) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_UNSUPPORTED,
			"machine '%s': disk '%s' has %s '%s'", writer->machine->name,
			disk->href ? disk->href : "(empty)",
			disk->href ? "the unknown format" : "no file, only format", format);
		return FALSE;
	}
	path = resolve_href(writer, disk->href, error);
	if (!path)
		return FALSE;
	g_string_append_printf(
		writer->out, "    <disk type=\"file\" device=\"%s\">", cdrom ? "cdrom" : "disk");
	g_string_append(writer->out, "<driver name=\"qemu\"");
	base_xmlout_attr(writer->out, "type", format);
	g_string_append(writer->out, "/>");
	put_empty(writer->out, "source", "file", path);
	g_string_append_printf(writer->out, "<target dev=\"%s%c\" bus=\"%s\"/>%s</disk>\n",
		cdrom ? "sd" : "vd", (char)('a' + n), cdrom ? "sata" : "virtio",
		cdrom ? "<readonly/>" : "");
	return TRUE;
}

static gboolean put_disks(const struct writer *writer, GError **error)
{
	const GPtrArray *disks = writer->machine->disks;

	if (disks->len > MAX_DISKS) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_UNSUPPORTED,
			"machine '%s' has more than %d disks", writer->machine->name, MAX_DISKS);
		return FALSE;
	}
	for (unsigned i = 0; i < disks->len; i++)
		if (!put_disk(writer, disks->pdata[i], i, error))
			return FALSE;
	return TRUE;
}

static gboolean put_nic(const struct writer *writer, const struct vapp_nic *nic, GError **error)
{
	const struct vapp_domain_options *options = writer->options;
	const char *bridge = options->bridge ? options->bridge(nic->network, options->bridge_data)
					     : nic->network;
	g_autofree char *tap = nic->mac ? vapp_tap_name(nic->mac) : NULL;

	if (!bridge) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_INVALID,
			"machine '%s': this host has no segment for network '%s'",
			writer->machine->name, nic->network);
		return FALSE;
	}
	g_string_append(writer->out, "    <interface type=\"bridge\">");
	put_empty(writer->out, "source", "bridge", bridge);
	if (nic->mac) {
		put_empty(writer->out, "mac", "address", nic->mac);
		put_empty(writer->out, "target", "dev", tap);
	}
	g_string_append(writer->out, "<model type=\"virtio\"/><rom enabled=\"no\"/></interface>\n");
	return TRUE;
}

static gboolean put_devices(const struct writer *writer, GError **error)
{
	const struct vapp_domain_options *options = writer->options;
	GString *out = writer->out;

	g_string_append(out, "  <devices>\n    ");
	base_xmlout_element(out, "emulator", options->emulator);
	g_string_append(out, "<controller type=\"usb\" model=\"none\"/>\n");
	if (!put_disks(writer, error))
		return FALSE;
	for (unsigned i = 0; i < writer->machine->nics->len; i++)
		if (!put_nic(writer, writer->machine->nics->pdata[i], error))
			return FALSE;
	g_string_append_printf(
		out, "    <serial type=\"%s\">", options->serial_path ? "file" : "pty");
	if (options->serial_path)
		put_empty(out, "source", "path", options->serial_path);
	g_string_append(out, "<target port=\"0\"/></serial>\n    <memballoon model=\"none\"/>\n");
	if (options->devices)
		g_string_append(out, options->devices);
	g_string_append(out, "  </devices>\n");
	return TRUE;
}

char *vapp_machine_to_domain(const struct vapp *vapp, const struct vapp_machine *machine,
	const struct vapp_domain_options *options, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct writer writer = { vapp, machine, options, out };

	put_head(&writer);
	put_member(&writer);
	if (!put_os(&writer, error))
		return NULL;
	put_cpu(&writer);
	if (!put_devices(&writer, error))
		return NULL;
	g_string_append(out, "</domain>\n");
	return g_string_free(g_steal_pointer(&out), FALSE);
}
