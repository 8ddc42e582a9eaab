/* bench-map: what drover-mapd is to achieve, measured, each figure beside its goal
 * (docs/performance.md). */
#include <stdio.h>
#include <sys/utsname.h>

#include "work.h"

/* All of it, and little of everything: to see that it works, or to watch one function. */
static const struct bench full = {
	.seconds = 2,
	.n_rounds = 5,
	.n_threads = 2,
	.n_clients = 8,
	.n_durable_clients = 64,
	.n_links_max = 1000000,
	.n_subscriptions = 10000,
	.n_told = 1000,
	.n_tellings = 200,
	.n_sessions = 10000,
	.n_hangups = 20,
	.n_objects = 1000000,
};
static const struct bench quick = {
	.seconds = 0.05,
	.n_rounds = 1,
	.n_threads = 2,
	.n_clients = 2,
	.n_durable_clients = 4,
	.n_links_max = 10000,
	.n_subscriptions = 100,
	.n_told = 20,
	.n_tellings = 10,
	.n_sessions = 20,
	.n_hangups = 2,
	.n_objects = 10000,
};

struct options {
	char *mapd;
	char **only;
	char *json;
	double seconds;
	gboolean quick;
};

static gboolean is_wanted(const struct options *options, const struct work *work)
{
	return !options->only || g_strv_contains((const char *const *)options->only, work->name);
}

static gboolean is_known(const char *name)
{
	for (const struct work *work = works; work->name; work++)
		if (g_str_equal(work->name, name))
			return TRUE;
	return FALSE;
}

static const char *what_is_wrong(const struct options *options)
{
	if (!options->mapd && !g_getenv("DROVER_MAPD"))
		return "--mapd says which drover-mapd to measure";
	if (options->seconds < 0)
		return "a time is positive";
	for (char **name = options->only; name && *name; name++)
		if (!is_known(*name))
			return "--only: there is no such work, see --help";
	return NULL;
}

static char *list_works(void)
{
	GString *text = g_string_new("Works:");

	for (const struct work *work = works; work->name; work++)
		g_string_append_printf(text, "\n  %-10s %s", work->name, work->what);
	return g_string_free(text, FALSE);
}

static gboolean read_options(int *argc, char ***argv, struct options *options)
{
	const GOptionEntry entries[] = {
		{ "mapd", 0, 0, G_OPTION_ARG_FILENAME, &options->mapd,
			"The drover-mapd to measure (else $DROVER_MAPD)", "PROGRAM" },
		{ "only", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->only,
			"This work only; may be given again", "WORK" },
		{ "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options->seconds,
			"How long each of a work's rounds takes (2)", "S" },
		{ "quick", 0, 0, G_OPTION_ARG_NONE, &options->quick,
			"Little of everything: shows that it works, no figures", NULL },
		{ "json", 0, 0, G_OPTION_ARG_FILENAME, &options->json,
			"Write the figures there too", "FILE" },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autofree char *description = list_works();
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(context, "Loads drover-mapds of its own on loopback.");
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	const char *wrong = g_option_context_parse(context, argc, argv, &error)
				    ? what_is_wrong(options)
				    : error->message;
	if (wrong)
		(void)fprintf(stderr, "bench-map: %s\n", wrong);
	return !wrong;
}

/* "model name : ..." of /proc/cpuinfo. */
static char *processor_name(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL))
		return g_strdup("?");
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, "model name") && strchr(*line, ':'))
			return g_strstrip(g_strdup(strchr(*line, ':') + 1));
	return g_strdup("?");
}

static double load_average(void)
{
	double average = 0;

	(void)getloadavg(&average, 1);
	return average;
}

static json_t *machine(void)
{
	g_autofree char *name = processor_name();
	struct utsname kernel;

	g_assert(uname(&kernel) == 0);
	return json_pack("{s:s, s:i, s:s, s:f}", "processor", name, "processors",
		(int)g_get_num_processors(), "kernel", kernel.release, "load_average",
		load_average());
}

static void print_machine(const json_t *machine)
{
	printf("%d × %s, Linux %s, load average at the start %.1f\n\n",
		(int)json_integer_value(json_object_get(machine, "processors")),
		json_string_value(json_object_get(machine, "processor")),
		json_string_value(json_object_get(machine, "kernel")),
		json_real_value(json_object_get(machine, "load_average")));
}

static gboolean write_json(const json_t *document, const char *file)
{
	gboolean written = json_dump_file(document, file, JSON_INDENT(2)) == 0;

	if (!written)
		(void)fprintf(stderr, "bench-map: %s cannot be written\n", file);
	return written;
}

static void options_clear(struct options *options)
{
	g_free(options->mapd);
	g_strfreev(options->only);
	g_free(options->json);
}
typedef struct options options;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(options, options_clear)

int main(int argc, char **argv)
{
	g_auto(options) asked = { .seconds = 0 };

	if (!read_options(&argc, &argv, &asked))
		return 2;
	if (asked.mapd)
		g_setenv("DROVER_MAPD", asked.mapd, TRUE);
	struct bench bench = asked.quick ? quick : full;
	json_t *on = machine();
	bench.seconds = asked.seconds > 0 ? asked.seconds : bench.seconds;
	bench.rows = json_array();
	print_machine(on);
	work_print_headings();
	for (const struct work *work = works; work->name; work++) {
		bench.work = work->name;
		if (is_wanted(&asked, work))
			work->run(&bench);
	}
	json_t *document = json_pack(
		"{s:o, s:b, s:o}", "machine", on, "quick", asked.quick, "rows", bench.rows);
	gboolean written = !asked.json || write_json(document, asked.json);
	json_decref(document);
	return written ? 0 : 1;
}
