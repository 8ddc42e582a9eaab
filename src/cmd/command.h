#pragma once
/* Subcommands of `drover`: one row each, in command_table.c. The row makes the dispatch, the help,
 * the man page and the completion; the function is in the file named after its noun.
 */
#include "cmd/context.h"

/* Exit codes (docs/operations.md). */
enum command_exit {
	COMMAND_DONE = 0,
	COMMAND_REFUSED = 1, /* refused or failed */
	COMMAND_USAGE = 2,
	COMMAND_UNREACHABLE = 3,
	COMMAND_DENIED = 4,
};

struct command {
	const char *noun;
	const char *verb;      /* one word or more; NULL: the noun alone is the command */
	const char *arguments; /* as in the synopsis */
	const char *options; /* names of struct context_option that it takes beside the common ones,
				blank separated */
	const char *what;
	int min_args;
	int max_args; /* -1: any number */
	int (*run)(struct context *context, char **args);
	const char *examples; /* command lines, one a line; NULL: the synopsis says enough */
};

extern const struct command COMMANDS[]; /* ends with a NULL noun */

/* Every option of every command. */
struct command_option {
	const char *name;
	char letter;
	GOptionArg type;
	size_t offset; /* in struct context */
	const char *argument;
	const char *what;
	gboolean common; /* every command takes it */
};

extern const struct command_option COMMAND_OPTIONS[]; /* ends with a NULL name */
gboolean command_takes(const struct command *command, const struct command_option *option);

int cmd_status(struct context *context, char **args);
int cmd_hosts(struct context *context, char **args);
int cmd_vapp_list(struct context *context, char **args);
int cmd_vapp_show(struct context *context, char **args);
int cmd_vapp_import(struct context *context, char **args);
int cmd_vapp_export(struct context *context, char **args);
int cmd_vapp_capture(struct context *context, char **args);
int cmd_vapp_start(struct context *context, char **args);
int cmd_vapp_stop(struct context *context, char **args);
int cmd_vapp_remove(struct context *context, char **args);
int cmd_plan(struct context *context, char **args);
int cmd_move(struct context *context, char **args);
int cmd_fence(struct context *context, char **args);
int cmd_unfence(struct context *context, char **args);
int cmd_host_forget(struct context *context, char **args);
int cmd_verify(struct context *context, char **args);
int cmd_why(struct context *context, char **args);
int cmd_alerts(struct context *context, char **args);
int cmd_explain(struct context *context, char **args);
int cmd_map_search(struct context *context, char **args);
int cmd_map_top(struct context *context, char **args);
int cmd_map_dump(struct context *context, char **args);
int cmd_map_stats(struct context *context, char **args);
int cmd_map_history(struct context *context, char **args);
int cmd_map_at(struct context *context, char **args);
int cmd_map_backup(struct context *context, char **args);
int cmd_map_restore(struct context *context, char **args);
int cmd_map_delete(struct context *context, char **args);
int cmd_map_watch(struct context *context, char **args);
int cmd_map_publish(struct context *context, char **args);
int cmd_label_load(struct context *context, char **args);
int cmd_label_show(struct context *context, char **args);
int cmd_label_check(struct context *context, char **args);
int cmd_label_history_show(struct context *context, char **args);
int cmd_label_history_forget(struct context *context, char **args);
int cmd_link(struct context *context, char **args);
int cmd_snapshot(struct context *context, char **args);

/* Prints the help of everything, or of one command with its options and examples. */
void command_help(FILE *out);
void command_help_one(FILE *out, const struct command *command);
/* Parses the command line, runs the command, returns its exit code. */
int command_main(int argc, char **argv);
