#include "timers.h"

#include <string.h>

#define CONFIG  "[limits]\nsession-timeout=2\nhandshake-timeout=2\n"
#define STEP_US (500 * G_TIME_SPAN_MILLISECOND)
/* The timeout, the second between looks at the clock, and as much again. */
#define N_STEPS 9

/* What the thread found out; `bad` is the first answer that was wrong. */
enum finding {
	GONE,       /* nothing of the session is left, C130 */
	NOT_BEFORE, /* it was there when it should be, C130 */
	RENEWED,    /* C129 */
	IDLE,       /* C131 */
	NO_ARC,     /* C137 */
	FOREVER,    /* C36, timeout */
	RESTARTED,  /* C36, restart */
	N_FINDINGS,
};

struct timers {
	struct server *server;
	GThread *thread;
	char *bad[N_FINDINGS];
};

#define ID(name)     "<device><name>" name "</name></device>"
#define SEARCH(name) "<ifmap:search session-id=\"{s}\">" ID(name) "</ifmap:search>"
#define RENEW        "<ifmap:renewSession session-id=\"{s}\"/>"
#define KEPT         "<x:kept ifmap-cardinality=\"singleValue\"/>"
#define LENT         "<x:lent ifmap-cardinality=\"singleValue\"/>"
#define UPDATE(attributes, meta) \
	"<update" attributes ">" ID("timers") "<metadata>" meta "</metadata></update>"
#define PUBLISH(operations) "<ifmap:publish session-id=\"{s}\">" operations "</ifmap:publish>"

/* One client; each connection is a handle. */
struct runner {
	struct server *server;
	const char *name;
	CURL *curl;
	GString *answer;
	char *session_id;
};

static void runner_init(struct runner *runner, struct server *server, const char *name)
{
	*runner = (struct runner){ .server = server, .name = name };
	runner->answer = g_string_new(NULL);
	runner->curl = server_curl(server, name, runner->answer);
	runner->session_id = server_begin(runner->curl, runner->answer);
}

static void runner_hang_up(struct runner *runner)
{
	g_clear_pointer(&runner->curl, curl_easy_cleanup);
}

static void runner_clear(struct runner *runner)
{
	runner_hang_up(runner);
	g_string_free(runner->answer, TRUE);
	g_free(runner->session_id);
}

/* Sends an operation, on a new connection if there is none; notes when `expected` does not come. */
static void expect(struct timers *timers, enum finding finding, struct runner *runner,
	const char *operation, const char *expected)
{
	g_autoptr(GString) filled = g_string_new(operation);
	const char *id = runner->session_id ? runner->session_id : "none";

	if (!runner->curl)
		runner->curl = server_curl(runner->server, runner->name, runner->answer);
	g_string_replace(filled, "{s}", id, 0);
	g_autofree char *body = server_envelope(filled->str);
	long status = server_post(runner->curl, body, -1, runner->answer);
	if ((status != 200 || !strstr(runner->answer->str, expected)) && !timers->bad[finding])
		timers->bad[finding] = g_strdup_printf(
			"%s: not %s but %ld %s", operation, expected, status, runner->answer->str);
}

static void steps(struct timers *timers, struct runner *renewing, struct runner *publishing)
{
	for (int step = 0; step < N_STEPS; step++) {
		g_usleep(STEP_US);
		expect(timers, RENEWED, renewing, RENEW, "<renewSessionResult/>");
		runner_hang_up(renewing);
		expect(timers, NO_ARC, publishing, PUBLISH(UPDATE("", LENT)), "<publishReceived/>");
	}
}

/* On the main thread: the server dies with the one that started it. */
static void restart(struct timers *timers)
{
	struct runner after;

	server_kill(timers->server);
	server_start(timers->server);
	runner_init(&after, timers->server, "A");
	expect(timers, RESTARTED, &after, SEARCH("timers"), "<x:kept ");
	runner_clear(&after);
}

static gpointer run(gpointer data)
{
	struct timers *timers = data;
	struct server *server = timers->server;
	struct runner silent, short_silent, renewing, idle, publishing;

	runner_init(&silent, server, "A");
	expect(timers, GONE, &silent, PUBLISH(UPDATE(" lifetime=\"forever\"", KEPT)), "Received");
	expect(timers, GONE, &silent,
		PUBLISH("<update>" ID("silent") "<metadata>" LENT "</metadata></update>"),
		"Received");
	runner_hang_up(&silent);
	runner_init(&renewing, server, "G");
	runner_hang_up(&renewing);
	runner_init(&idle, server, "H");
	runner_init(&publishing, server, "E");
	runner_init(&short_silent, server, "B");
	runner_hang_up(&short_silent);
	g_usleep(STEP_US);
	expect(timers, NOT_BEFORE, &short_silent, RENEW, "<renewSessionResult/>");
	steps(timers, &renewing, &publishing);
	expect(timers, IDLE, &idle, RENEW, "<renewSessionResult/>");
	expect(timers, GONE, &idle, SEARCH("silent"),
		"<resultItem><device><name>silent</name></device></resultItem>");
	expect(timers, FOREVER, &idle, SEARCH("timers"), "<x:kept ");
	expect(timers, GONE, &silent, RENEW, "InvalidSessionID");
	runner_clear(&silent);
	runner_clear(&short_silent);
	runner_clear(&renewing);
	runner_clear(&idle);
	runner_clear(&publishing);
	return NULL;
}

struct timers *timers_begin(void)
{
	struct timers *timers = g_new0(struct timers, 1);

	timers->server = server_new(CONFIG);
	timers->thread = g_thread_new("timers", run, timers);
	return timers;
}

static const char *const names[] = {
	[GONE] = "C130 the session ends after the timeout",
	[NOT_BEFORE] = "C130 not before",
	[RENEWED] = "C129 renewals from time to time keep it",
	[IDLE] = "C131 an idle SSRC keeps it",
	[NO_ARC] = "C137 publishing without ARC keeps it",
	[FOREVER] = "C036 forever outlives the timeout",
	[RESTARTED] = "C036 forever outlives kill -9 and a restart",
};

struct one {
	struct timers *timers;
	enum finding finding;
};

static void check(gconstpointer data)
{
	const struct one *one = data;
	struct timers *timers = one->timers;

	if (timers->thread)
		g_thread_join(g_steal_pointer(&timers->thread));
	if (one->finding == RESTARTED)
		restart(timers);
	if (timers->bad[one->finding])
		g_test_fail_printf("%s", timers->bad[one->finding]);
}

void timers_add(struct timers *timers, void (*count)(const char *name))
{
	for (int finding = 0; finding < N_FINDINGS; finding++) {
		g_autofree char *path = g_strconcat("/timers/", names[finding], NULL);
		struct one *one = g_new(struct one, 1);

		*one = (struct one){ timers, (enum finding)finding };
		count(names[finding]);
		g_test_add_data_func_full(path, one, check, g_free);
	}
}

void timers_free(struct timers *timers)
{
	if (timers->thread)
		g_thread_join(timers->thread);
	server_free(timers->server);
	for (int finding = 0; finding < N_FINDINGS; finding++)
		g_free(timers->bad[finding]);
	g_free(timers);
}
