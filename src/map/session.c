#include "map/session.h"

#include <string.h>

struct map_session *map_session_new(const char *id, guint64 connection)
{
	struct map_session *session = g_new0(struct map_session, 1);
	g_strlcpy(session->id, id, sizeof(session->id));
	session->ssrc = connection;
	session->superseded = g_array_new(FALSE, FALSE, sizeof(guint64));
	return session;
}

void map_session_free(struct map_session *session)
{
	if (!session)
		return;
	g_array_unref(session->superseded);
	g_free(session);
}

/* Index in `superseded`, or -1. */
static int find_superseded(const struct map_session *session, guint64 connection)
{
	for (guint i = 0; i < session->superseded->len; i++)
		if (g_array_index(session->superseded, guint64, i) == connection)
			return (int)i;
	return -1;
}

enum map_session_role map_session_role(const struct map_session *session, guint64 connection)
{
	if (connection == session->ssrc)
		return MAP_ROLE_SSRC;
	if (connection == session->arc)
		return MAP_ROLE_ARC;
	return find_superseded(session, connection) >= 0 ? MAP_ROLE_SUPERSEDED : MAP_ROLE_FRESH;
}

/* ifmap.md 4.2: one row per kind of request, one column per role of its connection. */
static const enum map_session_verdict verdicts[][4] = {
	/*                       FRESH                SSRC                   ARC SUPERSEDED */
	[MAP_SESSION_NEW] = { MAP_SESSION_REPLACE, MAP_SESSION_REPLACE, MAP_SESSION_SUPERSEDED,
		MAP_SESSION_SUPERSEDED },
	[MAP_SESSION_SYNC] = { MAP_SESSION_GO, MAP_SESSION_GO, MAP_SESSION_MISPLACED,
		MAP_SESSION_SUPERSEDED },
	[MAP_SESSION_POLL] = { MAP_SESSION_GO, MAP_SESSION_MISPLACED, MAP_SESSION_GO,
		MAP_SESSION_SUPERSEDED },
};

gboolean map_session_is(const struct map_session *session, const char *session_id)
{
	size_t size = strlen(session->id);
	unsigned char difference = 0;

	if (!session_id || strlen(session_id) != size)
		return FALSE;
	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)(session->id[i] ^ session_id[i]);
	return difference == 0;
}

enum map_session_verdict map_session_judge(const struct map_session *session,
	enum map_session_event event, const char *session_id, guint64 connection)
{
	if (!session)
		return event == MAP_SESSION_NEW ? MAP_SESSION_CREATE : MAP_SESSION_INVALID;
	if (event != MAP_SESSION_NEW && !map_session_is(session, session_id))
		return MAP_SESSION_INVALID;
	if (event == MAP_SESSION_POLL && session->polling)
		return MAP_SESSION_KILL;
	return verdicts[event][map_session_role(session, connection)];
}

static void take_role(struct map_session *session, guint64 *role, guint64 connection)
{
	if (*role == connection)
		return;
	if (*role)
		g_array_append_val(session->superseded, *role);
	*role = connection;
}

void map_session_enter(
	struct map_session *session, enum map_session_event event, guint64 connection)
{
	g_assert(event != MAP_SESSION_NEW);
	take_role(session, event == MAP_SESSION_POLL ? &session->arc : &session->ssrc, connection);
	session->deadline_us = 0;
}

gboolean map_session_closed(
	struct map_session *session, guint64 connection, gint64 now_us, gint64 timeout_us)
{
	switch (map_session_role(session, connection)) {
	case MAP_ROLE_FRESH:
		return FALSE;
	case MAP_ROLE_SUPERSEDED:
		g_array_remove_index_fast(
			session->superseded, (guint)find_superseded(session, connection));
		return FALSE;
	case MAP_ROLE_SSRC:
		session->ssrc = 0;
		break;
	case MAP_ROLE_ARC:
		session->arc = 0;
		if (session->polling)
			return TRUE;
		break;
	}
	if (!session->ssrc && !session->arc)
		session->deadline_us = now_us + timeout_us;
	return FALSE;
}

gboolean map_session_broken(const struct map_session *session, guint64 connection)
{
	enum map_session_role role = map_session_role(session, connection);
	return role == MAP_ROLE_SSRC || role == MAP_ROLE_ARC;
}
