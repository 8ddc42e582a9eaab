#include "plan/judge.h"

#include <string.h>

/* Checks of what a host offers: is it there, are its facts fresh, capacity, models, segments. */

void judge_age(struct judging *judging)
{
	const struct plan_question *question = judging->question;
	guint64 as_of = world_as_of(judging->world);
	struct plan_reason *reason;

	if (question->max_age_ms == 0 || question->now_ms <= as_of + question->max_age_ms)
		return;
	reason = plan_reason_new(PLAN_FACTS_STALE, "map",
		"the map was last heard %" G_GUINT64_FORMAT " ms ago; %" G_GUINT64_FORMAT
		" ms is the limit",
		question->now_ms - as_of, question->max_age_ms);
	plan_reason_add_fact(reason, "facts are as of %" G_GUINT64_FORMAT " ms", as_of);
	plan_reason_set_fix(reason, "bring the connection of control with the map back");
	judge_refuse(judging, reason);
}

/* ---- is it there ---- */

static void refuse_absent(struct judging *judging, const struct judge_spot *spot)
{
	const char *name = judge_host_name(spot);
	struct plan_reason *reason;

	if (!spot->host) {
		reason = plan_reason_new(
			PLAN_HOST_UNKNOWN, name, "no host %s is in the fleet", name);
	} else {
		reason = plan_reason_new(PLAN_AGENT_ABSENT, name,
			"the agent of %s has no session with the map", name);
		plan_reason_add_fact(reason, "%s of %s does not stand",
			spot->host->fact ? "in-fleet" : "host", name);
	}
	plan_reason_set_fix(reason, "start drover-hostd on %s", name);
	judge_refuse(judging, reason);
}

static void refuse_fenced(struct judging *judging, const struct judge_spot *spot)
{
	const struct facts_fenced *fenced = spot->host->fenced;
	const char *name = judge_host_name(spot);
	g_autofree char *device = judge_device(spot->uuid);
	struct plan_reason *reason = plan_reason_new(PLAN_HOST_FENCED, name,
		"%s was declared switched off by %s%s%s", name,
		fenced->by ? fenced->by : "an operator", fenced->reason ? ": " : "",
		fenced->reason ? fenced->reason : "");

	plan_reason_add_fact(reason, "fenced of %s stands", name);
	plan_reason_set_fix(reason, "once the agent of %s is back: drover unfence %s", name, name);
	plan_reason_add_change(reason, FACTS_FENCED, device, NULL, NULL, NULL);
	judge_refuse(judging, reason);
}

static void add_differences(struct plan_reason *reason, const struct world_host *host)
{
	for (unsigned i = 0; i < host->copies->len; i++) {
		const struct world_copy *copy = host->copies->pdata[i];

		if (copy->enforced && !copy->enforced->conforming)
			plan_reason_add_fact(reason, "rules of %s: %s",
				world_machine_name(copy->machine),
				copy->enforced->difference ? copy->enforced->difference
							   : "differ from the intent");
	}
}

static void refuse_not_conforming(struct judging *judging, const struct judge_spot *spot)
{
	const char *name = judge_host_name(spot);
	struct plan_reason *reason = plan_reason_new(PLAN_AGENT_NOT_CONFORMING, name,
		"the rules in the kernel of %s are not those it was told", name);
	g_autofree char *device = judge_device(spot->uuid);

	plan_reason_add_fact(reason, "host %s: enforcing is false", name);
	add_differences(reason, spot->host);
	plan_reason_set_fix(reason, "let the agent of %s repair its rules", name);
	plan_reason_add_change(reason, FACTS_HOST, device, NULL, "enforcing", "true");
	judge_refuse(judging, reason);
}

static void refuse_no_capacity(struct judging *judging, const struct judge_spot *spot)
{
	const char *name = judge_host_name(spot);
	struct plan_reason *reason = plan_reason_new(
		PLAN_FACTS_STALE, name, "what %s offers to guests is not known", name);

	plan_reason_add_fact(reason, "capacity of %s does not stand", name);
	plan_reason_set_fix(reason, "see why the agent of %s does not publish its capacity", name);
	judge_refuse(judging, reason);
}

void judge_hosts(struct judging *judging)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];

		if (spot->host && spot->host->fenced)
			refuse_fenced(judging, spot);
		if (!spot->host || !judge_spot_known(spot)) {
			refuse_absent(judging, spot);
			continue;
		}
		if (!spot->host->fact->enforcing)
			refuse_not_conforming(judging, spot);
		if (!spot->host->capacity)
			refuse_no_capacity(judging, spot);
	}
}

/* ---- capacity ---- */

struct resource {
	enum plan_code code;
	const char *field; /* of the capacity fact */
	const char *unit;
	size_t offered, used;     /* in struct facts_capacity */
	size_t runs_on, reserved; /* in struct facts_runs_on, facts_reservation */
	size_t demanded;          /* in struct vapp_machine, unsigned */
};

static const struct resource resources[] = {
	{ PLAN_MEMORY, "memory-mib", "MiB", offsetof(struct facts_capacity, memory_mib),
		offsetof(struct facts_capacity, memory_used_mib),
		offsetof(struct facts_runs_on, memory_mib),
		offsetof(struct facts_reservation, memory_mib),
		offsetof(struct vapp_machine, memory_mib) },
	{ PLAN_CPUS, "cpus", "virtual CPUs", offsetof(struct facts_capacity, cpus),
		offsetof(struct facts_capacity, cpus_used), offsetof(struct facts_runs_on, vcpus),
		offsetof(struct facts_reservation, vcpus), offsetof(struct vapp_machine, n_vcpus) },
};

static guint64 number_at(const void *base, size_t offset)
{
	return *(const guint64 *)(const void *)((const char *)base + offset);
}

static guint64 need_of(const struct judge_spot *spot, const struct resource *resource)
{
	guint64 need = 0;

	for (unsigned i = 0; i < spot->members->len; i++)
		need += *(const unsigned *)(const void *)((const char *)spot->members->pdata[i] +
							  resource->demanded);
	return need;
}

/* Whether an own machine that is active here gives its room up: it stays here (and is counted as
 * need), or it is not placed. One that is to be elsewhere holds its room until it has gone. */
static gboolean gives_way(
	const struct judging *judging, const struct judge_spot *spot, const struct world_copy *copy)
{
	unsigned i = GPOINTER_TO_UINT(g_hash_table_lookup(judging->own, copy->machine->uuid));
	const char *host;

	if (i == 0)
		return FALSE;
	host = judging->question->placement->hosts[i - 1];
	return !host || strcmp(host, spot->uuid) == 0;
}

/* What is taken of the resource by everything but the machines of the question. What the host says
 * is used beyond the machines we know of counts as well. */
static guint64 taken_by_others(const struct judging *judging, const struct judge_spot *spot,
	const struct resource *resource)
{
	guint64 used = number_at(spot->host->capacity, resource->used);
	guint64 active = 0;
	guint64 others = 0;

	for (unsigned i = 0; i < spot->host->copies->len; i++) {
		const struct world_copy *copy = spot->host->copies->pdata[i];
		guint64 runs = world_copy_active(copy) ? number_at(copy->runs_on, resource->runs_on)
						       : 0;
		guint64 reserved = copy->reservation
					   ? number_at(copy->reservation, resource->reserved)
					   : 0;

		active += runs;
		if (!gives_way(judging, spot, copy))
			others += MAX(runs, reserved);
	}
	return others + (used > active ? used - active : 0);
}

static void refuse_capacity(struct judging *judging, const struct judge_spot *spot,
	const struct resource *resource, guint64 taken)
{
	guint64 offered = number_at(spot->host->capacity, resource->offered);
	guint64 need = need_of(spot, resource);
	guint64 missing = need + taken - offered;
	guint64 left = offered > taken ? offered - taken : 0;
	const char *name = judge_host_name(spot);
	g_autofree char *members = judge_machine_names(spot->members);
	g_autofree char *device = judge_device(spot->uuid);
	g_autofree char *enough = g_strdup_printf("%" G_GUINT64_FORMAT, need + taken);
	struct plan_reason *reason = plan_reason_new(resource->code, name,
		"%s needs %" G_GUINT64_FORMAT " %s on %s, where %" G_GUINT64_FORMAT
		" of %" G_GUINT64_FORMAT " are free",
		judging->vapp->name, need, resource->unit, name, left, offered);

	plan_reason_add_fact(reason,
		"capacity of %s: %" G_GUINT64_FORMAT " %s offered, %" G_GUINT64_FORMAT
		" taken by others",
		name, offered, resource->unit, taken);
	plan_reason_add_fact(reason, "%s: %s need %" G_GUINT64_FORMAT " %s", judging->vapp->name,
		members, need, resource->unit);
	if (missing <= taken)
		plan_reason_set_fix(reason,
			"free %" G_GUINT64_FORMAT
			" %s on %s or raise its offer from %" G_GUINT64_FORMAT " to %s %s",
			missing, resource->unit, name, offered, enough, resource->unit);
	else
		plan_reason_set_fix(reason,
			"raise the offer of %s from %" G_GUINT64_FORMAT " to %s %s", name, offered,
			enough, resource->unit);
	plan_reason_add_change(reason, FACTS_CAPACITY, device, NULL, resource->field, enough);
	judge_refuse(judging, reason);
}

void judge_capacity(struct judging *judging)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];

		if (!judge_spot_known(spot) || !spot->host->capacity)
			continue;
		for (unsigned r = 0; r < G_N_ELEMENTS(resources); r++) {
			guint64 taken = taken_by_others(judging, spot, &resources[r]);

			if (need_of(spot, &resources[r]) + taken >
				number_at(spot->host->capacity, resources[r].offered))
				refuse_capacity(judging, spot, &resources[r], taken);
		}
	}
}

/* ---- CPU models and machine types ---- */

struct model {
	enum plan_code code;
	const char *field; /* of the capacity fact */
	const char *noun;
	size_t offered;  /* in struct facts_capacity, char ** */
	size_t demanded; /* in struct vapp_machine, char * */
};

static const struct model models[] = {
	{ PLAN_CPU_MODEL, "cpu-model", "CPU model", offsetof(struct facts_capacity, cpu_models),
		offsetof(struct vapp_machine, cpu_model) },
	{ PLAN_MACHINE_TYPE, "machine-type", "machine type",
		offsetof(struct facts_capacity, machine_types),
		offsetof(struct vapp_machine, machine_type) },
};

static const char *demand_of(const struct vapp_machine *machine, const struct model *model)
{
	return *(char *const *)(const void *)((const char *)machine + model->demanded);
}

/* The machines here that demand the same; NULL: this one is not the first of them. */
static GPtrArray *demanding(
	const struct judge_spot *spot, const struct model *model, const struct vapp_machine *first)
{
	GPtrArray *same = g_ptr_array_new();

	for (unsigned i = 0; i < spot->members->len; i++)
		if (g_strcmp0(demand_of(spot->members->pdata[i], model), demand_of(first, model)) ==
			0)
			g_ptr_array_add(same, spot->members->pdata[i]);
	if (same->pdata[0] == first)
		return same;
	g_ptr_array_unref(same);
	return NULL;
}

static void refuse_model(struct judging *judging, const struct judge_spot *spot,
	const struct model *model, const GPtrArray *machines)
{
	const char *demand = demand_of(machines->pdata[0], model);
	const char *name = judge_host_name(spot);
	char *const *offered = *(char ***)(void *)((char *)spot->host->capacity + model->offered);
	g_autofree char *members = judge_machine_names(machines);
	g_autofree char *list = offered ? g_strjoinv(", ", (char **)offered) : NULL;
	g_autofree char *device = judge_device(spot->uuid);
	g_autofree char *add = g_strconcat("+", demand, NULL);
	struct plan_reason *reason = plan_reason_new(model->code, members,
		"%s demands %s %s, which %s does not have", members, model->noun, demand, name);

	plan_reason_add_fact(
		reason, "%ss of %s: %s", model->noun, name, list ? list : "none known");
	plan_reason_set_fix(reason, "make %s %s usable on %s", model->noun, demand, name);
	plan_reason_add_change(reason, FACTS_CAPACITY, device, NULL, model->field, add);
	judge_refuse(judging, reason);
}

static gboolean offers(const struct world_host *host, const struct model *model, const char *demand)
{
	const char *const *offered = *(
		const char *const *const *)(const void *)((const char *)host->capacity +
							  model->offered);

	return offered && g_strv_contains(offered, demand);
}

static void judge_spot_models(struct judging *judging, const struct judge_spot *spot)
{
	for (unsigned m = 0; m < G_N_ELEMENTS(models); m++)
		for (unsigned i = 0; i < spot->members->len; i++) {
			const char *demand = demand_of(spot->members->pdata[i], &models[m]);
			g_autoptr(GPtrArray) machines = NULL;

			if (!demand || offers(spot->host, &models[m], demand))
				continue;
			machines = demanding(spot, &models[m], spot->members->pdata[i]);
			if (machines)
				refuse_model(judging, spot, &models[m], machines);
		}
}

void judge_models(struct judging *judging)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];

		if (judge_spot_known(spot) && spot->host->capacity)
			judge_spot_models(judging, spot);
	}
}

/* ---- segments ---- */

static GPtrArray *attached(const struct judge_spot *spot, const char *network)
{
	GPtrArray *machines = g_ptr_array_new();

	for (unsigned i = 0; i < spot->members->len; i++) {
		struct vapp_machine *machine = spot->members->pdata[i];

		for (unsigned n = 0; n < machine->nics->len; n++) {
			const struct vapp_nic *nic = machine->nics->pdata[n];

			if (g_strcmp0(nic->network, network) != 0)
				continue;
			g_ptr_array_add(machines, machine);
			break;
		}
	}
	return machines;
}

static void judge_segment(
	struct judging *judging, const struct judge_spot *spot, const char *network)
{
	const struct facts_segment_present *present = g_hash_table_lookup(
		spot->host->segments, network);
	const char *name = judge_host_name(spot);
	g_autoptr(GPtrArray) machines = attached(spot, network);
	g_autofree char *members = judge_machine_names(machines);
	g_autofree char *device = judge_device(spot->uuid);
	g_autofree char *segment = g_strconcat("segment:", network, NULL);
	struct plan_reason *reason;

	if (machines->len == 0 || (present && present->up))
		return;
	reason = plan_reason_new(PLAN_SEGMENT_MISSING, network,
		"segment %s, which %s attach%s to, is %s on %s", network, members,
		machines->len == 1 ? "es" : "", present ? "down" : "missing", name);
	plan_reason_add_fact(reason, "segment-present %s–%s: %s", name, network,
		present ? "up is false" : "does not stand");
	plan_reason_set_fix(
		reason, "%s segment %s on %s", present ? "bring up" : "attach", network, name);
	plan_reason_add_change(reason, FACTS_SEGMENT_PRESENT, device, segment, "up", "true");
	judge_refuse(judging, reason);
}

void judge_segments(struct judging *judging)
{
	const GPtrArray *networks = judging->vapp->networks;

	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];

		for (unsigned n = 0; judge_spot_known(spot) && n < networks->len; n++)
			judge_segment(judging, spot,
				((const struct vapp_network *)networks->pdata[n])->name);
	}
}
