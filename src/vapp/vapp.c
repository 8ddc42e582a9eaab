#include "vapp/vapp.h"

#include "base/names.h"

#include <string.h>

G_DEFINE_QUARK(vapp - error - quark, vapp_error)

/* ---- making and freeing ---- */

static GPtrArray *strings_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

struct vapp *vapp_new(const char *name, const char *version)
{
	struct vapp *vapp = g_new0(struct vapp, 1);

	vapp->name = g_strdup(name);
	vapp->version = g_strdup(version ? version : "0");
	vapp->machines = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_machine_free);
	vapp->networks = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_network_free);
	vapp->flows = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_flow_free);
	vapp->placements = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_placement_free);
	vapp->duties = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_duty_free);
	vapp->properties = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_property_free);
	return vapp;
}

struct vapp_machine *vapp_machine_new(const char *name)
{
	struct vapp_machine *machine = g_new0(struct vapp_machine, 1);

	machine->name = g_strdup(name);
	machine->n_vcpus = 1;
	machine->disks = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_disk_free);
	machine->nics = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_nic_free);
	machine->properties = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_property_free);
	return machine;
}

struct vapp_nic *vapp_nic_new(const char *network, const char *mac)
{
	struct vapp_nic *nic = g_new0(struct vapp_nic, 1);

	nic->network = g_strdup(network);
	nic->mac = g_strdup(mac);
	nic->ips = g_array_new(FALSE, FALSE, sizeof(struct vapp_prefix));
	return nic;
}

struct vapp_disk *vapp_disk_new(enum vapp_disk_kind kind, const char *href)
{
	struct vapp_disk *disk = g_new0(struct vapp_disk, 1);

	disk->kind = kind;
	disk->href = g_strdup(href);
	return disk;
}

struct vapp_network *vapp_network_new(const char *name)
{
	struct vapp_network *network = g_new0(struct vapp_network, 1);

	network->name = g_strdup(name);
	return network;
}

static void endpoint_init(struct vapp_endpoint *endpoint, const char *name)
{
	endpoint->name = g_strdup(name);
	endpoint->outside = g_array_new(FALSE, FALSE, sizeof(struct vapp_prefix));
}

static void endpoint_clear(struct vapp_endpoint *endpoint)
{
	g_free(endpoint->name);
	g_array_unref(endpoint->outside);
}

struct vapp_flow *vapp_flow_new(const char *id, const char *from, const char *to)
{
	struct vapp_flow *flow = g_new0(struct vapp_flow, 1);

	flow->id = g_strdup(id);
	endpoint_init(&flow->from, from);
	endpoint_init(&flow->to, to);
	flow->ports = g_array_new(FALSE, FALSE, sizeof(struct vapp_ports));
	flow->n_paths = 1;
	return flow;
}

struct vapp_placement *vapp_placement_new(enum vapp_placement_kind kind)
{
	struct vapp_placement *placement = g_new0(struct vapp_placement, 1);

	placement->kind = kind;
	placement->subjects = strings_new();
	placement->values = strings_new();
	return placement;
}

struct vapp_duty *vapp_duty_new(enum vapp_duty_kind kind, unsigned interval_s)
{
	struct vapp_duty *duty = g_new0(struct vapp_duty, 1);

	duty->kind = kind;
	duty->interval_s = interval_s;
	duty->subjects = strings_new();
	return duty;
}

struct vapp_property *vapp_property_new(const char *key, const char *value)
{
	struct vapp_property *property = g_new0(struct vapp_property, 1);

	property->key = g_strdup(key);
	property->value = g_strdup(value ? value : "");
	return property;
}

void vapp_free(struct vapp *vapp)
{
	if (!vapp)
		return;
	g_free(vapp->name);
	g_free(vapp->version);
	g_free(vapp->product);
	g_free(vapp->label);
	g_free(vapp->profile.id);
	g_free(vapp->profile.version);
	g_free(vapp->profile.href);
	g_ptr_array_unref(vapp->machines);
	g_ptr_array_unref(vapp->networks);
	g_ptr_array_unref(vapp->flows);
	g_ptr_array_unref(vapp->placements);
	g_ptr_array_unref(vapp->duties);
	g_ptr_array_unref(vapp->properties);
	g_free(vapp);
}

void vapp_machine_free(struct vapp_machine *machine)
{
	if (!machine)
		return;
	g_free(machine->name);
	g_free(machine->title);
	g_free(machine->tier);
	g_free(machine->uuid);
	g_free(machine->cpu_model);
	g_free(machine->machine_type);
	g_free(machine->label);
	g_free(machine->boot.kernel);
	g_free(machine->boot.initrd);
	g_free(machine->boot.cmdline);
	g_ptr_array_unref(machine->disks);
	g_ptr_array_unref(machine->nics);
	g_ptr_array_unref(machine->properties);
	g_free(machine);
}

void vapp_nic_free(struct vapp_nic *nic)
{
	if (!nic)
		return;
	g_free(nic->network);
	g_free(nic->mac);
	g_array_unref(nic->ips);
	g_free(nic);
}

void vapp_disk_free(struct vapp_disk *disk)
{
	if (!disk)
		return;
	g_free(disk->href);
	g_free(disk->format);
	g_free(disk);
}

void vapp_network_free(struct vapp_network *network)
{
	if (!network)
		return;
	g_free(network->name);
	g_free(network->description);
	g_free(network);
}

void vapp_flow_free(struct vapp_flow *flow)
{
	if (!flow)
		return;
	g_free(flow->id);
	g_free(flow->network);
	endpoint_clear(&flow->from);
	endpoint_clear(&flow->to);
	g_array_unref(flow->ports);
	g_free(flow);
}

void vapp_placement_free(struct vapp_placement *placement)
{
	if (!placement)
		return;
	g_ptr_array_unref(placement->subjects);
	g_ptr_array_unref(placement->values);
	g_free(placement);
}

void vapp_duty_free(struct vapp_duty *duty)
{
	if (!duty)
		return;
	g_ptr_array_unref(duty->subjects);
	g_free(duty);
}

void vapp_property_free(struct vapp_property *property)
{
	if (!property)
		return;
	g_free(property->key);
	g_free(property->value);
	g_free(property);
}

/* ---- names of the enums ---- */

static const char *const protocol_names[] = {
	[VAPP_PROTOCOL_TCP] = "tcp",
	[VAPP_PROTOCOL_UDP] = "udp",
	[VAPP_PROTOCOL_ICMP] = "icmp",
	[VAPP_PROTOCOL_ANY] = "any",
};

static const char *const placement_names[] = {
	[VAPP_PLACEMENT_APART] = "apart",
	[VAPP_PLACEMENT_TOGETHER] = "together",
	[VAPP_PLACEMENT_SITES] = "sites",
	[VAPP_PLACEMENT_NEVER_WITH] = "never-with",
};

static const char *const duty_names[] = {
	[VAPP_DUTY_BOOT] = "boot",
	[VAPP_DUTY_MEMORY] = "memory",
	[VAPP_DUTY_DISK] = "disk",
	[VAPP_DUTY_CONTENT] = "content",
};

const char *vapp_protocol_to_string(enum vapp_protocol protocol)
{
	return protocol_names[protocol];
}

gboolean vapp_protocol_from_string(const char *text, enum vapp_protocol *ret_protocol)
{
	unsigned i;

	if (!BASE_NAMES_FIND(protocol_names, text, &i))
		return FALSE;
	*ret_protocol = (enum vapp_protocol)i;
	return TRUE;
}

const char *vapp_placement_kind_to_string(enum vapp_placement_kind kind)
{
	return placement_names[kind];
}

gboolean vapp_placement_kind_from_string(const char *text, enum vapp_placement_kind *ret_kind)
{
	unsigned i;

	if (!BASE_NAMES_FIND(placement_names, text, &i))
		return FALSE;
	*ret_kind = (enum vapp_placement_kind)i;
	return TRUE;
}

const char *vapp_duty_kind_to_string(enum vapp_duty_kind kind)
{
	return duty_names[kind];
}

gboolean vapp_duty_kind_from_string(const char *text, enum vapp_duty_kind *ret_kind)
{
	unsigned i;

	if (!BASE_NAMES_FIND(duty_names, text, &i))
		return FALSE;
	*ret_kind = (enum vapp_duty_kind)i;
	return TRUE;
}

/* ---- ports ---- */

char *vapp_ports_to_string(const GArray *ports)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < ports->len; i++) {
		const struct vapp_ports *range = &g_array_index(ports, struct vapp_ports, i);

		g_string_append_printf(text, i ? ",%u" : "%u", range->first);
		if (range->last != range->first)
			g_string_append_printf(text, "-%u", range->last);
	}
	return g_string_free(text, FALSE);
}

static gboolean port_from_string(const char *text, guint16 *ret_port)
{
	guint64 value;

	if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &value, NULL))
		return FALSE;
	*ret_port = (guint16)value;
	return TRUE;
}

static gboolean range_from_string(const char *text, struct vapp_ports *ret_range)
{
	g_auto(GStrv) ends = g_strsplit(text, "-", 3);
	unsigned n_ends = g_strv_length(ends);
	struct vapp_ports range;

	if (n_ends < 1 || n_ends > 2 || !port_from_string(ends[0], &range.first) ||
		!port_from_string(ends[n_ends - 1], &range.last) || range.first > range.last)
		return FALSE;
	*ret_range = range;
	return TRUE;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct vapp_ports *left = a, *right = b;

	return left->first != right->first ? left->first - right->first : left->last - right->last;
}

/* Sorted in, disjoint and not adjacent out. */
static void join_ranges(GArray *ports)
{
	unsigned n_kept = 0;

	for (unsigned i = 0; i < ports->len; i++) {
		struct vapp_ports range = g_array_index(ports, struct vapp_ports, i);
		struct vapp_ports *last = n_kept ? &g_array_index(
							   ports, struct vapp_ports, n_kept - 1)
						 : NULL;

		if (last && range.first <= last->last + 1)
			last->last = MAX(last->last, range.last);
		else
			g_array_index(ports, struct vapp_ports, n_kept++) = range;
	}
	g_array_set_size(ports, n_kept);
}

GArray *vapp_ports_from_string(const char *text)
{
	g_auto(GStrv) parts = g_strsplit_set(text, ", \t\r\n", 1024);
	g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(struct vapp_ports));

	for (char **part = parts; *part; part++) {
		struct vapp_ports range;

		if (!**part)
			continue;
		if (!range_from_string(*part, &range))
			return NULL;
		g_array_append_val(ports, range);
	}
	g_array_sort(ports, compare_ranges);
	join_ranges(ports);
	return g_steal_pointer(&ports);
}

/* ---- finding ---- */

const struct vapp_machine *vapp_find_machine(const struct vapp *vapp, const char *name)
{
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];

		if (g_strcmp0(machine->name, name) == 0)
			return machine;
	}
	return NULL;
}

const struct vapp_machine *vapp_find_machine_by_mac(const struct vapp *vapp, const char *mac)
{
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];

		for (unsigned j = 0; j < machine->nics->len; j++) {
			const struct vapp_nic *nic = machine->nics->pdata[j];

			if (nic->mac && g_strcmp0(nic->mac, mac) == 0)
				return machine;
		}
	}
	return NULL;
}

const struct vapp_network *vapp_find_network(const struct vapp *vapp, const char *name)
{
	for (unsigned i = 0; i < vapp->networks->len; i++) {
		const struct vapp_network *network = vapp->networks->pdata[i];

		if (g_strcmp0(network->name, name) == 0)
			return network;
	}
	return NULL;
}

const struct vapp_flow *vapp_find_flow(const struct vapp *vapp, const char *id)
{
	for (unsigned i = 0; i < vapp->flows->len; i++) {
		const struct vapp_flow *flow = vapp->flows->pdata[i];

		if (g_strcmp0(flow->id, id) == 0)
			return flow;
	}
	return NULL;
}

gboolean vapp_has_tier(const struct vapp *vapp, const char *name)
{
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];

		if (machine->tier && g_strcmp0(machine->tier, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean stands_for(const struct vapp_machine *machine, const char *name)
{
	return !name || strcmp(machine->name, name) == 0 || g_strcmp0(machine->tier, name) == 0;
}

GPtrArray *vapp_select(const struct vapp *vapp, const char *name)
{
	GPtrArray *machines = g_ptr_array_new();

	for (unsigned i = 0; i < vapp->machines->len; i++)
		if (stands_for(vapp->machines->pdata[i], name))
			g_ptr_array_add(machines, vapp->machines->pdata[i]);
	return machines;
}

GPtrArray *vapp_select_subjects(const struct vapp *vapp, const GPtrArray *subjects)
{
	GPtrArray *machines = g_ptr_array_new();

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		gboolean wanted = subjects->len == 0;

		for (unsigned j = 0; j < subjects->len && !wanted; j++)
			wanted = stands_for(vapp->machines->pdata[i], subjects->pdata[j]);
		if (wanted)
			g_ptr_array_add(machines, vapp->machines->pdata[i]);
	}
	return machines;
}

static int compare_start(const void *a, const void *b)
{
	const struct vapp_machine *left = *(struct vapp_machine *const *)a;
	const struct vapp_machine *right = *(struct vapp_machine *const *)b;
	unsigned left_order = left->start_order - 1; /* 0 becomes the largest: last */
	unsigned right_order = right->start_order - 1;

	return (left_order > right_order) - (left_order < right_order);
}

GPtrArray *vapp_startup_order(const struct vapp *vapp)
{
	GPtrArray *machines = vapp_select(vapp, NULL);

	g_ptr_array_sort(machines, compare_start); /* GLib's sort is stable */
	return machines;
}
