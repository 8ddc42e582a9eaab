/* A vApp as rows of text: what people read, golden files hold and equality compares. */
#include "vapp/vapp.h"

#include <string.h>

/* Appends ` key="value"` with quotes and backslashes escaped; nothing when NULL. */
static void put(GString *out, const char *key, const char *value)
{
	g_autofree char *escaped = value ? g_strescape(value, NULL) : NULL;

	if (value)
		g_string_append_printf(out, " %s=\"%s\"", key, escaped);
}

static void put_number(GString *out, const char *key, guint64 value)
{
	g_string_append_printf(out, " %s=%" G_GUINT64_FORMAT, key, value);
}

static void put_strings(GString *out, const char *key, const GPtrArray *strings)
{
	for (unsigned i = 0; i < strings->len; i++)
		put(out, key, strings->pdata[i]);
}

static void put_prefixes(GString *out, const char *key, const GArray *prefixes)
{
	for (unsigned i = 0; i < prefixes->len; i++) {
		g_autofree char *text = vapp_prefix_to_string(
			&g_array_index(prefixes, struct vapp_prefix, i));

		g_string_append_printf(out, " %s=%s", key, text);
	}
}

static void put_properties(GString *out, const char *indent, const GPtrArray *properties)
{
	for (unsigned i = 0; i < properties->len; i++) {
		const struct vapp_property *property = properties->pdata[i];

		g_string_append_printf(out, "%sproperty", indent);
		put(out, "key", property->key);
		put(out, "value", property->value);
		g_string_append_c(out, '\n');
	}
}

static void put_nic(GString *out, const struct vapp_nic *nic)
{
	g_string_append(out, "  nic");
	put(out, "network", nic->network);
	put(out, "mac", nic->mac);
	put_prefixes(out, "ip", nic->ips);
	g_string_append_c(out, '\n');
}

static void put_disk(GString *out, const struct vapp_disk *disk)
{
	g_string_append(out, disk->kind == VAPP_DISK_CDROM ? "  cdrom" : "  disk");
	put(out, "href", disk->href);
	put(out, "format", disk->format);
	put_number(out, "capacity", disk->capacity_size);
	g_string_append_c(out, '\n');
}

static void put_boot(GString *out, const struct vapp_boot *boot)
{
	if (!boot->kernel && !boot->initrd && !boot->cmdline)
		return;
	g_string_append(out, "  boot");
	put(out, "kernel", boot->kernel);
	put(out, "initrd", boot->initrd);
	put(out, "cmdline", boot->cmdline);
	g_string_append_c(out, '\n');
}

static void put_machine(GString *out, const struct vapp_machine *machine)
{
	g_string_append(out, "machine");
	put(out, "name", machine->name);
	put(out, "title", machine->title);
	put(out, "tier", machine->tier);
	put(out, "label", machine->label);
	put(out, "uuid", machine->uuid);
	put_number(out, "memory-mib", machine->memory_mib);
	put_number(out, "vcpus", machine->n_vcpus);
	put(out, "cpu", machine->cpu_model);
	put(out, "machine-type", machine->machine_type);
	put_number(out, "start-order", machine->start_order);
	put_number(out, "start-delay-s", machine->start_delay_s);
	put_number(out, "stop-delay-s", machine->stop_delay_s);
	g_string_append_c(out, '\n');
	for (unsigned i = 0; i < machine->nics->len; i++)
		put_nic(out, machine->nics->pdata[i]);
	for (unsigned i = 0; i < machine->disks->len; i++)
		put_disk(out, machine->disks->pdata[i]);
	put_boot(out, &machine->boot);
	put_properties(out, "  ", machine->properties);
}

static void put_flow(GString *out, const struct vapp_flow *flow)
{
	g_autofree char *ports = vapp_ports_to_string(flow->ports);

	g_string_append(out, "flow");
	put(out, "id", flow->id);
	put(out, "from", flow->from.name);
	put_prefixes(out, "from-outside", flow->from.outside);
	put(out, "to", flow->to.name);
	put_prefixes(out, "to-outside", flow->to.outside);
	put(out, "network", flow->network);
	put(out, "protocol", vapp_protocol_to_string(flow->protocol));
	put(out, "ports", ports);
	put_number(out, "paths", flow->n_paths);
	g_string_append_c(out, '\n');
}

static void put_rules(GString *out, const struct vapp *vapp)
{
	for (unsigned i = 0; i < vapp->placements->len; i++) {
		const struct vapp_placement *placement = vapp->placements->pdata[i];

		g_string_append(out, "placement");
		put(out, "kind", vapp_placement_kind_to_string(placement->kind));
		put_strings(out, "subject", placement->subjects);
		put_strings(out, "value", placement->values);
		g_string_append_c(out, '\n');
	}
	for (unsigned i = 0; i < vapp->duties->len; i++) {
		const struct vapp_duty *duty = vapp->duties->pdata[i];

		g_string_append(out, "duty");
		put(out, "kind", vapp_duty_kind_to_string(duty->kind));
		put_strings(out, "subject", duty->subjects);
		put_number(out, "interval-s", duty->interval_s);
		g_string_append_c(out, '\n');
	}
}

static void put_head(GString *out, const struct vapp *vapp)
{
	g_string_append(out, "vapp");
	put(out, "name", vapp->name);
	put(out, "version", vapp->version);
	put(out, "product", vapp->product);
	put(out, "label", vapp->label);
	g_string_append_c(out, '\n');
	if (vapp->profile.id) {
		g_string_append(out, "profile");
		put(out, "id", vapp->profile.id);
		put(out, "version", vapp->profile.version);
		put(out, "href", vapp->profile.href);
		g_string_append_c(out, '\n');
	}
	put_properties(out, "", vapp->properties);
	for (unsigned i = 0; i < vapp->networks->len; i++) {
		const struct vapp_network *network = vapp->networks->pdata[i];

		g_string_append(out, "network");
		put(out, "name", network->name);
		put(out, "description", network->description);
		g_string_append_c(out, '\n');
	}
}

char *vapp_to_text(const struct vapp *vapp)
{
	GString *out = g_string_new(NULL);

	put_head(out, vapp);
	for (unsigned i = 0; i < vapp->machines->len; i++)
		put_machine(out, vapp->machines->pdata[i]);
	for (unsigned i = 0; i < vapp->flows->len; i++)
		put_flow(out, vapp->flows->pdata[i]);
	put_rules(out, vapp);
	return g_string_free(out, FALSE);
}

gboolean vapp_equal(const struct vapp *a, const struct vapp *b)
{
	g_autofree char *left = vapp_to_text(a);
	g_autofree char *right = vapp_to_text(b);

	return strcmp(left, right) == 0;
}
