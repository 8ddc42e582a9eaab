#pragma once
/* What every daemon's main does: options, log, readiness, the end.
 *
 * `--config FILE`, `--check-config`, `--example-config`, `--version`, `--help`; SIGTERM and SIGINT
 * end the main loop, SIGHUP reads anew what can be; READY, STOPPING and the watchdog go to systemd
 * when there is one. Logs are GLib structured logs: the journal when standard error is the journal,
 * plain lines otherwise.
 */
#include "base/conf.h"

struct base_daemon {
	const char *name;           /* drover-hostd */
	const char *what;           /* one line for --help */
	const char *default_config; /* /etc/drover/hostd.conf */
	const struct base_conf_option *options;
	size_t conf_size;
	/* Which string option names the user to run as; NULL: none does. */
	const char *(*user)(const void *conf);
	/* What no row can check, for --check-config and before anything is built; may be NULL. */
	gboolean (*check)(const void *conf, GError **error);
	/* Confines it beyond what all daemons are (base/sandbox.h), after rights are given up; may
	 * be NULL. */
	gboolean (*confine)(const void *conf, GError **error);
	/* Builds the program's one object, or says what to mend. */
	void *(*begin)(const void *conf, GError **error);
	/* May be NULL: then `begin` comes after rights are given up. Else `begin` comes before (to
	 * read keys, to bind ports) and this after. */
	gboolean (*serve)(void *object, GError **error);
	/* What SIGHUP does; on FALSE what was in force stays, and the error is logged. May be NULL:
	 * then SIGHUP ends the program, as ever. */
	gboolean (*reload)(void *object, GError **error);
	void (*end)(void *object);
	/* Further options and what they do instead of running: an exit code, or -1 to run. */
	const GOptionEntry *entries;
	int (*instead)(void);
};

/* Whole life of a daemon; returns what main returns: 0 ended by a signal, 1 failed, 2 usage. */
int base_daemon_main(const struct base_daemon *daemon, int argc, char **argv);
