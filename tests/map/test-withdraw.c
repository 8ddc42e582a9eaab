/* What goes at one stroke: nobody waits for it, and whoever saw it is told. */
#include <string.h>

#include "inside.h"

#define N_FACTS 100000
#define BATCH   500
/* They stand where the subscriber looks. */
#define N_SEEN  3

struct client {
	struct script_carrier carrier;
	gpointer channel;
	char *session;
	char *publisher;
};

/* The answer, to be freed; NULL when none came within a second. */
static char *ask_on(const struct client *client, gpointer channel, const char *operation)
{
	g_autofree char *body = g_strconcat(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:x=\"urn:example:x\" xmlns:i=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\">"
		"<e:Body>",
		operation, "</e:Body></e:Envelope>", NULL);
	client->carrier.post(channel, body);
	return client->carrier.wait(channel, 1000);
}

/* Of a request that must succeed. */
static char *ask(const struct client *client, const char *operation)
{
	char *answer = ask_on(client, client->channel, operation);
	g_assert_nonnull(answer);
	g_assert_null(strstr(answer, "errorResult"));
	return answer;
}

static char *attribute(const char *answer, const char *name)
{
	const char *at = strstr(answer, name);
	g_assert_nonnull(at);
	at += strlen(name);
	return g_strndup(at, strcspn(at, "\""));
}

static void client_begin(struct client *client, struct map_engine **engine, char name)
{
	client->carrier = inside_carrier(engine);
	client->channel = client->carrier.open(client->carrier.self, name);
	g_autofree char *answer = ask(client, "<i:newSession/>");
	client->session = attribute(answer, "session-id=\"");
	client->publisher = attribute(answer, "ifmap-publisher-id=\"");
}

static void client_clear(struct client *client)
{
	client->carrier.close(client->channel);
	g_free(client->session);
	g_free(client->publisher);
}

/* Metadata on links between identifiers that are new each, but for the first ones. */
static void publish(const struct client *client, const char *lifetime, int first, int n)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_append_printf(text, "<i:publish session-id=\"%s\">", client->session);
	for (int i = first; i < first + n; i++)
		g_string_append_printf(text,
			"<update lifetime=\"%s\"><access-request name=\"%s-%d\"/>"
			"<device><name>%s-%d</name></device><metadata>"
			"<x:m ifmap-cardinality=\"multiValue\"/></metadata></update>",
			lifetime, client->publisher, i < N_SEEN ? 0 : i, client->publisher, i);
	g_string_append(text, "</i:publish>");
	g_free(ask(client, text->str));
}

static size_t n_nodes(struct map_engine *engine)
{
	struct map_engine_figures figures;
	map_engine_figures(engine, &figures);
	return figures.n_nodes;
}

/* ---- another one publishes meanwhile */

struct other {
	struct client client;
	gint stop;         /* atomic */
	gint64 longest_us; /* that a publish took */
	int n;
};

static gpointer keep_publishing(gpointer data)
{
	struct other *other = data;
	while (!g_atomic_int_get(&other->stop)) {
		gint64 begin = g_get_monotonic_time();
		publish(&other->client, "session", other->n++ % 100, 1);
		other->longest_us = MAX(other->longest_us, g_get_monotonic_time() - begin);
	}
	return NULL;
}

/* Sees what is at the first few links; its poll hangs on a channel of its own. */
static gpointer subscribe(const struct client *reader, const struct client *publisher)
{
	gpointer arc = reader->carrier.open(reader->carrier.self, 'C');
	g_autofree char *operation = g_strdup_printf(
		"<i:subscribe session-id=\"%s\"><update name=\"w\" max-depth=\"1\">"
		"<access-request name=\"%s-0\"/></update></i:subscribe>",
		reader->session, publisher->publisher);
	g_autofree char *poll = g_strdup_printf("<i:poll session-id=\"%s\"/>", reader->session);
	g_free(ask(reader, operation));
	g_free(ask_on(reader, arc, poll)); /* all that stands */
	g_assert_null(ask_on(reader, arc, poll));
	return arc;
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, word)); at++)
		n++;
	return n;
}

static void test_others(gconstpointer data)
{
	const char *operation = data;
	struct map_engine *engine = inside_engine_new();
	struct other other = { 0 };
	struct client publisher;
	struct client reader;

	client_begin(&publisher, &engine, 'A');
	client_begin(&other.client, &engine, 'B');
	client_begin(&reader, &engine, 'C');
	for (int i = 0; i < N_FACTS; i += BATCH)
		publish(&publisher, "session", i, BATCH);
	gpointer arc = subscribe(&reader, &publisher);
	g_autofree char *request = g_strdup_printf("<i:%s session-id=\"%s\"%s%s%s/>", operation,
		publisher.session, *operation == 'p' ? " ifmap-publisher-id=\"" : "",
		*operation == 'p' ? publisher.publisher : "", *operation == 'p' ? "\"" : "");
	GThread *thread = g_thread_new("other", keep_publishing, &other);
	gint64 begin = g_get_monotonic_time();
	g_free(ask(&publisher, request));
	while (n_nodes(engine) > 1000)
		g_usleep(1000);
	gint64 took_us = g_get_monotonic_time() - begin;
	g_atomic_int_set(&other.stop, 1);
	g_thread_join(thread);
	g_test_message("cleared away in %.1f ms; the longest publish took %.1f ms",
		(double)took_us / 1e3, (double)other.longest_us / 1e3);
	g_assert_cmpint(other.longest_us, <, took_us / 2);

	g_autofree char *told = reader.carrier.wait(arc, 1000);
	g_assert_nonnull(told);
	g_assert_cmpuint(count(told, "<x:m "), ==, N_SEEN);
	g_assert_cmpuint(count(told, "<deleteResult"), ==, 1);
	g_assert_null(strstr(told, "updateResult"));
	reader.carrier.close(arc);
	client_clear(&publisher);
	client_clear(&other.client);
	client_clear(&reader);
	map_engine_drain(engine);
	map_engine_free(engine);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func(
		"/map/withdraw/a purge while others publish", "purgePublisher", test_others);
	g_test_add_data_func("/map/withdraw/the end of a session while others publish",
		"endSession", test_others);
	return g_test_run();
}
