/* ovf_write(): an OVF 1.x envelope of a vApp. Sections stand in the order of the standard's schema.
 */
#include <string.h>

#include "base/xmlout.h"
#include "vapp/ovf.h"

#define NS_RASD \
	"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"

/* One envelope being written. Files are numbered by first use of their href, disks as they come. */
struct writer {
	const struct vapp *vapp;
	GString *out;
	GPtrArray *hrefs; /* char *, borrowed */
};

/* ---- pieces ---- */

static void put_info(GString *out, const char *indent, const char *info)
{
	g_string_append_printf(out, "%s<Info>%s</Info>\n", indent, info);
}

/* Appends ` name="value"` for a number. */
static void put_number(GString *out, const char *name, guint64 value)
{
	g_string_append_printf(out, " %s=\"%" G_GUINT64_FORMAT "\"", name, value);
}

/* Appends ` name="a b c"`; nothing for an empty list. */
static void put_words(GString *out, const char *name, const GPtrArray *words)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < words->len; i++)
		g_string_append_printf(text, "%s%s", i ? " " : "", (const char *)words->pdata[i]);
	if (words->len)
		base_xmlout_attr(out, name, text->str);
}

static char *prefixes_text(const GArray *prefixes)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < prefixes->len; i++) {
		g_autofree char *one = vapp_prefix_to_string(
			&g_array_index(prefixes, struct vapp_prefix, i));

		g_string_append_printf(text, "%s%s", i ? " " : "", one);
	}
	return g_string_free(text, FALSE);
}

/* ---- references and disks ---- */

static void note_href(struct writer *writer, const char *href)
{
	if (href && !g_ptr_array_find_with_equal_func(writer->hrefs, href, g_str_equal, NULL))
		g_ptr_array_add(writer->hrefs, (gpointer)href);
}

static void note_hrefs(struct writer *writer)
{
	for (unsigned i = 0; i < writer->vapp->machines->len; i++) {
		const struct vapp_machine *machine = writer->vapp->machines->pdata[i];

		note_href(writer, machine->boot.kernel);
		note_href(writer, machine->boot.initrd);
		for (unsigned j = 0; j < machine->disks->len; j++) {
			const struct vapp_disk *disk = machine->disks->pdata[j];

			note_href(writer, disk->href);
		}
	}
}

/* Id of the href's File, newly allocated. */
static char *file_id(const struct writer *writer, const char *href)
{
	unsigned i = 0;

	g_ptr_array_find_with_equal_func(writer->hrefs, href, g_str_equal, &i);
	return g_strdup_printf("file%u", i + 1);
}

static void put_references(const struct writer *writer)
{
	g_string_append(writer->out, "  <References>\n");
	for (unsigned i = 0; i < writer->hrefs->len; i++) {
		g_string_append_printf(writer->out, "    <File ovf:id=\"file%u\"", i + 1);
		base_xmlout_attr(writer->out, "ovf:href", writer->hrefs->pdata[i]);
		g_string_append(writer->out, "/>\n");
	}
	g_string_append(writer->out, "  </References>\n");
}

static const struct {
	const char *name, *uri;
} formats[] = {
	{ "vmdk", "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized" },
	{ "qcow2", "http://www.gnome.org/~markmc/qcow-image-format.html" },
	{ "raw", "urn:drover:disk-format:raw" },
};

static const char *format_uri(const char *name)
{
	for (size_t i = 0; name && i < G_N_ELEMENTS(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].uri;
	return name ? name : "";
}

/* Whether the disk stands in the DiskSection; a medium without a capacity is a file only. */
static gboolean in_disk_section(const struct vapp_disk *disk)
{
	return disk->kind == VAPP_DISK_DISK || disk->capacity_size || disk->format;
}

static void put_disk(const struct writer *writer, const struct vapp_disk *disk, const char *id)
{
	g_autofree char *file = disk->href ? file_id(writer, disk->href) : NULL;

	g_string_append(writer->out, "    <Disk");
	base_xmlout_attr(writer->out, "ovf:diskId", id);
	base_xmlout_attr(writer->out, "ovf:fileRef", file);
	put_number(writer->out, "ovf:capacity", disk->capacity_size);
	base_xmlout_attr(writer->out, "ovf:format", format_uri(disk->format));
	g_string_append(writer->out, "/>\n");
}

static void put_disks(const struct writer *writer)
{
	GString *out = writer->out;
	gboolean open = FALSE;

	for (unsigned i = 0; i < writer->vapp->machines->len; i++) {
		const struct vapp_machine *machine = writer->vapp->machines->pdata[i];

		for (unsigned j = 0; j < machine->disks->len; j++) {
			g_autofree char *id = g_strdup_printf("%s-disk%u", machine->name, j);

			if (!in_disk_section(machine->disks->pdata[j]))
				continue;
			if (!open)
				g_string_append(
					out, "  <DiskSection>\n    <Info>Virtual disks</Info>\n");
			open = TRUE;
			put_disk(writer, machine->disks->pdata[j], id);
		}
	}
	if (open)
		g_string_append(out, "  </DiskSection>\n");
}

static void put_networks(const struct writer *writer)
{
	if (writer->vapp->networks->len == 0)
		return;
	g_string_append(writer->out, "  <NetworkSection>\n");
	put_info(writer->out, "    ", "Networks");
	for (unsigned i = 0; i < writer->vapp->networks->len; i++) {
		const struct vapp_network *network = writer->vapp->networks->pdata[i];

		g_string_append(writer->out, "    <Network");
		base_xmlout_attr(writer->out, "ovf:name", network->name);
		g_string_append(writer->out, ">");
		base_xmlout_element(writer->out, "Description", network->description);
		g_string_append(writer->out, "</Network>\n");
	}
	g_string_append(writer->out, "  </NetworkSection>\n");
}

/* ---- products and properties ---- */

static void put_property(GString *out, const char *key, const char *value)
{
	g_string_append(out, "      <Property");
	base_xmlout_attr(out, "ovf:key", key);
	g_string_append(out, " ovf:type=\"string\"");
	base_xmlout_attr(out, "ovf:value", value);
	g_string_append(out, "/>\n");
}

static void put_properties(GString *out, const GPtrArray *properties)
{
	for (unsigned i = 0; i < properties->len; i++) {
		const struct vapp_property *property = properties->pdata[i];

		put_property(out, property->key, property->value);
	}
}

static void put_addresses(GString *out, const struct vapp_machine *machine)
{
	for (unsigned i = 0; i < machine->nics->len; i++) {
		const struct vapp_nic *nic = machine->nics->pdata[i];
		g_autofree char *key = g_strdup_printf("drover.nic%u.addresses", i);
		g_autofree char *value = prefixes_text(nic->ips);

		if (nic->ips->len)
			put_property(out, key, value);
	}
}

static void put_product(const struct writer *writer)
{
	const struct vapp *vapp = writer->vapp;

	g_string_append(writer->out, "    <ProductSection>\n");
	put_info(writer->out, "      ", "The application");
	g_string_append(writer->out, "      ");
	base_xmlout_element(writer->out, "Product", vapp->product);
	base_xmlout_element(writer->out, "Version", vapp->version);
	g_string_append(writer->out, "\n");
	put_properties(writer->out, vapp->properties);
	g_string_append(writer->out, "    </ProductSection>\n");
}

static void put_machine_product(const struct writer *writer, const struct vapp_machine *machine)
{
	g_string_append(writer->out, "      <ProductSection>\n");
	put_info(writer->out, "      ", "Properties of this machine");
	put_properties(writer->out, machine->properties);
	put_addresses(writer->out, machine);
	g_string_append(writer->out, "      </ProductSection>\n");
}

/* ---- start-up ---- */

static void put_startup(const struct writer *writer)
{
	GString *out = writer->out;

	g_string_append(out, "    <StartupSection>\n");
	put_info(out, "      ", "Order of start");
	for (unsigned i = 0; i < writer->vapp->machines->len; i++) {
		const struct vapp_machine *machine = writer->vapp->machines->pdata[i];

		g_string_append(out, "      <Item");
		base_xmlout_attr(out, "ovf:id", machine->name);
		put_number(out, "ovf:order", machine->start_order);
		put_number(out, "ovf:startDelay", machine->start_delay_s);
		put_number(out, "ovf:stopDelay", machine->stop_delay_s);
		g_string_append(out, "/>\n");
	}
	g_string_append(out, "    </StartupSection>\n");
}

/* ---- protection ---- */

static void put_tiers(const struct writer *writer)
{
	const struct vapp *vapp = writer->vapp;
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *first = vapp->machines->pdata[i];
		g_autoptr(GPtrArray) members = NULL;
		g_autoptr(GPtrArray) names = g_ptr_array_new();

		if (!first->tier || !g_hash_table_add(seen, first->tier))
			continue;
		members = vapp_select(vapp, first->tier);
		for (unsigned j = 0; j < members->len; j++)
			g_ptr_array_add(
				names, ((const struct vapp_machine *)members->pdata[j])->name);
		g_string_append(writer->out, "      <d:Tier");
		base_xmlout_attr(writer->out, "name", first->tier);
		put_words(writer->out, "machines", names);
		g_string_append(writer->out, "/>\n");
	}
}

static void put_label(GString *out, const char *name, const char *on)
{
	if (!name)
		return;
	g_string_append(out, "      <d:Label");
	base_xmlout_attr(out, "name", name);
	base_xmlout_attr(out, "on", on);
	g_string_append(out, "/>\n");
}

static void put_labels(const struct writer *writer)
{
	put_label(writer->out, writer->vapp->label, NULL);
	for (unsigned i = 0; i < writer->vapp->machines->len; i++) {
		const struct vapp_machine *machine = writer->vapp->machines->pdata[i];

		put_label(writer->out, machine->label, machine->name);
	}
}

static void put_flow(GString *out, const struct vapp_flow *flow)
{
	gboolean has_ports = flow->protocol == VAPP_PROTOCOL_TCP ||
			     flow->protocol == VAPP_PROTOCOL_UDP;
	const GArray *outside = flow->from.outside->len ? flow->from.outside : flow->to.outside;
	g_autofree char *ports = vapp_ports_to_string(flow->ports);
	g_autofree char *addresses = prefixes_text(outside);

	g_string_append(out, "      <d:Flow");
	base_xmlout_attr(out, "id", flow->id);
	base_xmlout_attr(out, "from", flow->from.name);
	base_xmlout_attr(out, "to", flow->to.name);
	base_xmlout_attr(out, "network", flow->network);
	base_xmlout_attr(out, "protocol", vapp_protocol_to_string(flow->protocol));
	if (has_ports)
		base_xmlout_attr(out, "ports", *ports ? ports : "all");
	put_number(out, "paths", flow->n_paths);
	if (*addresses)
		base_xmlout_attr(out, "outside", addresses);
	g_string_append(out, "/>\n");
}

static void put_profile(GString *out, const struct vapp_profile_ref *profile)
{
	if (!profile->id)
		return;
	g_string_append(out, "      <d:Profile");
	base_xmlout_attr(out, "id", profile->id);
	base_xmlout_attr(out, "version", profile->version);
	base_xmlout_attr(out, "href", profile->href);
	g_string_append(out, "/>\n");
}

static void put_placement(GString *out, const struct vapp_placement *placement)
{
	g_string_append(out, "      <d:Placement");
	base_xmlout_attr(out, "kind", vapp_placement_kind_to_string(placement->kind));
	put_words(out, "on", placement->subjects);
	put_words(out, "values", placement->values);
	g_string_append(out, "/>\n");
}

static void put_duty(GString *out, const struct vapp_duty *duty)
{
	g_string_append(out, "      <d:Duty");
	base_xmlout_attr(out, "kind", vapp_duty_kind_to_string(duty->kind));
	g_string_append_printf(out, " every=\"%us\"", duty->interval_s);
	put_words(out, "on", duty->subjects);
	g_string_append(out, "/>\n");
}

static void put_protection(const struct writer *writer)
{
	const struct vapp *vapp = writer->vapp;

	g_string_append(
		writer->out, "    <d:ProtectionSection ovf:required=\"false\" version=\"1\">\n");
	put_info(writer->out, "      ", "Protection bound to this application");
	put_labels(writer);
	put_profile(writer->out, &vapp->profile);
	put_tiers(writer);
	for (unsigned i = 0; i < vapp->flows->len; i++)
		put_flow(writer->out, vapp->flows->pdata[i]);
	for (unsigned i = 0; i < vapp->placements->len; i++)
		put_placement(writer->out, vapp->placements->pdata[i]);
	for (unsigned i = 0; i < vapp->duties->len; i++)
		put_duty(writer->out, vapp->duties->pdata[i]);
	g_string_append(writer->out, "    </d:ProtectionSection>\n");
}

/* ---- systems ---- */

/* rasd: elements stand in alphabetical order, as the standard's schema wants them. */
static void put_amount(
	GString *out, unsigned instance, const char *type, const char *units, guint64 quantity)
{
	g_string_append(out, "        <Item>");
	base_xmlout_element(out, "rasd:AllocationUnits", units);
	g_string_append_printf(out,
		"<rasd:ElementName>item %u</rasd:ElementName><rasd:InstanceID>%u</rasd:InstanceID>"
		"<rasd:ResourceType>%s</rasd:ResourceType><rasd:VirtualQuantity>%" G_GUINT64_FORMAT
		"</rasd:VirtualQuantity></Item>\n",
		instance, instance, type, quantity);
}

static void put_nic(GString *out, unsigned instance, const struct vapp_nic *nic)
{
	g_string_append(out, "        <Item>");
	base_xmlout_element(out, "rasd:Address", nic->mac);
	base_xmlout_element(out, "rasd:Connection", nic->network);
	g_string_append_printf(out,
		"<rasd:ElementName>item %u</rasd:ElementName><rasd:InstanceID>%u</rasd:InstanceID>"
		"<rasd:ResourceType>10</rasd:ResourceType></Item>\n",
		instance, instance);
}

static char *host_resource(
	const struct writer *writer, const struct vapp_machine *machine, unsigned n)
{
	const struct vapp_disk *disk = machine->disks->pdata[n];
	g_autofree char *file = NULL;

	if (in_disk_section(disk))
		return g_strdup_printf("ovf:/disk/%s-disk%u", machine->name, n);
	if (!disk->href)
		return NULL;
	file = file_id(writer, disk->href);
	return g_strdup_printf("ovf:/file/%s", file);
}

static void put_disk_item(const struct writer *writer, unsigned instance,
	const struct vapp_machine *machine, unsigned n)
{
	const struct vapp_disk *disk = machine->disks->pdata[n];
	g_autofree char *resource = host_resource(writer, machine, n);

	g_string_append_printf(writer->out,
		"        <Item><rasd:ElementName>item %u</rasd:ElementName>", instance);
	base_xmlout_element(writer->out, "rasd:HostResource", resource);
	g_string_append_printf(writer->out,
		"<rasd:InstanceID>%u</rasd:InstanceID><rasd:ResourceType>%s</rasd:ResourceType></Item>\n",
		instance, disk->kind == VAPP_DISK_CDROM ? "15" : "17");
}

static void put_hardware(const struct writer *writer, const struct vapp_machine *machine)
{
	GString *out = writer->out;
	unsigned instance = 1;

	g_string_append(out, "      <VirtualHardwareSection>\n        <Info>Hardware</Info>\n");
	put_amount(out, instance++, "3", NULL, machine->n_vcpus);
	put_amount(out, instance++, "4", "byte * 2^20", machine->memory_mib);
	for (unsigned i = 0; i < machine->nics->len; i++)
		put_nic(out, instance++, machine->nics->pdata[i]);
	for (unsigned i = 0; i < machine->disks->len; i++)
		put_disk_item(writer, instance++, machine, i);
	g_string_append(out, "      </VirtualHardwareSection>\n");
}

static void put_boot_file(const struct writer *writer, const char *element, const char *href)
{
	g_autofree char *id = href ? file_id(writer, href) : NULL;

	if (!href)
		return;
	g_string_append_printf(writer->out, "        <d:%s", element);
	base_xmlout_attr(writer->out, "ovf:fileRef", id);
	g_string_append(writer->out, "/>\n");
}

static void put_platform(GString *out, const struct vapp_machine *machine)
{
	if (!machine->uuid && !machine->machine_type && !machine->cpu_model)
		return;
	g_string_append(out, "        <d:Platform");
	base_xmlout_attr(out, "uuid", machine->uuid);
	base_xmlout_attr(out, "machine", machine->machine_type);
	base_xmlout_attr(out, "cpu", machine->cpu_model);
	g_string_append(out, "/>\n");
}

static void put_boot(const struct writer *writer, const struct vapp_machine *machine)
{
	const struct vapp_boot *boot = &machine->boot;
	GString *out = writer->out;

	if (!boot->kernel && !machine->uuid && !machine->machine_type && !machine->cpu_model)
		return;
	g_string_append(out, "      <d:BootSection ovf:required=\"false\" version=\"1\">\n");
	put_info(out, "        ", "How it starts");
	put_platform(out, machine);
	put_boot_file(writer, "Kernel", boot->kernel);
	put_boot_file(writer, "Initrd", boot->initrd);
	if (boot->cmdline) {
		g_string_append(out, "        ");
		base_xmlout_element(out, "d:Cmdline", boot->cmdline);
		g_string_append(out, "\n");
	}
	g_string_append(out, "      </d:BootSection>\n");
}

static void put_system(const struct writer *writer, const struct vapp_machine *machine)
{
	g_string_append(writer->out, "    <VirtualSystem");
	base_xmlout_attr(writer->out, "ovf:id", machine->name);
	g_string_append(writer->out, ">\n      <Info>A machine</Info>");
	base_xmlout_element(writer->out, "Name", machine->title);
	g_string_append(writer->out, "\n");
	put_machine_product(writer, machine);
	put_hardware(writer, machine);
	put_boot(writer, machine);
	g_string_append(writer->out, "    </VirtualSystem>\n");
}

char *ovf_write(const struct vapp *vapp)
{
	GString *out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	g_autoptr(GPtrArray) hrefs = g_ptr_array_new();
	struct writer writer = { vapp, out, hrefs };

	g_string_append(out, "<Envelope xmlns=\"" OVF_NS_1 "\" xmlns:ovf=\"" OVF_NS_1
			     "\" xmlns:rasd=\"" NS_RASD "\" xmlns:d=\"" OVF_NS_DROVER "\">\n");
	note_hrefs(&writer);
	put_references(&writer);
	put_disks(&writer);
	put_networks(&writer);
	g_string_append(out, "  <VirtualSystemCollection");
	base_xmlout_attr(out, "ovf:id", vapp->name);
	g_string_append(out, ">\n");
	put_info(out, "    ", "An application");
	put_product(&writer);
	put_startup(&writer);
	put_protection(&writer);
	for (unsigned i = 0; i < vapp->machines->len; i++)
		put_system(&writer, vapp->machines->pdata[i]);
	g_string_append(out, "  </VirtualSystemCollection>\n</Envelope>\n");
	return g_string_free(out, FALSE);
}
