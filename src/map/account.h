#pragma once
/* One client identity and all that is charged to it, in however many sessions it has.
 *
 *   identity (who asks) --> account --> seats, each a struct map_client: one session with its
 *                                       publisher-id, subscriptions and undelivered results
 *
 * IF-MAP knows one session per client (ifmap.md 4.1), so an account has one seat, unless its roles
 * grant `sessions`: then each newSession on a connection of its own takes a seat of its own. A
 * seat's publisher-id is durable, so that what was kept "forever" still has a publisher; what one
 * seat published is the own of all.
 *
 * Lives as long as the engine. Under the engine's lock.
 */
#include "map/bucket.h"
#include "map/client.h"

struct map_account {
	char *name;
	struct map_identity *identity; /* as it showed itself last; NULL before it did */
	struct map_subject subject;    /* name and variable are the account's */
	char *variable;
	struct map_quota quota;
	GPtrArray *seats; /* struct map_client *, owned; the first is made at once */
	struct map_bucket requests;
	gint64 throttled_us; /* when it was last said that it sends too many; 0: never */
};

struct map_account *map_account_new(const char *name);
void map_account_free(struct map_account *account);

/* Adds a seat. */
struct map_client *map_account_add_seat(
	struct map_account *account, struct map_publisher *publisher);

/* Notes who asks: what it may do, and what of the server it may use, follows from it. */
void map_account_meet(struct map_account *account, struct map_policy *policy,
	struct map_identity *identity, const struct map_limits *limits);
/* The same after the policy was changed. */
void map_account_review(
	struct map_account *account, struct map_policy *policy, const struct map_limits *limits);

/* The seat of the session with this id, or NULL; compared in constant time. */
struct map_client *map_account_find_session(
	const struct map_account *account, const char *session_id);
/* The seat that a newSession on this connection is about: the one whose session knows the
 * connection, else one that is free, else NULL while there may be more seats, else the one that was
 * left alone longest (its session is to be replaced). */
struct map_client *map_account_find_seat(const struct map_account *account, guint64 connection);

/* Charges one request; FALSE when there were too many. */
gboolean map_account_take_request(struct map_account *account, gint64 now_us);
/* Whether that is worth saying again: once a minute. */
gboolean map_account_note_throttled(struct map_account *account, gint64 now_us);

/* What its sessions hold together. */
guint64 map_account_n_subscriptions(const struct map_account *account);
guint64 map_account_pending(const struct map_account *account);

/* Bytes that stand in its name, by the quota that bounds them. */
struct map_standing {
	guint64 stored;
	guint64 forever;
};
struct map_standing map_account_standing(const struct map_account *account);
/* Whether a request has left the account within its quotas; who is over them may still do what
 * leaves less than stood `before`. Errors: FAILURE. */
gboolean map_account_check(
	const struct map_account *account, const struct map_standing *before, GError **error);

/* The store's name of a seat: the account's name, from the second on with a number behind a
 * character that no name has. Newly allocated. */
char *map_account_seat_key(const struct map_account *account, unsigned seat);
/* The account's name in such a key, newly allocated. */
char *map_account_name_of_key(const char *key);
