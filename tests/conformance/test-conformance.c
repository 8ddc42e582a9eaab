/* Every statement of ifmap.md 20 against a real drover-mapd over HTTPS. */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "checks.h"
#include "groups.h"
#include "https.h"
#include "ifmap/dialect.h"
#include "map/config.h"
#include "statements.h"
#include "timers.h"

/* All switches in their second position. */
#define SWITCH(member, key, where, first, second, what) #key "=" second "\n"
#define SWITCHED                                        "[protocol]\n" IFMAP_DIALECT(SWITCH)

#define POSITION(member, key, where, first, second, what) #key "=" second,

static struct server *server;
static struct server *switched;
static struct server *ruled;
static unsigned n_cases[N_STATEMENTS];

/* "C042 ..." counts for C42. */
static void count(const char *name)
{
	guint64 n = *name == 'C' ? g_ascii_strtoull(name + 1, NULL, 10) : 0;

	if (n >= 1 && n <= N_STATEMENTS)
		n_cases[n - 1]++;
}

static void add_group(const struct script_group *group, const struct script_carrier *carrier)
{
	g_autofree char *prefix = g_strconcat("/", group->name, NULL);

	for (size_t i = 0; i < group->n_cases; i++)
		count(group->cases[i].name);
	script_add_all(prefix, carrier, group->cases, group->n_cases);
}

static void run_check(gconstpointer data)
{
	const struct check *check = data;
	struct peer peer;

	peer_init(&peer, server, "A");
	check->run(&peer);
	g_assert_true(server_is_alive(server));
	peer_clear(&peer);
}

static void add_checks(const struct check_group *group)
{
	for (size_t i = 0; i < group->n_checks; i++) {
		g_autofree char *path = g_strdup_printf(
			"/%s/%s", group->name, group->checks[i].name);

		count(group->checks[i].name);
		g_test_add_data_func(path, &group->checks[i], run_check);
	}
}

/* A server that reads the rules of cases-rules.c; the file goes once they are read. */
static struct server *ruled_new(void)
{
	g_autofree char *path = NULL;
	g_autofree char *extra = NULL;
	g_autoptr(GError) error = NULL;
	int fd = g_file_open_tmp("drover-rules-XXXXXX", &path, &error);

	g_assert_no_error(error);
	close(fd);
	g_file_set_contents(path, CONFORMANCE_RULES, -1, &error);
	g_assert_no_error(error);
	extra = g_strdup_printf("[server]\nrules=%s\n", path);
	struct server *started = server_new(extra);
	g_unlink(path);
	return started;
}

/* No statement without a case or a reason, and the page says so. */
static void test_page(void)
{
	const char *path = g_getenv("CONFORMANCE_PAGE");
	g_autofree char *wanted = statements_page(n_cases);
	g_autofree char *found = NULL;
	g_autoptr(GError) error = NULL;

	for (unsigned i = 0; i < N_STATEMENTS; i++) {
		if (n_cases[i] == 0 && !STATEMENTS[i].reason)
			g_test_message("C%u has no case", i + 1);
		if (n_cases[i] == 0 && !STATEMENTS[i].reason)
			g_test_fail();
	}
	if (g_getenv("REGENERATE"))
		g_file_set_contents(path, wanted, -1, &error);
	else if (!g_file_get_contents(path, &found, NULL, &error) || strcmp(found, wanted) != 0)
		g_test_fail_printf("%s is stale: REGENERATE=1 meson test conformance", path);
	g_assert_no_error(error);
}

/* Every switch has a case of its second position. */
static void test_switches(void)
{
	static const char *const positions[] = { IFMAP_DIALECT(POSITION) };

	for (size_t i = 0; i < G_N_ELEMENTS(positions); i++) {
		gboolean found = FALSE;

		for (size_t at = 0; at < CONFORMANCE_SWITCHED.n_cases; at++)
			found = found || strstr(CONFORMANCE_SWITCHED.cases[at].name, positions[i]);
		if (!found)
			g_test_fail_printf("no case is named %s", positions[i]);
	}
}

static gboolean is_key(const struct base_conf_option *options, const char *key)
{
	for (; options->section; options++)
		if (g_strcmp0(options->key, key) == 0 ||
			(options->members && is_key(options->members, key)))
			return TRUE;
	return FALSE;
}

static void check_keys(const char *decided)
{
	g_auto(GStrv) keys = g_strsplit(decided ? decided : "", ", ", -1);

	for (char **key = keys; *key; key++)
		if (!is_key(MAP_CONFIG_OPTIONS, *key))
			g_test_fail_printf("drover-mapd.conf has no key %s", *key);
}

/* What the page says decides is a key of the configuration. */
static void test_keys(void)
{
	for (unsigned i = 0; i < N_STATEMENTS; i++)
		check_keys(STATEMENTS[i].decided);
	for (unsigned i = 0; i < N_DECISIONS; i++)
		check_keys(DECISIONS[i].decided);
}

int main(int argc, char **argv)
{
	static const struct script_group *const groups[] = { CONFORMANCE_GROUPS };
	const struct script_carrier carrier = https_carrier(&server);
	const struct script_carrier other = https_carrier(&switched);
	const struct script_carrier judged = https_carrier(&ruled);

	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	server = server_new("[limits]\nbody=2097152\n");
	switched = server_new(SWITCHED);
	ruled = ruled_new();
	struct timers *timers = timers_begin();
	for (size_t i = 0; i < G_N_ELEMENTS(groups); i++)
		add_group(groups[i], &carrier);
	add_group(&CONFORMANCE_SWITCHED, &other);
	add_group(&CONFORMANCE_RULED, &judged);
	add_checks(&CHECKS_HTTP);
	add_checks(&CHECKS_FORMS);
	add_checks(&CHECKS_DEATHS);
	add_checks(&CHECKS_CLIENT);
	timers_add(timers, count);
	g_test_add_func("/page/keys", test_keys);
	g_test_add_func("/page/switches", test_switches);
	g_test_add_func("/page/fresh", test_page);
	int status = g_test_run();
	server_free(server);
	server_free(switched);
	server_free(ruled);
	timers_free(timers);
	curl_global_cleanup();
	return status;
}
