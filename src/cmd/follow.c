#include "cmd/follow.h"

#include "cmd/command.h"
#include "world/window.h"

#include <glib-unix.h>

#define RESULT_MAX (256UL * 1024 * 1024)

struct following {
	struct context *context;
	GMainLoop *loop;
	follow_look look;
	gpointer data;
	enum follow_end end;
	guint give_up; /* 0: something has been seen, or nobody minds */
	guint timeout;
	gboolean world_came;
};

static void end(struct following *following, enum follow_end how)
{
	following->end = how;
	g_main_loop_quit(following->loop);
}

static void stop_source(guint *id)
{
	if (*id)
		g_source_remove(*id);
	*id = 0;
}

static void on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct following *following = data;
	struct context *context = following->context;
	enum follow_sight sight;

	if (!result || result->kind == IFMAP_RESULT_NOTIFY)
		return;
	if (result->kind == IFMAP_RESULT_SEARCH) {
		context_forget_world(context);
		context->world = world_new();
		following->world_came = TRUE;
	}
	world_apply_result(context->world, result, NULL, NULL);
	world_set_as_of(context->world, context_now_ms());
	sight = following->look(context->world, following->data);
	if (sight != FOLLOW_NOTHING)
		stop_source(&following->give_up);
	if (sight == FOLLOW_ENOUGH)
		end(following, FOLLOW_SEEN);
}

static gboolean on_no_answer(gpointer data)
{
	struct following *following = data;

	following->give_up = 0;
	end(following, FOLLOW_UNANSWERED);
	return G_SOURCE_REMOVE;
}

static gboolean on_timeout(gpointer data)
{
	struct following *following = data;

	following->timeout = 0;
	end(following, FOLLOW_LATE);
	return G_SOURCE_REMOVE;
}

static gboolean on_interrupt(gpointer data)
{
	end(data, FOLLOW_LEFT);
	return G_SOURCE_CONTINUE;
}

/* Once a session has stood: before, it is the map's first answer that is waited for. */
static void on_state(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data)
{
	struct following *following = data;

	if (state != IFMAP_CLIENT_UP && why && following->world_came && !following->context->quiet)
		context_say(0, "map: %s; watching on when it is back", why->message);
}

static void subscribe(struct following *following)
{
	struct ifmap_client *client = following->context->client;
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct ifmap_search search = { .start = fleet,
		.max_depth = WORLD_DEPTH,
		.max_size = RESULT_MAX,
		.match_links = WORLD_MATCH_LINKS,
		.result_filter = WORLD_RESULT_FILTER };

	ifmap_client_subscribe(client, "follow", &search, on_result, following);
	ifmap_client_start(client, on_state, following);
}

enum follow_end follow(
	struct context *context, unsigned answer_ms, follow_look look, gpointer data, int *ret_exit)
{
	struct following following = { .context = context, .look = look, .data = data };
	guint interrupts[2];

	if (!context_client(context, ret_exit))
		return FOLLOW_FAILED;
	following.loop = g_main_loop_new(NULL, FALSE);
	if (answer_ms)
		following.give_up = g_timeout_add(answer_ms, on_no_answer, &following);
	if (context->timeout_s > 0)
		following.timeout = g_timeout_add_seconds(
			(unsigned)context->timeout_s, on_timeout, &following);
	interrupts[0] = g_unix_signal_add(SIGINT, on_interrupt, &following);
	interrupts[1] = g_unix_signal_add(SIGTERM, on_interrupt, &following);
	subscribe(&following);
	g_main_loop_run(following.loop);
	g_clear_pointer(&context->client, ifmap_client_free);
	for (size_t i = 0; i < G_N_ELEMENTS(interrupts); i++)
		g_source_remove(interrupts[i]);
	stop_source(&following.give_up);
	stop_source(&following.timeout);
	g_main_loop_unref(following.loop);
	return following.end;
}
