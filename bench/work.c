#include "work.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "actor.h"

const struct work works[] = {
	{ "publish", "one ip-mac on a new link, for the session", work_publish },
	{ "durable", "the same forever, on disk before the answer", work_durable },
	{ "batch", "100 new links in one request", work_batch },
	{ "search", "depth 2, 20 links with one ip-mac each", work_search },
	{ "untouched", "publish, beside subscriptions that it does not touch", work_untouched },
	{ "tell", "one publish that every subscriber's parked poll is told", work_tell },
	{ "sessions", "sessions with a subscription and a parked poll", work_sessions },
	{ "memory", "links with one ip-mac each, between two fresh identifiers", work_memory },
	{ NULL, NULL, NULL },
};

static gboolean meets(const struct work_figure *figure)
{
	return figure->goal_is == WORK_AT_MOST ? figure->value <= figure->goal
					       : figure->value >= figure->goal;
}

static char *in_words(const struct work_figure *figure, const char *sign, double value)
{
	return g_strdup_printf("%s%.*f%s%s", sign, figure->decimals, value,
		*figure->unit ? " " : "", figure->unit);
}

#define ROW "%-10s %-52s %*s %*s %-6s  %s\n"

/* Bytes for `columns` on the screen: UTF-8 takes more. */
static int width_of(const char *text, int columns)
{
	return columns + (int)(strlen(text) - (size_t)g_utf8_strlen(text, -1));
}

static void print_row(const json_t *row)
{
	const char *measured = json_string_value(json_object_get(row, "measured"));
	const char *goal = json_string_value(json_object_get(row, "goal"));
	const char *met = json_string_value(json_object_get(row, "met"));

	goal = goal ? goal : "-";
	printf(ROW, json_string_value(json_object_get(row, "work")),
		json_string_value(json_object_get(row, "figure")), width_of(measured, 11), measured,
		width_of(goal, 14), goal, met ? met : "",
		json_string_value(json_object_get(row, "note")));
	(void)fflush(stdout);
}

void work_print_headings(void)
{
	printf(ROW, "work", "figure", 11, "measured", 14, "goal", "", "from");
}

void work_report(struct bench *bench, const struct work_figure *figure, char *note)
{
	static const char *const signs[] = { NULL, "≤ ", "≥ " };
	g_autofree char *measured = in_words(figure, "", figure->value);
	json_t *row = json_pack("{s:s, s:s, s:f, s:s, s:s, s:s}", "work", bench->work, "figure",
		figure->name, "value", figure->value, "unit", figure->unit, "measured", measured,
		"note", note);

	if (figure->goal_is != WORK_NO_GOAL) {
		g_autofree char *goal = in_words(figure, signs[figure->goal_is], figure->goal);

		json_object_set_new(row, "goal", json_string(goal));
		json_object_set_new(row, "goal_value", json_real(figure->goal));
		json_object_set_new(row, "met", json_string(meets(figure) ? "met" : "missed"));
	}
	print_row(row);
	json_array_append_new(bench->rows, row);
	g_free(note);
}

/* ---- servers */

static char *write_passwords(unsigned n_actors)
{
	g_autofree char *lines = actor_passwords(n_actors);
	g_autoptr(GError) error = NULL;
	char *path = NULL;
	int fd = g_file_open_tmp("drover-bench-XXXXXX", &path, &error);

	if (fd < 0 || !g_close(fd, &error) || !g_file_set_contents(path, lines, -1, &error))
		g_error("%s", error->message);
	return path;
}

/* The server of the tests, with clients of our own: of a key that stands twice the last one counts.
 */
struct server *work_server(const struct bench *bench, unsigned n_actors, const char *extra)
{
	g_autofree char *passwords = write_passwords(n_actors);
	g_autofree char *text = g_strdup_printf(
		"[server]\npassword-file=%s\nthreads=%u\n[limits]\nconnections=%u\n"
		"subscriptions=1000000\nrequests=10000000\nstored=1099511627776\n"
		"forever=1099511627776\n%s",
		passwords, bench->n_threads, 2 * n_actors + 100, extra ? extra : "");
	struct server *server = server_new(text);

	g_unlink(passwords); /* it is read at start */
	return server;
}
