#include "base/daemon.h"

#include "base/sandbox.h"

#include <errno.h>
#include <glib-unix.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

struct arguments {
	char *config;
	gboolean check;
	gboolean example;
	gboolean version;
};

static gboolean parse(
	const struct base_daemon *daemon, int argc, char **argv, struct arguments *ret)
{
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &ret->config, "configuration file",
			"FILE" },
		{ "check-config", 0, 0, G_OPTION_ARG_NONE, &ret->check,
			"check the configuration and exit", NULL },
		{ "example-config", 0, 0, G_OPTION_ARG_NONE, &ret->example,
			"print a commented configuration and exit", NULL },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &ret->version, "print the version and exit",
			NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(context, daemon->what);
	g_option_context_add_main_entries(context, entries, NULL);
	if (daemon->entries)
		g_option_context_add_main_entries(context, daemon->entries, NULL);
	if (g_option_context_parse(context, &argc, &argv, &error) && argc == 1)
		return TRUE;
	fprintf(stderr, "%s: %s (see %s --help)\n", daemon->name,
		error ? error->message : "it takes options only", daemon->name);
	return FALSE;
}

static gboolean become(const char *user, GError **error)
{
	const struct passwd *entry;

	if (!user || !*user || geteuid() != 0)
		return TRUE;
	errno = 0;
	entry = getpwnam(user); /* NOLINT(concurrency-mt-unsafe): no other thread runs yet */
	if (entry && initgroups(user, entry->pw_gid) == 0 && setgid(entry->pw_gid) == 0 &&
		setuid(entry->pw_uid) == 0)
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	g_set_error(error, BASE_CONF_ERROR, BASE_CONF_ERROR_VALUE, "cannot run as user '%s': %s",
		user, entry ? g_strerror(errno) : "there is no such user");
	return FALSE;
}

static gboolean on_signal(gpointer loop)
{
	sd_notify(0, "STOPPING=1");
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_watchdog(gpointer data)
{
	sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

struct reloading {
	const struct base_daemon *daemon;
	void *object;
};

static gboolean on_hangup(gpointer data)
{
	const struct reloading *reloading = data;
	g_autoptr(GError) error = NULL;

	if (!reloading->daemon->reload(reloading->object, &error))
		g_warning("not reloaded: %s", error->message);
	return G_SOURCE_CONTINUE;
}

/* What comes while the object is built, maybe serving already, waits until it can be heeded.
 * Threads that begin meanwhile leave these signals to this one. */
static void hold_signals(const struct base_daemon *daemon, int how)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (daemon->reload)
		sigaddset(&signals, SIGHUP);
	pthread_sigmask(how, &signals, NULL);
}

static void loop_until_signal(const struct base_daemon *daemon, void *object)
{
	struct reloading reloading = { daemon, object };
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	uint64_t watchdog_us = 0;

	g_unix_signal_add(SIGTERM, on_signal, loop);
	g_unix_signal_add(SIGINT, on_signal, loop);
	if (daemon->reload)
		g_unix_signal_add(SIGHUP, on_hangup, &reloading);
	hold_signals(daemon, SIG_UNBLOCK);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		g_timeout_add((guint)(watchdog_us / 2000), on_watchdog, NULL);
	sd_notify(0, "READY=1");
	g_main_loop_run(loop);
}

static gboolean give_up_rights(const struct base_daemon *daemon, const void *conf, GError **error)
{
	return become(daemon->user ? daemon->user(conf) : NULL, error) &&
	       (!daemon->confine || daemon->confine(conf, error)) && base_sandbox_enter(error);
}

/* The object, serving; NULL and an error when it cannot. */
static void *build(const struct base_daemon *daemon, const void *conf, GError **error)
{
	void *object;

	if (!daemon->serve)
		return give_up_rights(daemon, conf, error) ? daemon->begin(conf, error) : NULL;
	object = daemon->begin(conf, error);
	if (!object || (give_up_rights(daemon, conf, error) && daemon->serve(object, error)))
		return object;
	daemon->end(object);
	return NULL;
}

static int complain(const struct base_daemon *daemon, const GError *error)
{
	fprintf(stderr, "%s: %s\n", daemon->name, error ? error->message : "cannot start");
	return 1;
}

static int run(const struct base_daemon *daemon, const void *conf)
{
	g_autoptr(GError) error = NULL;
	void *object;

	hold_signals(daemon, SIG_BLOCK);
	object = build(daemon, conf, &error);
	if (!object)
		return complain(daemon, error);
	loop_until_signal(daemon, object);
	daemon->end(object);
	return 0;
}

static int run_configured(const struct base_daemon *daemon, const struct arguments *arguments)
{
	g_autofree void *conf = g_malloc0(daemon->conf_size);
	g_autoptr(GError) error = NULL;
	const char *path = arguments->config ? arguments->config : daemon->default_config;
	int code;

	if (!base_conf_read(path, daemon->options, conf, &error))
		return complain(daemon, error);
	if (daemon->check && !daemon->check(conf, &error)) {
		g_prefix_error(&error, "%s: ", path);
		code = complain(daemon, error);
	} else if (arguments->check) {
		printf("%s: %s is good\n", daemon->name, path);
		code = 0;
	} else {
		code = run(daemon, conf);
	}
	base_conf_clear(daemon->options, conf);
	return code;
}

int base_daemon_main(const struct base_daemon *daemon, int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int code = 0;
	int instead = -1;

	g_set_prgname(daemon->name);
	if (!parse(daemon, argc, argv, &arguments)) {
		code = 2;
	} else if (daemon->instead && (instead = daemon->instead()) >= 0) {
		code = instead;
	} else if (arguments.version) {
		printf("%s %s\n", daemon->name, DROVER_VERSION);
	} else if (arguments.example) {
		g_autoptr(GString) text = g_string_new(NULL);

		base_conf_write_example(text, daemon->options);
		fputs(text->str, stdout);
	} else {
		code = run_configured(daemon, &arguments);
	}
	g_free(arguments.config);
	return code;
}
