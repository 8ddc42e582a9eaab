#include "host/guard.h"

#include <string.h>

#define RECONNECT_MS 200
#define RETRY_MS     1000 /* after the enforcer refused a machine's rules */

/* One machine with rules. `asked` is what the enforcer was last told in this connection; NULL:
 * nothing yet. */
struct ward {
	char *uuid;
	char *asked;
	char *readback;
	char *difference;
	gboolean conforming;
	gboolean unusable; /* the book's protection cannot be turned into rules: see difference */
	gboolean refused;  /* the enforcer did not take them */
	gint64 at_ms;
};

struct waiter {
	struct guard *guard;
	char *uuid;
	guard_ready_fn ready;
	gpointer data;
	guint timer;
};

struct guard {
	char *socket_path;
	guard_bridge_fn bridge;
	struct guard_events events;
	gpointer data;
	struct enforce_client *client;
	guint reconnect;
	guint retry;
	GHashTable *askings; /* struct asking under way, which die with the connection */
	GHashTable *wards;   /* uuid -> struct ward */
	GHashTable *wanted;  /* uuid -> struct rules_machine: what the book says */
	GPtrArray *waiters;  /* struct waiter */
};

static void ward_free(gpointer data)
{
	struct ward *ward = data;

	g_free(ward->uuid);
	g_free(ward->asked);
	g_free(ward->readback);
	g_free(ward->difference);
	g_free(ward);
}

static struct ward *ward_of(struct guard *guard, const char *uuid)
{
	struct ward *ward = g_hash_table_lookup(guard->wards, uuid);

	if (!ward) {
		ward = g_new0(struct ward, 1);
		ward->uuid = g_strdup(uuid);
		g_hash_table_insert(guard->wards, ward->uuid, ward);
	}
	return ward;
}

/* ---- waiters ---- */

static void waiter_free(gpointer data)
{
	struct waiter *waiter = data;

	if (waiter->timer)
		g_source_remove(waiter->timer);
	g_free(waiter->uuid);
	g_free(waiter);
}

static void waiter_answer(struct waiter *waiter, gboolean stands, const char *why)
{
	guard_ready_fn ready = waiter->ready;
	gpointer data = waiter->data;
	g_autofree char *text = g_strdup(why);

	g_ptr_array_remove_fast(waiter->guard->waiters, waiter);
	ready(stands, text, data);
}

static const char *why_not(struct guard *guard, const char *uuid)
{
	const struct ward *ward = g_hash_table_lookup(guard->wards, uuid);

	if (!guard_enforcer(guard))
		return "the enforcer is not running";
	if (ward && ward->difference && *ward->difference)
		return ward->difference;
	return ward && ward->readback ? "its rules differ from the intent"
				      : "its rules have not been read back yet";
}

static gboolean on_wait_over(gpointer data)
{
	struct waiter *waiter = data;

	waiter->timer = 0;
	waiter_answer(waiter, FALSE, why_not(waiter->guard, waiter->uuid));
	return G_SOURCE_REMOVE;
}

static void wake_waiters(struct guard *guard, const struct ward *ward)
{
	for (unsigned i = guard->waiters->len; ward->conforming && i > 0; i--) {
		struct waiter *waiter = guard->waiters->pdata[i - 1];

		if (strcmp(waiter->uuid, ward->uuid) == 0)
			waiter_answer(waiter, TRUE, NULL);
	}
}

void guard_wait(struct guard *guard, const char *uuid, unsigned timeout_ms, guard_ready_fn ready,
	gpointer data)
{
	const struct ward *ward = g_hash_table_lookup(guard->wards, uuid);
	struct waiter *waiter;

	if (guard->client && ward && ward->conforming) {
		ready(TRUE, NULL, data);
		return;
	}
	waiter = g_new0(struct waiter, 1);
	waiter->guard = guard;
	waiter->uuid = g_strdup(uuid);
	waiter->ready = ready;
	waiter->data = data;
	waiter->timer = g_timeout_add(timeout_ms, on_wait_over, waiter);
	g_ptr_array_add(guard->waiters, waiter);
}

/* ---- the enforcer's answers ---- */

/* A machine that nobody here asked for: an earlier agent did. It is watched like any other, and
 * goes at the next sync if it is neither reserved nor present. */
static struct ward *inherit(struct guard *guard, const struct enforce_verdict *verdict)
{
	return verdict->state == ENFORCE_ABSENT ? NULL : ward_of(guard, verdict->uuid);
}

static void take_verdict(struct guard *guard, const struct enforce_verdict *verdict)
{
	struct ward *ward = g_hash_table_lookup(guard->wards, verdict->uuid);

	if (!ward)
		ward = inherit(guard, verdict);
	if (!ward)
		return;
	if (!ward->asked && !g_hash_table_contains(guard->wanted, ward->uuid))
		ward->asked = g_strdup(verdict->intent_digest);
	g_free(ward->readback);
	ward->readback = g_strdup(verdict->kernel_digest);
	if (!ward->unusable && !ward->refused) {
		g_free(ward->difference);
		ward->difference = g_strdup(verdict->difference);
	}
	ward->conforming = verdict->state == ENFORCE_CONFORMS && !ward->unusable &&
			   !ward->refused && g_strcmp0(verdict->kernel_digest, ward->asked) == 0;
	ward->at_ms = g_get_real_time() / 1000;
	wake_waiters(guard, ward);
	guard->events.changed(ward->uuid, guard->data);
}

static void on_verdicts(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	for (unsigned i = 0; !error && reply->verdicts && i < reply->verdicts->len; i++)
		take_verdict(data, &g_array_index(reply->verdicts, struct enforce_verdict, i));
}

/* Owned by one `set` request, so that a refusal of the enforcer can be told for its machine. */
struct asking {
	struct guard *guard;
	char *uuid;
};

static void asking_free(gpointer data)
{
	struct asking *asking = data;

	g_free(asking->uuid);
	g_free(asking);
}

static void bring(struct guard *guard);

static gboolean on_retry(gpointer data)
{
	struct guard *guard = data;
	GHashTableIter iter;
	gpointer value;

	guard->retry = 0;
	g_hash_table_iter_init(&iter, guard->wards);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct ward *ward = value;

		if (ward->refused)
			g_clear_pointer(&ward->asked, g_free);
	}
	bring(guard);
	return G_SOURCE_REMOVE;
}

static void take_refusal(struct guard *guard, struct ward *ward, const char *why)
{
	g_free(ward->difference);
	ward->difference = g_strdup(why);
	ward->conforming = FALSE;
	ward->refused = TRUE;
	if (!guard->retry)
		guard->retry = g_timeout_add(RETRY_MS, on_retry, guard);
	guard->events.changed(ward->uuid, guard->data);
}

static void on_set(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct asking *asking = data;
	struct guard *guard = asking->guard;
	struct ward *ward = g_hash_table_lookup(guard->wards, asking->uuid);

	if (ward && g_error_matches(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED))
		take_refusal(guard, ward, error->message);
	else if (ward)
		ward->refused = FALSE;
	on_verdicts(reply, error, guard);
	g_hash_table_remove(guard->askings, asking);
}

static void ask_set(struct guard *guard, struct ward *ward, const struct rules_machine *machine)
{
	g_autoptr(GPtrArray) machines = g_ptr_array_new();
	struct asking *asking = g_new(struct asking, 1);

	*asking = (struct asking){ guard, g_strdup(ward->uuid) };
	g_hash_table_add(guard->askings, asking);
	g_free(ward->asked);
	ward->asked = rules_machine_digest(machine);
	ward->conforming = FALSE;
	g_ptr_array_add(machines, (gpointer)machine);
	enforce_client_set(guard->client, machines, on_set, asking);
}

static void on_ignored(const struct enforce_reply *reply, const GError *error, gpointer data)
{
}

/* ---- book -> rules ---- */

static const struct {
	const char *name;
	enum rules_protocol protocol;
} protocols[] = {
	{ "tcp", RULES_TCP },
	{ "udp", RULES_UDP },
	{ "icmp", RULES_ICMP },
	{ "icmpv6", RULES_ICMPV6 },
	{ "any", RULES_ANY },
};

static gboolean protocol_of(const char *name, enum rules_protocol *ret_protocol)
{
	for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
		if (g_strcmp0(protocols[i].name, name) != 0)
			continue;
		*ret_protocol = protocols[i].protocol;
		return TRUE;
	}
	return FALSE;
}

static gboolean add_nic(struct guard *guard, struct rules_machine *machine,
	const struct facts_protected_nic *from, GError **error)
{
	guint16 zone = 0;
	const char *bridge = guard->bridge(from->segment, &zone, guard->data);
	struct rules_nic *nic = rules_machine_add_nic(
		machine, from->tap, from->mac, bridge ? bridge : from->segment);

	nic->zone = zone;
	for (size_t i = 0; from->addresses && from->addresses[i]; i++)
		if (!rules_nic_add_address(nic, from->addresses[i], error))
			return FALSE;
	return TRUE;
}

static gboolean add_rule(
	struct rules_machine *machine, const struct facts_protected_rule *from, GError **error)
{
	struct rules_rule *rule;
	enum rules_protocol protocol;

	if (!protocol_of(from->protocol, &protocol)) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
			"flow %s: protocol '%s' is not known", from->flow, from->protocol);
		return FALSE;
	}
	rule = rules_machine_add_rule(machine, from->flow,
		g_strcmp0(from->direction, "in") == 0 ? RULES_IN : RULES_OUT, protocol);
	if (from->port_last)
		rules_rule_add_ports(rule, (guint16)from->port_first, (guint16)from->port_last);
	for (size_t i = 0; from->peers && from->peers[i]; i++)
		if (!rules_rule_add_peer(rule, from->peers[i], error))
			return FALSE;
	return TRUE;
}

/* The protection as rules. What cannot be understood leaves the machine with no rule at all, that
 * is cut off: closed. */
static struct rules_machine *rules_from(struct guard *guard, const char *uuid,
	const struct facts_protection *protection, GError **error)
{
	struct rules_machine *machine = rules_machine_new(
		uuid, protection->machine, protection->vapp);
	gboolean good = TRUE;

	for (unsigned i = 0; good && protection->nics && i < protection->nics->len; i++)
		good = add_nic(guard, machine, protection->nics->pdata[i], error);
	for (unsigned i = 0; good && protection->rules && i < protection->rules->len; i++)
		good = add_rule(machine, protection->rules->pdata[i], error);
	if (good && rules_machine_check(machine, error))
		return machine;
	rules_machine_free(machine);
	return NULL;
}

/* What stands from before goes on standing, but it is not what is wanted. Said once: whoever hears
 * of a change syncs again. */
static void set_unusable(struct guard *guard, const char *uuid, const char *why)
{
	struct ward *ward = ward_of(guard, uuid);

	if (ward->unusable && g_strcmp0(ward->difference, why) == 0)
		return;
	g_free(ward->difference);
	ward->difference = g_strdup(why);
	ward->unusable = TRUE;
	ward->conforming = FALSE;
	guard->events.changed(ward->uuid, guard->data);
}

static void want(struct guard *guard, GHashTable *wanted, const struct book *book, const char *uuid)
{
	const struct facts_protection *protection = book_protection(book, uuid);
	g_autoptr(GError) error = NULL;
	struct rules_machine *machine = protection ? rules_from(guard, uuid, protection, &error)
						   : NULL;
	struct ward *ward = g_hash_table_lookup(guard->wards, uuid);

	if (!machine) {
		if (error)
			set_unusable(guard, uuid, error->message);
		return;
	}
	g_hash_table_replace(wanted, g_strdup(uuid), machine);
	if (!ward || !ward->unusable)
		return;
	ward->unusable = FALSE;
	g_clear_pointer(&ward->asked, g_free);
}

static void bring(struct guard *guard)
{
	GHashTableIter iter;
	gpointer uuid;
	gpointer machine;

	if (!guard_enforcer(guard))
		return;
	g_hash_table_iter_init(&iter, guard->wanted);
	while (g_hash_table_iter_next(&iter, &uuid, &machine)) {
		struct ward *ward = ward_of(guard, uuid);
		g_autofree char *digest = rules_machine_digest(machine);

		if (g_strcmp0(digest, ward->asked) != 0)
			ask_set(guard, ward, machine);
	}
}

/* `reserved`, `present`: sets of UUIDs. What a closed connection does not take is found again as
 * inherited when the enforcer is back. */
static void release(struct guard *guard, GHashTable *reserved, GHashTable *present)
{
	g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer uuid;

	g_hash_table_iter_init(&iter, guard->wards);
	while (g_hash_table_iter_next(&iter, &uuid, NULL))
		if (!g_hash_table_contains(reserved, uuid) && !g_hash_table_contains(present, uuid))
			g_ptr_array_add(gone, g_strdup(uuid));
	for (unsigned i = 0; i < gone->len; i++) {
		if (guard_enforcer(guard))
			enforce_client_remove(guard->client, gone->pdata[i], on_ignored, NULL);
		g_hash_table_remove(guard->wards, gone->pdata[i]);
		guard->events.changed(gone->pdata[i], guard->data);
	}
}

void guard_sync(struct guard *guard, const struct book *book, GHashTable *present)
{
	g_autoptr(GPtrArray) reserved = book_reserved(book);
	GHashTable *wanted = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)rules_machine_free);
	g_autoptr(GHashTable) reserved_set = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; i < reserved->len; i++) {
		g_hash_table_add(reserved_set, reserved->pdata[i]);
		want(guard, wanted, book, reserved->pdata[i]);
	}
	g_hash_table_destroy(guard->wanted);
	guard->wanted = wanted;
	bring(guard);
	if (present)
		release(guard, reserved_set, present);
}

/* ---- the connection to the enforcer ---- */

static void schedule_connect(struct guard *guard);

static void on_refused(const struct enforce_refused *refused, gpointer data)
{
	struct guard *guard = data;

	guard->events.refused(refused, guard->data);
}

static void on_tampered(const struct enforce_tampered *tampered, gpointer data)
{
	struct guard *guard = data;

	guard->events.tampered(tampered, guard->data);
	enforce_client_verify(guard->client, NULL, on_verdicts, guard);
}

static void on_closed(const GError *error, gpointer data)
{
	struct guard *guard = data;
	GHashTableIter iter;
	gpointer value;

	schedule_connect(guard); /* from here on nothing is asked through this client */
	g_hash_table_iter_init(&iter, guard->wards);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct ward *ward = value;

		g_clear_pointer(&ward->asked, g_free);
		ward->conforming = FALSE;
		ward->refused = FALSE;
		if (!ward->unusable) {
			g_free(ward->difference);
			ward->difference = g_strdup(
				"the enforcer is not running; the kernel keeps its last rules");
		}
		guard->events.changed(ward->uuid, guard->data);
	}
	guard->events.enforcer(NULL, error ? error->message : "closed", guard->data);
}

static void on_hello(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct guard *guard = data;

	if (!error)
		guard->events.enforcer(reply->backend, NULL, guard->data);
}

static gboolean do_connect(gpointer data)
{
	static const struct enforce_events events = { on_refused, on_tampered, NULL, on_closed };
	struct guard *guard = data;

	/* A client whose connection closed cannot be freed from its own callback; now it can. */
	g_clear_pointer(&guard->client, enforce_client_free);
	g_hash_table_remove_all(guard->askings);
	guard->client = enforce_client_open(guard->socket_path, NULL, &events, guard, NULL);
	if (!guard->client)
		return G_SOURCE_CONTINUE;
	guard->reconnect = 0;
	enforce_client_hello(guard->client, on_hello, guard);
	bring(guard);
	enforce_client_verify(guard->client, NULL, on_verdicts, guard);
	return G_SOURCE_REMOVE;
}

static void schedule_connect(struct guard *guard)
{
	if (!guard->reconnect)
		guard->reconnect = g_timeout_add(RECONNECT_MS, do_connect, guard);
}

struct enforce_client *guard_enforcer(struct guard *guard)
{
	return guard->reconnect ? NULL : guard->client;
}

/* ---- life ---- */

struct guard *guard_new(const char *socket_path, guard_bridge_fn bridge,
	const struct guard_events *events, gpointer data)
{
	struct guard *guard = g_new0(struct guard, 1);

	guard->socket_path = g_strdup(socket_path);
	guard->bridge = bridge;
	guard->events = *events;
	guard->data = data;
	guard->askings = g_hash_table_new_full(NULL, NULL, asking_free, NULL);
	guard->wards = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, ward_free);
	guard->wanted = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)rules_machine_free);
	guard->waiters = g_ptr_array_new_with_free_func(waiter_free);
	if (do_connect(guard) == G_SOURCE_CONTINUE)
		schedule_connect(guard);
	return guard;
}

void guard_free(struct guard *guard)
{
	if (!guard)
		return;
	if (guard->reconnect)
		g_source_remove(guard->reconnect);
	if (guard->retry)
		g_source_remove(guard->retry);
	enforce_client_free(guard->client);
	g_hash_table_unref(guard->askings);
	g_ptr_array_unref(guard->waiters);
	g_hash_table_destroy(guard->wanted);
	g_hash_table_destroy(guard->wards);
	g_free(guard->socket_path);
	g_free(guard);
}

gboolean guard_find(const struct guard *guard, const char *uuid, struct guard_state *ret_state)
{
	const struct ward *ward = g_hash_table_lookup(guard->wards, uuid);

	if (!ward)
		return FALSE;
	*ret_state = (struct guard_state){ ward->asked, ward->readback, ward->difference,
		ward->conforming, ward->at_ms };
	return TRUE;
}

gboolean guard_conforming(const struct guard *guard)
{
	GHashTableIter iter;
	gpointer ward;

	if (!guard->client || guard->reconnect)
		return FALSE;
	g_hash_table_iter_init(&iter, guard->wards);
	while (g_hash_table_iter_next(&iter, NULL, &ward))
		if (!((struct ward *)ward)->conforming)
			return FALSE;
	return TRUE;
}
