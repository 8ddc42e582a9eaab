#include "map/account.h"

#include <string.h>

/* Between name and number of a seat in the store; map_identity_is_name() keeps it out of names. */
#define SEPARATOR '\x1f'

struct map_account *map_account_new(const char *name)
{
	struct map_account *account = g_new0(struct map_account, 1);
	account->name = g_strdup(name);
	account->subject.name = account->name;
	account->seats = g_ptr_array_new_with_free_func((GDestroyNotify)map_client_free);
	return account;
}

void map_account_free(struct map_account *account)
{
	if (!account)
		return;
	g_ptr_array_unref(account->seats);
	map_identity_unref(account->identity);
	g_free(account->variable);
	g_free(account->name);
	g_free(account);
}

struct map_client *map_account_add_seat(
	struct map_account *account, struct map_publisher *publisher)
{
	struct map_client *client = map_client_new(account->name, publisher);
	client->account = account;
	publisher->owner = account;
	g_ptr_array_add(account->seats, client);
	return client;
}

/* ---- who it is */

void map_account_review(
	struct map_account *account, struct map_policy *policy, const struct map_limits *limits)
{
	if (!account->identity)
		return;
	g_free(account->variable);
	account->subject.roles = map_policy_roles(policy, account->identity, &account->variable);
	account->subject.variable = account->variable;
	account->quota = map_roles_quota(account->subject.roles, limits);
	account->subject.search_cost = account->quota.search_cost;
}

void map_account_meet(struct map_account *account, struct map_policy *policy,
	struct map_identity *identity, const struct map_limits *limits)
{
	if (map_identity_equal(account->identity, identity))
		return;
	map_identity_unref(account->identity);
	account->identity = map_identity_ref(identity);
	map_account_review(account, policy, limits);
}

/* ---- seats */

static struct map_client *seat(const struct map_account *account, guint i)
{
	return g_ptr_array_index(account->seats, i);
}

struct map_client *map_account_find_session(
	const struct map_account *account, const char *session_id)
{
	for (guint i = 0; session_id && i < account->seats->len; i++) {
		const struct map_session *session = seat(account, i)->session;
		if (session && map_session_is(session, session_id))
			return seat(account, i);
	}
	return NULL;
}

/* Whether x was left alone longer than y: no connection before any, then the older last use. */
static gboolean is_staler(const struct map_session *x, const struct map_session *y)
{
	if ((x->deadline_us != 0) != (y->deadline_us != 0))
		return x->deadline_us != 0;
	return x->used < y->used;
}

struct map_client *map_account_find_seat(const struct map_account *account, guint64 connection)
{
	struct map_client *free_seat = NULL;
	struct map_client *stalest = NULL;

	for (guint i = 0; i < account->seats->len; i++) {
		struct map_client *client = seat(account, i);
		if (!client->session)
			free_seat = free_seat ? free_seat : client;
		else if (map_session_role(client->session, connection) != MAP_ROLE_FRESH)
			return client;
		else if (!stalest || is_staler(client->session, stalest->session))
			stalest = client;
	}
	if (free_seat || account->seats->len < account->quota.sessions)
		return free_seat;
	return stalest;
}

/* ---- what is charged */

gboolean map_account_take_request(struct map_account *account, gint64 now_us)
{
	double rate = (double)account->quota.requests;

	return map_bucket_take(&account->requests, rate, rate * MAP_BURST_S, now_us);
}

gboolean map_account_note_throttled(struct map_account *account, gint64 now_us)
{
	if (account->throttled_us && now_us - account->throttled_us < G_TIME_SPAN_MINUTE)
		return FALSE;
	account->throttled_us = now_us;
	return TRUE;
}

guint64 map_account_n_subscriptions(const struct map_account *account)
{
	guint64 n = 0;
	for (guint i = 0; i < account->seats->len; i++)
		n += g_hash_table_size(seat(account, i)->subscriptions);
	return n;
}

guint64 map_account_pending(const struct map_account *account)
{
	guint64 size = 0;
	for (guint i = 0; i < account->seats->len; i++)
		size += seat(account, i)->buf.size;
	return size;
}

struct map_standing map_account_standing(const struct map_account *account)
{
	struct map_standing standing = { 0, 0 };

	for (guint i = 0; i < account->seats->len; i++) {
		struct map_stock *const *stocks = seat(account, i)->publisher->stocks;
		standing.forever += stocks[IFMAP_LIFETIME_FOREVER]->size;
		standing.stored += stocks[IFMAP_LIFETIME_FOREVER]->size +
				   stocks[IFMAP_LIFETIME_SESSION]->size;
	}
	return standing;
}

gboolean map_account_check(
	const struct map_account *account, const struct map_standing *before, GError **error)
{
	const struct map_standing now = map_account_standing(account);
	const struct {
		guint64 before, now, most;
		const char *what;
	} rows[] = {
		{ before->stored, now.stored, account->quota.stored, "of metadata" },
		{ before->forever, now.forever, account->quota.forever, "with lifetime forever" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (rows[i].now <= rows[i].most || rows[i].now <= rows[i].before)
			continue;
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE,
			"more than %" G_GUINT64_FORMAT " bytes %s would stand in your name",
			rows[i].most, rows[i].what);
		return FALSE;
	}
	return TRUE;
}

/* ---- names in the store */

char *map_account_seat_key(const struct map_account *account, unsigned seat_number)
{
	if (seat_number == 0)
		return g_strdup(account->name);
	return g_strdup_printf("%s%c%u", account->name, SEPARATOR, seat_number + 1);
}

char *map_account_name_of_key(const char *key)
{
	const char *end = strchr(key, SEPARATOR);
	return end ? g_strndup(key, (gsize)(end - key)) : g_strdup(key);
}
