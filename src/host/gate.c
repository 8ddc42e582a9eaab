#include "host/gate.h"

#include "host/domxml.h"
#include "vapp/seal.h"

#include <string.h>

/* Operations that let a machine begin to run here; all others are news of what has already
 * happened. */
static const char *const guarded[] = { "prepare", "start", "migrate", "restore", NULL };

static void refuse(struct gate_verdict *verdict, const char *code, char *text)
{
	verdict->answer = GATE_REFUSE;
	verdict->code = g_strdup(code);
	verdict->text = text;
}

static const char *claimed_by(const struct book *book, const struct domxml *domain)
{
	g_autofree const char **macs = domxml_macs(domain);
	const char *vapp = domain->uuid ? book_claim(book, domain->uuid) : NULL;

	for (size_t i = 0; !vapp && macs[i]; i++)
		vapp = book_claim_by_mac(book, macs[i]);
	return vapp;
}

/* Whether the domain is the very machine that was sealed; else the verdict is a refusal. */
static gboolean check_seal(const struct gate_request *request, const struct domxml *domain,
	const char *vapp, struct gate_verdict *verdict)
{
	g_autoptr(vapp_member) member = NULL;
	g_autoptr(GError) error = NULL;
	enum vapp_seal_status status;

	if (!domain->claims) {
		refuse(verdict, "SEAL_MISSING",
			g_strdup_printf(
				"%s has the identity of a machine of vApp %s but bears no seal; it is a copy, or its metadata was removed",
				domain->name, vapp));
		return FALSE;
	}
	if (!request->seal_key) {
		refuse(verdict, "SEAL_INVALID",
			g_strdup_printf("no key on %s to check the seal of %s with",
				request->host_name, domain->name));
		return FALSE;
	}
	status = seal_check_domain(request->xml, request->seal_key, &member, &error);
	if (status == VAPP_SEAL_GOOD)
		return TRUE;
	refuse(verdict, "SEAL_INVALID",
		g_strdup_printf("the seal of %s does not hold: %s", domain->name,
			error ? error->message : "it has none"));
	return FALSE;
}

static void refuse_uncleared(const struct book *book, const struct gate_request *request,
	const struct domxml *domain, const char *vapp, struct gate_verdict *verdict)
{
	const struct facts_clearance *clearance = book_clearance(book, vapp);
	g_autoptr(GString) text = g_string_new(NULL);

	if (!clearance || clearance->clear || !clearance->reasons || !clearance->reasons->len) {
		refuse(verdict, "NOT_CLEARED",
			g_strdup_printf(
				"%s of vApp %s is not reserved for %s; move it with: drover move %s --to %s",
				domain->name, vapp, request->host_name, vapp, request->host_name));
		return;
	}
	for (unsigned i = 0; i < clearance->reasons->len; i++) {
		const struct facts_reason *reason = clearance->reasons->pdata[i];

		if (i)
			g_string_append_printf(text, "\n%s: ", reason->code);
		g_string_append(text, reason->text);
	}
	refuse(verdict, ((struct facts_reason *)clearance->reasons->pdata[0])->code,
		g_string_free(g_steal_pointer(&text), FALSE));
}

/* Arrivals may come in wherever there is a reservation; a start needs the host to be the machine's
 * home, and must not wake the copy that a move is about to leave behind (docs/moves.md, invariants
 * 1 and 3). */
static gboolean order_forbids(const struct book *book, const struct gate_request *request,
	const struct domxml *domain, const char *vapp, struct gate_verdict *verdict)
{
	const struct facts_order *order = book_order(book, vapp);
	const struct facts_reservation *reservation = book_reservation(book, domain->uuid);
	gboolean home = g_strcmp0(reservation->purpose, "home") == 0;
	gboolean under_way = order && (g_strcmp0(order->state, "running") == 0 ||
					      g_strcmp0(order->state, "stuck") == 0);
	gboolean moving = under_way && g_strcmp0(order->verb, "move") == 0;

	if (request->arrival || (home && !(moving && g_strcmp0(order->phase, "switch") == 0)))
		return FALSE;
	refuse(verdict, "ORDER_RUNNING",
		g_strdup_printf("%s of vApp %s may not start on %s now: order %s is in phase %s",
			domain->name, vapp, request->host_name,
			order && order->id ? order->id : "?",
			order && order->phase ? order->phase : "?"));
	return TRUE;
}

static void judge_claimed(const struct book *book, const struct gate_request *request,
	const struct domxml *domain, const char *vapp, struct gate_verdict *verdict)
{
	if (!check_seal(request, domain, vapp ? vapp : "?", verdict))
		return;
	if (!vapp || !book_claim(book, domain->uuid)) {
		refuse(verdict, "NOT_MEMBER",
			g_strdup_printf(
				"%s bears the seal of a vApp that does not count it among its machines",
				domain->name));
		return;
	}
	if (!book_reservation(book, domain->uuid)) {
		refuse_uncleared(book, request, domain, vapp, verdict);
		return;
	}
	if (!book_protection(book, domain->uuid)) {
		refuse(verdict, "NOT_CLEARED",
			g_strdup_printf("the map holds no protection for %s of vApp %s",
				domain->name, vapp));
		return;
	}
	if (!order_forbids(book, request, domain, vapp, verdict))
		verdict->answer = GATE_ENFORCE;
}

void gate_judge(const struct book *book, const struct gate_request *request,
	struct gate_verdict *ret_verdict)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(domxml) domain = NULL;
	const char *vapp;

	*ret_verdict = (struct gate_verdict){ .answer = GATE_ALLOW };
	if (!g_strv_contains(guarded, request->operation))
		return;
	domain = domxml_read(request->xml, &error);
	if (!domain || !domain->uuid || !domain->name) {
		refuse(ret_verdict, "BAD_DOMAIN",
			g_strdup(error ? error->message : "the domain has no UUID or name"));
		return;
	}
	ret_verdict->uuid = g_strdup(domain->uuid);
	vapp = claimed_by(book, domain);
	if (vapp || domain->claims)
		judge_claimed(book, request, domain, vapp, ret_verdict);
	else if (!request->admit_unclaimed)
		refuse(ret_verdict, "NOT_MEMBER",
			g_strdup_printf("no vApp claims %s, and %s runs only machines of vApps",
				domain->name, request->host_name));
}

void gate_verdict_clear(struct gate_verdict *verdict)
{
	g_clear_pointer(&verdict->uuid, g_free);
	g_clear_pointer(&verdict->code, g_free);
	g_clear_pointer(&verdict->text, g_free);
}
