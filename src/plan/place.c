#include "plan/place.h"

#include "plan/judge.h"

#include <string.h>

/* The search for a placement. What one machine alone forbids on a host is asked once for each pair;
 * what machines forbid together is asked of each partial placement, which is sound because adding a
 * machine never mends a reason (judge.h). */

struct search {
	struct plan_judge *judge;
	struct plan_question question;
	struct plan_placement placement; /* being tried */
	char **hosts;
	unsigned n_hosts, n_machines;
	unsigned *order; /* machines that are not pinned, hardest to place first */
	unsigned n_free; /* of them */
	gboolean *fits;  /* [machine * n_hosts + host]: alone */
	unsigned *load;  /* machines on each host now */
	unsigned n_used; /* hosts with any */
	unsigned max_used;
	unsigned steps_left;
};

/* ---- what stays ---- */

static const char *pin_of(const struct plan_question *question, size_t machine)
{
	const struct plan_placement *pinned = question->pinned;

	return pinned && machine < pinned->n_hosts ? pinned->hosts[machine] : NULL;
}

/* All on one host, but for what stays. */
static void set_all(
	struct plan_placement *placement, const struct plan_question *question, const char *host)
{
	for (size_t m = 0; m < placement->n_hosts; m++) {
		const char *pin = pin_of(question, m);

		plan_placement_set(placement, m, pin ? pin : host);
	}
}

static unsigned n_pinned_on(const struct plan_question *question, const char *host)
{
	unsigned n = 0;

	for (unsigned m = 0; m < question->vapp->machines->len; m++)
		n += g_strcmp0(pin_of(question, m), host) == 0 ? 1 : 0;
	return n;
}

/* ---- what fits alone ---- */

static void find_fits(struct search *search)
{
	for (unsigned m = 0; m < search->n_machines; m++)
		for (unsigned h = 0; !pin_of(&search->question, m) && h < search->n_hosts; h++) {
			plan_placement_set(&search->placement, m, search->hosts[h]);
			search->fits[m * search->n_hosts + h] = judge_scopes(
				search->judge, &search->question, JUDGE_ALONE | JUDGE_JOINT, NULL);
			plan_placement_set(&search->placement, m, NULL);
		}
}

static unsigned n_fits(const struct search *search, unsigned machine)
{
	unsigned n = 0;

	for (unsigned h = 0; h < search->n_hosts; h++)
		n += search->fits[machine * search->n_hosts + h] ? 1 : 0;
	return n;
}

static gboolean comes_before(const struct search *search, unsigned a, unsigned b)
{
	const struct vapp_machine *x = search->question.vapp->machines->pdata[a];
	const struct vapp_machine *y = search->question.vapp->machines->pdata[b];
	unsigned fits_x = n_fits(search, a);
	unsigned fits_y = n_fits(search, b);

	if (fits_x != fits_y)
		return fits_x < fits_y;
	return x->memory_mib != y->memory_mib ? x->memory_mib > y->memory_mib : a < b;
}

/* Insertion sort: the fewest hosts first, then the largest. */
static void find_order(struct search *search)
{
	for (unsigned i = 0; i < search->n_machines; i++) {
		unsigned k = search->n_free;

		if (pin_of(&search->question, i))
			continue;
		for (; k > 0 && comes_before(search, i, search->order[k - 1]); k--)
			search->order[k] = search->order[k - 1];
		search->order[k] = i;
		search->n_free++;
	}
}

/* ---- trying ---- */

static void put(struct search *search, unsigned machine, unsigned host)
{
	plan_placement_set(&search->placement, machine, search->hosts[host]);
	if (search->load[host]++ == 0)
		search->n_used++;
}

static void take(struct search *search, unsigned machine, unsigned host)
{
	plan_placement_set(&search->placement, machine, NULL);
	if (--search->load[host] == 0)
		search->n_used--;
}

static gboolean try_host(struct search *search, unsigned machine, unsigned host)
{
	if (!search->fits[machine * search->n_hosts + host] ||
		(search->load[host] == 0 && search->n_used >= search->max_used))
		return FALSE;
	if (search->steps_left == 0)
		return FALSE;
	search->steps_left--;
	put(search, machine, host);
	if (judge_scopes(search->judge, &search->question, JUDGE_JOINT, NULL))
		return TRUE;
	take(search, machine, host);
	return FALSE;
}

/* Depth first without recursion: chosen[d] is the host of the d-th machine of the order. With
 * `exact`, what fails later makes an earlier machine try its next host. */
static gboolean search_with(struct search *search, gboolean exact)
{
	g_autofree unsigned *chosen = g_new0(unsigned, search->n_free + 1);
	unsigned depth = 0;
	unsigned host = 0;

	while (depth < search->n_free) {
		while (host < search->n_hosts && !try_host(search, search->order[depth], host))
			host++;
		if (host < search->n_hosts) {
			chosen[depth++] = host;
			host = 0;
			continue;
		}
		if (!exact && depth > 0) {
			while (depth-- > 0)
				take(search, search->order[depth], chosen[depth]);
			return FALSE;
		}
		if (depth == 0)
			return FALSE;
		depth--;
		take(search, search->order[depth], chosen[depth]);
		host = chosen[depth] + 1;
	}
	return TRUE;
}

/* As few hosts as possible: one, then two, ... */
static gboolean search_all(struct search *search, gboolean exact)
{
	unsigned most = MIN(search->n_hosts, search->n_used + search->n_free);

	for (search->max_used = MAX(search->n_used, 1); search->max_used <= most;
		search->max_used++)
		if (search_with(search, exact))
			return TRUE;
	return FALSE;
}

/* ---- why not ---- */

void plan_candidate_free(struct plan_candidate *candidate)
{
	if (!candidate)
		return;
	g_free(candidate->host);
	g_clear_pointer(&candidate->reasons, g_ptr_array_unref);
	g_free(candidate);
}

static void candidate_free(gpointer data)
{
	plan_candidate_free(data);
}

/* Stable: GPtrArray's sort is a merge sort. */
static int compare_candidates(gconstpointer a, gconstpointer b)
{
	const struct plan_candidate *const *x = a;
	const struct plan_candidate *const *y = b;

	return (int)(*x)->reasons->len - (int)(*y)->reasons->len;
}

static GPtrArray *judge_candidates(struct search *search)
{
	GPtrArray *candidates = g_ptr_array_new_with_free_func(candidate_free);

	for (unsigned h = 0; h < search->n_hosts; h++) {
		struct plan_candidate *candidate = g_new0(struct plan_candidate, 1);

		set_all(&search->placement, &search->question, search->hosts[h]);
		candidate->host = g_strdup(search->hosts[h]);
		if (plan_clear(search->judge, &search->question, &candidate->reasons))
			candidate->reasons = plan_reasons_new();
		g_ptr_array_add(candidates, candidate);
	}
	g_ptr_array_sort(candidates, compare_candidates);
	return candidates;
}

/* ---- the whole ---- */

static char **all_hosts(const struct world *world)
{
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	g_autoptr(GStrvBuilder) uuids = g_strv_builder_new();

	for (unsigned i = 0; i < hosts->len; i++)
		g_strv_builder_add(uuids, ((const struct world_host *)hosts->pdata[i])->uuid);
	return g_strv_builder_end(uuids);
}

static void count_pinned(struct search *search)
{
	for (unsigned h = 0; h < search->n_hosts; h++) {
		search->load[h] = n_pinned_on(&search->question, search->hosts[h]);
		search->n_used += search->load[h] > 0 ? 1 : 0;
	}
}

static void search_init(struct search *search, struct plan_judge *judge,
	const struct plan_question *question, const char *const *hosts)
{
	*search = (struct search){ .judge = judge,
		.question = *question,
		.n_machines = question->vapp->machines->len,
		.steps_left = PLAN_SEARCH_STEPS };
	search->hosts = hosts ? g_strdupv((char **)hosts) : all_hosts(judge_world(judge));
	search->n_hosts = g_strv_length(search->hosts);
	plan_placement_init(&search->placement, question->vapp);
	set_all(&search->placement, question, NULL);
	search->question.placement = &search->placement;
	search->order = g_new0(unsigned, search->n_machines + 1);
	search->fits = g_new0(gboolean, search->n_machines * search->n_hosts + 1);
	search->load = g_new0(unsigned, search->n_hosts + 1);
	count_pinned(search);
}

static void search_clear(struct search *search)
{
	plan_placement_clear(&search->placement);
	g_strfreev(search->hosts);
	g_free(search->order);
	g_free(search->fits);
	g_free(search->load);
}

void plan_find_place(struct plan_judge *judge, const struct plan_question *question,
	const char *const *hosts, struct plan_place *ret)
{
	struct search search;
	gboolean exact;

	search_init(&search, judge, question, hosts);
	exact = search.n_machines <= PLAN_EXACT_MACHINES && search.n_hosts <= PLAN_EXACT_HOSTS;
	*ret = (struct plan_place){ 0 };
	find_fits(&search);
	find_order(&search);
	/* what holds for every placement, and of what stays, may spare the search */
	ret->found = judge_scopes(judge, &search.question, JUDGE_ALL, NULL) &&
		     search_all(&search, exact);
	ret->exact = exact && search.steps_left > 0;
	if (ret->found) {
		ret->placement = search.placement;
		search.placement = (struct plan_placement){ 0 };
	} else {
		ret->candidates = judge_candidates(&search);
	}
	search_clear(&search);
}

void plan_place_clear(struct plan_place *place)
{
	if (place->placement.hosts)
		plan_placement_clear(&place->placement);
	g_clear_pointer(&place->candidates, g_ptr_array_unref);
}

/* ---- the destinations of an order ---- */

char **plan_other_hosts(const struct world *world, const struct vapp *vapp)
{
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	g_autoptr(GStrvBuilder) uuids = g_strv_builder_new();
	g_auto(plan_placement) current = { 0 };

	plan_placement_init(&current, vapp);
	plan_placement_set_current(&current, world, vapp);
	for (unsigned h = 0; h < hosts->len; h++) {
		const struct world_host *host = hosts->pdata[h];
		gboolean taken = FALSE;

		for (size_t i = 0; i < current.n_hosts; i++)
			taken = taken || g_strcmp0(current.hosts[i], host->uuid) == 0;
		if (!taken && world_host_alive(host))
			g_strv_builder_add(uuids, host->uuid);
	}
	return g_strv_builder_end(uuids);
}

/* The hosts of what stays, then the others. */
static char **own_hosts(const struct world *world, const struct plan_question *question)
{
	g_auto(GStrv) others = plan_other_hosts(world, question->vapp);
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	g_autoptr(GStrvBuilder) uuids = g_strv_builder_new();

	for (unsigned h = 0; h < hosts->len; h++) {
		const struct world_host *host = hosts->pdata[h];

		if (n_pinned_on(question, host->uuid) > 0)
			g_strv_builder_add(uuids, host->uuid);
	}
	g_strv_builder_addv(uuids, (const char **)others);
	return g_strv_builder_end(uuids);
}

/* Everything on one host: every reason counts, not only those of the best spread. */
static gboolean choose_one(struct plan_judge *judge, const struct plan_question *question,
	const char *host, struct plan_placement *ret, GPtrArray **ret_reasons)
{
	struct plan_question asked = *question;
	g_auto(plan_placement) placement = { 0 };

	plan_placement_init(&placement, question->vapp);
	set_all(&placement, question, host);
	asked.placement = &placement;
	if (!plan_clear(judge, &asked, ret_reasons))
		return FALSE;
	*ret = placement;
	placement = (struct plan_placement){ 0 };
	return TRUE;
}

static GPtrArray *reasons_of_best(struct plan_place *place, const struct vapp *vapp)
{
	struct plan_candidate *best = place->candidates && place->candidates->len > 0
					      ? place->candidates->pdata[0]
					      : NULL;
	GPtrArray *reasons;

	if (best && best->reasons->len > 0)
		return g_steal_pointer(&best->reasons);
	reasons = plan_reasons_new();
	g_ptr_array_add(reasons,
		best ? plan_reason_new(PLAN_NOT_CLEARED, vapp->name,
			       "no spread of %s over these hosts was found to be clear", vapp->name)
		     : plan_reason_new(PLAN_HOST_UNKNOWN, vapp->name,
			       "there is no other live host in the fleet"));
	return reasons;
}

gboolean plan_choose_place(struct plan_judge *judge, const struct plan_question *question,
	const char *const *hosts, struct plan_placement *ret, GPtrArray **ret_reasons)
{
	g_auto(GStrv) others = hosts[0] ? NULL : own_hosts(judge_world(judge), question);
	g_auto(plan_place) place = { 0 };

	if (hosts[0] && !hosts[1])
		return choose_one(judge, question, hosts[0], ret, ret_reasons);
	plan_find_place(judge, question, others ? (const char *const *)others : hosts, &place);
	if (!place.found) {
		*ret_reasons = reasons_of_best(&place, question->vapp);
		return FALSE;
	}
	*ret = place.placement;
	place.placement = (struct plan_placement){ 0 };
	return TRUE;
}
