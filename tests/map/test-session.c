/* Every row of ifmap.md 4.2 on the pure table. */
#include <string.h>

#include "map/session.h"

#define ID     "00112233445566778899aabbccddeeff"
#define OTHER  "ffeeddccbbaa99887766554433221100"
#define SECOND G_USEC_PER_SEC

/* Connections of the session the rows start from. */
enum {
	SSRC = 10,
	ARC,
	OLD_SSRC,
	OLD_ARC,
	FRESH,
};

static struct map_session *make(gboolean polling)
{
	struct map_session *session = map_session_new(ID, OLD_SSRC);
	map_session_enter(session, MAP_SESSION_SYNC, SSRC);
	map_session_enter(session, MAP_SESSION_POLL, OLD_ARC);
	map_session_enter(session, MAP_SESSION_POLL, ARC);
	session->polling = polling;
	return session;
}

static const struct row {
	const char *name;
	gboolean polling;
	enum map_session_event event;
	const char *id;
	guint64 connection;
	enum map_session_verdict verdict;
} ROWS[] = {
	{ "newSession on the SSRC", FALSE, MAP_SESSION_NEW, NULL, SSRC, MAP_SESSION_REPLACE },
	{ "newSession on a fresh connection", FALSE, MAP_SESSION_NEW, NULL, FRESH,
		MAP_SESSION_REPLACE },
	{ "newSession while polling", TRUE, MAP_SESSION_NEW, NULL, SSRC, MAP_SESSION_REPLACE },
	{ "newSession on a superseded SSRC", FALSE, MAP_SESSION_NEW, NULL, OLD_SSRC,
		MAP_SESSION_SUPERSEDED },
	{ "newSession on a superseded ARC", FALSE, MAP_SESSION_NEW, NULL, OLD_ARC,
		MAP_SESSION_SUPERSEDED },
	{ "newSession on the ARC", FALSE, MAP_SESSION_NEW, NULL, ARC, MAP_SESSION_SUPERSEDED },
	{ "request with another id", FALSE, MAP_SESSION_SYNC, OTHER, SSRC, MAP_SESSION_INVALID },
	{ "request with a prefix of the id", FALSE, MAP_SESSION_SYNC, "0011", SSRC,
		MAP_SESSION_INVALID },
	{ "request without id", FALSE, MAP_SESSION_SYNC, NULL, SSRC, MAP_SESSION_INVALID },
	{ "poll with another id", TRUE, MAP_SESSION_POLL, OTHER, ARC, MAP_SESSION_INVALID },
	{ "request on the SSRC", FALSE, MAP_SESSION_SYNC, ID, SSRC, MAP_SESSION_GO },
	{ "request on the SSRC while polling", TRUE, MAP_SESSION_SYNC, ID, SSRC, MAP_SESSION_GO },
	{ "request on a fresh connection", FALSE, MAP_SESSION_SYNC, ID, FRESH, MAP_SESSION_GO },
	{ "request on a superseded SSRC", FALSE, MAP_SESSION_SYNC, ID, OLD_SSRC,
		MAP_SESSION_SUPERSEDED },
	{ "request on a superseded ARC", FALSE, MAP_SESSION_SYNC, ID, OLD_ARC,
		MAP_SESSION_SUPERSEDED },
	{ "request on the ARC", FALSE, MAP_SESSION_SYNC, ID, ARC, MAP_SESSION_MISPLACED },
	{ "poll on the SSRC", FALSE, MAP_SESSION_POLL, ID, SSRC, MAP_SESSION_MISPLACED },
	{ "poll on the ARC", FALSE, MAP_SESSION_POLL, ID, ARC, MAP_SESSION_GO },
	{ "poll on a fresh connection", FALSE, MAP_SESSION_POLL, ID, FRESH, MAP_SESSION_GO },
	{ "poll on a superseded ARC", FALSE, MAP_SESSION_POLL, ID, OLD_ARC,
		MAP_SESSION_SUPERSEDED },
	{ "second poll on a fresh connection", TRUE, MAP_SESSION_POLL, ID, FRESH,
		MAP_SESSION_KILL },
	{ "second poll on the ARC", TRUE, MAP_SESSION_POLL, ID, ARC, MAP_SESSION_KILL },
	{ "second poll on the SSRC", TRUE, MAP_SESSION_POLL, ID, SSRC, MAP_SESSION_KILL },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ROWS); i++) {
		const struct row *row = &ROWS[i];
		g_autoptr(map_session) session = make(row->polling);
		enum map_session_verdict verdict = map_session_judge(
			session, row->event, row->id, row->connection);
		if (verdict == row->verdict)
			continue;
		g_test_message("%s: verdict %u, not %u", row->name, verdict, row->verdict);
		g_test_fail();
	}
}

static void test_none(void)
{
	g_assert_cmpint(map_session_judge(NULL, MAP_SESSION_NEW, NULL, 1), ==, MAP_SESSION_CREATE);
	g_assert_cmpint(map_session_judge(NULL, MAP_SESSION_SYNC, ID, 1), ==, MAP_SESSION_INVALID);
	g_assert_cmpint(map_session_judge(NULL, MAP_SESSION_POLL, ID, 1), ==, MAP_SESSION_INVALID);
}

static void test_closing(void)
{
	g_autoptr(map_session) session = make(FALSE);
	g_assert_false(map_session_closed(session, OLD_SSRC, SECOND, 180 * SECOND));
	g_assert_cmpint(map_session_role(session, OLD_SSRC), ==, MAP_ROLE_FRESH);
	g_assert_false(map_session_closed(session, SSRC, SECOND, 180 * SECOND));
	g_assert_cmpint(session->deadline_us, ==, 0); /* the ARC is open */
	g_assert_false(map_session_closed(session, ARC, 2 * SECOND, 180 * SECOND));
	g_assert_cmpint(session->deadline_us, ==, 182 * SECOND);
	map_session_enter(session, MAP_SESSION_SYNC, FRESH);
	g_assert_cmpint(session->deadline_us, ==, 0);
	g_assert_cmpint(map_session_role(session, FRESH), ==, MAP_ROLE_SSRC);
}

static void test_closing_while_polling(void)
{
	g_autoptr(map_session) session = make(TRUE);
	g_assert_false(map_session_closed(session, SSRC, SECOND, SECOND));
	g_assert_false(map_session_closed(session, FRESH, SECOND, SECOND));
	g_assert_true(map_session_closed(session, ARC, SECOND, SECOND));
}

static void test_breaking(void)
{
	g_autoptr(map_session) session = make(TRUE);
	g_assert_true(map_session_broken(session, SSRC));
	g_assert_true(map_session_broken(session, ARC));
	g_assert_false(map_session_broken(session, OLD_SSRC));
	g_assert_false(map_session_broken(session, FRESH));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/map/session/every row of 4.2", test_rows);
	g_test_add_func("/map/session/no session", test_none);
	g_test_add_func("/map/session/C130 C131 closing and the timer", test_closing);
	g_test_add_func("/map/session/C133 closing while polling", test_closing_while_polling);
	g_test_add_func("/map/session/breaking off", test_breaking);
	return g_test_run();
}
