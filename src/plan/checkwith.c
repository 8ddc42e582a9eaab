#include "label/decide.h"
#include "plan/judge.h"

#include <string.h>

/* Checks of who may be with whom: labels, placement rules, seals. */

/* ---- labels ---- */

/* A machine's label on this spot, each once, in order. */
static GPtrArray *own_labels(const struct judging *judging, const struct judge_spot *spot)
{
	GPtrArray *labels = g_ptr_array_new();

	for (unsigned i = 0; i < spot->members->len; i++) {
		const char *label = vapp_machine_label(judging->vapp, spot->members->pdata[i]);

		if (label && !g_ptr_array_find_with_equal_func(labels, label, g_str_equal, NULL))
			g_ptr_array_add(labels, (gpointer)label);
	}
	return labels;
}

static GPtrArray *neighbours_with_label(
	const struct judging *judging, const struct judge_spot *spot, const char *label)
{
	GPtrArray *copies = g_ptr_array_new();

	for (unsigned i = 0; spot->host && i < spot->host->copies->len; i++) {
		struct world_copy *copy = spot->host->copies->pdata[i];
		const char *theirs = world_machine_label(judging->world, copy->machine);

		if (judge_is_neighbour(judging, copy) && theirs &&
			(!label || strcmp(theirs, label) == 0))
			g_ptr_array_add(copies, copy);
	}
	return copies;
}

/* NULL-terminated, borrowed names. */
static GPtrArray *neighbour_labels(const struct judging *judging, const struct judge_spot *spot)
{
	g_autoptr(GPtrArray) copies = neighbours_with_label(judging, spot, NULL);
	GPtrArray *labels = g_ptr_array_new();

	for (unsigned i = 0; i < copies->len; i++) {
		const struct world_copy *copy = copies->pdata[i];
		const char *label = world_machine_label(judging->world, copy->machine);

		if (!g_ptr_array_find_with_equal_func(labels, label, g_str_equal, NULL))
			g_ptr_array_add(labels, (gpointer)label);
	}
	g_ptr_array_add(labels, NULL);
	return labels;
}

static struct plan_reason *conflict_reason(const struct judging *judging,
	const struct judge_spot *spot, const struct label_reason *why)
{
	g_autoptr(GPtrArray) copies = neighbours_with_label(judging, spot, why->other);
	g_autofree char *names = judge_copy_names(copies);
	const char *host = judge_host_name(spot);
	struct plan_reason *reason = plan_reason_new(PLAN_LABEL_CONFLICT, why->label,
		"%s of %s and %s are in conflict set %s, and %s %s on %s", why->label,
		judging->vapp->name, why->other, why->conflict, names,
		copies->len == 1 ? "is" : "are", host);

	for (unsigned i = 0; i < copies->len; i++) {
		const struct world_copy *copy = copies->pdata[i];

		plan_reason_add_fact(reason, "%s (%s) is %s on %s",
			world_machine_name(copy->machine), why->other,
			world_copy_active(copy) ? copy->runs_on->state : "expected", host);
		judge_add_removal(reason, copy);
	}
	plan_reason_set_fix(reason, "move %s away from %s", names, host);
	return reason;
}

static struct plan_reason *history_reason(const struct judging *judging,
	const struct judge_spot *spot, const struct label_reason *why)
{
	g_autofree char *types = g_strjoinv(", ", why->other_types);
	g_autofree char *device = judge_device(spot->uuid);
	const char *host = judge_host_name(spot);
	struct plan_reason *reason = plan_reason_new(PLAN_LABEL_HISTORY, why->label,
		"%s of %s is in the lasting conflict set %s with %s, which has run on %s",
		why->label, judging->vapp->name, why->conflict, types, host);

	plan_reason_add_fact(reason, "history of %s: %s", host, types);
	plan_reason_set_fix(reason,
		"choose another host, or clean %s of what %s left and say so: drover label history forget %s",
		host, types, host);
	for (char **type = why->other_types; *type; type++) {
		g_autofree char *remove = g_strconcat("-", *type, NULL);

		plan_reason_add_change(reason, FACTS_HISTORY, device, NULL, "chw", remove);
	}
	return reason;
}

static struct plan_reason *unknown_reason(const char *label)
{
	struct plan_reason *reason = plan_reason_new(
		PLAN_LABEL_UNKNOWN, label, "label %s is not in the label policy", label);

	plan_reason_add_fact(reason, "label-policy declares no workload label %s", label);
	plan_reason_set_fix(reason, "add label %s to the policy", label);
	return reason;
}

static void refuse_label(
	struct judging *judging, const struct judge_spot *spot, const struct label_reason *why)
{
	switch (why->code) {
	case LABEL_CONFLICT_RUNNING:
		judge_refuse(judging, conflict_reason(judging, spot, why));
		return;
	case LABEL_CONFLICT_HISTORY:
		judge_refuse(judging, history_reason(judging, spot, why));
		return;
	case LABEL_UNKNOWN:
		judge_refuse(judging, unknown_reason(why->label));
		return;
	case LABEL_UNKNOWN_OTHER:
		judge_refuse(judging, unknown_reason(why->other));
		return;
	case LABEL_NO_COMMON_TYPE:
		return;
	}
}

static void judge_label(struct judging *judging, const struct judge_spot *spot, const char *label)
{
	const struct label_policy *policy = world_label_policy(judging->world, NULL);
	const struct facts_history *history = spot->host ? spot->host->history : NULL;
	g_autoptr(GPtrArray) running = neighbour_labels(judging, spot);
	struct label_host host = { .running = (const char *const *)running->pdata,
		.history = history ? (const char *const *)history->chw : NULL };
	GPtrArray *reasons = NULL;

	if (label_may_run(policy, label, &host, &reasons))
		return;
	for (unsigned i = 0; i < reasons->len; i++)
		refuse_label(judging, spot, reasons->pdata[i]);
	g_ptr_array_unref(reasons);
}

/* Two labels of the vApp itself on one host. */
static void judge_own_pair(
	struct judging *judging, const struct judge_spot *spot, const char *a, const char *b)
{
	const struct label_policy *policy = world_label_policy(judging->world, NULL);
	const char *const running[] = { b, NULL };
	struct label_host host = { .running = running };
	struct plan_reason *reason;
	GPtrArray *reasons = NULL;

	if (label_may_run(policy, a, &host, &reasons))
		return;
	for (unsigned i = 0; i < reasons->len; i++) {
		const struct label_reason *why = reasons->pdata[i];

		if (why->code != LABEL_CONFLICT_RUNNING)
			continue;
		reason = plan_reason_new(PLAN_LABEL_CONFLICT, a,
			"%s and %s of %s are in conflict set %s and would both be on %s", a, b,
			judging->vapp->name, why->conflict, judge_host_name(spot));
		plan_reason_set_fix(
			reason, "put machines with label %s and %s on different hosts", a, b);
		judge_refuse(judging, reason);
	}
	g_ptr_array_unref(reasons);
}

static void refuse_no_policy(struct judging *judging, const char *label, const char *error)
{
	struct plan_reason *reason = error ? plan_reason_new(PLAN_LABEL_UNKNOWN, label,
						     "the label policy cannot be read: %s", error)
					   : plan_reason_new(PLAN_LABEL_UNKNOWN, label,
						     "label %s means nothing: there is no label"
						     " policy",
						     label);

	plan_reason_set_fix(reason, "load a label policy: drover label load");
	judge_refuse(judging, reason);
}

static void judge_spot_labels(struct judging *judging, const struct judge_spot *spot)
{
	g_autoptr(GPtrArray) labels = own_labels(judging, spot);
	const char *error = NULL;
	gboolean policy = world_label_policy(judging->world, &error) != NULL;

	for (unsigned i = 0; i < labels->len && !judge_enough(judging); i++) {
		if (!policy) {
			refuse_no_policy(judging, labels->pdata[i], error);
			continue;
		}
		judge_label(judging, spot, labels->pdata[i]);
		for (unsigned k = 0; k < i; k++)
			judge_own_pair(judging, spot, labels->pdata[k], labels->pdata[i]);
	}
}

void judge_labels(struct judging *judging)
{
	for (unsigned i = 0; i < judging->spots->len; i++)
		judge_spot_labels(judging, judging->spots->pdata[i]);
}

/* ---- labels at both ends of a flow ---- */

static void refuse_flow(
	struct judging *judging, const struct vapp_flow *flow, const char *a, const char *b)
{
	struct plan_reason *reason = plan_reason_new(PLAN_LABEL_FLOW, flow->id,
		"flow %s joins labels %s and %s, which share no type", flow->id, a, b);

	plan_reason_add_fact(reason, "flow %s: %s to %s", flow->id, flow->from.name, flow->to.name);
	plan_reason_set_fix(
		reason, "give %s and %s a common type, or drop flow %s", a, b, flow->id);
	judge_refuse(judging, reason);
}

static void judge_flow_pair(struct judging *judging, const struct vapp_flow *flow,
	const struct vapp_machine *from, const struct vapp_machine *to)
{
	const struct label_policy *policy = world_label_policy(judging->world, NULL);
	const char *a = vapp_machine_label(judging->vapp, from);
	const char *b = vapp_machine_label(judging->vapp, to);

	if (from == to || !a || !b || !label_policy_find(policy, LABEL_WORKLOAD, a) ||
		!label_policy_find(policy, LABEL_WORKLOAD, b))
		return;
	if (!label_may_communicate(policy, a, b, NULL))
		refuse_flow(judging, flow, a, b);
}

void judge_label_flows(struct judging *judging)
{
	if (!world_label_policy(judging->world, NULL))
		return;
	for (unsigned f = 0; f < judging->vapp->flows->len; f++) {
		const struct vapp_flow *flow = judging->vapp->flows->pdata[f];
		g_autoptr(GPtrArray) from = vapp_select(judging->vapp, flow->from.name);
		g_autoptr(GPtrArray) to = vapp_select(judging->vapp, flow->to.name);

		for (unsigned i = 0; i < from->len; i++)
			for (unsigned k = 0; k < to->len; k++)
				judge_flow_pair(judging, flow, from->pdata[i], to->pdata[k]);
	}
}

/* ---- placement rules ---- */

static GPtrArray *subjects_at(
	const struct judging *judging, const struct judge_spot *spot, const GPtrArray *subjects)
{
	g_autoptr(GPtrArray) all = vapp_select_subjects(judging->vapp, subjects);
	GPtrArray *here = g_ptr_array_new();

	for (unsigned i = 0; i < all->len; i++)
		if (g_ptr_array_find(spot->members, all->pdata[i], NULL))
			g_ptr_array_add(here, all->pdata[i]);
	return here;
}

static gboolean has_value(const GPtrArray *values, const char *value)
{
	return value &&
	       g_ptr_array_find_with_equal_func((GPtrArray *)values, value, g_str_equal, NULL);
}

static void judge_apart(struct judging *judging, const struct vapp_placement *rule)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];
		g_autoptr(GPtrArray) here = subjects_at(judging, spot, rule->subjects);
		g_autofree char *names = judge_machine_names(here);
		struct plan_reason *reason;

		if (here->len < 2)
			continue;
		reason = plan_reason_new(PLAN_PLACEMENT_APART, names,
			"%s must be on different hosts and would all be on %s", names,
			judge_host_name(spot));
		plan_reason_set_fix(reason, "spread %s over %u hosts", names, here->len);
		judge_refuse(judging, reason);
	}
}

static void judge_together(struct judging *judging, const struct vapp_placement *rule)
{
	g_autoptr(GPtrArray) all = vapp_select_subjects(judging->vapp, rule->subjects);
	g_autofree char *names = judge_machine_names(all);
	g_autoptr(GString) hosts = g_string_new(NULL);
	struct plan_reason *reason;
	unsigned n_hosts = 0;

	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];
		g_autoptr(GPtrArray) here = subjects_at(judging, spot, rule->subjects);

		if (here->len == 0)
			continue;
		g_string_append_printf(
			hosts, "%s%s", n_hosts ? " and " : "", judge_host_name(spot));
		n_hosts++;
	}
	if (n_hosts < 2)
		return;
	reason = plan_reason_new(PLAN_PLACEMENT_TOGETHER, names,
		"%s must be on one host and would be on %s", names, hosts->str);
	plan_reason_set_fix(reason, "put %s on one host", names);
	judge_refuse(judging, reason);
}

static void judge_sites(struct judging *judging, const struct vapp_placement *rule)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];
		g_autoptr(GPtrArray) here = subjects_at(judging, spot, rule->subjects);
		g_autofree char *names = judge_machine_names(here);
		g_autofree char *device = judge_device(spot->uuid);
		const char *site = spot->host && spot->host->fact ? spot->host->fact->site : NULL;
		struct plan_reason *reason;

		if (here->len == 0 || !judge_spot_known(spot) || has_value(rule->values, site))
			continue;
		reason = plan_reason_new(PLAN_PLACEMENT_SITE, names,
			"%s may not be at %s%s, where %s is", names, site ? "site " : "no site",
			site ? site : "", judge_host_name(spot));
		plan_reason_add_fact(
			reason, "site of %s: %s", judge_host_name(spot), site ? site : "none");
		plan_reason_set_fix(reason, "choose a host at site %s",
			rule->values->len ? (char *)rule->values->pdata[0] : "?");
		if (rule->values->len)
			plan_reason_add_change(
				reason, FACTS_HOST, device, NULL, "site", rule->values->pdata[0]);
		judge_refuse(judging, reason);
	}
}

static void refuse_never(struct judging *judging, const struct judge_spot *spot,
	const GPtrArray *copies, const char *who, const char *value)
{
	g_autofree char *names = judge_copy_names(copies);
	struct plan_reason *reason = plan_reason_new(PLAN_PLACEMENT_NEVER_WITH, value,
		"%s never shares a host with %s, and %s %s on %s", who, value, names,
		copies->len == 1 ? "is" : "are", judge_host_name(spot));

	for (unsigned i = 0; i < copies->len; i++) {
		const struct world_copy *copy = copies->pdata[i];

		plan_reason_add_fact(reason, "%s is %s on %s", world_machine_name(copy->machine),
			world_copy_active(copy) ? copy->runs_on->state : "expected",
			judge_host_name(spot));
		judge_add_removal(reason, copy);
	}
	plan_reason_set_fix(reason, "move %s away from %s", names, judge_host_name(spot));
	judge_refuse(judging, reason);
}

/* Whether the machine is of the vApp or has the label that is named. */
static gboolean is_named(
	const struct judging *judging, const struct world_copy *copy, const char *vapp_or_label)
{
	return g_strcmp0(world_machine_vapp(copy->machine), vapp_or_label) == 0 ||
	       g_strcmp0(world_machine_label(judging->world, copy->machine), vapp_or_label) == 0;
}

static void judge_never_with(struct judging *judging, const struct vapp_placement *rule)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];
		g_autoptr(GPtrArray) here = subjects_at(judging, spot, rule->subjects);
		g_autofree char *names = judge_machine_names(here);

		for (unsigned v = 0; here->len && spot->host && v < rule->values->len; v++) {
			g_autoptr(GPtrArray) copies = g_ptr_array_new();

			for (unsigned c = 0; c < spot->host->copies->len; c++)
				if (judge_is_neighbour(judging, spot->host->copies->pdata[c]) &&
					is_named(judging, spot->host->copies->pdata[c],
						rule->values->pdata[v]))
					g_ptr_array_add(copies, spot->host->copies->pdata[c]);
			if (copies->len)
				refuse_never(judging, spot, copies, names, rule->values->pdata[v]);
		}
	}
}

static void judge_rule(struct judging *judging, const struct vapp_placement *rule)
{
	switch (rule->kind) {
	case VAPP_PLACEMENT_APART:
		judge_apart(judging, rule);
		return;
	case VAPP_PLACEMENT_TOGETHER:
		judge_together(judging, rule);
		return;
	case VAPP_PLACEMENT_SITES:
		judge_sites(judging, rule);
		return;
	case VAPP_PLACEMENT_NEVER_WITH:
		judge_never_with(judging, rule);
		return;
	}
}

/* Which of our names a neighbour's rule refuses to be with here: our vApp's or a label's; NULL. */
static const char *unwanted_name(const struct judging *judging, const struct judge_spot *spot,
	const struct vapp_placement *rule)
{
	g_autoptr(GPtrArray) labels = own_labels(judging, spot);

	if (has_value(rule->values, judging->vapp->name))
		return judging->vapp->name;
	for (unsigned i = 0; i < labels->len; i++)
		if (has_value(rule->values, labels->pdata[i]))
			return labels->pdata[i];
	return NULL;
}

/* Our neighbours' own rules: the copy is a subject of a never-with that names us. */
static void judge_neighbour(
	struct judging *judging, const struct judge_spot *spot, struct world_copy *copy)
{
	const char *name = world_machine_vapp(copy->machine);
	const struct world_vapp *theirs = name ? world_find_vapp(judging->world, name) : NULL;
	const struct vapp_machine *machine;

	if (!theirs || !theirs->vapp || !judge_is_neighbour(judging, copy))
		return;
	machine = g_hash_table_lookup(theirs->machines, copy->machine->uuid);
	for (unsigned i = 0; machine && i < theirs->vapp->placements->len; i++) {
		const struct vapp_placement *rule = theirs->vapp->placements->pdata[i];
		g_autoptr(GPtrArray) subjects = NULL;
		g_autoptr(GPtrArray) copies = NULL;
		const char *unwanted;

		if (rule->kind != VAPP_PLACEMENT_NEVER_WITH)
			continue;
		unwanted = unwanted_name(judging, spot, rule);
		subjects = vapp_select_subjects(theirs->vapp, rule->subjects);
		if (!unwanted || !g_ptr_array_find(subjects, machine, NULL))
			continue;
		copies = g_ptr_array_new();
		g_ptr_array_add(copies, copy);
		refuse_never(judging, spot, copies, machine->name, unwanted);
	}
}

void judge_placements(struct judging *judging)
{
	for (unsigned i = 0; i < judging->vapp->placements->len && !judge_enough(judging); i++)
		judge_rule(judging, judging->vapp->placements->pdata[i]);
	for (unsigned i = 0; i < judging->spots->len && !judge_enough(judging); i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];

		for (unsigned c = 0; spot->host && c < spot->host->copies->len; c++)
			judge_neighbour(judging, spot, spot->host->copies->pdata[c]);
	}
}

/* ---- seals ---- */

static const struct {
	const char *seal;
	enum plan_code code;
	const char *what;
} seals[] = {
	{ "invalid", PLAN_SEAL_INVALID, "its seal does not fit its definition" },
	{ "none", PLAN_SEAL_MISSING, "it bears no seal" },
};

static void judge_seal(
	struct judging *judging, const struct vapp_machine *member, const struct world_copy *copy)
{
	const char *host = world_host_name(copy->host);
	g_autofree char *machine_place = judge_device(copy->machine->uuid);
	g_autofree char *host_place = judge_device(copy->host->uuid);

	for (unsigned i = 0; i < G_N_ELEMENTS(seals); i++) {
		struct plan_reason *reason;

		if (g_strcmp0(copy->runs_on->seal, seals[i].seal) != 0)
			continue;
		reason = plan_reason_new(seals[i].code, member->name, "%s on %s: %s", member->name,
			host, seals[i].what);
		plan_reason_add_fact(
			reason, "runs-on %s–%s: seal is %s", member->name, host, seals[i].seal);
		plan_reason_set_fix(reason, "define %s again from its package", member->name);
		plan_reason_add_change(
			reason, FACTS_RUNS_ON, machine_place, host_place, "seal", "valid");
		judge_refuse(judging, reason);
	}
}

/* A machine that is active anywhere with a broken seal is fit for no host. */
void judge_seals(struct judging *judging)
{
	for (unsigned i = 0; i < judging->spots->len; i++) {
		const struct judge_spot *spot = judging->spots->pdata[i];

		for (unsigned m = 0; m < spot->members->len; m++) {
			const struct vapp_machine *member = spot->members->pdata[m];
			const struct world_machine *machine = world_find_machine(
				judging->world, judge_uuid_of(judging, member));

			for (unsigned c = 0; machine && c < machine->copies->len; c++)
				if (world_copy_active(machine->copies->pdata[c]))
					judge_seal(judging, member, machine->copies->pdata[c]);
		}
	}
}
