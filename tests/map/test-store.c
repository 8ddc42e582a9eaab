/* The store as a file: versions, damage, two writers, copies, a disk without room. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "map/storefile.h"

struct place {
	char *dir;
	char *store;
};

static const struct map_retention week = { .days = 7, .size = 1U << 30 };

static char *in(const struct place *place, const char *name)
{
	return g_build_filename(place->dir, name, NULL);
}

static void place_init(struct place *place)
{
	place->dir = g_dir_make_tmp("drover-store-test-XXXXXX", NULL);
	g_assert_nonnull(place->dir);
	place->store = in(place, "map.sqlite");
}

static void place_clear(struct place *place)
{
	g_autoptr(GDir) dir = g_dir_open(place->dir, 0, NULL);
	for (const char *name; (name = g_dir_read_name(dir));) {
		g_autofree char *path = in(place, name);
		g_unlink(path);
	}
	g_assert_cmpint(g_rmdir(place->dir), ==, 0);
	g_free(place->dir);
	g_free(place->store);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
}

/* ---- an engine on it */

struct asking {
	GMutex lock;
	GCond came;
	GString *answer;
};

static void on_answer(gpointer token, GString *reply, gpointer data)
{
	(void)token;
	struct asking *asking = data;
	g_mutex_lock(&asking->lock);
	asking->answer = reply;
	g_cond_signal(&asking->came);
	g_mutex_unlock(&asking->lock);
}

static struct map_engine *open_engine_as(const char *path, const struct ifmap_dialect *dialect,
	struct asking *asking, GError **error)
{
	const struct map_engine_ops ops = { .answer = on_answer, .data = asking };
	struct map_store *store = map_store_open(path, &week, error);
	return store ? map_engine_new(&map_limits_default, dialect, &ops, store, error) : NULL;
}

static struct map_engine *open_engine(const char *path, struct asking *asking, GError **error)
{
	return open_engine_as(path, &IFMAP_DIALECT_DEFAULT, asking, error);
}

static void close_engine(struct map_engine *engine)
{
	map_engine_drain(engine);
	map_engine_free(engine);
}

/* One operation of client A; `%s` in it is the session. The answer, to be freed. */
static char *ask(struct map_engine *engine, struct asking *asking, const char *operation)
{
	g_autofree char *body = g_strconcat(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:x=\"urn:example:x\" xmlns:i=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\">"
		"<e:Body>",
		operation, "</e:Body></e:Envelope>", NULL);
	g_autoptr(map_identity) identity = inside_identity("A");
	struct map_call call = { .connection = 1, .identity = identity, .token = asking };
	GString *out = g_string_new(NULL);
	g_autofree char *id = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(ifmap_request_parse(body, strlen(body), &IFMAP_REQUEST_LIMITS_DEFAULT,
				&call.request, &id, &error),
		==, IFMAP_PARSE_OK);
	gboolean now = map_engine_handle(engine, &call, out);
	ifmap_request_free(call.request);
	if (now)
		return g_string_free(out, FALSE);
	g_string_free(out, TRUE);
	g_mutex_lock(&asking->lock);
	while (!asking->answer)
		g_cond_wait(&asking->came, &asking->lock);
	out = g_steal_pointer(&asking->answer);
	g_mutex_unlock(&asking->lock);
	return g_string_free(out, FALSE);
}

static char *attribute(const char *answer, const char *name)
{
	const char *at = strstr(answer, name);
	g_assert_nonnull(at);
	at += strlen(name);
	return g_strndup(at, strcspn(at, "\""));
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, word)); at++)
		n++;
	return n;
}

static char *begin(struct map_engine *engine, struct asking *asking)
{
	g_autofree char *answer = ask(engine, asking, "<i:newSession/>");
	return attribute(answer, "session-id=\"");
}

static char *search(struct map_engine *engine, struct asking *asking, const char *session,
	const char *attributes, const char *device)
{
	g_autofree char *operation = g_strdup_printf(
		"<i:search session-id=\"%s\" max-depth=\"1\" max-size=\"10000000\"%s>"
		"<device><name>%s</name></device></i:search>",
		session, attributes, device);
	return ask(engine, asking, operation);
}

/* An update of `device` with `n_bytes` of text. */
static char *publish(struct map_engine *engine, struct asking *asking, const char *session,
	const char *lifetime, const char *device, unsigned n_bytes)
{
	g_autofree char *filler = g_strnfill(n_bytes, 'z');
	g_autofree char *operation = g_strdup_printf(
		"<i:publish session-id=\"%s\"><update lifetime=\"%s\"><device><name>%s</name></device>"
		"<metadata><x:m ifmap-cardinality=\"multiValue\"><v>%s</v></x:m></metadata></update>"
		"</i:publish>",
		session, lifetime, device, filler);
	return ask(engine, asking, operation);
}

static gboolean is_taken(const char *answer)
{
	return strstr(answer, "publishReceived") != NULL;
}

/* ---- versions */

/* A store of an older version, and what it says once it was brought up to date. */
struct older {
	const char *file;
	const char *at;     /* the past that is asked for */
	const char *then;   /* stood there */
	const char *absent; /* did not yet, or NULL */
	const char *why;    /* what history says of the session's end, or NULL */
};

static const struct older older[] = {
	{ "store-v1.sql", " drover-at=\"1714555800500000\"", "<v>old</v>", "<v>link</v>", NULL },
	{ "store-v2.sql", " drover-at=\"1714555803000000\"", "<v>session</v>", NULL,
		"drover-why=\"server restarted\"" },
};

static void test_migration(gconstpointer data)
{
	const struct older *old = data;
	struct place place;
	struct asking asking = { 0 };
	g_autofree char *sql = NULL;
	g_autoptr(GError) error = NULL;

	place_init(&place);
	g_autofree char *file = g_test_build_filename(G_TEST_DIST, old->file, NULL);
	g_assert_true(g_file_get_contents(file, &sql, NULL, NULL));
	run_sql(place.store, sql);
	for (int round = 0; round < 2; round++) {
		struct map_engine *engine = open_engine(place.store, &asking, &error);
		g_assert_no_error(error);
		g_autofree char *session = begin(engine, &asking);
		g_autofree char *now = search(engine, &asking, session, "", "v1");
		g_assert_nonnull(strstr(now, "<v>old</v>"));
		g_assert_nonnull(strstr(now, "<v>link</v>"));
		g_assert_null(strstr(now, "<v>session</v>"));
		g_autofree char *then = search(engine, &asking, session, old->at, "v1");
		g_assert_nonnull(strstr(then, old->then));
		g_assert_true(!old->absent || !strstr(then, old->absent));
		g_autofree char *log = search(
			engine, &asking, session, " drover-since=\"1\"", "v1");
		g_assert_true(!old->why || strstr(log, old->why));
		close_engine(engine);
	}
	place_clear(&place);
}

/* ---- what goes at one stroke */

static unsigned count_rows(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
	unsigned n = (unsigned)sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return n;
}

static char *purge(struct map_engine *engine, struct asking *asking, const char *session,
	const char *publisher)
{
	g_autofree char *operation = g_strdup_printf(
		"<i:purgePublisher session-id=\"%s\" ifmap-publisher-id=\"%s\"/>", session,
		publisher);
	return ask(engine, asking, operation);
}

/* Purged, but the rows stand when the server goes: the next one ends them, and what was published
 * afterwards stays. */
static void test_withdrawal(void)
{
	struct place place;
	struct asking asking = { 0 };

	place_init(&place);
	struct map_engine *engine = open_engine(place.store, &asking, NULL);
	map_engine_set_slice(engine, 1);
	g_autofree char *begun = ask(engine, &asking, "<i:newSession/>");
	g_autofree char *session = attribute(begun, " session-id=\"");
	g_autofree char *publisher = attribute(begun, "ifmap-publisher-id=\"");
	for (int i = 0; i < 20; i++)
		g_free(publish(engine, &asking, session, "forever", "old", 1));
	for (int i = 0; i < 20; i++)
		g_free(publish(engine, &asking, session, "session", "old", 1));
	g_free(purge(engine, &asking, session, publisher));
	g_free(publish(engine, &asking, session, "forever", "new", 1));
	g_assert_true(map_engine_clear_away(engine));
	close_engine(engine);
	g_assert_cmpuint(count_rows(place.store, "SELECT count(*) FROM fact"), ==, 21);

	for (int round = 0; round < 2; round++) {
		engine = open_engine(place.store, &asking, NULL);
		g_autofree char *again = begin(engine, &asking);
		g_autofree char *old = search(engine, &asking, again, "", "old");
		g_autofree char *new = search(engine, &asking, again, "", "new");
		g_autofree char *log = search(engine, &asking, again, " drover-since=\"1\"", "old");
		g_assert_null(strstr(old, "<x:m "));
		g_assert_nonnull(strstr(new, "<x:m "));
		g_assert_cmpuint(count(log, "<x:m "), ==, 40);
		g_assert_cmpuint(count(log, "drover-why=\"purged\""), ==, 40);
		while (round == 0 && count_rows(place.store, "SELECT count(*) FROM withdrawal") > 0)
			g_usleep(1000);
		close_engine(engine);
		g_assert_cmpuint(count_rows(place.store, "SELECT count(*) FROM fact"), ==, 1);
	}
	place_clear(&place);
}

static void refuse_to_open(const struct place *place, const char *word)
{
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	gsize size_before = 0;
	gsize size_after = 0;
	g_autoptr(GError) error = NULL;
	struct asking asking = { 0 };

	g_assert_true(g_file_get_contents(place->store, &before, &size_before, NULL));
	g_assert_null(open_engine(place->store, &asking, &error));
	g_assert_nonnull(error);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, word));
	g_assert_true(g_file_get_contents(place->store, &after, &size_after, NULL));
	g_assert_true(size_before == size_after && memcmp(before, after, size_before) == 0);
}

static void test_newer(void)
{
	struct place place;
	place_init(&place);
	run_sql(place.store, "CREATE TABLE t(a); PRAGMA user_version=99;");
	refuse_to_open(&place, "newer");
	place_clear(&place);
}

/* ---- switches */

/* What was accepted stays, though the server would not accept it any more. */
static void test_stricter(void)
{
	static const struct ifmap_dialect strict = { .strict_extended = 1, .check_standard = 1 };
	static const char odd[] =
		"<i:publish session-id=\"%s\"><update lifetime=\"forever\"><device><name>d</name></device>"
		"<identity type=\"other\" other-type-definition=\"extended\" name=\"no XML\"/><metadata>"
		"<m:role xmlns:m=\"" IFMAP_NS_META
		"\" ifmap-cardinality=\"multiValue\">auditor</m:role>"
		"</metadata></update></i:publish>";
	struct place place;
	struct asking asking = { 0 };
	g_autoptr(GError) error = NULL;

	place_init(&place);
	struct map_engine *engine = open_engine(place.store, &asking, &error);
	g_assert_no_error(error);
	g_autofree char *session = begin(engine, &asking);
	g_autofree char *operation = g_strdup_printf(odd, session);
	g_autofree char *answer = ask(engine, &asking, operation);
	g_assert_true(is_taken(answer));
	close_engine(engine);

	engine = open_engine_as(place.store, &strict, &asking, &error);
	g_assert_no_error(error);
	g_autofree char *later = begin(engine, &asking);
	g_autofree char *found = search(engine, &asking, later, "", "d");
	g_assert_nonnull(strstr(found, ">auditor</m:role>"));
	close_engine(engine);
	place_clear(&place);
}

/* ---- damage */

static void fill(const struct place *place, unsigned n)
{
	struct asking asking = { 0 };
	struct map_engine *engine = open_engine(place->store, &asking, NULL);
	g_assert_nonnull(engine);
	g_autofree char *session = begin(engine, &asking);
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("d%u", i);
		g_autofree char *answer = publish(engine, &asking, session, "forever", name, 1000);
		g_assert_true(is_taken(answer));
	}
	close_engine(engine);
}

static void overwrite(const char *path, off_t at, size_t size)
{
	g_autofree char *noise = g_strnfill(size, '\xa5');
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(pwrite(fd, noise, size, at), ==, (ssize_t)size);
	close(fd);
}

static void test_damage(void)
{
	static const off_t PLACES[] = { 0, 4096, 20000 };
	for (size_t i = 0; i < G_N_ELEMENTS(PLACES); i++) {
		struct place place;
		place_init(&place);
		fill(&place, 40);
		overwrite(place.store, PLACES[i], 30000);
		refuse_to_open(&place, "restore a backup");
		place_clear(&place);
	}
}

static void test_one_writer(void)
{
	struct place place;
	g_autoptr(GError) error = NULL;
	place_init(&place);
	struct map_store *store = map_store_open(place.store, &week, &error);
	g_assert_no_error(error);
	g_assert_null(map_store_open(place.store, &week, &error));
	g_assert_nonnull(strstr(error->message, "another process"));
	g_clear_error(&error);
	g_assert_false(map_storefile_restore(place.store, place.store, &error));
	g_assert_nonnull(strstr(error->message, "another process"));
	map_store_close(store);
	place_clear(&place);
}

/* ---- copies */

static unsigned count_facts(const char *path)
{
	struct asking asking = { 0 };
	g_autoptr(GError) error = NULL;
	struct map_engine_figures figures;
	struct map_engine *engine = open_engine(path, &asking, &error);
	g_assert_no_error(error);
	map_engine_figures(engine, &figures);
	close_engine(engine);
	return (unsigned)figures.n_facts - 1;
}

/* A copy is made while the server publishes, is whole, and comes back over a damaged store. */
static void test_copies(void)
{
	struct place place;
	struct asking asking = { 0 };
	g_autoptr(GError) error = NULL;

	place_init(&place);
	g_autofree char *copy = in(&place, "copy");
	fill(&place, 10);
	struct map_engine *engine = open_engine(place.store, &asking, &error);
	g_assert_no_error(error);
	g_autofree char *session = begin(engine, &asking);
	g_autofree char *first = publish(engine, &asking, session, "forever", "before", 10);
	g_assert_true(map_storefile_backup(place.store, copy, &error));
	g_assert_no_error(error);
	g_autofree char *second = publish(engine, &asking, session, "forever", "after", 10);
	g_assert_false(map_storefile_backup(place.store, copy, &error));
	g_assert_nonnull(strstr(error->message, "overwrite"));
	g_clear_error(&error);
	close_engine(engine);

	g_assert_cmpuint(count_facts(place.store), ==, 12);
	overwrite(place.store, 0, 30000);
	g_assert_true(map_storefile_restore(copy, place.store, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(count_facts(place.store), ==, 11);
	overwrite(copy, 8192, 20000);
	g_assert_false(map_storefile_restore(copy, place.store, &error));
	g_test_message("%s", error->message);
	g_assert_cmpuint(count_facts(place.store), ==, 11);
	place_clear(&place);
}

/* ---- a disk without room */

static gboolean small_disk(const char *dir)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("drover-test", dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=600k") == 0;
}

static char *publish_until_refused(
	struct map_engine *engine, struct asking *asking, const char *session, unsigned *ret_taken)
{
	for (unsigned i = 0; i < 200; i++) {
		g_autofree char *name = g_strdup_printf("f%u", i);
		g_autofree char *answer = publish(engine, asking, session, "forever", name, 20000);
		if (!is_taken(answer)) {
			*ret_taken = i;
			return g_steal_pointer(&answer);
		}
	}
	return NULL;
}

static void test_disk_full(void)
{
	struct place place;
	struct asking asking = { 0 };
	g_autoptr(GError) error = NULL;
	unsigned n = 0;

	place_init(&place);
	if (!small_disk(place.dir)) {
		g_test_skip("mounting a small disk needs root");
		place_clear(&place);
		return;
	}
	struct map_engine *engine = open_engine(place.store, &asking, &error);
	g_assert_no_error(error);
	g_autofree char *session = begin(engine, &asking);
	g_autofree char *refused = publish_until_refused(engine, &asking, session, &n);
	g_test_message("refused after %u: %s", n, refused);
	g_assert_nonnull(refused);
	g_assert_nonnull(strstr(refused, "SystemError"));
	g_assert_cmpuint(n, >, 3);
	/* From now on nothing is begun that would have to be durable; the rest goes on. */
	g_autofree char *more = publish(engine, &asking, session, "forever", "more", 10);
	g_assert_nonnull(strstr(more, "SystemError"));
	g_autofree char *sought = search(engine, &asking, session, "", "more");
	g_assert_null(strstr(sought, "<x:m"));
	g_autofree char *volatile_one = publish(engine, &asking, session, "session", "live", 10);
	g_assert_true(is_taken(volatile_one));
	g_autofree char *old = search(engine, &asking, session, "", "f0");
	g_assert_nonnull(strstr(old, "zzz"));

	/* Room again: it recovers by itself. */
	g_assert_cmpint(mount("drover-test", place.dir, "tmpfs", MS_REMOUNT, "size=20m"), ==, 0);
	gboolean good = FALSE;
	for (int i = 0; i < 100 && !good; i++) {
		g_usleep(100000);
		g_autofree char *again = publish(engine, &asking, session, "forever", "again", 10);
		good = is_taken(again);
	}
	g_assert_true(good);
	close_engine(engine);
	g_assert_cmpuint(count_facts(place.store), >=, n + 1);
	g_assert_cmpint(mount(NULL, place.dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
	g_assert_null(open_engine(place.store, &asking, &error));
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, "cannot write"));
	g_assert_cmpint(umount(place.dir), ==, 0);
	place_clear(&place);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func(
		"/map/store/version 1 is brought up to date", &older[0], test_migration);
	g_test_add_data_func(
		"/map/store/version 2 is brought up to date", &older[1], test_migration);
	g_test_add_func(
		"/map/store/what was purged is gone, also where its rows stand", test_withdrawal);
	g_test_add_func("/map/store/a newer version is left alone", test_newer);
	g_test_add_func(
		"/map/store/what was accepted stays when rules are stricter", test_stricter);
	g_test_add_func("/map/store/a damaged file is refused and left as it is", test_damage);
	g_test_add_func("/map/store/one process writes", test_one_writer);
	g_test_add_func("/map/store/backup and restore", test_copies);
	g_test_add_func(
		"/map/store/a disk that is full, and one that is read-only", test_disk_full);
	return g_test_run();
}
