#include "plan/judge.h"

#include <string.h>

/* One question, one table of checks. */

struct plan_judge {
	const struct world *world;
	GHashTable *ways; /* of the fabric with this serial */
	guint64 fabric_serial;
};

static const struct {
	judge_check check;
	unsigned scopes;
} checks[] = {
	{ judge_age, JUDGE_WORLD },
	{ judge_hosts, JUDGE_ALONE },
	{ judge_capacity, JUDGE_JOINT },
	{ judge_models, JUDGE_ALONE },
	{ judge_segments, JUDGE_ALONE | JUDGE_REACH },
	{ judge_label_flows, JUDGE_WORLD },
	{ judge_labels, JUDGE_ALONE | JUDGE_JOINT },
	{ judge_placements, JUDGE_ALONE | JUDGE_JOINT },
	{ judge_seals, JUDGE_ALONE },
	{ judge_paths, JUDGE_ALONE | JUDGE_JOINT | JUDGE_REACH },
};

/* ---- placements ---- */

void plan_placement_init(struct plan_placement *placement, const struct vapp *vapp)
{
	placement->n_hosts = vapp->machines->len;
	placement->hosts = g_new0(char *, placement->n_hosts + 1);
}

void plan_placement_clear(struct plan_placement *placement)
{
	for (size_t i = 0; i < placement->n_hosts; i++)
		g_free(placement->hosts[i]);
	g_clear_pointer(&placement->hosts, g_free);
	placement->n_hosts = 0;
}

void plan_placement_set(struct plan_placement *placement, size_t i, const char *host)
{
	g_assert(i < placement->n_hosts);
	g_free(placement->hosts[i]);
	placement->hosts[i] = g_strdup(host);
}

void plan_placement_set_all(struct plan_placement *placement, const char *host)
{
	for (size_t i = 0; i < placement->n_hosts; i++)
		plan_placement_set(placement, i, host);
}

void plan_placement_set_current(
	struct plan_placement *placement, const struct world *world, const struct vapp *vapp)
{
	for (size_t i = 0; i < placement->n_hosts; i++) {
		g_autofree char *uuid = vapp_machine_uuid(vapp, vapp->machines->pdata[i]);
		const struct world_machine *machine = world_find_machine(world, uuid);
		const struct world_copy *copy = machine ? world_machine_active(machine) : NULL;

		plan_placement_set(placement, i, copy ? copy->host->uuid : NULL);
	}
}

/* ---- the judge ---- */

static void way_free(gpointer data)
{
	struct judge_way *way = data;

	g_ptr_array_unref(way->facts);
	g_ptr_array_unref(way->changes);
	g_free(way->hang_on);
	g_free(way->fix);
	g_free(way);
}

struct plan_judge *plan_judge_new(const struct world *world)
{
	struct plan_judge *judge = g_new0(struct plan_judge, 1);

	judge->world = world;
	judge->ways = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, way_free);
	return judge;
}

void plan_judge_free(struct plan_judge *judge)
{
	if (!judge)
		return;
	g_hash_table_unref(judge->ways);
	g_free(judge);
}

const struct world *judge_world(const struct plan_judge *judge)
{
	return judge->world;
}

GHashTable *judge_ways(struct plan_judge *judge)
{
	if (judge->fabric_serial != world_fabric_serial(judge->world))
		g_hash_table_remove_all(judge->ways);
	judge->fabric_serial = world_fabric_serial(judge->world);
	return judge->ways;
}

/* ---- one question ---- */

static void spot_free(gpointer data)
{
	struct judge_spot *spot = data;

	g_ptr_array_unref(spot->members);
	g_free(spot);
}

static struct judge_spot *need_spot(struct judging *judging, const char *uuid)
{
	struct judge_spot *spot;

	for (unsigned i = 0; i < judging->spots->len; i++) {
		spot = judging->spots->pdata[i];
		if (strcmp(spot->uuid, uuid) == 0)
			return spot;
	}
	spot = g_new0(struct judge_spot, 1);
	spot->uuid = uuid;
	spot->host = world_find_host(judging->world, uuid);
	spot->members = g_ptr_array_new();
	g_ptr_array_add(judging->spots, spot);
	return spot;
}

static void judging_init(struct judging *judging, struct plan_judge *judge,
	const struct plan_question *question, GPtrArray *reasons)
{
	const struct plan_placement *placement = question->placement;
	const GPtrArray *machines = question->vapp->machines;

	*judging = (struct judging){ .judge = judge,
		.world = judge->world,
		.vapp = question->vapp,
		.question = question,
		.reasons = reasons };
	judging->own = g_hash_table_new(g_str_hash, g_str_equal);
	judging->uuids = g_new0(char *, machines->len + 1);
	judging->spots = g_ptr_array_new_with_free_func(spot_free);
	for (unsigned i = 0; i < machines->len; i++) {
		const char *host = i < placement->n_hosts ? placement->hosts[i] : NULL;

		judging->uuids[i] = vapp_machine_uuid(question->vapp, machines->pdata[i]);
		g_hash_table_insert(judging->own, judging->uuids[i], GUINT_TO_POINTER(i + 1));
		if (host)
			g_ptr_array_add(need_spot(judging, host)->members, machines->pdata[i]);
	}
}

static void judging_clear(struct judging *judging)
{
	g_hash_table_unref(judging->own);
	g_strfreev(judging->uuids);
	g_ptr_array_unref(judging->spots);
}

gboolean judge_scopes(struct plan_judge *judge, const struct plan_question *question,
	unsigned scopes, GPtrArray **ret_reasons)
{
	g_autoptr(GPtrArray) reasons = ret_reasons ? plan_reasons_new() : NULL;
	struct judging judging;

	judging_init(&judging, judge, question, reasons);
	for (unsigned i = 0; i < G_N_ELEMENTS(checks) && !judge_enough(&judging); i++)
		if (checks[i].scopes & scopes)
			checks[i].check(&judging);
	judging_clear(&judging);
	if (judging.refused && ret_reasons)
		*ret_reasons = g_steal_pointer(&reasons);
	return !judging.refused;
}

gboolean plan_clear(
	struct plan_judge *judge, const struct plan_question *question, GPtrArray **ret_reasons)
{
	return judge_scopes(judge, question, JUDGE_ALL, ret_reasons);
}

gboolean plan_reachable(
	struct plan_judge *judge, const struct plan_question *question, GPtrArray **ret_reasons)
{
	struct plan_question asked = *question;

	asked.n_enough = 1;
	return judge_scopes(judge, &asked, JUDGE_REACH, ret_reasons);
}

static gboolean refuse_one(struct plan_reason *reason, GPtrArray **ret_reasons)
{
	if (ret_reasons) {
		*ret_reasons = plan_reasons_new();
		g_ptr_array_add(*ret_reasons, reason);
	} else {
		plan_reason_free(reason);
	}
	return FALSE;
}

gboolean plan_clear_on(struct plan_judge *judge, const char *vapp, const char *host, guint64 now_ms,
	GPtrArray **ret_reasons)
{
	const struct world_vapp *object = world_find_vapp(judge->world, vapp);
	const struct world_host *there = world_find_host(judge->world, host);
	g_auto(plan_placement) placement = { 0 };

	if (!object || !object->vapp)
		return refuse_one(
			plan_reason_new(PLAN_VAPP_UNKNOWN, vapp, "%s: %s", vapp,
				object && object->error ? object->error : "there is no such vApp"),
			ret_reasons);
	if (!there)
		return refuse_one(
			plan_reason_new(PLAN_HOST_UNKNOWN, host, "no host %s is known", host),
			ret_reasons);
	plan_placement_init(&placement, object->vapp);
	plan_placement_set_all(&placement, there->uuid);
	return plan_clear(judge,
		&(struct plan_question){ .vapp = object->vapp,
			.placement = &placement,
			.now_ms = now_ms,
			.max_age_ms = now_ms ? PLAN_MAX_AGE_MS : 0 },
		ret_reasons);
}

/* ---- helpers of checks ---- */

static gboolean is_same(const struct plan_reason *a, const struct plan_reason *b)
{
	return a->code == b->code && g_strcmp0(a->subject, b->subject) == 0 &&
	       g_strcmp0(a->text, b->text) == 0;
}

void judge_refuse(struct judging *judging, struct plan_reason *reason)
{
	judging->refused = TRUE;
	for (unsigned i = 0; judging->reasons && i < judging->reasons->len; i++)
		if (is_same(judging->reasons->pdata[i], reason)) {
			plan_reason_free(reason);
			return;
		}
	if (judging->reasons)
		g_ptr_array_add(judging->reasons, reason);
	else
		plan_reason_free(reason);
}

gboolean judge_enough(const struct judging *judging)
{
	return judging->refused && !judging->reasons;
}

const char *judge_host_name(const struct judge_spot *spot)
{
	return spot->host ? world_host_name(spot->host) : spot->uuid;
}

gboolean judge_spot_known(const struct judge_spot *spot)
{
	return world_host_alive(spot->host);
}

gboolean judge_is_own(const struct judging *judging, const struct world_copy *copy)
{
	return g_hash_table_contains(judging->own, copy->machine->uuid);
}

gboolean judge_is_neighbour(const struct judging *judging, const struct world_copy *copy)
{
	return !judge_is_own(judging, copy) && (world_copy_active(copy) || copy->reservation);
}

const struct judge_spot *judge_spot_of(
	const struct judging *judging, const struct vapp_machine *machine)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];

		if (g_ptr_array_find(spot->members, machine, NULL))
			return spot;
	}
	return NULL;
}

const char *judge_uuid_of(const struct judging *judging, const struct vapp_machine *machine)
{
	unsigned i;

	g_assert(g_ptr_array_find(judging->vapp->machines, machine, &i));
	return judging->uuids[i];
}

char *judge_machine_names(const GPtrArray *members)
{
	GString *names = g_string_new(NULL);

	for (unsigned i = 0; i < members->len; i++) {
		const struct vapp_machine *machine = members->pdata[i];

		g_string_append_printf(names, "%s%s", i ? ", " : "", machine->name);
	}
	return g_string_free(names, FALSE);
}

char *judge_copy_names(const GPtrArray *copies)
{
	GString *names = g_string_new(NULL);

	for (unsigned i = 0; i < copies->len; i++) {
		const struct world_copy *copy = copies->pdata[i];
		const char *vapp = world_machine_vapp(copy->machine);

		g_string_append_printf(
			names, "%s%s", i ? ", " : "", world_machine_name(copy->machine));
		if (vapp)
			g_string_append_printf(names, " of %s", vapp);
	}
	return g_string_free(names, FALSE);
}

char *judge_device(const char *uuid)
{
	return g_strconcat("device:", uuid, NULL);
}

void judge_add_removal(struct plan_reason *reason, const struct world_copy *copy)
{
	g_autofree char *machine = judge_device(copy->machine->uuid);
	g_autofree char *host = judge_device(copy->host->uuid);

	if (world_copy_active(copy))
		plan_reason_add_change(reason, FACTS_RUNS_ON, machine, host, "state", "shutoff");
	if (copy->reservation)
		plan_reason_add_change(reason, FACTS_RESERVATION, machine, host, NULL, NULL);
}
