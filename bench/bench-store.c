/* bench-store: what the map's inside costs where HTTPS would hide it: memory of an object, history,
 * a purge while others publish, the start on what a killed server left (README.md). */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "map/engine.h"
#include "meter.h"
#include "table.h"

#define BATCH 100

static const struct table_column columns[] = {
	{ "scenario", "scenario", 0 },
	{ "objects", "objects", 0 },
	{ "wall_s", "wall s", 3 },
	{ "cpu_us_per_object", "CPU us/object", 2 },
	{ "bytes_per_object", "B/object", 0 },
	{ "answered_ms", "answered ms", 1 },
	{ "usual_wait_ms", "usual wait ms", 1 },
	{ "longest_wait_ms", "longest wait ms", 1 },
	{ NULL, NULL, 0 },
};

/* One client of the engine, which waits for each of its answers. */
struct caller {
	struct map_engine *engine;
	struct map_identity *identity;
	guint64 connection;
	char *session_id;
	char *publisher_id;
	GMutex lock;
	GCond came;
	GString *answer;
};

static void on_answer(gpointer token, GString *reply, gpointer data)
{
	struct caller *caller = token;
	(void)data;
	g_mutex_lock(&caller->lock);
	caller->answer = reply;
	g_cond_signal(&caller->came);
	g_mutex_unlock(&caller->lock);
}

static struct map_engine *engine_open(const char *path, unsigned days)
{
	const struct map_retention retention = { .days = days, .size = (guint64)1 << 40 };
	const struct map_engine_ops ops = { .answer = on_answer };
	static struct map_limits limits;
	g_autoptr(GError) error = NULL;
	struct map_store *store = path ? map_store_open(path, &retention, &error) : NULL;
	struct map_engine *engine = NULL;

	limits = map_limits_default;
	limits.quota.stored = limits.quota.forever = (guint64)1 << 40;
	limits.quota.requests = 10000000;
	if (!error)
		engine = map_engine_new(&limits, &IFMAP_DIALECT_DEFAULT, &ops, store, &error);
	if (error)
		g_error("%s", error->message);
	return engine;
}

static void engine_close(struct map_engine *engine)
{
	map_engine_drain(engine);
	map_engine_free(engine);
}

/* The answer, to be freed. */
static GString *ask(struct caller *caller, const char *operation)
{
	g_autofree char *body = g_strconcat(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:i=\"" IFMAP_NS
		"\" xmlns:meta=\"" IFMAP_NS_META "\"><e:Body>",
		operation, "</e:Body></e:Envelope>", NULL);
	struct map_call call = {
		.connection = caller->connection, .identity = caller->identity, .token = caller
	};
	GString *out = g_string_new(NULL);
	g_autofree char *id = NULL;
	g_autoptr(GError) error = NULL;

	if (ifmap_request_parse(body, strlen(body), &IFMAP_REQUEST_LIMITS_DEFAULT, &call.request,
		    &id, &error) != IFMAP_PARSE_OK)
		g_error("%s", error->message);
	gboolean now = map_engine_handle(caller->engine, &call, out);
	ifmap_request_free(call.request);
	if (!now) {
		g_string_free(out, TRUE);
		g_mutex_lock(&caller->lock);
		while (!caller->answer)
			g_cond_wait(&caller->came, &caller->lock);
		out = g_steal_pointer(&caller->answer);
		g_mutex_unlock(&caller->lock);
	}
	if (strstr(out->str, "errorResult"))
		g_error("%s", out->str);
	return out;
}

static char *attribute(const GString *text, const char *name)
{
	const char *at = strstr(text->str, name);
	g_assert(at);
	at += strlen(name);
	return g_strndup(at, strcspn(at, "\""));
}

static void caller_begin(struct caller *caller, struct map_engine *engine, const char *name)
{
	static guint64 last;

	*caller = (struct caller){ .engine = engine, .connection = ++last };
	caller->identity = map_identity_new_basic(name, MAP_RIGHT_PURGE_OTHERS);
	g_mutex_init(&caller->lock);
	g_cond_init(&caller->came);
	GString *answer = ask(caller, "<i:newSession/>");
	caller->session_id = attribute(answer, "session-id=\"");
	caller->publisher_id = attribute(answer, "ifmap-publisher-id=\"");
	g_string_free(answer, TRUE);
}

static void caller_clear(struct caller *caller)
{
	map_identity_unref(caller->identity);
	g_free(caller->session_id);
	g_free(caller->publisher_id);
	g_mutex_clear(&caller->lock);
	g_cond_clear(&caller->came);
}

/* ip-mac on links between two identifiers that are new each. */
static void publish(struct caller *caller, const char *lifetime, unsigned first, unsigned n)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(text, "<i:publish session-id=\"%s\">", caller->session_id);
	for (unsigned i = first; i < first + n; i++)
		g_string_append_printf(text,
			"<update lifetime=\"%s\"><ip-address value=\"%u.%u.%u.%u\" type=\"IPv4\"/>"
			"<mac-address value=\"%02x:%02x:%02x:%02x:%02x:%02x\"/><metadata>"
			"<meta:ip-mac ifmap-cardinality=\"multiValue\"/></metadata></update>",
			lifetime, 10 + (i >> 24), i >> 16 & 255, i >> 8 & 255, i & 255,
			(unsigned)caller->connection & 255, 2U, i >> 24, i >> 16 & 255,
			i >> 8 & 255, i & 255);
	g_string_append(text, "</i:publish>");
	g_string_free(ask(caller, text->str), TRUE);
}

static void fill(struct caller *caller, const char *lifetime, unsigned n)
{
	for (unsigned i = 0; i < n; i += BATCH)
		publish(caller, lifetime, i, MIN(BATCH, n - i));
}

static json_t *row_new(const char *scenario, unsigned n, const struct meter *meter)
{
	return json_pack("{s:s, s:i, s:f, s:f}", "scenario", scenario, "objects", (int)n, "wall_s",
		meter->wall_s, "cpu_us_per_object", meter->cpu_s * 1e6 / n);
}

/* ---- scenarios; each runs in a process of its own */

static json_t *memory(const char *path, unsigned n)
{
	struct map_engine *engine = engine_open(NULL, 0);
	struct caller caller;
	struct meter meter;

	(void)path;
	caller_begin(&caller, engine, "A");
	publish(&caller, "session", n, BATCH);
	gsize before = meter_memory_size(getpid());
	meter_start(&meter, 0);
	fill(&caller, "session", n);
	meter_stop(&meter);
	json_t *row = row_new("memory", n, &meter);
	json_object_set_new(row, "bytes_per_object",
		json_integer((json_int_t)((meter_memory_size(getpid()) - before) / n)));
	caller_clear(&caller);
	engine_close(engine);
	return row;
}

/* One object a request, or a hundred where each request waits for the disk; until it is written. */
static json_t *publishing(
	const char *scenario, const char *path, unsigned n, unsigned days, const char *lifetime)
{
	struct map_engine *engine = engine_open(path, days);
	struct caller caller;
	struct meter meter;

	caller_begin(&caller, engine, "A");
	meter_start(&meter, 0);
	unsigned size = strcmp(lifetime, "forever") == 0 ? BATCH : 1;
	for (unsigned i = 0; i < n; i += size)
		publish(&caller, lifetime, i, size);
	map_engine_drain(engine);
	meter_stop(&meter);
	caller_clear(&caller);
	map_engine_free(engine);
	return row_new(scenario, n, &meter);
}

static json_t *session_plain(const char *path, unsigned n)
{
	return publishing("session", path, n, 0, "session");
}

static json_t *session_history(const char *path, unsigned n)
{
	return publishing("session, history", path, n, 7, "session");
}

static json_t *forever_plain(const char *path, unsigned n)
{
	return publishing("forever", path, n, 0, "forever");
}

static json_t *forever_history(const char *path, unsigned n)
{
	return publishing("forever, history", path, n, 7, "forever");
}

struct other {
	struct caller caller;
	const char *lifetime;
	gint stop; /* atomic */
	double longest_s;
	unsigned n;
};

static gpointer keep_publishing(gpointer data)
{
	struct other *other = data;

	while (!g_atomic_int_get(&other->stop)) {
		double begin = meter_now_s();
		publish(&other->caller, other->lifetime, other->n++ % 1000, 1);
		other->longest_s = MAX(other->longest_s, meter_now_s() - begin);
	}
	return NULL;
}

/* What takes away all that one client published, while another publishes. */
static json_t *removing(const char *scenario, const char *path, unsigned n, gboolean purging)
{
	const char *lifetime = purging ? "forever" : "session";
	struct map_engine *engine = engine_open(path, 7);
	struct caller caller;
	struct other other = { .lifetime = lifetime };
	struct meter meter;

	caller_begin(&caller, engine, "A");
	caller_begin(&other.caller, engine, "B");
	fill(&caller, lifetime, n);
	g_autofree char *text = purging ? g_strdup_printf("<i:purgePublisher session-id=\"%s\""
							  " ifmap-publisher-id=\"%s\"/>",
						  caller.session_id, caller.publisher_id)
					: g_strdup_printf("<i:endSession session-id=\"%s\"/>",
						  caller.session_id);
	GThread *thread = g_thread_new("other", keep_publishing, &other);
	g_usleep(G_USEC_PER_SEC / 5);
	double usual_s = other.longest_s;
	other.longest_s = 0;
	double begin_s = meter_now_s();
	meter_start(&meter, 0);
	g_string_free(ask(&caller, text), TRUE);
	struct map_engine_figures figures;
	double answered_s = meter_now_s();
	do {
		g_usleep(2000);
		map_engine_figures(engine, &figures);
	} while (figures.n_nodes > 10000);
	meter_stop(&meter);
	g_usleep(G_USEC_PER_SEC);
	g_atomic_int_set(&other.stop, 1);
	g_thread_join(thread);
	json_t *row = row_new(scenario, n, &meter);
	json_object_set_new(row, "answered_ms", json_real((answered_s - begin_s) * 1e3));
	json_object_set_new(row, "usual_wait_ms", json_real(usual_s * 1e3));
	json_object_set_new(row, "longest_wait_ms", json_real(other.longest_s * 1e3));
	caller_clear(&caller);
	caller_clear(&other.caller);
	engine_close(engine);
	return row;
}

static json_t *purge(const char *path, unsigned n)
{
	return removing("purge", path, n / 4, TRUE);
}

static json_t *session_end(const char *path, unsigned n)
{
	return removing("session's end", path, n / 4, FALSE);
}

static json_t *fill_and_die(const char *path, unsigned n)
{
	struct map_engine *engine = engine_open(path, 7);
	struct caller caller;
	struct meter meter;

	caller_begin(&caller, engine, "A");
	meter_start(&meter, 0);
	fill(&caller, "forever", n);
	meter_stop(&meter);
	return row_new("fill", n, &meter);
}

static json_t *start(const char *path, unsigned n)
{
	struct meter meter;
	gsize before = meter_memory_size(getpid());

	meter_start(&meter, 0);
	struct map_engine *engine = engine_open(path, 7);
	meter_stop(&meter);
	json_t *row = row_new("start", n, &meter);
	json_object_set_new(row, "bytes_per_object",
		json_integer((json_int_t)((meter_memory_size(getpid()) - before) / n)));
	(void)engine; /* as it is: who is measured next has a process of its own */
	return row;
}

static const struct {
	const char *name;
	json_t *(*run)(const char *path, unsigned n);
	gboolean keep; /* the store, for the next one */
} scenarios[] = {
	{ "memory", memory, FALSE },
	{ "session", session_plain, FALSE },
	{ "session-history", session_history, FALSE },
	{ "forever", forever_plain, FALSE },
	{ "forever-history", forever_history, FALSE },
	{ "purge", purge, FALSE },
	{ "end", session_end, FALSE },
	{ "fill", fill_and_die, TRUE },
	{ "start", start, FALSE },
};

/* In a process of its own, which ends as if killed: memory and threads of one scenario are no
 * other's. */
static json_t *run_apart(json_t *(*run)(const char *, unsigned), const char *path, unsigned n)
{
	char line[4096] = "";
	int ends[2];

	if (pipe(ends) != 0)
		g_error("%s", g_strerror(errno));
	pid_t child = fork();
	if (child == 0) {
		g_autofree char *text = json_dumps(run(path, n), 0);
		_exit(write(ends[1], text, strlen(text)) < 0);
	}
	(void)close(ends[1]);
	ssize_t size = read(ends[0], line, sizeof(line) - 1);
	(void)close(ends[0]);
	waitpid(child, NULL, 0);
	return size > 0 ? json_loads(line, 0, NULL) : NULL;
}

static void remove_store(const char *path)
{
	static const char *const tails[] = { "", "-wal", "-shm", ".lock" };

	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++) {
		g_autofree char *name = g_strconcat(path, tails[i], NULL);
		g_unlink(name);
	}
}

int main(int argc, char **argv)
{
	g_autoptr(table_value) table = table_new(columns);
	gboolean json = argc > 1 && strcmp(argv[1], "--json") == 0;
	unsigned n = argc > 1 + json ? (unsigned)g_ascii_strtoull(argv[1 + json], NULL, 10) : 0;
	g_autoptr(GError) error = NULL;

	if (n < BATCH) {
		(void)fprintf(stderr, "usage: bench-store [--json] OBJECTS [SCENARIO ...]\n");
		return 2;
	}
	g_autofree char *folder = g_dir_make_tmp("drover-bench-XXXXXX", &error);
	if (!folder)
		g_error("%s", error->message);
	g_autofree char *path = g_build_filename(folder, "map.sqlite", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
		const char *const *only = (const char *const *)argv + 2 + json;
		if (*only && !g_strv_contains(only, scenarios[i].name))
			continue;
		json_t *row = run_apart(scenarios[i].run, path, n);
		if (row)
			table_take(table, row);
		if (!scenarios[i].keep)
			remove_store(path);
	}
	remove_store(path);
	(void)g_rmdir(folder);
	if (json)
		table_print_json(table);
	else
		table_print_text(table);
	return 0;
}
