#include "enforcer_run.h"

#include "netlab.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void event_free(gpointer data)
{
	struct enforcer_event *event = data;

	g_free(event->kind);
	g_free(event->tap);
	g_free(event->rule);
	g_free(event->direction);
	g_free(event->peer);
	g_free(event->protocol);
	g_free(event->text);
	g_free(event);
}

static struct enforcer_event *add_event(struct enforcer_run *run, const char *kind)
{
	struct enforcer_event *event = g_new0(struct enforcer_event, 1);

	event->kind = g_strdup(kind);
	g_ptr_array_add(run->events, event);
	return event;
}

static void on_refused(const struct enforce_refused *refused, gpointer data)
{
	struct enforcer_event *event = add_event(data, "refused");

	event->tap = g_strdup(refused->tap);
	event->rule = g_strdup(refused->rule);
	event->direction = g_strdup(rules_direction_to_string(refused->direction));
	event->peer = g_strdup(refused->peer);
	event->protocol = g_strdup(refused->protocol);
	event->port = refused->port;
	event->count = refused->count;
	g_test_message("refused %s %s %s %s %s %u x%u", event->tap, event->direction, event->rule,
		event->peer, event->protocol, (guint)event->port, event->count);
}

static void on_tampered(const struct enforce_tampered *tampered, gpointer data)
{
	struct enforcer_event *event = add_event(data, "tampered");

	event->text = g_strdup_printf("%s: %s", tampered->by, tampered->difference);
	event->open_ms = tampered->open_ms;
	g_test_message("tampered by %s, open %.2f ms", event->text, event->open_ms);
}

static void on_repaired(const struct enforce_repaired *repaired, gpointer data)
{
	struct enforcer_event *event = add_event(data, "repaired");

	event->text = g_strdup(repaired->difference);
	event->conforms = repaired->conforms;
	event->open_ms = repaired->open_ms;
	event->verified_ms = repaired->verified_ms;
}

static void on_closed(const GError *error G_GNUC_UNUSED, gpointer data)
{
	((struct enforcer_run *)data)->closed = TRUE;
}

static const struct enforce_events events = { on_refused, on_tampered, on_repaired, on_closed };

static struct enforcer_run *run_new(void)
{
	struct enforcer_run *run = g_new0(struct enforcer_run, 1);

	run->events = g_ptr_array_new_with_free_func(event_free);
	return run;
}

/* `fd`, closed here, becomes the program's descriptor 3; -1: none. */
static void spawn(struct enforcer_run *run, int ns, const char *const *argv, int fd)
{
	g_autoptr(GError) error = NULL;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int target = 3;

	netlab_enter(ns);
	g_spawn_async_with_pipes_and_fds(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
		-1, -1, -1, &fd, &target, fd < 0 ? 0 : 1, &run->pid, NULL, NULL, NULL, &error);
	netlab_enter(home);
	close(home);
	if (fd >= 0)
		close(fd);
	g_assert_no_error(error);
}

struct enforcer_run *enforcer_run_start(const char *program, int ns, const char *state)
{
	struct enforcer_run *run = run_new();
	const char *argv[] = { program, "--fd", "3", "--state", state,
		g_getenv("DROVER_NO_SANDBOX") ? "--no-sandbox" : NULL, NULL };
	int pair[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	spawn(run, ns, argv, pair[1]);
	run->client = enforce_client_new(pair[0], NULL, &events, run);
	return run;
}

struct enforcer_run *enforcer_run_listen(
	const char *program, int ns, const char *state, const char *socket_path)
{
	struct enforcer_run *run = run_new();
	const char *argv[] = { program, "--socket", socket_path, "--state", state,
		g_getenv("DROVER_NO_SANDBOX") ? "--no-sandbox" : NULL, NULL };

	spawn(run, ns, argv, -1);
	run->client = enforce_client_new(enforcer_run_connect(socket_path), NULL, &events, run);
	return run;
}

int enforcer_run_connect(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	gint64 end = g_get_monotonic_time() + (gint64)30 * G_USEC_PER_SEC;

	g_strlcpy(address.sun_path, socket_path, sizeof address.sun_path);
	while (connect(fd, (struct sockaddr *)&address, sizeof address)) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_usleep(10000);
	}
	return fd;
}

void enforcer_run_stop(struct enforcer_run *run, int signal_number)
{
	int status;

	kill(run->pid, signal_number); /* first: it ends by itself when its client goes */
	waitpid(run->pid, &status, 0);
	enforce_client_free(run->client);
	g_test_message("the enforcer ended with status %x", (guint)status);
	g_ptr_array_unref(run->events);
	g_free(run);
}

/* Waiting */

static gboolean on_timeout(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_CONTINUE;
}

struct waiting {
	struct enforcer_answer *answer;
	gboolean done;
};

static void read_verdicts(const struct enforce_reply *reply, struct enforcer_answer *answer)
{
	answer->n_verdicts = reply->verdicts ? reply->verdicts->len : 0;
	for (guint i = 0; i < answer->n_verdicts; i++) {
		const struct enforce_verdict *verdict = &g_array_index(
			reply->verdicts, struct enforce_verdict, i);

		answer->n_conforming += verdict->state == ENFORCE_CONFORMS;
		if (i)
			continue;
		answer->state = verdict->state;
		answer->difference = g_strdup(verdict->difference);
		answer->kernel_digest = g_strdup(verdict->kernel_digest);
		answer->intent_digest = g_strdup(verdict->intent_digest);
	}
}

static void read_counters(const struct enforce_reply *reply, struct enforcer_answer *answer)
{
	answer->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; reply->counters && i < reply->counters->len; i++) {
		const struct enforce_counter *counter = &g_array_index(
			reply->counters, struct enforce_counter, i);
		char *key = g_strdup_printf("%s %s %s", counter->tap,
			rules_direction_to_string(counter->direction), counter->rule);
		gsize n = GPOINTER_TO_SIZE(g_hash_table_lookup(answer->counters, key));

		g_hash_table_replace(answer->counters, key, GSIZE_TO_POINTER(n + counter->packets));
	}
}

static void read_dumps(const struct enforce_reply *reply, struct enforcer_answer *answer)
{
	answer->dumps = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; reply->dumps && i < reply->dumps->len; i++) {
		const struct enforce_dump *dump = &g_array_index(
			reply->dumps, struct enforce_dump, i);

		g_hash_table_replace(answer->dumps, g_strdup(dump->uuid), g_strdup(dump->entries));
		answer->n += dump->n;
	}
}

static void on_reply(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct waiting *waiting = data;
	struct enforcer_answer *answer = waiting->answer;

	waiting->done = TRUE;
	if (error) {
		answer->error = g_strdup(error->message);
		return;
	}
	answer->note = g_strdup(reply->note);
	answer->backend = g_strdup(reply->backend);
	answer->n = reply->n;
	answer->n_failed = reply->n_failed;
	answer->took_ms = reply->took_ms;
	read_verdicts(reply, answer);
	read_counters(reply, answer);
	read_dumps(reply, answer);
}

static void wait_until(const gboolean *done, guint ms)
{
	gboolean late = FALSE;
	guint timer = g_timeout_add(ms, on_timeout, &late);

	while (!*done && !late)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(timer);
}

static struct enforcer_answer *await(struct waiting *waiting)
{
	wait_until(&waiting->done, 120000);
	g_assert_true(waiting->done);
	return waiting->answer;
}

struct enforcer_answer *enforcer_run_ask(
	struct enforcer_run *run, enforcer_uuid_request ask, const char *uuid)
{
	struct waiting waiting = { .answer = g_new0(struct enforcer_answer, 1) };

	ask(run->client, uuid, on_reply, &waiting);
	return await(&waiting);
}

struct enforcer_answer *enforcer_run_hello(struct enforcer_run *run)
{
	struct waiting waiting = { .answer = g_new0(struct enforcer_answer, 1) };

	enforce_client_hello(run->client, on_reply, &waiting);
	return await(&waiting);
}

struct enforcer_answer *enforcer_run_set(struct enforcer_run *run, GPtrArray *machines)
{
	struct waiting waiting = { .answer = g_new0(struct enforcer_answer, 1) };

	enforce_client_set(run->client, machines, on_reply, &waiting);
	return await(&waiting);
}

struct enforcer_answer *enforcer_run_dump(struct enforcer_run *run, const char *const *uuids)
{
	struct waiting waiting = { .answer = g_new0(struct enforcer_answer, 1) };

	enforce_client_conntrack_dump(run->client, uuids, on_reply, &waiting);
	return await(&waiting);
}

struct enforcer_answer *enforcer_run_load(
	struct enforcer_run *run, const char *uuid, const char *entries)
{
	struct waiting waiting = { .answer = g_new0(struct enforcer_answer, 1) };

	enforce_client_conntrack_load(run->client, uuid, entries, on_reply, &waiting);
	return await(&waiting);
}

void enforcer_answer_free(struct enforcer_answer *answer)
{
	g_free(answer->error);
	g_free(answer->note);
	g_free(answer->difference);
	g_free(answer->kernel_digest);
	g_free(answer->intent_digest);
	g_free(answer->backend);
	g_clear_pointer(&answer->dumps, g_hash_table_unref);
	g_clear_pointer(&answer->counters, g_hash_table_unref);
	g_free(answer);
}

static const struct enforcer_event *find_event(struct enforcer_run *run, const char *kind,
	const char *tap, const char *direction, const char *rule)
{
	for (guint i = 0; i < run->events->len; i++) {
		const struct enforcer_event *event = run->events->pdata[i];

		if (g_str_equal(event->kind, kind) && (!tap || !g_strcmp0(event->tap, tap)) &&
			(!rule || !g_strcmp0(event->rule, rule)))
			return event;
	}
	return NULL;
}

const struct enforcer_event *enforcer_run_wait(struct enforcer_run *run, const char *kind,
	const char *tap, const char *direction, const char *rule)
{
	gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	const struct enforcer_event *event;

	while (!(event = find_event(run, kind, tap, direction, rule)) &&
		g_get_monotonic_time() < end) {
		gboolean never = FALSE;

		wait_until(&never, 20);
	}
	return event;
}

guint enforcer_run_count(struct enforcer_run *run, const char *kind)
{
	guint n = 0;

	for (guint i = 0; i < run->events->len; i++)
		n += g_str_equal(((struct enforcer_event *)run->events->pdata[i])->kind, kind);
	return n;
}

void enforcer_run_forget_events(struct enforcer_run *run)
{
	gboolean never = FALSE;

	wait_until(&never, 50);
	g_ptr_array_set_size(run->events, 0);
}
