/* fence, unfence, host forget: what operators say about hosts that cannot speak for themselves. */
#include "cmd/command.h"
#include "cmd/names.h"
#include "cmd/out.h"

/* Orders that wait for this host's word. */
static unsigned n_waiting(const struct world *world, const struct world_host *host)
{
	g_autoptr(GPtrArray) vapps = world_vapps(world);
	unsigned n = 0;

	for (unsigned v = 0; v < vapps->len; v++) {
		const struct facts_order *order =
			((const struct world_vapp *)vapps->pdata[v])->order;

		if (!order || g_strcmp0(order->state, "stuck") != 0)
			continue;
		for (unsigned i = 0; order->members && i < order->members->len; i++) {
			const struct facts_order_member *member = order->members->pdata[i];

			if (g_strcmp0(member->from, host->uuid) == 0 ||
				g_strcmp0(member->to, host->uuid) == 0) {
				n++;
				break;
			}
		}
	}
	return n;
}

static struct ifmap_publish *fence_publish(
	const struct context *context, const struct world_host *host)
{
	g_autoptr(ifmap_id) id = facts_id_device(host->uuid, NULL);
	struct facts_fenced fact = { .by = (char *)context_who(),
		.reason = context->reason,
		.at_ms = context_now_ms(),
		.started_ms = host->enrolled ? host->enrolled->started_ms : 0 };
	struct ifmap_publish *publish = ifmap_publish_new();

	facts_publish(publish, FACTS_FENCED, id, NULL, &fact);
	return publish;
}

int cmd_fence(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_host *host = world ? names_host(world, args[0]) : NULL;
	const char *name = host ? world_host_name(host) : NULL;
	unsigned waiting = host ? n_waiting(world, host) : 0;

	if (!host)
		return world ? COMMAND_REFUSED : code;
	if (world_host_alive(host))
		return context_say(COMMAND_REFUSED,
			"fence: the agent of %s is there, so it is not switched off; switch it off first",
			name);
	if (!context->confirmed)
		return context_say(COMMAND_USAGE,
			"fence: its machines may then be started elsewhere; if %s still runs them, they run twice and their disks are lost. When you have seen that it is without power: drover fence %s --confirm-powered-off",
			name, name);
	if (!context_publish(context, fence_publish(context, host), &code))
		return code;
	if (context->json)
		out_json(json_pack(
			"{s:s, s:i}", "fenced", name, "orders-that-waited", (int)waiting));
	else if (!context->quiet)
		printf("%s is declared switched off until `drover unfence %s`%s\n", name, name,
			waiting ? "; orders that waited for it go on" : "");
	return COMMAND_DONE;
}

int cmd_unfence(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_host *host = world ? names_host(world, args[0]) : NULL;
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	g_autoptr(ifmap_id) id = host ? facts_id_device(host->uuid, NULL) : NULL;

	if (!host)
		return world ? COMMAND_REFUSED : code;
	if (!host->fenced)
		return context_say(
			COMMAND_REFUSED, "unfence: %s is not fenced", world_host_name(host));
	facts_unpublish(publish, FACTS_FENCED, id, NULL);
	if (!context_publish(context, g_steal_pointer(&publish), &code))
		return code;
	if (context->json)
		out_json(json_pack("{s:s, s:b}", "unfenced", world_host_name(host), "agent",
			world_host_alive(host)));
	else if (!context->quiet)
		printf("%s takes applications again%s\n", world_host_name(host),
			world_host_alive(host) ? "" : " as soon as its agent is there");
	return COMMAND_DONE;
}

/* ---- forget ---- */

/* A machine that the host is to run by the map's word; NULL: none. */
static const struct world_machine *at_home(const struct world_host *host)
{
	for (unsigned i = 0; i < host->copies->len; i++) {
		const struct world_copy *copy = host->copies->pdata[i];

		if (copy->reservation)
			return copy->machine;
	}
	return NULL;
}

static struct ifmap_publish *forget_publish(const struct world_host *host)
{
	static const enum facts_kind on_host[] = { FACTS_FENCED, FACTS_HISTORY };
	g_autoptr(ifmap_id) id = facts_id_device(host->uuid, NULL);
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct ifmap_publish *publish = ifmap_publish_new();

	for (size_t i = 0; i < G_N_ELEMENTS(on_host); i++)
		facts_unpublish(publish, on_host[i], id, NULL);
	facts_unpublish(publish, FACTS_ENROLLED, fleet, id);
	return publish;
}

int cmd_host_forget(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_host *host = world ? names_host(world, args[0]) : NULL;

	if (!host)
		return world ? COMMAND_REFUSED : code;
	if (world_host_alive(host))
		return context_say(COMMAND_REFUSED,
			"host forget: the agent of %s is there; stop drover-hostd on it first",
			world_host_name(host));
	if (at_home(host))
		return context_say(COMMAND_REFUSED,
			"host forget: %s is at home on %s; stop or move its application first",
			world_machine_name(at_home(host)), world_host_name(host));
	if (!context_publish(context, forget_publish(host), &code))
		return code;
	if (context->json)
		out_json(json_pack("{s:s}", "forgotten", world_host_name(host)));
	else if (!context->quiet)
		printf("%s is out of the fleet\n", world_host_name(host));
	return code;
}
