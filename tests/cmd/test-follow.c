/* What `drover` follows, against a real drover-mapd: a verdict until it is clear, an order until it
 * has ended. Control is played here. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/command.h"
#include "server.h"
#include "story.h"

#define PATIENCE_MS 20000
#define A_MS        1700000000000u

static struct server *server;
static struct ifmap_client *client; /* as which control and the agents speak */

/* ---- the map ---- */

static void put_with(struct ifmap_publish *publish)
{
	g_autoptr(GError) error = NULL;

	ifmap_client_publish_sync(client, publish, PATIENCE_MS, &error);
	g_assert_no_error(error);
}

static void put(
	enum facts_kind kind, const struct ifmap_id *a, const struct ifmap_id *b, const void *fact)
{
	struct ifmap_publish *publish = ifmap_publish_new();

	facts_publish_forever(publish, kind, a, b, fact);
	put_with(publish);
}

static struct ifmap_id *host_id(const char *name)
{
	g_autofree char *place = story_host(name);

	return facts_id_device(place + strlen("device:"), NULL);
}

static void put_host(const char *name)
{
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	g_autoptr(ifmap_id) id = host_id(name);
	struct facts_in_fleet in_fleet = { .kind = (char[]){ "host" } };
	struct facts_host host = { .name = (char *)name, .enforcing = TRUE };

	put(FACTS_IN_FLEET, fleet, id, &in_fleet);
	put(FACTS_HOST, id, NULL, &host);
}

static void put_vapp(void)
{
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	g_autoptr(ifmap_id) id = facts_id_vapp("shop", NULL);
	struct facts_in_fleet in_fleet = { .kind = (char[]){ "vapp" } };

	put(FACTS_IN_FLEET, fleet, id, &in_fleet);
}

/* `code` NULL: clear. */
static void put_verdict(const char *host, const char *code)
{
	g_autoptr(ifmap_id) vapp = facts_id_vapp("shop", NULL);
	g_autoptr(ifmap_id) id = host_id(host);
	g_auto(facts_clearance) fact = { .clear = !code, .since_ms = A_MS };

	if (code) {
		struct facts_reason *reason;

		fact.reasons = facts_list_new();
		reason = facts_list_add(fact.reasons, FACTS_CLEARANCE, "reason");
		reason->code = g_strdup(code);
		reason->text = g_strdup("because");
	}
	put(FACTS_CLEARANCE, vapp, id, &fact);
}

/* ---- the program ---- */

struct run {
	GPid pid;
	GIOChannel *out;
	GIOChannel *err;
};

static struct run begin(const char *arguments)
{
	g_autofree char *line = g_strdup_printf("'%s' %s", g_getenv("DROVER"), arguments);
	g_auto(GStrv) argv = NULL;
	struct run run = { 0 };
	int out, err;

	g_assert_true(g_shell_parse_argv(line, NULL, &argv, NULL));
	g_assert_true(g_spawn_async_with_pipes(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
		NULL, &run.pid, NULL, &out, &err, NULL));
	run.out = g_io_channel_unix_new(out);
	run.err = g_io_channel_unix_new(err);
	return run;
}

/* Reads lines until one has `text` in it. */
static void wait_for(GIOChannel *channel, const char *text)
{
	gboolean found = FALSE;

	while (!found) {
		g_autofree char *line = NULL;

		g_assert_cmpint(g_io_channel_read_line(channel, &line, NULL, NULL, NULL), ==,
			G_IO_STATUS_NORMAL);
		g_test_message("%s", g_strchomp(line));
		found = strstr(line, text) != NULL;
	}
}

static void end(struct run *run, int code)
{
	int status = 0;

	g_assert_cmpint(waitpid(run->pid, &status, 0), ==, run->pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, code);
	g_spawn_close_pid(run->pid);
	g_io_channel_unref(run->out);
	g_io_channel_unref(run->err);
}

/* ---- plan --wait ---- */

static void test_plan_clears(void)
{
	struct run run;

	put_verdict("C", "MEMORY");
	run = begin("plan shop --to C --wait");
	wait_for(run.out, "shop on C: not clear: MEMORY");
	put_verdict("C", "PATHS");
	wait_for(run.out, "shop on C: not clear: PATHS");
	put_verdict("C", NULL);
	wait_for(run.out, "  shop on C: clear");
	wait_for(run.out, "shop on C: clear (for ");
	end(&run, COMMAND_DONE);
}

/* One of several is enough, as for the exit code without --wait. */
static void test_plan_any(void)
{
	struct run run;

	put_verdict("B", "MEMORY");
	put_verdict("C", "MEMORY");
	run = begin("plan shop --to B,C --wait --json");
	put_verdict("B", NULL);
	wait_for(run.out, "\"clear\": true");
	end(&run, COMMAND_DONE);
}

static void test_plan_in_time(void)
{
	struct run run;

	put_verdict("C", "MEMORY");
	run = begin("plan shop --to C --wait --timeout=1 -q");
	wait_for(run.err, "shop: not clear in time");
	end(&run, COMMAND_REFUSED);
}

static void test_plan_left(void)
{
	struct run run;

	put_verdict("C", "MEMORY");
	run = begin("plan shop --to C --wait");
	wait_for(run.out, "not clear");
	g_assert_cmpint(kill(run.pid, SIGINT), ==, 0);
	wait_for(run.err, "no longer waiting");
	end(&run, COMMAND_REFUSED);
}

static void test_plan_unknown(void)
{
	struct run run = begin("plan shop --to Z --wait");

	wait_for(run.err, "Z: no such host");
	end(&run, COMMAND_REFUSED);
}

/* ---- orders ---- */

/* The id of what is asked for; newly allocated. */
static char *wait_for_request(void)
{
	g_autoptr(ifmap_id) vapp = facts_id_vapp("shop", NULL);
	struct ifmap_search search = {
		.start = vapp, .max_depth = 0, .max_size = 1UL << 20, .result_filter = "d:request"
	};
	gint64 until_us = g_get_monotonic_time() + PATIENCE_MS * G_TIME_SPAN_MILLISECOND;

	while (g_get_monotonic_time() < until_us) {
		g_autoptr(GError) error = NULL;
		g_autoptr(ifmap_result)
			result = ifmap_client_search_sync(client, &search, PATIENCE_MS, &error);
		const struct ifmap_item *item = result && result->items->len > 0
							? result->items->pdata[0]
							: NULL;
		g_auto(facts_request) request = { 0 };

		g_assert_no_error(error);
		if (item && item->metas->len > 0 &&
			facts_decode(FACTS_REQUEST, item->metas->pdata[0], &request, NULL))
			return g_steal_pointer(&request.id);
		g_usleep(10000);
	}
	g_assert_not_reached();
}

static void forget_orders(void)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(ifmap_id) vapp = facts_id_vapp("shop", NULL);

	facts_unpublish(publish, FACTS_REQUEST, vapp, NULL);
	facts_unpublish(publish, FACTS_ORDER, vapp, NULL);
	put_with(publish);
}

static void put_order(const char *id, const char *phase, const char *state, const char *reason)
{
	g_autoptr(ifmap_id) vapp = facts_id_vapp("shop", NULL);
	g_auto(facts_order) order = { .id = g_strdup(id),
		.verb = g_strdup("stop"),
		.phase = g_strdup(phase),
		.state = g_strdup(state),
		.reason = g_strdup(reason),
		.at_ms = A_MS };

	put(FACTS_ORDER, vapp, NULL, &order);
}

static void test_order(void)
{
	struct run run = begin("vapp stop shop");
	g_autofree char *id = wait_for_request();

	put_order("of somebody else", "stop", "done", NULL);
	put_order(id, "stop", "running", NULL);
	wait_for(run.out, "shop: stop");
	put_order(id, "stop", "stuck", "HOST_LOST: host B is silent");
	wait_for(run.out, "shop: stuck: HOST_LOST: host B is silent");
	put_order(id, "done", "done", NULL);
	wait_for(run.out, "stop of shop: done");
	end(&run, COMMAND_DONE);
	forget_orders();
}

/* Nobody plays control. */
static void test_order_in_time(void)
{
	struct run run = begin("vapp stop shop --timeout=1");

	wait_for(run.err, "not ended in time; the order goes on in the background");
	end(&run, COMMAND_REFUSED);
	forget_orders();
}

/* ---- */

static void setup(char **ret_config)
{
	g_autofree char *ca = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	struct ifmap_client_config config = { .user = "A",
		.password = "pw",
		.prefixes = FACTS_PREFIXES,
		.max_poll_result_size = 1UL << 20 };

	server = server_new(NULL);
	ca = server_path(server, "ca.crt");
	config.url = server->url;
	config.ca_file = ca;
	client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
	*ret_config = server_path(server, "drover.conf");
	text = g_strdup_printf("[map]\nurl=%s\nca=%s\ncert=%s/good.crt\nkey=%s/good.key\n",
		server->url, ca, server->dir, server->dir);
	g_assert_true(g_file_set_contents(*ret_config, text, -1, NULL));
	g_setenv("DROVER_CONFIG", *ret_config, TRUE);
	put_vapp();
	put_host("B");
	put_host("C");
}

int main(int argc, char **argv)
{
	g_autofree char *config = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	setup(&config);
	g_test_add_func("/follow/plan-clears", test_plan_clears);
	g_test_add_func("/follow/plan-any", test_plan_any);
	g_test_add_func("/follow/plan-in-time", test_plan_in_time);
	g_test_add_func("/follow/plan-left", test_plan_left);
	g_test_add_func("/follow/plan-unknown", test_plan_unknown);
	g_test_add_func("/follow/order", test_order);
	g_test_add_func("/follow/order-in-time", test_order_in_time);
	status = g_test_run();
	ifmap_client_free(client);
	server_free(server);
	return status;
}
