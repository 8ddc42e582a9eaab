#pragma once
/* Which connection plays which part in a session (ifmap.md 4.2), as a table.
 *
 * For one session every connection has one role:
 *
 *               SYNC (judge: GO)                 POLL (judge: GO)
 *        +-----------------------> SSRC   ARC <--------------------+
 *        |                          |      |                       |
 *      FRESH                        |      |                     FRESH
 *                    another SYNC   v      v   another POLL
 *                    from FRESH   SUPERSEDED   from FRESH
 *
 *   newSession makes its connection the SSRC of a new session; when a session ends all its roles
 * are forgotten, and every connection is FRESH for the next one. A closed connection is forgotten
 * too.
 *
 * Invariants: (1) ssrc, arc and superseded never name one connection twice; (2) polling implies
 * arc; (3) a deadline stands exactly while neither ssrc nor arc is open.
 *
 * Connections are numbers that are never reused; 0 is none. Pure: the caller brings the clock
 * (monotonic microseconds).
 */
#include <glib.h>

enum map_session_event {
	MAP_SESSION_NEW,  /* newSession */
	MAP_SESSION_SYNC, /* any other request but poll */
	MAP_SESSION_POLL,
};

enum map_session_verdict {
	MAP_SESSION_CREATE,     /* no session yet: make one */
	MAP_SESSION_REPLACE,    /* end the session, then make one */
	MAP_SESSION_GO,         /* carry the request out (map_session_enter() first) */
	MAP_SESSION_INVALID,    /* InvalidSessionID */
	MAP_SESSION_SUPERSEDED, /* AccessDenied; the session goes on */
	MAP_SESSION_MISPLACED, /* Failure: poll on the SSRC, request on the ARC; the session goes on
				*/
	MAP_SESSION_KILL,      /* second poll: end the session, then InvalidSessionID */
};

enum map_session_role {
	MAP_ROLE_FRESH,
	MAP_ROLE_SSRC,
	MAP_ROLE_ARC,
	MAP_ROLE_SUPERSEDED,
};

struct map_session {
	char id[33];
	guint64 ssrc;
	guint64 arc;
	GArray *superseded; /* guint64 */
	gboolean polling;   /* a poll hangs on the ARC */
	gint64 deadline_us; /* monotonic; 0: none */
	guint64 used;       /* number of the engine's request that used it last */
};

/* `id`: 32 characters. The connection becomes the SSRC. */
struct map_session *map_session_new(const char *id, guint64 connection);
void map_session_free(struct map_session *session);
typedef struct map_session map_session;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_session, map_session_free)

enum map_session_role map_session_role(const struct map_session *session, guint64 connection);

/* Whether this is the session's id; in constant time, since it is a secret. */
gboolean map_session_is(const struct map_session *session, const char *session_id);

/* What is to be done about a request; changes nothing. `session` NULL: the client has none.
 * `session_id` is what the request names, NULL when absent; not looked at for MAP_SESSION_NEW. */
enum map_session_verdict map_session_judge(const struct map_session *session,
	enum map_session_event event, const char *session_id, guint64 connection);

/* After MAP_SESSION_GO: the connection takes the role the request gives it, the timer stops. */
void map_session_enter(
	struct map_session *session, enum map_session_event event, guint64 connection);

/* The connection is gone. TRUE: that ends the session (a poll hung on it). Else, when it was the
 * last channel, the timer runs until now_us + timeout_us. */
gboolean map_session_closed(
	struct map_session *session, guint64 connection, gint64 now_us, gint64 timeout_us);

/* Whether a request or response broken off in the middle on this connection ends the session. */
gboolean map_session_broken(const struct map_session *session, guint64 connection);
