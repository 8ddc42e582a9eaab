/* plan/order at random: a model of hosts that lose power, agents that die, facts that are late and
 * a control that keeps nothing, run at random against plan_order_next(); after every step the
 * invariants of docs/moves.md hold, and once the faults cease every order ends as invariant 10
 * says. */
#include "plan/order.h"

#include <string.h>

#define N_RUNS    10000
#define N_HOSTS   4 /* 0 and 1 are sources, 2 and 3 destinations */
#define N_MEMBERS 4
#define N_FAULTY  150  /* steps with faults */
#define N_QUIET   6000 /* steps without, by which every order must have ended */

enum state {
	NONE, /* not defined */
	OFF,
	INCOMING,
	PAUSED,
	RUNNING,
};

/* What an agent has last seen of the order. */
struct view {
	gboolean known;
	enum plan_phase phase;
	gboolean committed;
	gboolean stays[N_MEMBERS]; /* the reservations say so at the same time */
};

/* What stands in the map about a member on a host. */
struct told {
	enum state state;
	gboolean conforming;
	struct facts_progress progress; /* phase and state are constants */
};

struct host {
	gboolean power, agent;
	unsigned life;   /* of its agent: how often it has started */
	unsigned fenced; /* the life that an operator declared over, + 1; 0: none */
	gboolean was_cut;
	struct view view;
};

struct model {
	guint32 seed;
	GRand *rand;
	gboolean faults;
	guint64 now_ms;
	unsigned n_members;
	struct host hosts[N_HOSTS];
	unsigned from[N_MEMBERS], to[N_MEMBERS];
	enum state state[N_MEMBERS][N_HOSTS];
	gboolean rules[N_MEMBERS][N_HOSTS];
	gboolean held[N_MEMBERS]; /* its migration is near its end */
	struct told told[N_MEMBERS][N_HOSTS];
	struct facts_order order;
	gboolean cut; /* connections had a way at the sources, and have none at the destinations */
	gboolean was_running; /* a destination was seen running all: release was due */
	unsigned n_stuck;
};

static gboolean chance(struct model *model, unsigned percent)
{
	return (unsigned)g_rand_int_range(model->rand, 0, 100) < percent;
}

static gboolean fault(struct model *model, unsigned percent)
{
	return model->faults && chance(model, percent);
}

/* ---- what agents say ---- */

static void tell(struct model *model, unsigned m, unsigned h)
{
	model->told[m][h].state = model->state[m][h];
	model->told[m][h].conforming = model->rules[m][h];
}

/* With the facts that the answer rests on. */
static void answer(struct model *model, unsigned m, unsigned h, const char *state)
{
	struct facts_progress *progress = &model->told[m][h].progress;

	progress->phase = (char *)plan_phase_to_string(model->hosts[h].view.phase);
	progress->state = (char *)state;
	progress->text = NULL;
	tell(model, m, h);
}

/* Session facts go with the agent. */
static void forget(struct model *model, unsigned h)
{
	for (unsigned m = 0; m < model->n_members; m++)
		model->told[m][h] = (struct told){ 0 };
}

/* ---- what agents do, by phase and side (docs/moves.md) ---- */

static void drop_migration(struct model *model, unsigned m)
{
	if (model->state[m][model->to[m]] == INCOMING)
		model->state[m][model->to[m]] = NONE;
	model->held[m] = FALSE;
}

static void do_protect(struct model *model, unsigned m, unsigned h)
{
	if (fault(model, 3)) {
		answer(model, m, h, "failed");
		return;
	}
	model->rules[m][h] = TRUE;
	answer(model, m, h, "done");
}

/* The destination's gate: it knows the order and the order wants arrivals. */
static gboolean gate_opens(const struct model *model, unsigned h)
{
	const struct host *host = &model->hosts[h];

	return host->power && host->agent && host->view.known &&
	       (host->view.phase == PLAN_PHASE_PROTECT || host->view.phase == PLAN_PHASE_PRECOPY ||
		       host->view.phase == PLAN_PHASE_SWITCH);
}

static void do_precopy(struct model *model, unsigned m, unsigned h)
{
	if (model->held[m]) {
		answer(model, m, h, "done");
		return;
	}
	if (model->state[m][h] != RUNNING || fault(model, 3) || !gate_opens(model, model->to[m])) {
		answer(model, m, h, "failed");
		return;
	}
	model->state[m][model->to[m]] = INCOMING;
	model->held[m] = TRUE;
}

static void do_switch_from(struct model *model, unsigned m, unsigned h)
{
	unsigned to = model->to[m];

	if (model->state[m][h] == RUNNING && model->held[m] && model->state[m][to] == INCOMING) {
		model->held[m] = FALSE;
		/* the last word got lost: the source goes on, a paused copy stays behind */
		if (!fault(model, 5))
			model->state[m][h] = OFF;
		model->state[m][to] = fault(model, 5) && model->state[m][h] == RUNNING ? NONE
										       : PAUSED;
	}
	answer(model, m, h, model->state[m][h] == RUNNING ? "failed" : "done");
}

static void do_switch_to(struct model *model, unsigned m, unsigned h)
{
	if (model->state[m][h] == PAUSED)
		answer(model, m, h, fault(model, 2) ? "failed" : "done");
}

static void do_resume(struct model *model, unsigned m, unsigned h)
{
	if (fault(model, 4)) {
		answer(model, m, h, "failed");
		return;
	}
	model->rules[m][h] = TRUE;
	model->state[m][h] = RUNNING; /* resumed, or started afresh */
	answer(model, m, h, "done");
}

/* invariant 8 */
static void do_release(struct model *model, unsigned m, unsigned h)
{
	g_assert_true(model->state[m][h] != RUNNING && model->state[m][h] != PAUSED);
	g_assert_true(
		model->state[m][model->to[m]] == RUNNING || model->hosts[model->to[m]].was_cut);
	model->state[m][h] = NONE;
	model->rules[m][h] = FALSE;
	answer(model, m, h, "done");
}

/* Back to the source, as it is here, if the source can take it. */
static gboolean migrate_back(struct model *model, unsigned m, unsigned h)
{
	unsigned from = model->from[m];

	if (!model->hosts[from].power || fault(model, 20) || model->state[m][from] > OFF)
		return FALSE;
	model->state[m][from] = model->state[m][h];
	model->state[m][h] = NONE;
	return TRUE;
}

static void do_return_to(struct model *model, unsigned m, unsigned h)
{
	if (model->hosts[h].view.stays[m] && model->state[m][h] > OFF) {
		model->state[m][h] = RUNNING;
		answer(model, m, h, "done");
		return;
	}
	if (model->state[m][h] == INCOMING)
		drop_migration(model, m);
	if (model->state[m][h] > OFF && !migrate_back(model, m, h)) {
		/* a copy that never ran may be given up, but not at once */
		if (model->state[m][h] == PAUSED && !model->hosts[h].view.committed &&
			chance(model, 30))
			model->state[m][h] = NONE;
		else if (model->state[m][h] == PAUSED && model->state[m][model->from[m]] == RUNNING)
			model->state[m][h] = NONE;
		return;
	}
	model->state[m][h] = NONE;
	model->rules[m][h] = FALSE;
	answer(model, m, h, "done");
}

static void do_return_from(struct model *model, unsigned m, unsigned h)
{
	drop_migration(model, m);
	if (model->state[m][h] == PAUSED)
		model->state[m][h] = RUNNING;
	answer(model, m, h, "done");
}

static void do_restart(struct model *model, unsigned m, unsigned h)
{
	if (model->hosts[h].view.stays[m])
		return; /* not home */
	model->state[m][h] = RUNNING;
	answer(model, m, h, fault(model, 5) ? "running" : "done");
}

/* invariant 9, and what a released or returned order leaves */
static void do_clean_to(struct model *model, unsigned m, unsigned h)
{
	if (model->hosts[h].view.stays[m])
		return;
	if (model->state[m][h] <= PAUSED)
		model->state[m][h] = NONE;
	model->rules[m][h] = FALSE;
}

static void do_clean_from(struct model *model, unsigned m, unsigned h)
{
	if (model->state[m][h] == OFF)
		model->state[m][h] = NONE;
	model->rules[m][h] = FALSE;
}

typedef void (*deed)(struct model *model, unsigned m, unsigned h);

static const struct {
	deed from, to;
} deeds[PLAN_N_PHASES] = {
	[PLAN_PHASE_PROTECT] = { NULL, do_protect },
	[PLAN_PHASE_PRECOPY] = { do_precopy, NULL },
	[PLAN_PHASE_SWITCH] = { do_switch_from, do_switch_to },
	[PLAN_PHASE_RESUME] = { NULL, do_resume },
	[PLAN_PHASE_RELEASE] = { do_release, NULL },
	[PLAN_PHASE_DONE] = { do_clean_from, NULL },
	[PLAN_PHASE_RETURN] = { do_return_from, do_return_to },
	[PLAN_PHASE_RESTART] = { do_restart, NULL },
	[PLAN_PHASE_RETURNED] = { NULL, do_clean_to },
};

static gboolean member_stays(const struct model *model, unsigned m)
{
	return ((const struct facts_order_member *)model->order.members->pdata[m])->stays;
}

static void see_order(struct model *model, unsigned h)
{
	struct view *view = &model->hosts[h].view;

	view->known = TRUE;
	g_assert_true(plan_phase_from_string(model->order.phase, &view->phase));
	view->committed = plan_order_committed(&model->order);
	for (unsigned m = 0; m < model->n_members; m++)
		view->stays[m] = member_stays(model, m);
}

/* One thing that one agent does about one machine. */
static void step_agent(struct model *model)
{
	unsigned h = (unsigned)g_rand_int_range(model->rand, 0, N_HOSTS);
	unsigned m = (unsigned)g_rand_int_range(model->rand, 0, (gint32)model->n_members);
	struct host *host = &model->hosts[h];
	deed act;

	if (!host->power || !host->agent)
		return;
	if (chance(model, 40) || !host->view.known)
		see_order(model, h);
	act = model->from[m] == h ? deeds[host->view.phase].from
	      : model->to[m] == h ? deeds[host->view.phase].to
				  : NULL;
	if (act && chance(model, 70))
		act(model, m, h);
	if (chance(model, 70))
		tell(model, m, h);
}

/* ---- faults ---- */

static void cut_power(struct model *model, unsigned h)
{
	model->hosts[h].power = model->hosts[h].agent = FALSE;
	model->hosts[h].was_cut = TRUE;
	forget(model, h);
	for (unsigned m = 0; m < model->n_members; m++) {
		/* a source whose peer goes keeps running, without its migration */
		if (model->state[m][h] == INCOMING || (model->from[m] == h && model->held[m]))
			drop_migration(model, m);
		if (model->state[m][h] > OFF)
			model->state[m][h] = OFF;
	}
}

static void kill_agent(struct model *model, unsigned h)
{
	model->hosts[h].agent = FALSE;
	forget(model, h);
}

/* Also of a fenced host: the fence stands, but what it was about is over. */
static void start_agent(struct model *model, unsigned h)
{
	if (!model->hosts[h].agent)
		model->hosts[h].life++;
	model->hosts[h].power = model->hosts[h].agent = TRUE;
	model->hosts[h].view.known = FALSE;
}

/* The operator sees that it is off. */
static void fence(struct model *model, unsigned h)
{
	model->hosts[h].fenced = model->hosts[h].life + 1;
}

static gboolean is_off(const struct host *host)
{
	return host->fenced == host->life + 1 && !host->agent;
}

static void step_fault(struct model *model)
{
	unsigned h = (unsigned)g_rand_int_range(model->rand, 0, N_HOSTS);
	unsigned what = (unsigned)g_rand_int_range(model->rand, 0, 100);

	if (what < 4)
		cut_power(model, h);
	else if (what < 12)
		kill_agent(model, h);
	else if (what < 60)
		start_agent(model, h);
	else if (what < 62 && !model->hosts[h].power)
		fence(model, h);
	else if (what < 63)
		model->hosts[h].fenced = 0;
	else if (what < 65)
		model->now_ms += 40000;
	else if (what < 70)
		model->cut = !model->cut;
}

/* ---- control ---- */

static void observe_side(struct model *model, struct plan_side *side, unsigned m, unsigned h)
{
	const struct told *told = &model->told[m][h];

	*side = (struct plan_side){ .alive = model->hosts[h].agent,
		.fenced = is_off(&model->hosts[h]),
		.active = told->state > OFF,
		.running = told->state == RUNNING,
		.conforming = told->conforming,
		.progress = told->progress.phase ? &told->progress : NULL };
}

/* invariants 4 to 7, from the true state of things */
static void check_transition(const struct model *model, const struct plan_next *next)
{
	enum plan_phase before;

	plan_phase_from_string(model->order.phase, &before);
	if (next->action != PLAN_ADVANCE)
		return;
	g_assert_false(model->cut && next->phase == PLAN_PHASE_RELEASE); /* 6 */
	g_assert_false(before == PLAN_PHASE_RETURN && next->phase == PLAN_PHASE_RESUME);
	g_assert_false(before == PLAN_PHASE_RELEASE && next->phase == PLAN_PHASE_RETURN);
	for (unsigned m = 0; m < model->n_members; m++) {
		enum state from = model->state[m][model->from[m]];
		enum state to = model->state[m][model->to[m]];

		if (next->phase == PLAN_PHASE_RESUME)
			g_assert_true(from <= OFF);
		if (next->phase == PLAN_PHASE_RESTART)
			g_assert_true(to != RUNNING || member_stays(model, m));
	}
}

static void step_control(struct model *model)
{
	struct plan_side from[N_MEMBERS];
	struct plan_side to[N_MEMBERS];
	struct plan_observed observed = { .n_members = model->n_members, .from = from, .to = to };
	g_auto(plan_next) next = { 0 };
	g_auto(plan_next) again = { 0 };
	char cut[] = "cut";

	for (unsigned m = 0; m < model->n_members; m++) {
		observe_side(model, &from[m], m, model->from[m]);
		observe_side(model, &to[m], m, model->to[m]);
	}
	observed.abort = fault(model, 1);
	observed.cut = model->cut && strcmp(model->order.phase, "resume") == 0 ? cut : NULL;
	plan_order_next(&model->order, &observed, model->now_ms, &next);
	plan_order_next(&model->order, &observed, model->now_ms, &again);
	g_assert_true(next.action == again.action && next.phase == again.phase);
	check_transition(model, &next);
	model->n_stuck += next.action == PLAN_STUCK;
	plan_order_apply(&model->order, &next, &observed, model->now_ms);
	/* what is written down is stable: the same look again changes nothing but to wait */
	g_assert_false(next.action == PLAN_WAIT &&
		       plan_order_apply(&model->order, &next, &observed, model->now_ms));
}

/* ---- invariants of every moment ---- */

static void check_now(const struct model *model)
{
	for (unsigned m = 0; m < model->n_members; m++) {
		unsigned running = 0;
		unsigned defined = 0;

		for (unsigned h = 0; h < N_HOSTS; h++) {
			running += model->state[m][h] == RUNNING;
			defined += model->state[m][h] != NONE && model->state[m][h] != INCOMING;
		}
		g_assert_cmpuint(running, <=, 1); /* 1 */
		g_assert_cmpuint(defined, >=, 1); /* none lost */
	}
}

static void check_holds(const struct model *model)
{
	for (unsigned m = 0; m < model->n_members; m++) {
		struct plan_holds holds = plan_order_holds(
			&model->order, model->order.members->pdata[m]);

		g_assert_true((g_strcmp0(holds.from, "home") == 0) !=
			      (g_strcmp0(holds.to, "home") == 0)); /* 2 */
	}
}

/* Off here; one that stayed and then went down may be defined at its source alone. */
static gboolean is_at_rest(const struct model *model, unsigned m, unsigned h)
{
	return model->state[m][h] == OFF || (model->state[m][h] == NONE && member_stays(model, m));
}

/* invariant 10; a host that lost power may have lost machines after the last word about them */
static void check_end(const struct model *model)
{
	gboolean done = strcmp(model->order.state, "done") == 0;

	for (unsigned m = 0; m < model->n_members; m++) {
		gboolean at_to = done || member_stays(model, m);
		unsigned here = at_to ? model->to[m] : model->from[m];
		unsigned there = at_to ? model->from[m] : model->to[m];

		if (model->state[m][there] == RUNNING ||
			(model->state[m][here] != RUNNING &&
				!(model->hosts[here].was_cut && is_at_rest(model, m, here))))
			g_error("seed %u: %s (%s), but machine %u is %u at its end and %u at the other",
				model->seed, model->order.state, model->order.reason, m,
				model->state[m][here], model->state[m][there]);
	}
}

/* ---- runs ---- */

static void init_order(struct model *model)
{
	static const char *const phases[] = { "protect", "precopy", "switch", "resume", "release" };
	struct facts_order *order = &model->order;

	order->id = g_strdup("o");
	order->verb = g_strdup("move");
	order->phase = g_strdup("protect");
	order->state = g_strdup("running");
	order->at_ms = model->now_ms;
	order->members = facts_list_new();
	order->steps = facts_list_new();
	for (unsigned m = 0; m < model->n_members; m++) {
		struct facts_order_member *member = facts_list_add(
			order->members, FACTS_ORDER, "member");

		member->machine = g_strdup_printf("m%u", m);
		member->from = g_strdup_printf("%u", model->from[m]);
		member->to = g_strdup_printf("%u", model->to[m]);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
		struct facts_order_step *step = facts_list_add(order->steps, FACTS_ORDER, "step");

		step->name = g_strdup(phases[i]);
		step->state = g_strdup(i ? "waiting" : "running");
		step->started_ms = i ? 0 : model->now_ms;
	}
}

static void init_model(struct model *model, GRand *rand)
{
	*model = (struct model){ .rand = rand, .now_ms = 1000000 };
	model->faults = g_rand_int_range(rand, 0, 5) > 0; /* one run in five is undisturbed */
	model->n_members = (unsigned)g_rand_int_range(rand, 1, N_MEMBERS + 1);
	for (unsigned h = 0; h < N_HOSTS; h++)
		model->hosts[h] = (struct host){ .power = TRUE, .agent = TRUE };
	for (unsigned m = 0; m < model->n_members; m++) {
		model->from[m] = (unsigned)g_rand_int_range(rand, 0, 2);
		model->to[m] = (unsigned)g_rand_int_range(rand, 2, 4);
		model->state[m][model->from[m]] = RUNNING;
		model->rules[m][model->from[m]] = TRUE;
		tell(model, m, model->from[m]);
	}
	init_order(model);
}

static void step(struct model *model)
{
	model->now_ms += (guint64)g_rand_int_range(model->rand, 0, model->faults ? 600 : 60);
	if (model->faults && chance(model, 12))
		step_fault(model);
	else if (chance(model, 20))
		step_control(model);
	else
		step_agent(model);
	check_now(model);
}

static void settle(struct model *model)
{
	gboolean was_faulty = model->faults;

	model->faults = FALSE;
	/* the hosts that are dead now stay so for longer than any limit, sometimes */
	for (unsigned i = 0; i < 4 && was_faulty && chance(model, 70); i++) {
		for (unsigned k = 0; k < 40 && !plan_order_ended(&model->order); k++)
			step(model);
		model->now_ms += 31000;
	}
	/* who is off for good is so by an operator's word; everybody else comes back */
	for (unsigned h = 0; h < N_HOSTS; h++) {
		if (!model->hosts[h].power && chance(model, 50))
			fence(model, h);
		else if (!model->hosts[h].agent)
			start_agent(model, h);
	}
	for (unsigned i = 0; i < N_QUIET && !plan_order_ended(&model->order); i++) {
		step(model);
		check_holds(model);
	}
}

struct tally {
	unsigned done, back, stuck, fenced, cut;
};

static void run_once(guint32 seed, struct tally *tally)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	struct model model;
	gboolean disturbed;

	init_model(&model, rand);
	model.seed = seed;
	disturbed = model.faults;
	for (unsigned i = 0; i < N_FAULTY && !plan_order_ended(&model.order); i++)
		step(&model);
	settle(&model);
	if (!plan_order_ended(&model.order))
		g_error("seed %u: order never ended: phase %s, state %s, %s", seed,
			model.order.phase, model.order.state, model.order.reason);
	check_end(&model);
	g_assert_true(disturbed || strcmp(model.order.state, "done") == 0);
	tally->done += strcmp(model.order.state, "done") == 0;
	tally->back += strcmp(model.order.state, "rolled-back") == 0;
	tally->stuck += model.n_stuck > 0;
	tally->cut += model.order.reason && g_str_has_prefix(model.order.reason, "NOT_REACHABLE");
	for (unsigned h = 0; h < N_HOSTS; h++)
		if (is_off(&model.hosts[h])) {
			tally->fenced++;
			break;
		}
	facts_clear(FACTS_ORDER, &model.order);
}

static void test_random(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	struct tally tally = { 0 };

	g_test_message("seed %u, one more for each of %d runs", seed, N_RUNS);
	for (unsigned i = 0; i < N_RUNS; i++)
		run_once(seed + i, &tally);
	g_test_message(
		"%u done, %u back (%u cut off), %u stuck meanwhile, %u ended with a host off",
		tally.done, tally.back, tally.cut, tally.stuck, tally.fenced);
	g_assert_cmpuint(tally.done + tally.back, ==, N_RUNS);
	/* all ends are reached, or this would prove little */
	g_assert_cmpuint(tally.done, >, N_RUNS / 10);
	g_assert_cmpuint(tally.back, >, N_RUNS / 10);
	g_assert_cmpuint(tally.stuck, >, N_RUNS / 100);
	g_assert_cmpuint(tally.fenced, >, N_RUNS / 50);
	g_assert_cmpuint(tally.cut, >, N_RUNS / 200);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/orders/random", test_random);
	return g_test_run();
}
