/* write-manual TEMPLATE [FILE] | --completion | --example-config: man page sources and the bash
 * completion, on standard output, out of the table of `drover`'s commands, so that they cannot lag
 * behind the program.
 *
 * In a template these lines are replaced: @COMMANDS@ and @OPTIONS@ (of the table), @ASSUMPTIONS@
 * (of plan/assume.h), @FILE@ (FILE as a literal block).
 */
#include "cmd/command.h"
#include "plan/assume.h"

#include <string.h>

/* Text as scdoc takes it. */
static char *plain(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *at = text; *at; at++) {
		if (strchr("\\*_<>~#", *at))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *at);
	}
	return g_string_free(out, FALSE);
}

static void write_option(const struct command_option *option)
{
	g_autofree char *what = plain(option->what);

	if (option->letter)
		printf("*-%c*, ", option->letter);
	printf("*--%s*%s%s\n\t%s\n\n", option->name, option->argument ? "=" : "",
		option->argument ? option->argument : "", what);
}

static void write_options(void)
{
	for (const struct command_option *o = COMMAND_OPTIONS; o->name; o++)
		if (o->common)
			write_option(o);
}

static void write_own_options(const struct command *command)
{
	for (const struct command_option *o = COMMAND_OPTIONS; o->name; o++)
		if (!o->common && command_takes(command, o))
			printf(" [*--%s*%s%s]", o->name, o->argument ? "=" : "",
				o->argument ? o->argument : "");
}

static void write_examples(const struct command *command)
{
	g_auto(GStrv) lines = g_strsplit(command->examples ? command->examples : "", "\n", -1);

	for (char **line = lines; *line; line++) {
		g_autofree char *text = plain(*line);

		if (**line)
			printf("\t%s\n\n", text);
	}
}

static void write_assumptions(void)
{
	for (const struct plan_assume_form *form = PLAN_ASSUME_FORMS; form->example; form++) {
		g_autofree char *example = plain(form->example);
		g_autofree char *what = plain(form->what);

		printf("*%s*\n\t%s\n\n", example, what);
	}
}

static void write_commands(void)
{
	for (const struct command *c = COMMANDS; c->noun; c++) {
		g_autofree char *what = plain(c->what);

		printf("*%s%s%s*%s%s", c->noun, c->verb ? " " : "", c->verb ? c->verb : "",
			*c->arguments ? " " : "", c->arguments);
		write_own_options(c);
		printf("\n\t%s%s\n\n", what, g_str_has_suffix(what, "?") ? "" : ".");
		write_examples(c);
	}
	printf("## OPTIONS OF SINGLE COMMANDS\n\n");
	for (const struct command_option *o = COMMAND_OPTIONS; o->name; o++)
		if (!o->common)
			write_option(o);
}

/* ---- completion ---- */

/* The words of a command: "label history show" is three. */
static char **words_of(const struct command *command)
{
	g_autofree char *name = g_strconcat(
		command->noun, command->verb ? " " : NULL, command->verb, NULL);

	return g_strsplit(name, " ", -1);
}

/* What may follow each beginning of a command, once; "." is the empty beginning. */
static void write_words(void)
{
	g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	printf("declare -A _drover_words _drover_options\n");
	for (const struct command *c = COMMANDS; c->noun; c++) {
		g_auto(GStrv) words = words_of(c);
		g_autoptr(GString) so_far = g_string_new(NULL);

		for (size_t i = 0; words[i]; i++) {
			g_autofree char *key = g_strdup(so_far->len ? so_far->str : ".");

			g_string_append_printf(so_far, "%s%s", so_far->len ? " " : "", words[i]);
			if (g_hash_table_add(told, g_strdup(so_far->str)))
				printf("_drover_words['%s']+='%s '\n", key, words[i]);
		}
		printf("_drover_options['%s']='--help", so_far->str);
		for (const struct command_option *o = COMMAND_OPTIONS; o->name; o++)
			if (command_takes(c, o))
				printf(" --%s%s", o->name, o->argument ? "=" : "");
		printf("'\n");
	}
}

static const char completion[] =
	"\n_drover()\n"
	"{\n"
	"\tlocal current=${COMP_WORDS[COMP_CWORD]} command= key= words= i=1\n"
	"\twhile [ \"$i\" -lt \"$COMP_CWORD\" ]; do\n"
	"\t\tkey=\"${command:+$command }${COMP_WORDS[i]}\"\n"
	"\t\t[ -n \"${_drover_words[${key:-none}]-}${_drover_options[${key:-none}]-}\" ] || break\n"
	"\t\tcommand=$key i=$((i + 1))\n"
	"\tdone\n"
	"\tif [ \"${current#-}\" != \"$current\" ]; then\n"
	"\t\twords=${_drover_options[${command:-none}]-}\n"
	"\telif [ \"$i\" = \"$COMP_CWORD\" ]; then\n"
	"\t\twords=${_drover_words[${command:-.}]-}\n"
	"\tfi\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	"\tcase ${COMPREPLY[0]-} in *=) compopt -o nospace 2>/dev/null ;; esac\n"
	"}\n"
	"complete -o default -F _drover drover\n";

/* ---- templates ---- */

static int write_file(const char *path)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	if (!path || !g_file_get_contents(path, &text, NULL, &error)) {
		fprintf(stderr, "write-manual: %s\n", error ? error->message : "FILE is missing");
		return 1;
	}
	printf("```\n%s```\n", text);
	return 0;
}

static int fill(const char *template, const char *file)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	g_autoptr(GError) error = NULL;
	int code = 0;

	if (!g_file_get_contents(template, &text, NULL, &error)) {
		fprintf(stderr, "write-manual: %s\n", error->message);
		return 1;
	}
	lines = g_strsplit(g_strchomp(text), "\n", -1);
	for (char **line = lines; *line; line++) {
		if (strcmp(*line, "@COMMANDS@") == 0)
			write_commands();
		else if (strcmp(*line, "@OPTIONS@") == 0)
			write_options();
		else if (strcmp(*line, "@ASSUMPTIONS@") == 0)
			write_assumptions();
		else if (strcmp(*line, "@FILE@") == 0)
			code |= write_file(file);
		else
			puts(*line);
	}
	return code;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--completion") == 0) {
		printf("# bash completion of drover, written by write-manual; do not edit\n");
		write_words();
		fputs(completion, stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--example-config") == 0) {
		g_autoptr(GString) text = g_string_new(NULL);

		base_conf_write_example(text, CONTEXT_OPTIONS);
		fputs(text->str, stdout);
		return 0;
	}
	if (argc < 2 || argc > 3) {
		fprintf(stderr,
			"usage: write-manual TEMPLATE [FILE] | --completion | --example-config\n");
		return 2;
	}
	return fill(argv[1], argv[2]);
}
