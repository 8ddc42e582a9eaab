#include "cmd/order.h"

#include "cmd/follow.h"
#include "cmd/names.h"
#include "cmd/out.h"
#include "plan/order.h"

#include <string.h>

#define ANSWER_MS 15000 /* control answers a request within this time, or is not there */
#define BAR       20

/* ---- asking ---- */

static struct ifmap_publish *request_publish(
	const struct ifmap_id *vapp, const struct facts_request *request)
{
	struct ifmap_publish *publish = ifmap_publish_new();

	facts_publish(publish, FACTS_REQUEST, vapp, NULL, request);
	return publish;
}

/* ---- printing an order ---- */

static const char *host_name(const struct world *world, const char *uuid)
{
	const struct world_host *host = uuid ? world_find_host(world, uuid) : NULL;

	return host ? world_host_name(host) : uuid ? uuid : "-";
}

static void print_steps(const struct facts_order *order)
{
	for (unsigned i = 0; order->steps && i < order->steps->len; i++) {
		const struct facts_order_step *step = order->steps->pdata[i];
		g_autofree char *took = step->ended_ms > step->started_ms && step->started_ms
						? g_strdup_printf("%" G_GUINT64_FORMAT " ms",
							  step->ended_ms - step->started_ms)
						: g_strdup("");

		printf("  %-10s %-8s %8s  %s\n", step->name, step->state, took,
			step->text ? step->text : "");
	}
}

static void print_members(const struct world *world, const struct facts_order *order)
{
	struct out_table *table = out_table_new(
		(const char *[]){ "MACHINE", "FROM", "TO", "GAP/ms", NULL });

	for (unsigned i = 0; order->members && i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];
		g_autofree char *gap = member->gap_ms ? g_strdup_printf("%" G_GUINT64_FORMAT,
								member->gap_ms)
						      : NULL;

		out_table_add(
			table, (const char *[]){ member->machine, host_name(world, member->from),
				       host_name(world, member->to), gap });
	}
	out_table_print(table, stdout);
}

/* On what it waits, if it does: the same function as control's, on the same facts. */
static void print_waiting(const struct world *world, const struct facts_order *order)
{
	g_auto(plan_observed) observed = { 0 };
	g_auto(GStrv) lines = NULL;

	plan_observe(&observed, world, order, NULL);
	lines = plan_order_waits_for(order, &observed, context_now_ms());
	for (char **line = lines; *line; line++)
		printf("  waits for %s\n", *line);
}

static int exit_of(const struct facts_order *order)
{
	return g_strcmp0(order->state, "done") == 0 || g_strcmp0(order->state, "running") == 0
		       ? COMMAND_DONE
		       : COMMAND_REFUSED;
}

static int print_order(struct context *context, const struct world *world, const char *vapp,
	const struct facts_order *order)
{
	if (context->json) {
		out_json(facts_to_json(FACTS_ORDER, order));
		return exit_of(order);
	}
	if (context->quiet && exit_of(order) == COMMAND_DONE)
		return order->reason ? context_say(COMMAND_DONE, "%s of %s: %s: %s", order->verb,
					       vapp, order->state, order->reason)
				     : COMMAND_DONE;
	printf("%s of %s: %s%s%s\n", order->verb, vapp, order->state, order->reason ? ": " : "",
		order->reason ? order->reason : "");
	if (g_strcmp0(order->state, "refused") == 0)
		return COMMAND_REFUSED;
	print_steps(order);
	print_waiting(world, order);
	print_members(world, order);
	return exit_of(order);
}

int order_print(struct context *context, const char *vapp)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_vapp *found = world ? names_vapp(world, vapp) : NULL;

	if (!found)
		return world ? COMMAND_REFUSED : code;
	if (!found->order || !found->order->id)
		return context_say(COMMAND_REFUSED, "%s: nothing has been ordered yet", vapp);
	return print_order(context, world, vapp, found->order);
}

/* ---- following ---- */

struct following {
	struct context *context;
	const char *vapp;
	const char *id;
	char *said; /* last line of progress */
	int code;
	unsigned n_bars; /* that stand on the terminal */
};

static unsigned percent_of(const struct world *world, const struct facts_order *order,
	const struct facts_order_member *member)
{
	const struct world_copy *copy = member->from
						? world_find_copy(world, member->vm, member->from)
						: NULL;

	if (copy && copy->progress && g_strcmp0(copy->progress->order, order->id) == 0)
		return (unsigned)MIN(copy->progress->percent, 100);
	return 0;
}

/* "precopy", or why a person should look. */
static const char *state_of(const struct facts_order *order)
{
	return g_strcmp0(order->state, "stuck") == 0 && order->reason ? order->reason
								      : order->phase;
}

/* One bar a machine, redrawn in place, and a line when it is stuck. */
static void draw_bars(struct following *following, const struct facts_order *order)
{
	gboolean stuck = g_strcmp0(order->state, "stuck") == 0;

	if (following->n_bars)
		printf("\033[%uA", following->n_bars);
	following->n_bars = order->members ? order->members->len : 0;
	for (unsigned i = 0; i < following->n_bars; i++) {
		const struct facts_order_member *member = order->members->pdata[i];
		unsigned percent = percent_of(following->context->world, order, member);
		unsigned full = percent * BAR / 100;

		printf("\033[K  %-12s [%.*s%*s] %3u%%  %s%s\n", member->machine, (int)full,
			"####################", (int)(BAR - full), "", percent, order->phase,
			stuck ? " (stuck)" : "");
	}
	fflush(stdout);
}

/* Each state once, as a line. */
static void print_state(struct following *following, const struct facts_order *order)
{
	const char *state = state_of(order);

	if (g_strcmp0(following->said, state) == 0)
		return;
	g_free(following->said);
	following->said = g_strdup(state);
	printf("%s: %s%s\n", following->vapp, state == order->phase ? "" : "stuck: ", state);
	following->n_bars = 0; /* they begin anew below */
	fflush(stdout);
}

static void show_progress(struct following *following, const struct facts_order *order)
{
	gboolean bars = following->context->terminal && g_strcmp0(order->verb, "move") == 0;

	if (following->context->quiet || following->context->json)
		return;
	if (!bars || g_strcmp0(order->state, "stuck") == 0)
		print_state(following, order);
	if (bars)
		draw_bars(following, order);
}

static enum follow_sight look(const struct world *world, gpointer data)
{
	struct following *following = data;
	const struct world_vapp *vapp = world_find_vapp(world, following->vapp);
	const struct facts_order *order = vapp ? vapp->order : NULL;

	if (!order || g_strcmp0(order->id, following->id) != 0)
		return FOLLOW_NOTHING;
	show_progress(following, order);
	if (!plan_order_ended(order))
		return FOLLOW_SOMETHING;
	following->code = print_order(following->context, world, following->vapp, order);
	return FOLLOW_ENOUGH;
}

/* What goes on without us, and how to see it. */
static int leave(const char *vapp, const char *why)
{
	return context_say(COMMAND_REFUSED,
		"%s; the order goes on in the background: `drover move %s --status` shows it, `drover move %s --abort` brings a start or move back",
		why, vapp, vapp);
}

static int follow_order(struct context *context, const char *vapp, const char *id)
{
	struct following following = { .context = context, .vapp = vapp, .id = id };
	enum follow_end end = follow(context, ANSWER_MS, look, &following, &following.code);

	g_free(following.said);
	switch (end) {
	case FOLLOW_SEEN:
	case FOLLOW_FAILED:
		break;
	case FOLLOW_UNANSWERED:
		return context_say(COMMAND_UNREACHABLE,
			"control does not answer; the request stands in the map and is carried out when drover-control runs (drover move %s --status)",
			vapp);
	case FOLLOW_LATE:
		return leave(vapp, "not ended in time");
	case FOLLOW_LEFT:
		return leave(vapp, "no longer watching");
	}
	return following.code;
}

/* The order that an abort is about; NULL after having said that there is none. Newly allocated. */
static char *running_order(const struct world_vapp *vapp)
{
	if (vapp->order && vapp->order->id && !plan_order_ended(vapp->order))
		return g_strdup(vapp->order->id);
	context_say(0, "%s: no order is running", vapp->name);
	return NULL;
}

static int say_asked(const struct context *context, const char *id)
{
	if (context->json)
		out_json(json_pack("{s:s}", "order", id));
	else if (!context->quiet)
		printf("asked: order %s\n", id);
	return COMMAND_DONE;
}

int order_request(struct context *context, const char *vapp, const char *verb, const char *to)
{
	int code = COMMAND_DONE;
	g_autofree char *id = g_uuid_string_random();
	g_autofree char *order_id = NULL; /* that follows from the request, or that it is about */
	g_autoptr(ifmap_id) vapp_id = facts_id_vapp(vapp, NULL);
	g_auto(GStrv) hosts = to ? g_strsplit(to, ",", -1) : NULL;
	struct facts_request request = { .id = id,
		.verb = (char *)verb,
		.to = hosts,
		.by = (char *)context_who(),
		.at_ms = context_now_ms() };
	const struct world *world = context_world(context, &code);
	const struct world_vapp *found = world ? names_vapp(world, vapp) : NULL;
	g_autoptr(GPtrArray) known = found && to ? names_hosts(world, to) : NULL;

	if (!found || (to && !known))
		return world ? COMMAND_REFUSED : code;
	order_id = strcmp(verb, "abort") == 0 ? running_order(found) : g_strdup(id);
	if (!order_id)
		return COMMAND_REFUSED;
	if (!context_publish(context, request_publish(vapp_id, &request), &code))
		return code;
	return context->no_wait ? say_asked(context, order_id)
				: follow_order(context, vapp, order_id);
}
