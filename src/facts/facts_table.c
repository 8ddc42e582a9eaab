#include "facts/facts.h"

#include "base/names.h"
#include "facts/facts_standard.h"

/* The vocabulary itself, but for the standard's (facts_standard.c). A row a field: element name,
 * type, place in the struct, sub-record, meaning. */

static const struct facts_field protected_nic_fields[] = {
	{ "tap", FACTS_STRING, offsetof(struct facts_protected_nic, tap), NULL, "tap device" },
	{ "mac", FACTS_STRING, offsetof(struct facts_protected_nic, mac), NULL, "MAC address" },
	{ "segment", FACTS_STRING, offsetof(struct facts_protected_nic, segment), NULL, "segment" },
	{ "addresse", FACTS_STRINGS, offsetof(struct facts_protected_nic, addresses), NULL,
		"addresses it may use" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record protected_nic_record = { sizeof(struct facts_protected_nic),
	protected_nic_fields };

static const struct facts_field protected_rule_fields[] = {
	{ "flow", FACTS_STRING, offsetof(struct facts_protected_rule, flow), NULL, "flow id" },
	{ "direction", FACTS_STRING, offsetof(struct facts_protected_rule, direction), NULL,
		"in or out" },
	{ "protocol", FACTS_STRING, offsetof(struct facts_protected_rule, protocol), NULL,
		"tcp, udp, icmp, icmpv6, any" },
	{ "port-first", FACTS_NUMBER, offsetof(struct facts_protected_rule, port_first), NULL,
		"port" },
	{ "port-last", FACTS_NUMBER, offsetof(struct facts_protected_rule, port_last), NULL,
		"port" },
	{ "peer", FACTS_STRINGS, offsetof(struct facts_protected_rule, peers), NULL, "prefixes" },
	{ "peer-name", FACTS_STRING, offsetof(struct facts_protected_rule, peer_name), NULL,
		"tier, machine or outside" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record protected_rule_record = { sizeof(struct facts_protected_rule),
	protected_rule_fields };

static const struct facts_field order_member_fields[] = {
	{ "vm", FACTS_STRING, offsetof(struct facts_order_member, vm), NULL, "VM UUID" },
	{ "machine", FACTS_STRING, offsetof(struct facts_order_member, machine), NULL, "name" },
	{ "from", FACTS_STRING, offsetof(struct facts_order_member, from), NULL, "host UUID" },
	{ "to", FACTS_STRING, offsetof(struct facts_order_member, to), NULL, "host UUID" },
	{ "from-uri", FACTS_STRING, offsetof(struct facts_order_member, from_uri), NULL,
		"libvirt URI of the source" },
	{ "to-uri", FACTS_STRING, offsetof(struct facts_order_member, to_uri), NULL,
		"libvirt URI of the destination" },
	{ "gap-ms", FACTS_NUMBER, offsetof(struct facts_order_member, gap_ms), NULL,
		"ms from pause to resume" },
	{ "stays", FACTS_BOOLEAN, offsetof(struct facts_order_member, stays), NULL,
		"it cannot go back, its source is off: it stays where it is" },
	{ "turn", FACTS_NUMBER, offsetof(struct facts_order_member, turn), NULL,
		"of a start or stop: lower ones go first, 0: any time" },
	{ "turn-delay-s", FACTS_NUMBER, offsetof(struct facts_order_member, turn_delay_s), NULL,
		"seconds from its being over to the next turn" },
	{ "go-ms", FACTS_NUMBER, offsetof(struct facts_order_member, go_ms), NULL,
		"since when it is its turn, ms since 1970, 0: not yet" },
	{ "over-ms", FACTS_NUMBER, offsetof(struct facts_order_member, over_ms), NULL,
		"since when it was seen running (stop: off), ms since 1970, 0: not yet" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record order_member_record = { sizeof(struct facts_order_member),
	order_member_fields };

static const struct facts_field order_step_fields[] = {
	{ "name", FACTS_STRING, offsetof(struct facts_order_step, name), NULL, "step" },
	{ "state", FACTS_STRING, offsetof(struct facts_order_step, state), NULL,
		"waiting, running, done, failed, skipped" },
	{ "started-ms", FACTS_NUMBER, offsetof(struct facts_order_step, started_ms), NULL,
		"ms since 1970" },
	{ "ended-ms", FACTS_NUMBER, offsetof(struct facts_order_step, ended_ms), NULL,
		"ms since 1970" },
	{ "text", FACTS_STRING, offsetof(struct facts_order_step, text), NULL, "detail" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record order_step_record = { sizeof(struct facts_order_step),
	order_step_fields };

static const struct facts_field reason_fields[] = {
	{ "code", FACTS_STRING, offsetof(struct facts_reason, code), NULL, "stable code" },
	{ "subject", FACTS_STRING, offsetof(struct facts_reason, subject), NULL,
		"what it is about" },
	{ "text", FACTS_STRING, offsetof(struct facts_reason, text), NULL, "sentence" },
	{ "fix", FACTS_STRING, offsetof(struct facts_reason, fix), NULL,
		"least change that mends it" },
	{ "fact", FACTS_STRINGS, offsetof(struct facts_reason, facts), NULL, "facts it rests on" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record reason_record = { sizeof(struct facts_reason), reason_fields };

static const struct facts_field in_fleet_fields[] = {
	{ "kind", FACTS_STRING, offsetof(struct facts_in_fleet, kind), NULL,
		"host, vapp, switch, segment" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field host_fields[] = {
	{ "name", FACTS_STRING, offsetof(struct facts_host, name), NULL, "host name" },
	{ "site", FACTS_STRING, offsetof(struct facts_host, site), NULL, "site name" },
	{ "agent-version", FACTS_STRING, offsetof(struct facts_host, agent_version), NULL,
		"version of drover-hostd" },
	{ "libvirt-uri", FACTS_STRING, offsetof(struct facts_host, libvirt_uri), NULL,
		"how peers reach its libvirtd" },
	{ "backend", FACTS_STRING, offsetof(struct facts_host, backend), NULL,
		"bridge-ct or bridge-mark" },
	{ "enforcing", FACTS_BOOLEAN, offsetof(struct facts_host, enforcing), NULL,
		"every rule set equals its intent" },
	{ "started-ms", FACTS_NUMBER, offsetof(struct facts_host, started_ms), NULL,
		"ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field capacity_fields[] = {
	{ "cpus", FACTS_NUMBER, offsetof(struct facts_capacity, cpus), NULL,
		"virtual CPUs offered" },
	{ "cpus-used", FACTS_NUMBER, offsetof(struct facts_capacity, cpus_used), NULL,
		"virtual CPUs of running machines" },
	{ "memory-mib", FACTS_NUMBER, offsetof(struct facts_capacity, memory_mib), NULL,
		"MiB offered" },
	{ "memory-used-mib", FACTS_NUMBER, offsetof(struct facts_capacity, memory_used_mib), NULL,
		"MiB of running machines" },
	{ "cpu-model", FACTS_STRINGS, offsetof(struct facts_capacity, cpu_models), NULL,
		"usable CPU models" },
	{ "machine-type", FACTS_STRINGS, offsetof(struct facts_capacity, machine_types), NULL,
		"machine types" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field runs_on_fields[] = {
	{ "name", FACTS_STRING, offsetof(struct facts_runs_on, name), NULL, "domain name" },
	{ "state", FACTS_STRING, offsetof(struct facts_runs_on, state), NULL,
		"running, paused, moving, shutoff, crashed" },
	{ "vcpus", FACTS_NUMBER, offsetof(struct facts_runs_on, vcpus), NULL, "count" },
	{ "memory-mib", FACTS_NUMBER, offsetof(struct facts_runs_on, memory_mib), NULL, "MiB" },
	{ "vapp", FACTS_STRING, offsetof(struct facts_runs_on, vapp), NULL,
		"vApp its own metadata claims" },
	{ "seal", FACTS_STRING, offsetof(struct facts_runs_on, seal), NULL,
		"valid, invalid, none" },
	{ "since-ms", FACTS_NUMBER, offsetof(struct facts_runs_on, since_ms), NULL,
		"ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field card_fields[] = {
	{ "tap", FACTS_STRING, offsetof(struct facts_card, tap), NULL, "tap device" },
	{ "segment", FACTS_STRING, offsetof(struct facts_card, segment), NULL, "segment name" },
	{ "host", FACTS_STRING, offsetof(struct facts_card, host), NULL, "host UUID" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field segment_present_fields[] = {
	{ "bridge", FACTS_STRING, offsetof(struct facts_segment_present, bridge), NULL,
		"bridge device" },
	{ "up", FACTS_BOOLEAN, offsetof(struct facts_segment_present, up), NULL,
		"operational state" },
	{ "mtu", FACTS_NUMBER, offsetof(struct facts_segment_present, mtu), NULL, "bytes" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field fabric_link_fields[] = {
	{ "port", FACTS_STRING, offsetof(struct facts_fabric_link, port), NULL, "device name" },
	{ "up", FACTS_BOOLEAN, offsetof(struct facts_fabric_link, up), NULL, "carrier" },
	{ "speed-mbit", FACTS_NUMBER, offsetof(struct facts_fabric_link, speed_mbit), NULL,
		"Mbit/s" },
	{ "mtu", FACTS_NUMBER, offsetof(struct facts_fabric_link, mtu), NULL, "bytes" },
	{ "risk", FACTS_STRINGS, offsetof(struct facts_fabric_link, risks), NULL,
		"shared-risk groups" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field enforced_fields[] = {
	{ "intent", FACTS_STRING, offsetof(struct facts_enforced, intent), NULL,
		"SHA-256 of the protection told" },
	{ "readback", FACTS_STRING, offsetof(struct facts_enforced, readback), NULL,
		"SHA-256 of what the kernel holds" },
	{ "conforming", FACTS_BOOLEAN, offsetof(struct facts_enforced, conforming), NULL,
		"the two are equal" },
	{ "generation", FACTS_STRING, offsetof(struct facts_enforced, generation), NULL,
		"generation of the protection" },
	{ "difference", FACTS_STRING, offsetof(struct facts_enforced, difference), NULL,
		"in words, when not conforming" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_enforced, at_ms), NULL, "ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field refused_fields[] = {
	{ "host", FACTS_STRING, offsetof(struct facts_refused, host), NULL, "host UUID" },
	{ "direction", FACTS_STRING, offsetof(struct facts_refused, direction), NULL, "in or out" },
	{ "peer", FACTS_STRING, offsetof(struct facts_refused, peer), NULL, "address" },
	{ "protocol", FACTS_STRING, offsetof(struct facts_refused, protocol), NULL,
		"tcp, udp, icmp, icmpv6, arp or a number" },
	{ "port", FACTS_NUMBER, offsetof(struct facts_refused, port), NULL,
		"destination port, 0 if none" },
	{ "rule", FACTS_STRING, offsetof(struct facts_refused, rule), NULL, "what refused it" },
	{ "count", FACTS_NUMBER, offsetof(struct facts_refused, count), NULL,
		"packets seen since first_ms (rate limited)" },
	{ "first-ms", FACTS_NUMBER, offsetof(struct facts_refused, first_ms), NULL,
		"ms since 1970" },
	{ "last-ms", FACTS_NUMBER, offsetof(struct facts_refused, last_ms), NULL, "ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field progress_fields[] = {
	{ "order", FACTS_STRING, offsetof(struct facts_progress, order), NULL, "order id" },
	{ "phase", FACTS_STRING, offsetof(struct facts_progress, phase), NULL, "phase answered" },
	{ "state", FACTS_STRING, offsetof(struct facts_progress, state), NULL,
		"running, done, failed" },
	{ "percent", FACTS_NUMBER, offsetof(struct facts_progress, percent), NULL, "0 to 100" },
	{ "text", FACTS_STRING, offsetof(struct facts_progress, text), NULL, "detail" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_progress, at_ms), NULL, "ms since 1970" },
	{ "paused-ms", FACTS_NUMBER, offsetof(struct facts_progress, paused_ms), NULL,
		"when the machine stopped here" },
	{ "resumed-ms", FACTS_NUMBER, offsetof(struct facts_progress, resumed_ms), NULL,
		"when it went on here" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field conntrack_fields[] = {
	{ "order", FACTS_STRING, offsetof(struct facts_conntrack, order), NULL, "order id" },
	{ "n-entries", FACTS_NUMBER, offsetof(struct facts_conntrack, n_entries), NULL, "count" },
	{ "entries", FACTS_STRING, offsetof(struct facts_conntrack, entries), NULL,
		"text of the enforcer" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field sighting_fields[] = {
	{ "address", FACTS_STRING, offsetof(struct facts_sighting, address), NULL,
		"IP address, or MAC address when only that is known" },
	{ "mac", FACTS_STRING, offsetof(struct facts_sighting, mac), NULL, "MAC it came with" },
	{ "device", FACTS_STRING, offsetof(struct facts_sighting, device), NULL,
		"bridge or tap it was seen on" },
	{ "by", FACTS_STRING, offsetof(struct facts_sighting, by), NULL,
		"neighbour, bridge or refused" },
	{ "declared", FACTS_BOOLEAN, offsetof(struct facts_sighting, declared), NULL,
		"the machine's own by its package or definition, or nobody declared any" },
	{ "since-ms", FACTS_NUMBER, offsetof(struct facts_sighting, since_ms), NULL,
		"ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record sighting_record = { sizeof(struct facts_sighting),
	sighting_fields };

static const struct facts_field seen_fields[] = {
	{ "sighting", FACTS_LIST, offsetof(struct facts_seen, sightings), &sighting_record,
		"addresses, declared ones first" },
	{ "cut", FACTS_NUMBER, offsetof(struct facts_seen, n_cut), NULL,
		"further undeclared addresses that are not listed" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field route_fields[] = {
	{ "prefix", FACTS_STRING, offsetof(struct facts_route, prefix), NULL, "destination" },
	{ "gateway", FACTS_STRING, offsetof(struct facts_route, gateway), NULL,
		"address; absent: on the link" },
	{ "device", FACTS_STRING, offsetof(struct facts_route, device), NULL, "network device" },
	{ "segment", FACTS_STRING, offsetof(struct facts_route, segment), NULL,
		"segment that the device carries" },
	{ "metric", FACTS_NUMBER, offsetof(struct facts_route, metric), NULL, "lower is better" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record route_record = { sizeof(struct facts_route), route_fields };

static const struct facts_field gateway_fields[] = {
	{ "address", FACTS_STRING, offsetof(struct facts_gateway, address), NULL, "IP address" },
	{ "device", FACTS_STRING, offsetof(struct facts_gateway, device), NULL, "network device" },
	{ "mac", FACTS_STRING, offsetof(struct facts_gateway, mac), NULL, "MAC address" },
	{ "state", FACTS_STRING, offsetof(struct facts_gateway, state), NULL,
		"answers, silent or unknown" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record gateway_record = { sizeof(struct facts_gateway), gateway_fields };

static const struct facts_field routes_fields[] = {
	{ "route", FACTS_LIST, offsetof(struct facts_routes, routes), &route_record,
		"most general first" },
	{ "gateway", FACTS_LIST, offsetof(struct facts_routes, gateways), &gateway_record,
		"gateways of these routes" },
	{ "cut", FACTS_NUMBER, offsetof(struct facts_routes, n_cut), NULL,
		"further routes that are not listed" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field alert_fields[] = {
	{ "code", FACTS_STRING, offsetof(struct facts_alert, code), NULL, "stable code" },
	{ "text", FACTS_STRING, offsetof(struct facts_alert, text), NULL, "sentence" },
	{ "host", FACTS_STRING, offsetof(struct facts_alert, host), NULL, "host UUID" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_alert, at_ms), NULL, "ms since 1970" },
	{ "open-us", FACTS_NUMBER, offsetof(struct facts_alert, open_us), NULL,
		"microseconds that rules were not the intent's" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field package_fields[] = {
	{ "ovf", FACTS_STRING, offsetof(struct facts_package, ovf), NULL, "OVF text" },
	{ "base", FACTS_STRING, offsetof(struct facts_package, base), NULL,
		"directory of relative references" },
	{ "by", FACTS_STRING, offsetof(struct facts_package, by), NULL, "who imported it" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_package, at_ms), NULL, "ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field label_policy_fields[] = {
	{ "text", FACTS_STRING, offsetof(struct facts_label_policy, text), NULL, "policy" },
	{ "format", FACTS_STRING, offsetof(struct facts_label_policy, format), NULL,
		"acm or drover" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_label_policy, at_ms), NULL,
		"ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field request_fields[] = {
	{ "id", FACTS_STRING, offsetof(struct facts_request, id), NULL, "unique" },
	{ "verb", FACTS_STRING, offsetof(struct facts_request, verb), NULL,
		"start, stop, move, abort, remove" },
	{ "to", FACTS_STRINGS, offsetof(struct facts_request, to), NULL, "host names" },
	{ "by", FACTS_STRING, offsetof(struct facts_request, by), NULL, "who asks" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_request, at_ms), NULL, "ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field fenced_fields[] = {
	{ "by", FACTS_STRING, offsetof(struct facts_fenced, by), NULL, "who says so" },
	{ "reason", FACTS_STRING, offsetof(struct facts_fenced, reason), NULL, "in words" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_fenced, at_ms), NULL, "ms since 1970" },
	{ "started-ms", FACTS_NUMBER, offsetof(struct facts_fenced, started_ms), NULL,
		"the life of the agent it is about: that of `enrolled`" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field enrolled_fields[] = {
	{ "name", FACTS_STRING, offsetof(struct facts_enrolled, name), NULL, "host name" },
	{ "site", FACTS_STRING, offsetof(struct facts_enrolled, site), NULL, "site name" },
	{ "started-ms", FACTS_NUMBER, offsetof(struct facts_enrolled, started_ms), NULL,
		"begin of its agent's last life, ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field member_of_fields[] = {
	{ "machine", FACTS_STRING, offsetof(struct facts_member_of, machine), NULL,
		"name in the package" },
	{ "domain", FACTS_STRING, offsetof(struct facts_member_of, domain), NULL,
		"libvirt domain name" },
	{ "role", FACTS_STRING, offsetof(struct facts_member_of, role), NULL, "tier" },
	{ "order", FACTS_NUMBER, offsetof(struct facts_member_of, order), NULL, "startup order" },
	{ "mac", FACTS_STRINGS, offsetof(struct facts_member_of, macs), NULL, "its MAC addresses" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field label_fields[] = {
	{ "name", FACTS_STRING, offsetof(struct facts_label, name), NULL, "label" },
	{ "ste", FACTS_STRINGS, offsetof(struct facts_label, ste), NULL, "type enforcement types" },
	{ "chw", FACTS_STRINGS, offsetof(struct facts_label, chw), NULL, "Chinese Wall types" },
	{ "colour", FACTS_STRING, offsetof(struct facts_label, colour), NULL, "display colour" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field protection_fields[] = {
	{ "vapp", FACTS_STRING, offsetof(struct facts_protection, vapp), NULL, "vApp" },
	{ "machine", FACTS_STRING, offsetof(struct facts_protection, machine), NULL, "machine" },
	{ "generation", FACTS_STRING, offsetof(struct facts_protection, generation), NULL,
		"package version it comes from" },
	{ "nic", FACTS_LIST, offsetof(struct facts_protection, nics), &protected_nic_record,
		"interfaces" },
	{ "rule", FACTS_LIST, offsetof(struct facts_protection, rules), &protected_rule_record,
		"allowed flows" },
	{ "seal-key", FACTS_STRING, offsetof(struct facts_protection, seal_key), NULL,
		"PEM public key of seals" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field definition_fields[] = {
	{ "xml", FACTS_STRING, offsetof(struct facts_definition, xml), NULL, "libvirt domain XML" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field reservation_fields[] = {
	{ "purpose", FACTS_STRING, offsetof(struct facts_reservation, purpose), NULL,
		"home or arrival" },
	{ "order", FACTS_STRING, offsetof(struct facts_reservation, order), NULL, "order id" },
	{ "memory-mib", FACTS_NUMBER, offsetof(struct facts_reservation, memory_mib), NULL, "MiB" },
	{ "vcpus", FACTS_NUMBER, offsetof(struct facts_reservation, vcpus), NULL, "count" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field order_fields[] = {
	{ "id", FACTS_STRING, offsetof(struct facts_order, id), NULL, "unique; the request's" },
	{ "verb", FACTS_STRING, offsetof(struct facts_order, verb), NULL,
		"start, stop, move, remove" },
	{ "phase", FACTS_STRING, offsetof(struct facts_order, phase), NULL,
		"what agents do now (docs/moves.md)" },
	{ "state", FACTS_STRING, offsetof(struct facts_order, state), NULL,
		"running, done, refused, rolled-back, stuck" },
	{ "reason", FACTS_STRING, offsetof(struct facts_order, reason), NULL, "code and sentence" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_order, at_ms), NULL, "ms since 1970" },
	{ "ended-ms", FACTS_NUMBER, offsetof(struct facts_order, ended_ms), NULL, "ms since 1970" },
	{ "member", FACTS_LIST, offsetof(struct facts_order, members), &order_member_record,
		"machines" },
	{ "step", FACTS_LIST, offsetof(struct facts_order, steps), &order_step_record, "steps" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field clearance_fields[] = {
	{ "clear", FACTS_BOOLEAN, offsetof(struct facts_clearance, clear), NULL, "verdict" },
	{ "reason", FACTS_LIST, offsetof(struct facts_clearance, reasons), &reason_record,
		"why not" },
	{ "changed", FACTS_STRING, offsetof(struct facts_clearance, changed), NULL,
		"what changed since the verdict before" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_clearance, at_ms), NULL, "ms since 1970" },
	{ "since-ms", FACTS_NUMBER, offsetof(struct facts_clearance, since_ms), NULL,
		"ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_field forgotten_fields[] = {
	{ "chw", FACTS_STRING, offsetof(struct facts_forgotten, chw), NULL, "Chinese Wall type" },
	{ "by", FACTS_STRING, offsetof(struct facts_forgotten, by), NULL, "who took it out" },
	{ "reason", FACTS_STRING, offsetof(struct facts_forgotten, reason), NULL, "in words" },
	{ "at-ms", FACTS_NUMBER, offsetof(struct facts_forgotten, at_ms), NULL, "ms since 1970" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_record forgotten_record = { sizeof(struct facts_forgotten),
	forgotten_fields };

static const struct facts_field history_fields[] = {
	{ "chw", FACTS_STRINGS, offsetof(struct facts_history, chw), NULL,
		"Chinese Wall types that have ever run there" },
	{ "forgotten", FACTS_LIST, offsetof(struct facts_history, forgotten), &forgotten_record,
		"types taken out by operators" },
	{ NULL, FACTS_STRING, 0, NULL, NULL },
};

static const struct facts_type ours[FACTS_FIRST_STANDARD] = {
	[FACTS_IN_FLEET] = { "in-fleet", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION,
		"fleet–host, fleet–vApp, fleet–switch, fleet–segment", "agent, control, operator",
		"everybody", "belongs to this fleet",
		{ sizeof(struct facts_in_fleet), in_fleet_fields } },
	[FACTS_HOST] = { "host", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "host", "agent",
		"control, cli", "who the host is and how it enforces",
		{ sizeof(struct facts_host), host_fields } },
	[FACTS_CAPACITY] = { "capacity", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "host",
		"agent", "control, cli", "what the host offers to guests",
		{ sizeof(struct facts_capacity), capacity_fields } },
	[FACTS_RUNS_ON] = { "runs-on", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "VM–host",
		"agent", "control, cli", "a domain this host knows",
		{ sizeof(struct facts_runs_on), runs_on_fields } },
	[FACTS_CARD] = { "card", IFMAP_MULTI_VALUE, IFMAP_LIFETIME_SESSION, "VM–mac-address",
		"agent", "cli, console", "a network interface, by each host that has it",
		{ sizeof(struct facts_card), card_fields } },
	[FACTS_SEGMENT_PRESENT] = { "segment-present", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION,
		"host–segment", "agent", "control, cli",
		"guests of this host can attach to the segment",
		{ sizeof(struct facts_segment_present), segment_present_fields } },
	[FACTS_FABRIC_LINK] = { "fabric-link", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION,
		"host–switch, switch–switch", "agent, operator", "control, cli", "a cable",
		{ sizeof(struct facts_fabric_link), fabric_link_fields } },
	[FACTS_ENFORCED] = { "enforced", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "VM–host",
		"agent", "control, cli", "rules read back from the kernel",
		{ sizeof(struct facts_enforced), enforced_fields } },
	[FACTS_REFUSED] = { "refused", IFMAP_MULTI_VALUE, IFMAP_LIFETIME_SESSION, "VM–host",
		"agent", "cli, console", "refused packets of one kind",
		{ sizeof(struct facts_refused), refused_fields } },
	[FACTS_PROGRESS] = { "progress", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "VM–host",
		"agent", "control, cli", "how far a host is with its part of an order",
		{ sizeof(struct facts_progress), progress_fields } },
	[FACTS_CONNTRACK] = { "conntrack", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "VM–host",
		"agent", "agent", "connections of a machine that is leaving",
		{ sizeof(struct facts_conntrack), conntrack_fields } },
	[FACTS_SEEN] = { "seen", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "VM–host", "agent",
		"control, cli", "addresses with which the machine was really seen",
		{ sizeof(struct facts_seen), seen_fields } },
	[FACTS_ROUTES] = { "routes", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_SESSION, "host", "agent",
		"control, cli", "where the host's own packets go",
		{ sizeof(struct facts_routes), routes_fields } },
	[FACTS_ALERT] = { "alert", IFMAP_MULTI_VALUE, IFMAP_LIFETIME_FOREVER, "host, vApp",
		"agent, control", "cli, console", "something a person should see",
		{ sizeof(struct facts_alert), alert_fields } },
	[FACTS_PACKAGE] = { "package", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "vApp",
		"operator", "control, cli", "the package as imported",
		{ sizeof(struct facts_package), package_fields } },
	[FACTS_LABEL_POLICY] = { "label-policy", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER,
		"fleet", "operator", "control, cli", "label policy in force",
		{ sizeof(struct facts_label_policy), label_policy_fields } },
	[FACTS_REQUEST] = { "request", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "vApp",
		"operator", "control", "what an operator asks for",
		{ sizeof(struct facts_request), request_fields } },
	[FACTS_FENCED] = { "fenced", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "host", "operator",
		"control, cli", "an operator's word that the host is switched off",
		{ sizeof(struct facts_fenced), fenced_fields } },
	[FACTS_MEMBER_OF] = { "member-of", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "VM–vApp",
		"control", "agent, cli", "membership",
		{ sizeof(struct facts_member_of), member_of_fields } },
	[FACTS_LABEL] = { "label", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "VM", "control",
		"agent, cli", "resolved label", { sizeof(struct facts_label), label_fields } },
	[FACTS_PROTECTION] = { "protection", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "VM",
		"control", "agent, cli", "what every host that runs it enforces",
		{ sizeof(struct facts_protection), protection_fields } },
	[FACTS_DEFINITION] = { "definition", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "VM",
		"control", "agent", "domain XML, sealed",
		{ sizeof(struct facts_definition), definition_fields } },
	[FACTS_RESERVATION] = { "reservation", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER,
		"VM–host", "control", "agent, cli", "the host shall hold room and protection",
		{ sizeof(struct facts_reservation), reservation_fields } },
	[FACTS_ORDER] = { "order", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "vApp", "control",
		"agent, cli", "what is carried out, or was last",
		{ sizeof(struct facts_order), order_fields } },
	[FACTS_CLEARANCE] = { "clearance", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "vApp–host",
		"control", "agent, cli", "may all of the vApp run there, now",
		{ sizeof(struct facts_clearance), clearance_fields } },
	[FACTS_HISTORY] = { "history", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "host",
		"control, operator", "control, cli", "what has ever been started on the host",
		{ sizeof(struct facts_history), history_fields } },
	[FACTS_ENROLLED] = { "enrolled", IFMAP_SINGLE_VALUE, IFMAP_LIFETIME_FOREVER, "fleet–host",
		"agent, operator", "control, cli",
		"the host belongs to the fleet, whether its agent is there or not",
		{ sizeof(struct facts_enrolled), enrolled_fields } },
};

static gboolean is_standard(enum facts_kind kind)
{
	g_assert((unsigned)kind < FACTS_N_KINDS);
	return kind >= FACTS_FIRST_STANDARD;
}

const struct facts_type *facts_type(enum facts_kind kind)
{
	return is_standard(kind) ? &FACTS_STANDARD[kind - FACTS_FIRST_STANDARD] : &ours[kind];
}

const char *facts_ns(enum facts_kind kind)
{
	return is_standard(kind) ? IFMAP_NS_META : FACTS_NS;
}

const char *facts_prefix(enum facts_kind kind)
{
	return is_standard(kind) ? "meta" : "d";
}

enum facts_kind facts_kind_from_name(const char *name)
{
	unsigned at;

	if (BASE_NAMES_FIND(ours, name, &at))
		return at;
	if (BASE_NAMES_FIND(FACTS_STANDARD, name, &at))
		return FACTS_FIRST_STANDARD + at;
	return FACTS_N_KINDS;
}
