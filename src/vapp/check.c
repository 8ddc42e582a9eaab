/* vapp_validate(): whether the values of a vApp make sense together. */
#include "vapp/vapp.h"

#include <string.h>

enum {
	MAX_MACHINES = 1000,
	MAX_FLOWS = 10000,
	MAX_NICS = 32,
	MAX_IPS = 16,
	MAX_NAME_SIZE = 63,
	MAX_CMDLINE_SIZE = 2047, /* x86 Linux takes no more */
	MAX_PATHS = 16,
	MAX_VCPUS = 4096,
	MAX_MEMORY_MIB = 16 * 1024 * 1024,
	MAX_INTERVAL_S = 366 * 24 * 3600,
};

/* One validation. The sets remember what must be unique; keys are owned by the sets. */
struct check {
	const struct vapp *vapp;
	const char *source;
	GHashTable *names, *ids, *macs, *taps, *ips, *uuids;
	GError **error;
};

static gboolean refuse(struct check *check, unsigned line, const char *element, const char *format,
	...) G_GNUC_PRINTF(4, 5);

static gboolean refuse(
	struct check *check, unsigned line, const char *element, const char *format, ...)
{
	g_autofree char *why = NULL;
	g_autofree char *at = line ? g_strdup_printf(":%u", line) : g_strdup("");
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(check->error, VAPP_ERROR, VAPP_ERROR_INVALID, "%s%s: <%s>: %s", check->source,
		at, element, why);
	return FALSE;
}

/* ---- single values ---- */

static gboolean name_ok(const char *name)
{
	if (!name || !g_ascii_isalnum(name[0]) || strlen(name) > MAX_NAME_SIZE)
		return FALSE;
	for (const char *p = name; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr("._-", *p))
			return FALSE;
	return TRUE;
}

static gboolean uuid_ok(const char *uuid)
{
	g_autofree char *lower = g_ascii_strdown(uuid, -1);

	return g_uuid_string_is_valid(uuid) && strcmp(lower, uuid) == 0;
}

static gboolean has_parent_step(const char *path)
{
	g_auto(GStrv) steps = g_strsplit(path, "/", -1);

	return g_strv_contains((const char *const *)steps, "..");
}

/* A file beside the package, or a URL; never a bare absolute path, never one that climbs out. */
static gboolean href_ok(const char *href)
{
	g_autofree char *scheme = g_uri_parse_scheme(href);

	for (const char *p = href; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == '\\' || *p == 0x7f)
			return FALSE;
	if (!*href || has_parent_step(href))
		return FALSE;
	if (!scheme)
		return href[0] != '/';
	return strcmp(scheme, "file") == 0
		       ? g_str_has_prefix(href, "file:///")
		       : strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
}

static gboolean check_href(
	struct check *check, unsigned line, const char *element, const char *href)
{
	if (!href || href_ok(href))
		return TRUE;
	return refuse(check, line, element,
		"file '%s' is neither a path inside the package nor a file, http or https URL",
		href);
}

/* An address that a NIC can have. */
static gboolean unicast_ok(const struct vapp_prefix *ip)
{
	static const guint8 zero[16], loopback6[16] = { [15] = 1 };

	if (ip->length == 0 || memcmp(ip->bytes, zero, 16) == 0)
		return FALSE;
	if (ip->family == VAPP_IPV4)
		return ip->bytes[0] != 0 && ip->bytes[0] != 127 && ip->bytes[0] < 224;
	return ip->bytes[0] != 0xff && memcmp(ip->bytes, loopback6, 16) != 0;
}

static gboolean names_something(const struct vapp *vapp, const char *name)
{
	return vapp_find_machine(vapp, name) || vapp_has_tier(vapp, name);
}

/* ---- networks ---- */

static gboolean check_networks(struct check *check)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < check->vapp->networks->len; i++) {
		const struct vapp_network *network = check->vapp->networks->pdata[i];

		if (!network->name || !*network->name || strlen(network->name) > MAX_NAME_SIZE)
			return refuse(check, network->line, "Network",
				"a network needs a name of 1 to 63 bytes");
		if (!g_hash_table_add(seen, network->name))
			return refuse(check, network->line, "Network",
				"network '%s' is declared twice", network->name);
	}
	return TRUE;
}

/* ---- machines ---- */

static gboolean check_ip(
	struct check *check, const struct vapp_nic *nic, const struct vapp_prefix *ip)
{
	g_autofree char *text = vapp_prefix_to_string(ip);

	if (!unicast_ok(ip))
		return refuse(check, nic->line, "Item",
			"'%s' is not an address that a machine can have", text);
	if (!g_hash_table_add(check->ips, vapp_prefix_address(ip)))
		return refuse(check, nic->line, "Item", "address '%s' is given twice", text);
	return TRUE;
}

static gboolean check_mac(struct check *check, const struct vapp_nic *nic)
{
	g_autofree char *canonical = vapp_mac_canonical(nic->mac);

	if (g_strcmp0(canonical, nic->mac) != 0)
		return refuse(check, nic->line, "Item", "'%s' is not a unicast Ethernet address",
			nic->mac);
	if (!g_hash_table_add(check->macs, g_strdup(nic->mac)))
		return refuse(
			check, nic->line, "Item", "Ethernet address '%s' is given twice", nic->mac);
	/* The tap is named after the last four octets (domain.h). */
	if (!g_hash_table_add(check->taps, g_strdup(nic->mac + 6)))
		return refuse(check, nic->line, "Item",
			"Ethernet address '%s' ends in the same four octets as another one",
			nic->mac);
	return TRUE;
}

static gboolean check_nic(struct check *check, const struct vapp_nic *nic)
{
	if (!nic->network || !vapp_find_network(check->vapp, nic->network))
		return refuse(check, nic->line, "Item", "there is no network '%s'",
			nic->network ? nic->network : "");
	if (nic->mac && !check_mac(check, nic))
		return FALSE;
	if (nic->ips->len > MAX_IPS)
		return refuse(
			check, nic->line, "Item", "more than %d addresses on one card", MAX_IPS);
	for (unsigned i = 0; i < nic->ips->len; i++)
		if (!check_ip(check, nic, &g_array_index(nic->ips, struct vapp_prefix, i)))
			return FALSE;
	return TRUE;
}

static gboolean check_boot(struct check *check, const struct vapp_machine *machine)
{
	const struct vapp_boot *boot = &machine->boot;
	g_autoptr(GError) cause = NULL;
	g_autofree char *cmdline = NULL;

	if (!boot->kernel && (boot->initrd || boot->cmdline))
		return refuse(check, boot->line, "BootSection",
			"an initrd or a command line needs a kernel");
	if (!check_href(check, boot->line, "BootSection", boot->kernel) ||
		!check_href(check, boot->line, "BootSection", boot->initrd))
		return FALSE;
	cmdline = vapp_machine_cmdline(check->vapp, machine, &cause);
	if (!cmdline)
		return refuse(check, boot->line, "BootSection", "%s", cause->message);
	if (strlen(cmdline) > MAX_CMDLINE_SIZE || strpbrk(cmdline, "\r\n"))
		return refuse(check, boot->line, "BootSection",
			"the command line must be one line of at most %d bytes", MAX_CMDLINE_SIZE);
	return TRUE;
}

static gboolean check_names(struct check *check, const struct vapp_machine *machine)
{
	if (!name_ok(machine->name) || strcmp(machine->name, VAPP_OUTSIDE) == 0)
		return refuse(check, machine->line, "VirtualSystem", "'%s' cannot name a machine",
			machine->name);
	if (!g_hash_table_add(check->names, g_strdup(machine->name)))
		return refuse(check, machine->line, "VirtualSystem",
			"machine '%s' is declared twice", machine->name);
	if (machine->tier && (!name_ok(machine->tier) || strcmp(machine->tier, VAPP_OUTSIDE) == 0))
		return refuse(check, machine->line, "VirtualSystem", "'%s' cannot name a tier",
			machine->tier);
	if (machine->tier && vapp_find_machine(check->vapp, machine->tier))
		return refuse(check, machine->line, "VirtualSystem",
			"'%s' names a tier and a machine", machine->tier);
	if (machine->label && !name_ok(machine->label))
		return refuse(check, machine->line, "VirtualSystem", "'%s' cannot name a label",
			machine->label);
	if (machine->uuid && (!uuid_ok(machine->uuid) ||
				     !g_hash_table_add(check->uuids, g_strdup(machine->uuid))))
		return refuse(check, machine->line, "VirtualSystem",
			"UUID '%s' is malformed or given twice", machine->uuid);
	return TRUE;
}

static gboolean check_machine(struct check *check, const struct vapp_machine *machine)
{
	if (!check_names(check, machine))
		return FALSE;
	if (machine->memory_mib == 0 || machine->memory_mib > MAX_MEMORY_MIB)
		return refuse(check, machine->line, "VirtualSystem",
			"machine '%s' needs 1 to %d MiB of memory", machine->name, MAX_MEMORY_MIB);
	if (machine->n_vcpus == 0 || machine->n_vcpus > MAX_VCPUS)
		return refuse(check, machine->line, "VirtualSystem",
			"machine '%s' needs 1 to %d processors", machine->name, MAX_VCPUS);
	if (machine->nics->len > MAX_NICS)
		return refuse(check, machine->line, "VirtualSystem",
			"machine '%s' has more than %d network cards", machine->name, MAX_NICS);
	for (unsigned i = 0; i < machine->nics->len; i++)
		if (!check_nic(check, machine->nics->pdata[i]))
			return FALSE;
	for (unsigned i = 0; i < machine->disks->len; i++) {
		const struct vapp_disk *disk = machine->disks->pdata[i];

		if (!check_href(check, disk->line, "Disk", disk->href))
			return FALSE;
	}
	return check_boot(check, machine);
}

/* ---- flows ---- */

static gboolean check_endpoint(
	struct check *check, const struct vapp_flow *flow, const struct vapp_endpoint *end)
{
	gboolean outside = g_strcmp0(end->name, VAPP_OUTSIDE) == 0;

	if (!outside && (!end->name || !names_something(check->vapp, end->name)))
		return refuse(check, flow->line, "Flow",
			"flow '%s': there is no tier or machine '%s'", flow->id,
			end->name ? end->name : "");
	if (!outside && end->outside->len)
		return refuse(check, flow->line, "Flow",
			"flow '%s': addresses stand beside '%s', which is not outside", flow->id,
			end->name);
	for (unsigned i = 0; i < end->outside->len; i++) {
		const struct vapp_prefix *prefix = &g_array_index(
			end->outside, struct vapp_prefix, i);
		struct vapp_prefix network = vapp_prefix_mask(prefix);
		g_autofree char *text = vapp_prefix_to_string(prefix);

		if (!vapp_prefix_equal(prefix, &network))
			return refuse(check, flow->line, "Flow",
				"flow '%s': '%s' has bits beyond its length", flow->id, text);
	}
	return TRUE;
}

/* Whether `machine` has an enforceable card on `network` (NULL: on any). */
static gboolean reaches(const struct vapp_machine *machine, const char *network)
{
	for (unsigned i = 0; i < machine->nics->len; i++) {
		const struct vapp_nic *nic = machine->nics->pdata[i];

		if (nic->mac && nic->ips->len && (!network || strcmp(nic->network, network) == 0))
			return TRUE;
	}
	return FALSE;
}

static gboolean meet(
	const struct vapp_machine *a, const struct vapp_machine *b, const char *network)
{
	for (unsigned i = 0; i < a->nics->len; i++) {
		const struct vapp_nic *nic = a->nics->pdata[i];

		if ((!network || strcmp(nic->network, network) == 0) && reaches(a, nic->network) &&
			reaches(b, nic->network))
			return TRUE;
	}
	return FALSE;
}

static gboolean check_pairs(struct check *check, const struct vapp_flow *flow,
	const GPtrArray *from, const GPtrArray *to)
{
	unsigned n_pairs = 0;

	for (unsigned i = 0; i < from->len; i++)
		for (unsigned j = 0; j < to->len; j++) {
			const struct vapp_machine *a = from->pdata[i], *b = to->pdata[j];

			if (a == b)
				continue;
			n_pairs++;
			if (!meet(a, b, flow->network))
				return refuse(check, flow->line, "Flow",
					"flow '%s': '%s' and '%s' have no network in common on which both have "
					"a MAC and an address",
					flow->id, a->name, b->name);
		}
	return n_pairs ||
	       refuse(check, flow->line, "Flow", "flow '%s' connects '%s' with itself only",
		       flow->id, flow->from.name);
}

static gboolean check_reach(struct check *check, const struct vapp_flow *flow)
{
	g_autoptr(GPtrArray) from = vapp_select(check->vapp, flow->from.name);
	g_autoptr(GPtrArray) to = vapp_select(check->vapp, flow->to.name);
	const GPtrArray *inner = from->len ? from : to;

	if (from->len && to->len)
		return check_pairs(check, flow, from, to);
	for (unsigned i = 0; i < inner->len; i++) {
		const struct vapp_machine *machine = inner->pdata[i];

		if (!reaches(machine, flow->network))
			return refuse(check, flow->line, "Flow",
				"flow '%s': machine '%s' has no card with a MAC and an address for it",
				flow->id, machine->name);
	}
	return inner->len || refuse(check, flow->line, "Flow",
				     "flow '%s' leads from outside to outside", flow->id);
}

static gboolean check_flow(struct check *check, const struct vapp_flow *flow)
{
	gboolean has_ports = flow->protocol == VAPP_PROTOCOL_TCP ||
			     flow->protocol == VAPP_PROTOCOL_UDP;

	if (!name_ok(flow->id) || !g_hash_table_add(check->ids, g_strdup(flow->id)))
		return refuse(check, flow->line, "Flow", "flow id '%s' is malformed or given twice",
			flow->id ? flow->id : "");
	if (!check_endpoint(check, flow, &flow->from) || !check_endpoint(check, flow, &flow->to))
		return FALSE;
	if (flow->network && !vapp_find_network(check->vapp, flow->network))
		return refuse(check, flow->line, "Flow", "flow '%s': there is no network '%s'",
			flow->id, flow->network);
	if (!has_ports && flow->ports->len)
		return refuse(check, flow->line, "Flow", "flow '%s': protocol '%s' has no ports",
			flow->id, vapp_protocol_to_string(flow->protocol));
	for (unsigned i = 0; i < flow->ports->len; i++) {
		const struct vapp_ports *range = &g_array_index(flow->ports, struct vapp_ports, i);

		if (range->first == 0 || range->first > range->last)
			return refuse(check, flow->line, "Flow",
				"flow '%s': ports %u-%u are no range", flow->id, range->first,
				range->last);
	}
	if (flow->n_paths == 0 || flow->n_paths > MAX_PATHS)
		return refuse(check, flow->line, "Flow", "flow '%s': paths must be 1 to %d",
			flow->id, MAX_PATHS);
	return check_reach(check, flow);
}

/* ---- placement and duties ---- */

static gboolean check_subjects(
	struct check *check, unsigned line, const char *element, const GPtrArray *subjects)
{
	for (unsigned i = 0; i < subjects->len; i++)
		if (!names_something(check->vapp, subjects->pdata[i]))
			return refuse(check, line, element, "there is no tier or machine '%s'",
				(const char *)subjects->pdata[i]);
	return TRUE;
}

static gboolean check_placement(struct check *check, const struct vapp_placement *placement)
{
	const char *kind = vapp_placement_kind_to_string(placement->kind);
	gboolean pairwise = placement->kind == VAPP_PLACEMENT_APART ||
			    placement->kind == VAPP_PLACEMENT_TOGETHER;
	g_autoptr(GPtrArray) machines = vapp_select_subjects(check->vapp, placement->subjects);

	if (!check_subjects(check, placement->line, "Placement", placement->subjects))
		return FALSE;
	if (pairwise && placement->values->len)
		return refuse(check, placement->line, "Placement", "'%s' takes no values", kind);
	if (!pairwise && placement->values->len == 0)
		return refuse(check, placement->line, "Placement", "'%s' needs values", kind);
	if (pairwise && machines->len < 2)
		return refuse(check, placement->line, "Placement",
			"'%s' needs at least two machines", kind);
	for (unsigned i = 0; i < placement->values->len; i++)
		if (!name_ok(placement->values->pdata[i]))
			return refuse(check, placement->line, "Placement", "'%s' is not a name",
				(const char *)placement->values->pdata[i]);
	return TRUE;
}

/* No two machines may have to be apart and together. */
static gboolean check_contradiction(
	struct check *check, const struct vapp_placement *a, const struct vapp_placement *b)
{
	g_autoptr(GPtrArray) apart = vapp_select_subjects(check->vapp, a->subjects);
	g_autoptr(GPtrArray) together = vapp_select_subjects(check->vapp, b->subjects);
	const struct vapp_machine *first = NULL;

	if (a->kind != VAPP_PLACEMENT_APART || b->kind != VAPP_PLACEMENT_TOGETHER)
		return TRUE;
	for (unsigned i = 0; i < apart->len; i++) {
		const struct vapp_machine *machine = apart->pdata[i];

		if (!g_ptr_array_find(together, machine, NULL))
			continue;
		if (first)
			return refuse(check, b->line, "Placement",
				"machines '%s' and '%s' would have to be apart and together",
				first->name, machine->name);
		first = machine;
	}
	return TRUE;
}

static gboolean check_placements(struct check *check)
{
	const GPtrArray *placements = check->vapp->placements;

	for (unsigned i = 0; i < placements->len; i++)
		if (!check_placement(check, placements->pdata[i]))
			return FALSE;
	for (unsigned i = 0; i < placements->len; i++)
		for (unsigned j = 0; j < placements->len; j++)
			if (!check_contradiction(check, placements->pdata[i], placements->pdata[j]))
				return FALSE;
	return TRUE;
}

static gboolean check_duties(struct check *check)
{
	for (unsigned i = 0; i < check->vapp->duties->len; i++) {
		const struct vapp_duty *duty = check->vapp->duties->pdata[i];

		if (duty->interval_s == 0 || duty->interval_s > MAX_INTERVAL_S)
			return refuse(check, duty->line, "Duty",
				"the interval must be 1 to %d seconds", MAX_INTERVAL_S);
		if (!check_subjects(check, duty->line, "Duty", duty->subjects))
			return FALSE;
	}
	return TRUE;
}

/* ---- the whole ---- */

static gboolean check_head(struct check *check)
{
	const struct vapp *vapp = check->vapp;

	if (!name_ok(vapp->name))
		return refuse(check, vapp->line, "VirtualSystemCollection",
			"'%s' cannot name an application", vapp->name ? vapp->name : "");
	if (!name_ok(vapp->version))
		return refuse(check, vapp->line, "VirtualSystemCollection",
			"'%s' cannot be a version", vapp->version);
	if (vapp->label && !name_ok(vapp->label))
		return refuse(check, vapp->line, "Label", "'%s' cannot name a label", vapp->label);
	if (vapp->profile.id && !name_ok(vapp->profile.id))
		return refuse(check, vapp->profile.line, "Profile", "'%s' cannot name a profile",
			vapp->profile.id);
	if (!check_href(check, vapp->profile.line, "Profile", vapp->profile.href))
		return FALSE;
	if (vapp->machines->len == 0 || vapp->machines->len > MAX_MACHINES)
		return refuse(check, vapp->line, "VirtualSystemCollection",
			"an application has 1 to %d machines", MAX_MACHINES);
	if (vapp->flows->len > MAX_FLOWS)
		return refuse(
			check, vapp->line, "ProtectionSection", "more than %d flows", MAX_FLOWS);
	return TRUE;
}

static gboolean check_all(struct check *check)
{
	if (!check_head(check) || !check_networks(check))
		return FALSE;
	for (unsigned i = 0; i < check->vapp->machines->len; i++)
		if (!check_machine(check, check->vapp->machines->pdata[i]))
			return FALSE;
	for (unsigned i = 0; i < check->vapp->flows->len; i++)
		if (!check_flow(check, check->vapp->flows->pdata[i]))
			return FALSE;
	return check_placements(check) && check_duties(check);
}

gboolean vapp_validate(const struct vapp *vapp, const char *source, GError **error)
{
	struct check check = { .vapp = vapp, .source = source, .error = error };
	GHashTable **sets[] = { &check.names, &check.ids, &check.macs, &check.taps, &check.ips,
		&check.uuids };
	gboolean good;

	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
		*sets[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	good = check_all(&check);
	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
		g_hash_table_unref(*sets[i]);
	return good;
}
