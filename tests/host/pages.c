#include "pages.h"

#include <string.h>

static struct ifmap_id *id_of(const char *name)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_id *id = g_str_has_prefix(name, "vapp:")
				      ? facts_id_vapp(name + strlen("vapp:"), &error)
				      : facts_id_device(name, &error);

	g_assert_no_error(error);
	return id;
}

void pages_add(
	struct book *book, enum facts_kind kind, const char *a, const char *b, const void *fact)
{
	g_autoptr(ifmap_id) x = id_of(a);
	g_autoptr(ifmap_id) y = b ? id_of(b) : NULL;
	g_autoptr(ifmap_meta) meta = facts_encode(kind, fact, NULL);

	book_add(book, PAGES_HOST, x, y, meta);
}

void pages_member(struct book *book, const char *vm, const char *vapp, const char *const *macs)
{
	g_autofree char *place = g_strconcat("vapp:", vapp, NULL);
	struct facts_member_of fact = {
		.machine = (char[]){ "web1" }, .order = 3, .macs = (char **)macs
	};

	pages_add(book, FACTS_MEMBER_OF, vm, place, &fact);
}

void pages_reservation(struct book *book, const char *vm, const char *host, const char *purpose)
{
	g_autofree char *copy = g_strdup(purpose);
	struct facts_reservation fact = { .purpose = copy, .order = (char[]){ "o1" } };

	pages_add(book, FACTS_RESERVATION, vm, host, &fact);
}

void pages_protection(struct book *book, const char *vm)
{
	pages_protection_on(book, vm, "dv00000001", PAGES_MAC, "front");
}

void pages_protection_on(
	struct book *book, const char *vm, const char *tap, const char *mac, const char *segment)
{
	g_auto(facts_protection) fact = { .vapp = g_strdup("shop"),
		.machine = g_strdup("web1"),
		.generation = g_strdup("1"),
		.nics = facts_list_new(),
		.rules = facts_list_new() };
	struct facts_protected_nic *nic = facts_list_add(fact.nics, FACTS_PROTECTION, "nic");
	struct facts_protected_rule *rule = facts_list_add(fact.rules, FACTS_PROTECTION, "rule");

	nic->tap = g_strdup(tap);
	nic->mac = g_strdup(mac);
	nic->segment = g_strdup(segment);
	nic->addresses = g_strsplit("10.80.0.11/32", ",", -1);
	rule->flow = g_strdup("customers");
	rule->direction = g_strdup("in");
	rule->protocol = g_strdup("tcp");
	rule->port_first = rule->port_last = 80;
	pages_add(book, FACTS_PROTECTION, vm, NULL, &fact);
}

void pages_order(struct book *book, const char *verb, const char *phase, const char *state)
{
	g_auto(facts_order) fact = { .id = g_strdup("o1"),
		.verb = g_strdup(verb),
		.phase = g_strdup(phase),
		.state = g_strdup(state) };

	pages_add(book, FACTS_ORDER, "vapp:shop", NULL, &fact);
}

void pages_clearance(struct book *book, const char *host, const char *const *codes)
{
	g_auto(facts_clearance) fact = { .clear = !*codes, .reasons = facts_list_new() };

	for (; *codes; codes++) {
		struct facts_reason *reason = facts_list_add(
			fact.reasons, FACTS_CLEARANCE, "reason");

		reason->code = g_strdup(*codes);
		reason->text = g_strdup_printf("because of %s", *codes);
	}
	pages_add(book, FACTS_CLEARANCE, "vapp:shop", host, &fact);
}

void pages_home(struct book *book, const char *purpose)
{
	static const char *const macs[] = { PAGES_MAC, PAGES_MAC2, NULL };

	pages_member(book, PAGES_VM, "shop", macs);
	pages_protection(book, PAGES_VM);
	pages_reservation(book, PAGES_VM, PAGES_HOST, purpose);
}
