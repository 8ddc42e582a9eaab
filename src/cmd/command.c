#include "cmd/command.h"

#include "cmd/assume.h"
#include "cmd/names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_GIVEN (-1)

const struct command_option COMMAND_OPTIONS[] = {
#define ROW(name, letter, type, member, argument, what, common)                                \
	{                                                                                      \
		name, letter, G_OPTION_ARG_##type, offsetof(struct context, member), argument, \
			what, common                                                           \
	}
	ROW("config", 0, FILENAME, config, "FILE",
		"configuration (default $DROVER_CONFIG or /etc/drover/drover.conf)", TRUE),
	ROW("json", 0, NONE, json, NULL, "print JSON", TRUE),
	ROW("quiet", 'q', NONE, quiet, NULL, "print errors only", TRUE),
	ROW("timeout", 0, INT, timeout_s, "SECONDS",
		"how long to wait: for the map (10), and for the end of what is waited for (no limit)",
		TRUE),
	ROW("to", 0, STRING, to, "HOST[,HOST...]", "destination; several: spread as the plan says",
		FALSE),
	ROW("snapshot", 0, FILENAME, snapshot, "FILE", "use a world file instead of the map",
		FALSE),
	ROW("assume", 'A', STRING_ARRAY, assume, "FACT",
		"suppose that: B.memory=+8G, B=down, B--s1=down, ...; @FILE: one a line", FALSE),
	ROW("explain", 0, NONE, explain, NULL, "say with each reason what its code means", FALSE),
	ROW("dry-run", 'n', NONE, dry_run, NULL, "print the steps and do nothing", FALSE),
	ROW("status", 0, NONE, status, NULL, "how the last move stands or ended", FALSE),
	ROW("abort", 0, NONE, abort, NULL, "bring a running move back", FALSE),
	ROW("wait", 0, NONE, wait, NULL,
		"orders: wait for the end and show progress (default); plan: until it is clear",
		FALSE),
	ROW("no-wait", 0, NONE, no_wait, NULL, "do not wait for the end", FALSE),
	ROW("output", 'o', FILENAME, output, "FILE", "write there instead of standard output",
		FALSE),
	ROW("name", 0, STRING, name, "NAME", "name of the application", FALSE),
	ROW("connect", 'c', STRING, connect, "URI", "libvirt to read from (qemu:///system)", FALSE),
	ROW("allow", 0, STRING_ARRAY, allow, "FROM:TO:PROTOCOL/PORTS",
		"a connection that is allowed: web1:app1:tcp/8080, outside:web1:tcp/80,443", FALSE),
	ROW("address", 0, STRING_ARRAY, address, "MACHINE[.CARD]=IP/LEN[,...]",
		"addresses of a card (the first), which a domain does not tell", FALSE),
	ROW("depth", 'd', INT, depth, "N", "links to follow (1)", FALSE),
	ROW("links", 0, STRING, links, "FILTER", "follow only these links", FALSE),
	ROW("filter", 'f', STRING, filter, "FILTER",
		"only this metadata, as \"meta:ip-mac\" or \"d:alert[code='X']\"", FALSE),
	ROW("xml", 0, NONE, xml, NULL, "print IF-MAP's XML", FALSE),
	ROW("dot", 0, NONE, dot, NULL, "print a graph for Graphviz", FALSE),
	ROW("all", 0, NONE, all, NULL, "everything there, whoever published it", FALSE),
	ROW("notify", 0, NONE, notify, NULL, "tell whoever watches now, keep nothing", FALSE),
	ROW("server-config", 0, FILENAME, server_config, "FILE",
		"configuration of the map server (/etc/drover/mapd.conf)", FALSE),
	ROW("risk", 0, STRING, risk, "GROUP[,GROUP...]", "shared-risk groups of the cable", FALSE),
	ROW("confirm-powered-off", 0, NONE, confirmed, NULL,
		"you have seen that the host is without power", FALSE),
	ROW("reason", 0, STRING, reason, "TEXT", "why, for those who read it later", FALSE),
	ROW("down", 0, NONE, down, NULL, "the cable carries nothing", FALSE),
#undef ROW
	{ NULL },
};

static gboolean takes(const struct command *command, const char *option)
{
	g_auto(GStrv) names = g_strsplit(command->options, " ", -1);

	return g_strv_contains((const char *const *)names, option);
}

gboolean command_takes(const struct command *command, const struct command_option *option)
{
	return option->common || takes(command, option->name);
}

static GOptionEntry *entries_of(const struct command *command, struct context *context)
{
	GOptionEntry *entries = g_new0(GOptionEntry, G_N_ELEMENTS(COMMAND_OPTIONS));
	size_t n = 0;

	for (const struct command_option *row = COMMAND_OPTIONS; row->name; row++) {
		if (!command_takes(command, row))
			continue;
		entries[n].long_name = row->name;
		entries[n].short_name = row->letter;
		entries[n].arg = row->type;
		entries[n].arg_data = (char *)context + row->offset;
		entries[n].description = row->what;
		entries[n++].arg_description = row->argument;
	}
	return entries;
}

/* ---- help ---- */

/* "vapp show VAPP" and its sentence. */
static void help_line(FILE *out, const struct command *command)
{
	g_autofree char *synopsis = g_strconcat(command->noun, command->verb ? " " : "",
		command->verb ? command->verb : "", " ", command->arguments, NULL);

	fprintf(out, "  %-35s %s\n", synopsis, command->what);
}

void command_help(FILE *out)
{
	fputs("drover - protection that stays with the application\n\nusage: drover COMMAND [ARGUMENTS] [OPTIONS]\n\n",
		out);
	for (const struct command *c = COMMANDS; c->noun; c++)
		help_line(out, c);
	fputs("\n`drover COMMAND --help` shows a command's options. Exit: 0 done, 1 refused or failed, 2 usage, 3 map not reachable, 4 not "
	      "allowed.\n",
		out);
}

static void help_options(FILE *out, const struct command *command)
{
	for (const struct command_option *row = COMMAND_OPTIONS; row->name; row++) {
		g_autofree char *name = g_strdup_printf("--%s%s%s", row->name,
			row->argument ? "=" : "", row->argument ? row->argument : "");

		if (command_takes(command, row))
			fprintf(out, "  %c%c %-26s %s\n", row->letter ? '-' : ' ',
				row->letter ? row->letter : ' ', name, row->what);
	}
}

static void help_examples(FILE *out, const struct command *command)
{
	g_auto(GStrv) lines = g_strsplit(command->examples ? command->examples : "", "\n", -1);

	if (command->examples)
		fputs("\nExamples:\n", out);
	for (char **line = lines; *line; line++)
		if (**line)
			fprintf(out, "  %s\n", *line);
}

void command_help_one(FILE *out, const struct command *command)
{
	fprintf(out, "usage: drover %s%s%s %s [OPTIONS]\n\n%s%s\n\n", command->noun,
		command->verb ? " " : "", command->verb ? command->verb : "", command->arguments,
		command->what, g_str_has_suffix(command->what, "?") ? "" : ".");
	help_options(out, command);
	if (takes(command, "assume")) {
		fputs("\nWhat may be assumed, by name:\n", out);
		assume_help(out);
	}
	help_examples(out, command);
}

/* ---- dispatch ---- */

/* How many of the words after the program's name are the command's; 0: they are not all there. */
static int words_of(const struct command *command, int argc, char **argv)
{
	g_autofree char *name = g_strconcat(
		command->noun, " ", command->verb ? command->verb : "", NULL);
	g_auto(GStrv) words = g_strsplit(g_strchomp(name), " ", -1);
	int n = (int)g_strv_length(words);

	for (int i = 0; i < n; i++)
		if (i + 1 >= argc || strcmp(words[i], argv[i + 1]) != 0)
			return 0;
	return n;
}

/* The command that the first words name, and how many words that took. */
static const struct command *find(int argc, char **argv, int *ret_words)
{
	for (const struct command *c = COMMANDS; c->noun; c++) {
		*ret_words = words_of(c, argc, argv);
		if (*ret_words)
			return c;
	}
	return NULL;
}

/* "load, show, check" of a noun; newly allocated, empty if it is none. */
static char *verbs_of(const char *noun)
{
	GString *verbs = g_string_new(NULL);

	for (const struct command *c = COMMANDS; c->noun; c++)
		if (c->verb && strcmp(c->noun, noun) == 0)
			g_string_append_printf(verbs, "%s%s", verbs->len ? ", " : "", c->verb);
	return g_string_free(verbs, FALSE);
}

static int unknown(int argc, char **argv)
{
	const char *noun = argc > 1 ? argv[1] : "";
	g_autofree char *verbs = verbs_of(noun);
	g_autoptr(GPtrArray) nouns = g_ptr_array_new();
	const char *nearest;

	if (*verbs)
		return context_say(COMMAND_USAGE, "'%s%s%s' is no command; %s wants one of: %s",
			noun, argc > 2 ? " " : "", argc > 2 ? argv[2] : "", noun, verbs);
	for (const struct command *c = COMMANDS; c->noun; c++)
		g_ptr_array_add(nouns, (gpointer)c->noun);
	g_ptr_array_add(nouns, NULL);
	nearest = names_nearest(noun, (const char *const *)nouns->pdata);
	return context_say(COMMAND_USAGE, "'%s' is no command; %s%s%s", noun,
		nearest ? "did you mean " : "`drover --help` lists them", nearest ? nearest : "",
		nearest ? "?" : "");
}

static int count(char **args)
{
	return args ? (int)g_strv_length(args) : 0;
}

static int run(const struct command *command, struct context *context, char **args)
{
	if (count(args) < command->min_args ||
		(command->max_args >= 0 && count(args) > command->max_args))
		return context_say(COMMAND_USAGE,
			"%s%s%s: it takes %s, not %d; usage: drover %s%s%s %s", command->noun,
			command->verb ? " " : "", command->verb ? command->verb : "",
			*command->arguments ? command->arguments : "no arguments", count(args),
			command->noun, command->verb ? " " : "", command->verb ? command->verb : "",
			command->arguments);
	context->terminal = isatty(STDOUT_FILENO);
	context->colour = context->terminal && !g_getenv("NO_COLOR");
	return command->run(context, args);
}

static gboolean check_numbers(struct context *context, GError **error)
{
	if (context->timeout_s == NOT_GIVEN)
		context->timeout_s = 0;
	else if (context->timeout_s <= 0)
		context->timeout_s = -1;
	if (context->timeout_s >= 0 && context->depth >= 0)
		return TRUE;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s",
		context->timeout_s >= 0 ? "--depth wants a number that is not negative"
					: "--timeout wants a positive number");
	return FALSE;
}

static int parse_and_run(const struct command *command, int argc, char **argv)
{
	struct context context = { .timeout_s = NOT_GIVEN, .depth = 1 };
	g_autofree GOptionEntry *entries = entries_of(command, &context);
	g_autoptr(GOptionContext) parser = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	int code;

	g_option_context_add_main_entries(parser, entries, NULL);
	g_option_context_set_help_enabled(parser, FALSE);
	if (g_option_context_parse(parser, &argc, &argv, &error) &&
		check_numbers(&context, &error)) {
		code = run(command, &context, argv + 1);
	} else {
		code = context_say(COMMAND_USAGE,
			"%s: %s; `drover %s%s%s --help` lists its options", command->noun,
			error->message, command->noun, command->verb ? " " : "",
			command->verb ? command->verb : "");
	}
	context_clear(&context);
	return code;
}

static gboolean is_help(const char *word)
{
	return word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
}

/* The commands of one noun; FALSE: it is none. */
static gboolean help_noun(const char *noun)
{
	gboolean any = FALSE;

	for (const struct command *c = COMMANDS; c->noun; c++) {
		if (strcmp(c->noun, noun) != 0)
			continue;
		any = TRUE;
		help_line(stdout, c);
	}
	return any;
}

/* `drover help`, `drover help plan`, `drover help label history show`, `drover label --help`. */
static int help(int argc, char **argv)
{
	int words = 0;
	const struct command *command = argc > 1 ? find(argc, argv, &words) : NULL;

	if (argc < 2)
		command_help(stdout);
	else if (command)
		command_help_one(stdout, command);
	else if (!help_noun(argv[1]))
		return unknown(argc, argv);
	return COMMAND_DONE;
}

static gboolean wants_help(char **argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++)
		if (is_help(*argv))
			return TRUE;
	return FALSE;
}

int command_main(int argc, char **argv)
{
	const struct command *command;
	int words = 0;

	if (argc < 2) {
		command_help(stderr);
		return COMMAND_USAGE;
	}
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(argv[1], "--version") == 0) {
		printf("drover %s\n", DROVER_VERSION);
		return COMMAND_DONE;
	}
	command = find(argc, argv, &words);
	if (wants_help(argv + 1))
		return help(is_help(argv[argc - 1]) && !command ? argc - 1 : argc, argv);
	if (!command)
		return unknown(argc, argv);
	return parse_and_run(command, argc - words, argv + words);
}
