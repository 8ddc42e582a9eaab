/* The works that hold much: sessions with parked polls, and metadata. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "links.h"
#include "meter.h"
#include "work.h"

#define IDLE_S     3
#define PATIENCE_S 60
#define SPARE      200 /* descriptors for everything but the sessions' connections */
#define MAX_IDLE   1.0 /* ms of CPU a second that count as none */
#define FEW        32  /* threads */
#define AT_ONCE_MS 100

/* ---- sessions */

/* How many of `wanted` sessions the limit of open files lets us have; raises it if it may. The
 * server inherits it. */
static unsigned allow_sessions(unsigned wanted)
{
	rlim_t needed = (rlim_t)2 * wanted + SPARE;
	struct rlimit limit;

	g_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur >= needed)
		return wanted;
	limit.rlim_cur = needed;
	limit.rlim_max = MAX(limit.rlim_max, needed);
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return wanted;
	g_printerr("bench-map: %u sessions need %" G_GUINT64_FORMAT " open files, and the limit "
		   "may not be raised (%s)\n",
		wanted, (guint64)needed, g_strerror(errno));
	g_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	g_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	return (unsigned)(MAX(limit.rlim_max, SPARE + 4) - SPARE) / 2;
}

static struct actor *add_session(struct server *server, struct load *load, unsigned number)
{
	struct actor *actor = actor_new(load, server->port, number, NULL, NULL);
	g_autoptr(ifmap_id) start = form_ip(number);
	const struct ifmap_search search = links_at(start);

	actor_subscribe(actor, &search, 1);
	return actor;
}

static void report_idle(struct bench *bench, const struct server *server)
{
	struct meter meter;
	unsigned n_threads = meter_n_threads(server->pid);

	meter_start(&meter, server->pid);
	g_usleep((gulong)IDLE_S * G_USEC_PER_SEC);
	meter_stop(&meter);
	work_report(bench,
		&(struct work_figure){ "CPU while nothing happens", meter.cpu_s * 1000 / IDLE_S,
			"ms/s", 2, WORK_AT_MOST, MAX_IDLE },
		g_strdup("less than a thousandth of a processor counts as zero"));
	work_report(bench, &(struct work_figure){ "threads", n_threads, "", 0, WORK_AT_MOST, FEW },
		g_strdup("all of the server's"));
}

/* ---- hanging up */

struct witness {
	unsigned n_awaited;
	double told_s;
};

static void on_told(struct actor *actor, const char *body, gsize size, gpointer data)
{
	struct witness *witness = data;

	if (!strstr(body, "<deleteResult")) { /* what came before */
		actor_poll(actor);
		return;
	}
	(void)size;
	witness->told_s = meter_now_s();
	witness->n_awaited = 0;
}

/* An actor publishes a link for its session and hangs up in its poll; how long it takes until the
 * witness, who subscribes to the link, is told that it is gone: milliseconds. */
static double hang_up(
	struct bench *bench, struct server *server, struct load *load, struct actor *observer)
{
	struct witness *witness = observer->data;
	struct actor *leaving = add_session(server, load, bench->n_sessions + 1);
	struct form *link = links_write(leaving, 1, IFMAP_LIFETIME_SESSION);
	unsigned never = bench->n_sessions;

	g_free(load_ask(leaving->peer, form_fill(link, never, never)));
	server_settle(server);
	load_run(load, 0.01); /* the witness polls again */
	server_settle(server);
	witness->n_awaited = 1;
	double begun_s = meter_now_s();
	load_close(g_steal_pointer(&leaving->poller));
	load_wait(load, &witness->n_awaited);
	actor_poll(observer);
	form_free(link);
	actor_free(leaving);
	return (witness->told_s - begun_s) * 1000;
}

static void report_hangups(struct bench *bench, struct server *server, struct load *load)
{
	struct witness witness = { 0 };
	struct actor *observer = add_session(server, load, bench->n_sessions);
	double longest_ms = 0;
	double sum_ms = 0;

	observer->told = on_told;
	observer->data = &witness;
	for (unsigned i = 0; i < bench->n_hangups; i++) {
		double took_ms = hang_up(bench, server, load, observer);

		longest_ms = MAX(longest_ms, took_ms);
		sum_ms += took_ms;
	}
	work_report(bench,
		&(struct work_figure){ "longest from a hang-up to what it changes", longest_ms,
			"ms", 1, WORK_AT_MOST, AT_ONCE_MS },
		g_strdup_printf(
			"%u times, on average %.1f ms, until another session's poll says so",
			bench->n_hangups, sum_ms / bench->n_hangups));
	actor_free(observer);
}

void work_sessions(struct bench *bench)
{
	unsigned n = allow_sessions(bench->n_sessions);
	struct server *server = work_server(bench, n + 2, NULL);
	struct load *load = load_new();
	g_autoptr(GPtrArray) actors = g_ptr_array_new_with_free_func((GDestroyNotify)actor_free);
	struct bench allowed = *bench;

	actor_free(add_session(server, load, n)); /* what the first one costs is not growth */
	meter_wait_idle(server->pid, PATIENCE_S);
	gsize before = meter_memory_size(server->pid);
	for (unsigned i = 0; i < n; i++)
		g_ptr_array_add(actors, add_session(server, load, i));
	meter_wait_idle(server->pid, PATIENCE_S);
	gsize grown = MAX(meter_memory_size(server->pid), before) - before;
	work_report(bench,
		&(struct work_figure){ "memory of a session", (double)grown / 1024 / n, "KiB", 1,
			WORK_AT_MOST, 96 },
		g_strdup_printf("%u sessions, two TLS connections each%s", n,
			n < bench->n_sessions ? "; NOT ALL: the limit of open files" : ""));
	allowed.n_sessions = n;
	report_idle(&allowed, server);
	report_hangups(&allowed, server, load);
	g_ptr_array_set_size(actors, 0);
	load_free(load);
	server_free(server);
}

/* ---- metadata */

void work_memory(struct bench *bench)
{
	struct server *server = work_server(bench, 1, NULL);
	struct load *load = load_new();
	struct actor *actor = actor_new(load, server->port, 0, NULL, NULL);

	meter_wait_idle(server->pid, PATIENCE_S);
	gsize before = meter_memory_size(server->pid);
	links_lay(actor, 0, bench->n_objects);
	meter_wait_idle(server->pid, PATIENCE_S);
	gsize grown = MAX(meter_memory_size(server->pid), before) - before;
	work_report(bench,
		&(struct work_figure){ "memory of an object", (double)grown / bench->n_objects,
			"bytes", 0, WORK_AT_MOST, 600 },
		g_strdup_printf(
			"%u metadata, as many links, twice as many identifiers", bench->n_objects));
	actor_free(actor);
	load_free(load);
	server_free(server);
}
