/* map top: what the map server is doing, live. Rates are differences of counters between two looks.
 */
#include <glib-unix.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/out.h"
#include "ifmap/conf.h"
#include "ifmap/transport.h"

#define PERIOD_MS 2000
#define CLEAR     "\033[H\033[2J"

struct top {
	const struct context *context;
	struct ifmap_transport *transport;
	GMainLoop *loop;
	json_t *last; /* what was seen before, or NULL */
	gint64 last_us;
	int code;
};

/* The figures of now; NULL and an error. */
static json_t *look(struct top *top, GError **error)
{
	size_t size = 0;
	const char *text = ifmap_transport_get(
		top->transport, "v1/top", context_answer_ms(top->context), &size, error);
	json_t *json = text ? json_loadb(text, size, 0, NULL) : NULL;

	if (text && !json_is_object(json))
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL,
			"the server answered no figures: is it a drover-mapd?");
	return json;
}

static json_int_t number(const json_t *json, const char *group, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(json, group), name));
}

/* ---- the screen ---- */

static void print_map(const json_t *now)
{
	static const char *const names[] = { "sessions", "subscriptions", "identifiers", "links",
		"metadata" };

	printf("drover-mapd %s:", json_string_value(json_object_get(now, "version")));
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		printf("%s %" JSON_INTEGER_FORMAT " %s", i > 0 ? "," : "",
			number(now, "map", names[i]), names[i]);
	puts("\n");
}

/* What was counted a second between two looks; "-" at the first. */
static char *rate(json_int_t now, json_int_t before, double seconds)
{
	return seconds > 0 ? g_strdup_printf("%.1f", (double)(now - before) / seconds)
			   : g_strdup("-");
}

static void add_rows(struct out_table *table, json_t *now, json_t *before, double seconds)
{
	const char *name;
	json_t *value;

	json_object_foreach(now, name, value)
	{
		g_autofree char *total = g_strdup_printf(
			"%" JSON_INTEGER_FORMAT, json_integer_value(value));
		g_autofree char *a_second = rate(json_integer_value(value),
			json_integer_value(json_object_get(before, name)), seconds);

		if (json_is_integer(value) && json_integer_value(value) > 0)
			out_table_add(table, (const char *[]){ a_second, total, name });
	}
}

static void print_rates(const struct top *top, const json_t *now, double seconds)
{
	json_t *counters = json_object_get(now, "counters");
	json_t *before = json_object_get(top->last, "counters");
	struct out_table *table = out_table_new(
		(const char *[]){ "A SECOND", "TOTAL", "WHAT", NULL });

	add_rows(table, json_object_get(counters, "requests"), json_object_get(before, "requests"),
		seconds);
	add_rows(table, json_object_get(counters, "events"), json_object_get(before, "events"),
		seconds);
	add_rows(table, counters, before, seconds); /* bytes */
	out_table_print(table, stdout);
}

static void print_slowest(const json_t *now)
{
	struct out_table *table = out_table_new(
		(const char *[]){ "MS", "BYTES", "OPERATION", "CLIENT", NULL });
	json_t *list = json_object_get(now, "slowest_requests");
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		g_autofree char *ms = g_strdup_printf("%.1f",
			(double)json_integer_value(json_object_get(one, "duration_us")) / 1000);
		g_autofree char *bytes = g_strdup_printf(
			"%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(one, "bytes")));

		out_table_add(table, (const char *[]){ ms, bytes,
					     json_string_value(json_object_get(one, "operation")),
					     json_string_value(json_object_get(one, "client")) });
	}
	puts("\nslowest requests of the last minute");
	out_table_print(table, stdout);
}

static void print_biggest(const json_t *now)
{
	static const char *const numbers[] = { "identifiers", "links", "pending_bytes" };
	struct out_table *table = out_table_new((const char *[]){
		"IDENTIFIERS", "LINKS", "PENDING", "CLIENT", "SUBSCRIPTION", "START", NULL });
	json_t *list = json_object_get(now, "biggest_subscriptions");
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		char *cells[G_N_ELEMENTS(numbers)];

		for (size_t n = 0; n < G_N_ELEMENTS(numbers); n++)
			cells[n] = g_strdup_printf("%" JSON_INTEGER_FORMAT,
				json_integer_value(json_object_get(one, numbers[n])));
		out_table_add(table, (const char *[]){ cells[0], cells[1], cells[2],
					     json_string_value(json_object_get(one, "client")),
					     json_string_value(json_object_get(one, "name")),
					     json_string_value(json_object_get(one, "start")) });
		for (size_t n = 0; n < G_N_ELEMENTS(numbers); n++)
			g_free(cells[n]);
	}
	puts("\nbiggest subscriptions");
	out_table_print(table, stdout);
}

static void print_screen(const struct top *top, const json_t *now, double seconds)
{
	if (top->context->terminal)
		fputs(CLEAR, stdout);
	print_map(now);
	print_rates(top, now, seconds);
	print_biggest(now);
	print_slowest(now);
	fflush(stdout);
}

/* ---- looking again and again ---- */

static gboolean on_period(gpointer data)
{
	struct top *top = data;
	GError *error = NULL;
	gint64 now_us = g_get_monotonic_time();
	json_t *now = look(top, &error);

	if (!now) {
		top->code = context_fail("map", error);
		g_main_loop_quit(top->loop);
		return G_SOURCE_REMOVE;
	}
	print_screen(top, now, top->last ? (double)(now_us - top->last_us) / 1e6 : 0);
	json_decref(top->last);
	top->last = now;
	top->last_us = now_us;
	return G_SOURCE_CONTINUE;
}

static gboolean on_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static void look_until_signal(struct top *top)
{
	guint period = 0;
	guint interrupt, terminate;

	top->loop = g_main_loop_new(NULL, FALSE);
	interrupt = g_unix_signal_add(SIGINT, on_signal, top->loop);
	terminate = g_unix_signal_add(SIGTERM, on_signal, top->loop);
	if (on_period(top) == G_SOURCE_CONTINUE) {
		period = g_timeout_add(PERIOD_MS, on_period, top);
		g_main_loop_run(top->loop);
	}
	if (period && top->code == COMMAND_DONE)
		g_source_remove(period);
	g_source_remove(interrupt);
	g_source_remove(terminate);
	g_main_loop_unref(top->loop);
	json_decref(top->last);
}

/* Once, for programs. */
static void look_once(struct top *top)
{
	GError *error = NULL;
	json_t *now = look(top, &error);

	if (now)
		out_json(now);
	else
		top->code = context_fail("map", error);
}

int cmd_map_top(struct context *context, char **args)
{
	struct top top = { .context = context, .code = COMMAND_DONE };

	(void)args;
	top.transport = context_transport(context, &top.code);
	if (!top.transport)
		return top.code;
	if (context->json)
		look_once(&top);
	else
		look_until_signal(&top);
	ifmap_transport_free(top.transport);
	return top.code;
}
