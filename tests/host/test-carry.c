/* host/carry with libvirt, enforcer and map played by this file (its functions stand in for those
 * of the rooms at link time): which request follows from which phase, side and state, and what is
 * told. */
#include "host/carry.h"
#include "pages.h"

#include <gio/gio.h>

#include <string.h>

struct stage {
	struct carry *carry;
	struct book *book;
	GHashTable *domains;
	struct virt_domain domain;
};

/* ---- the players ---- */

static GString *asked; /* "verb " for every request to libvirt */
static char *told;     /* last progress: "phase state" */
static gboolean conforming;
/* The enforcer's last answer that is due; NULL enforcer: it is away. */
static struct enforce_client *enforcer;
static enforce_reply_func dumped;
static gpointer dumped_data;
/* Requests that libvirt has not answered yet. */
struct request {
	virt_done_fn done;
	gpointer data;
};
static GQueue requests = G_QUEUE_INIT;
/* The last move, while it lasts. */
static virt_move_fn moving;
static gpointer moving_data;
static const struct carry_patience hasty = {
	.shutdown_ms = 50, .return_ms = 10000, .again_ms = 10
};

static void push_request(virt_done_fn done, gpointer data)
{
	struct request request = { done, data };

	if (done)
		g_queue_push_tail(&requests, g_memdup2(&request, sizeof(request)));
}

/* Answers the oldest one. */
static void answer(const GError *error)
{
	g_autofree struct request *request = g_queue_pop_head(&requests);

	request->done(error, request->data);
}

void virt_do(
	struct virt *virt, enum virt_verb verb, const char *uuid, virt_done_fn done, gpointer data)
{
	static const char *const names[] = { [VIRT_START] = "start",
		[VIRT_RESUME] = "resume",
		[VIRT_DESTROY] = "destroy",
		[VIRT_SHUTDOWN] = "shutdown",
		[VIRT_UNDEFINE] = "undefine",
		[VIRT_ABORT] = "end-job" };

	g_string_append_printf(asked, "%s ", names[verb]);
	push_request(done, data);
}

void virt_define(struct virt *virt, const char *xml, virt_done_fn done, gpointer data)
{
	g_string_append(asked, "define ");
	push_request(done, data);
}

void virt_move(
	struct virt *virt, const char *uuid, const char *uri, virt_move_fn moved, gpointer data)
{
	g_string_append(asked, "move ");
	moving = moved;
	moving_data = data;
}

void virt_move_release(struct virt *virt, const char *uuid)
{
	g_string_append(asked, "release ");
}

void virt_move_abort(struct virt *virt, const char *uuid)
{
	g_string_append(asked, "abort ");
}

gboolean virt_moving(struct virt *virt, const char *uuid)
{
	return FALSE;
}

gboolean guard_find(const struct guard *guard, const char *uuid, struct guard_state *ret_state)
{
	*ret_state = (struct guard_state){ .conforming = conforming };
	return TRUE;
}

struct enforce_client *guard_enforcer(struct guard *guard)
{
	return enforcer;
}

void enforce_client_conntrack_dump(struct enforce_client *client, const char *const *uuids,
	enforce_reply_func done, gpointer data)
{
	g_string_append_printf(asked, "dump-of-%u ", g_strv_length((char **)uuids));
	dumped = done;
	dumped_data = data;
}

void enforce_client_conntrack_load(struct enforce_client *client, const char *uuid,
	const char *entries, enforce_reply_func done, gpointer data)
{
	g_assert_not_reached();
}

void report_progress(struct report *report, const char *uuid, const struct facts_progress *fact)
{
	g_free(told);
	told = g_strdup_printf("%s %s%s%s", fact->phase, fact->state, fact->text ? ": " : "",
		fact->text ? fact->text : "");
}

void report_conntrack(struct report *report, const char *uuid, const struct facts_conntrack *fact)
{
	g_string_append(asked, !fact ? "no-connections " : "connections ");
	if (fact && fact->n_entries)
		g_string_append_printf(asked, "%" G_GUINT64_FORMAT " ", fact->n_entries);
}

static void on_look_again(gpointer data)
{
}

/* ---- the stage ---- */

static void stage_init(struct stage *stage)
{
	struct carry_parts parts = { .host_uuid = PAGES_HOST, .look_again = on_look_again };

	*stage = (struct stage){ .book = book_new(),
		.domains = g_hash_table_new(g_str_hash, g_str_equal) };
	stage->carry = carry_new(&parts);
	asked = g_string_new(NULL);
	conforming = FALSE;
	pages_add(stage->book, FACTS_DEFINITION, PAGES_VM, NULL,
		&(struct facts_definition){ .xml = (char[]){ "<domain/>" } });
}

static void stage_clear(struct stage *stage)
{
	while (!g_queue_is_empty(&requests))
		answer(NULL);
	carry_free(stage->carry);
	book_free(stage->book);
	g_hash_table_unref(stage->domains);
	g_string_free(asked, TRUE);
	g_clear_pointer(&told, g_free);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static void add_member(GPtrArray *members, const char *uuid, gboolean leaving, gboolean stays)
{
	struct facts_order_member *member = facts_list_add(members, FACTS_ORDER, "member");

	member->vm = g_strdup(uuid);
	member->machine = g_strdup("web1");
	member->from = g_strdup(leaving ? PAGES_HOST : PAGES_OTHER);
	member->to = g_strdup(leaving ? PAGES_OTHER : PAGES_HOST);
	member->from_uri = g_strdup("qemu+tcp://from/system");
	member->to_uri = g_strdup("qemu+tcp://to/system");
	member->stays = stays;
	member->go_ms = 1;
}

static struct facts_order new_order(const char *phase, const char *state)
{
	return (struct facts_order){ .id = g_strdup("o1"),
		.verb = g_strdup("move"),
		.phase = g_strdup(phase),
		.state = g_strdup(state),
		.members = facts_list_new() };
}

static void put_member(
	struct stage *stage, const char *phase, const char *state, gboolean leaving, gboolean stays)
{
	g_auto(facts_order) order = new_order(phase, state);

	add_member(order.members, PAGES_VM, leaving, stays);
	pages_add(stage->book, FACTS_ORDER, "vapp:shop", NULL, &order);
}

static void put_order(struct stage *stage, const char *phase, const char *state, gboolean leaving)
{
	put_member(stage, phase, state, leaving, FALSE);
}

static void put_state(struct stage *stage, enum virt_state state)
{
	stage->domain.uuid = (char *)PAGES_VM;
	stage->domain.state = state;
	if (state == VIRT_ABSENT)
		g_hash_table_remove(stage->domains, PAGES_VM);
	else
		g_hash_table_replace(stage->domains, (gpointer)PAGES_VM, &stage->domain);
}

static void look(struct stage *stage)
{
	carry_look(stage->carry, stage->book, stage->domains);
}

/* A stage in the middle of a phase that was looked at once, with little patience. */
static void stage_at(
	struct stage *stage, const char *phase, gboolean leaving, enum virt_state state)
{
	stage_init(stage);
	carry_set_patience(stage->carry, &hasty);
	put_order(stage, phase, "running", leaving);
	put_state(stage, state);
	look(stage);
}

/* ---- the table ---- */

static const struct row {
	const char *phase;
	gboolean leaving;
	const char *purpose;
	enum virt_state state;
	const char *asks;
	const char *tells;
	gboolean orphan; /* a move of an agent before this one is under way */
} rows[] = {
	{ "protect", FALSE, "arrival", VIRT_ABSENT, "", "protect running" },
	{ "protect", TRUE, "home", VIRT_RUNNING, "", NULL },
	{ "precopy", TRUE, "home", VIRT_RUNNING, "move ", "precopy running" },
	{ "precopy", TRUE, "home", VIRT_SHUTOFF, "",
		"precopy done" }, /* it left while we were away */
	{ "precopy", TRUE, "home", VIRT_RUNNING, "end-job ", "precopy running", TRUE },
	{ "return", TRUE, "home", VIRT_RUNNING, "abort end-job ", "return running", TRUE },
	{ "switch", TRUE, "home", VIRT_RUNNING, "release ", "switch running" },
	{ "switch", TRUE, "home", VIRT_SHUTOFF, "release connections ", "switch done" },
	{ "switch", FALSE, "arrival", VIRT_PAUSED, "", "switch running" },
	{ "resume", FALSE, "home", VIRT_PAUSED, "resume ", "resume running" },
	{ "resume", FALSE, "home", VIRT_RUNNING, "", "resume done" },
	{ "resume", FALSE, "home", VIRT_ABSENT, "define ", "resume running" },
	{ "resume", FALSE, "arrival", VIRT_PAUSED, "", "resume running" }, /* invariant 3 */
	{ "resume", FALSE, NULL, VIRT_ABSENT, "", "resume running" },
	{ "release", TRUE, NULL, VIRT_SHUTOFF, "undefine ", "release running" },
	{ "release", TRUE, NULL, VIRT_RUNNING, "", "release running" }, /* invariant 8 */
	{ "release", TRUE, NULL, VIRT_ABSENT, "no-connections ", "release done" },
	{ "return", TRUE, "home", VIRT_RUNNING, "abort ", "return done" },
	{ "return", TRUE, "home", VIRT_PAUSED, "abort resume ", "return running" },
	{ "return", TRUE, "arrival", VIRT_PAUSED, "abort ", "return running" },
	{ "return", FALSE, "arrival", VIRT_ABSENT, "", "return done" },
	{ "return", FALSE, "arrival", VIRT_PAUSED, "move release ", "return running" },
	{ "return", FALSE, "arrival", VIRT_SHUTOFF, "undefine ", "return running" },
	{ "restart", TRUE, "home", VIRT_SHUTOFF, "define ", "restart running" },
	{ "restart", TRUE, "home", VIRT_RUNNING, "", "restart done" },
	{ "restart", TRUE, "arrival", VIRT_SHUTOFF, "", "restart running" },
	{ "start", FALSE, "home", VIRT_ABSENT, "define ", "start running" },
	{ "start", FALSE, "arrival", VIRT_ABSENT, "", "start running" },
	{ "stop", TRUE, "home", VIRT_RUNNING, "shutdown ", "stop running" },
	{ "stop", TRUE, "home", VIRT_SHUTOFF, "", "stop done" },
	{ "done", FALSE, "home", VIRT_SHUTOFF, "", NULL },
};

/* Each row, looked at three times: repeating a phase is harmless. */
static void test_row(gconstpointer data)
{
	const struct row *row = data;
	struct stage stage;
	g_autofree char *first = NULL;

	stage_init(&stage);
	put_order(&stage, row->phase, "running", row->leaving);
	if (row->purpose)
		pages_reservation(stage.book, PAGES_VM, PAGES_HOST, row->purpose);
	put_state(&stage, row->state);
	stage.domain.orphan = row->orphan;
	look(&stage);
	g_assert_cmpstr(asked->str, ==, row->asks);
	g_assert_cmpstr(told, ==, row->tells);
	look(&stage);
	look(&stage);
	g_assert_null(strstr(asked->str + strlen(row->asks), "start"));
	g_assert_null(strstr(asked->str + strlen(row->asks), "resume"));
	g_assert_null(strstr(asked->str + strlen(row->asks), "move"));
	g_assert_null(strstr(asked->str + strlen(row->asks), "shutdown"));
	g_assert_null(strstr(asked->str + strlen(row->asks), "end-job"));
	g_assert_cmpstr(told, ==, row->tells);
	stage_clear(&stage);
}

static void test_protect(void)
{
	struct stage stage;

	stage_init(&stage);
	put_order(&stage, "protect", "running", FALSE);
	look(&stage);
	g_assert_cmpstr(told, ==, "protect running");
	conforming = TRUE;
	look(&stage);
	g_assert_cmpstr(told, ==, "protect done");
	stage_clear(&stage);
}

/* Its source was declared off: a machine that is here stays, and runs, if it is at home here. */
static void test_stays(void)
{
	static const struct {
		enum virt_state state;
		const char *purpose;
		const char *asks;
		const char *tells;
	} cases[] = {
		{ VIRT_RUNNING, "home", "abort ", "return done" },
		{ VIRT_PAUSED, "home", "abort resume ", "return running" },
		{ VIRT_PAUSED, "arrival", "abort ", "return running" }, /* invariant 3 */
		{ VIRT_SHUTOFF, "home", "undefine ", "return running" },
		{ VIRT_ABSENT, "home", "", "return done" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct stage stage;

		stage_init(&stage);
		put_member(&stage, "return", "running", FALSE, TRUE);
		pages_reservation(stage.book, PAGES_VM, PAGES_HOST, cases[i].purpose);
		put_state(&stage, cases[i].state);
		look(&stage);
		g_assert_cmpstr(asked->str, ==, cases[i].asks);
		g_assert_cmpstr(told, ==, cases[i].tells);
		look(&stage);
		g_assert_null(strstr(asked->str + strlen(cases[i].asks), "resume"));
		g_assert_null(strstr(asked->str, "move"));
		stage_clear(&stage);
	}
}

/* Orders that have ended, or that lack what they need, move nothing. */
static void test_not_under_way(void)
{
	static const char *const states[] = { "done", "refused", "rolled-back", "" };
	struct stage stage;
	g_auto(facts_order) blank = { .state = g_strdup("stuck"), .members = facts_list_new() };

	stage_init(&stage);
	pages_reservation(stage.book, PAGES_VM, PAGES_HOST, "home");
	put_state(&stage, VIRT_PAUSED);
	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		put_order(&stage, "resume", states[i], FALSE);
		look(&stage);
		g_assert_cmpstr(asked->str, ==, "");
		g_assert_null(told);
	}
	((struct facts_order_member *)facts_list_add(blank.members, FACTS_ORDER, "member"))->to =
		g_strdup(PAGES_HOST);
	pages_add(stage.book, FACTS_ORDER, "vapp:shop", NULL, &blank);
	look(&stage);
	g_assert_cmpstr(asked->str, ==, "");
	put_order(&stage, "resume", "stuck", FALSE);
	look(&stage);
	g_assert_cmpstr(asked->str, ==, "resume ");
	stage_clear(&stage);
}

static void test_failure(void)
{
	struct stage stage;
	g_autoptr(GError)
		error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED, "no such disk");

	stage_init(&stage);
	pages_reservation(stage.book, PAGES_VM, PAGES_HOST, "home");
	put_order(&stage, "start", "running", FALSE);
	look(&stage);
	g_assert_cmpstr(asked->str, ==, "define ");
	answer(NULL);
	g_assert_cmpstr(asked->str, ==, "define start ");
	answer(error);
	g_assert_cmpstr(told, ==, "start failed: no such disk");
	look(&stage);
	g_assert_cmpstr(told, ==, "start failed: no such disk");
	g_assert_cmpstr(asked->str, ==, "define start ");
	stage_clear(&stage);
}

/* Turns the loop for this long. */
static gboolean on_over(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static void turn(unsigned ms)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

	g_timeout_add(ms, on_over, loop);
	g_main_loop_run(loop);
}

/* A guest that does not shut down is destroyed after its time; one that did, or whose order has
 * ended, is never touched again, though somebody starts it in the meantime. */
static void test_shutdown(void)
{
	struct stage stage;

	stage_at(&stage, "stop", TRUE, VIRT_RUNNING);
	turn(100);
	g_assert_cmpstr(asked->str, ==, "shutdown destroy ");
	stage_clear(&stage);

	stage_at(&stage, "stop", TRUE, VIRT_RUNNING);
	put_state(&stage, VIRT_SHUTOFF);
	look(&stage);
	put_state(&stage, VIRT_RUNNING);
	turn(100);
	g_assert_cmpstr(asked->str, ==, "shutdown ");
	stage_clear(&stage);

	stage_at(&stage, "stop", TRUE, VIRT_RUNNING);
	put_order(&stage, "done", "done", TRUE);
	look(&stage);
	turn(100);
	g_assert_cmpstr(asked->str, ==, "shutdown ");
	carry_stopped(stage.carry, PAGES_VM); /* of no order's concern any more */
	g_assert_cmpstr(asked->str, ==, "shutdown ");
	stage_clear(&stage);
}

static void fail_move(const char *why)
{
	g_autoptr(GError) error = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_FAILED, why);

	moving(PAGES_VM, VIRT_MOVE_FAILED, 0, error, moving_data);
}

/* Its source may still be about to let go of the machine: a copy that is turned away there tries
 * again, for as long as it may, and says why it is still here. */
static void test_return_again(void)
{
	struct stage stage;

	stage_at(&stage, "return", FALSE, VIRT_PAUSED);
	g_assert_cmpstr(asked->str, ==, "move release ");
	fail_move("domain is already active");
	look(&stage);
	g_assert_cmpstr(asked->str, ==, "move release ");
	g_assert_cmpstr(told, ==, "return running: domain is already active");
	turn(50);
	look(&stage);
	g_assert_cmpstr(asked->str, ==, "move release move release ");
	put_state(&stage, VIRT_ABSENT);
	look(&stage);
	g_assert_cmpstr(told, ==, "return done");
	stage_clear(&stage);
}

/* A paused copy that cannot go back in its time is ended; one that has run here is not, for its
 * memory is the only one. */
static void test_given_up(void)
{
	static const struct carry_patience brief = { .return_ms = 20, .again_ms = 10000 };
	static const enum virt_state states[] = { VIRT_PAUSED, VIRT_RUNNING };

	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		struct stage stage;

		stage_init(&stage);
		carry_set_patience(stage.carry, &brief);
		put_order(&stage, "return", "running", FALSE);
		put_state(&stage, states[i]);
		look(&stage);
		turn(60);
		g_assert_cmpstr(asked->str, ==,
			states[i] == VIRT_PAUSED ? "move release abort destroy " : "move release ");
		stage_clear(&stage);
	}
}

/* A move away that fails because it was called off is not begun anew from here. */
static void test_called_off(void)
{
	struct stage stage;

	stage_at(&stage, "precopy", TRUE, VIRT_RUNNING);
	put_order(&stage, "return", "running", TRUE);
	look(&stage);
	fail_move("called off");
	turn(50);
	look(&stage);
	g_assert_cmpstr(asked->str, ==, "move abort abort ");
	g_assert_cmpstr(told, ==, "return done");
	stage_clear(&stage);
}

static void answer_dump(const char *uuid, unsigned n)
{
	g_autoptr(GArray) dumps = g_array_new(FALSE, FALSE, sizeof(struct enforce_dump));
	struct enforce_dump dump = { uuid, (char[]){ "[]" }, n };
	struct enforce_reply reply = { .dumps = dumps };

	g_array_append_val(dumps, dump);
	dumped(&reply, NULL, dumped_data);
}

/* Two members leave: their connections are asked for at once, when the second one has stopped, and
 * told of both, though the enforcer knows of one only. */
static void test_flows(void)
{
	static const char *const second = "22222222-2222-4333-8444-555555555555";
	struct stage stage;
	g_auto(facts_order) order = new_order("switch", "running");

	stage_init(&stage);
	enforcer = (struct enforce_client *)&stage; /* never looked into */
	add_member(order.members, PAGES_VM, TRUE, FALSE);
	add_member(order.members, second, TRUE, FALSE);
	add_member(order.members, "33333333-2222-4333-8444-555555555555", FALSE, FALSE);
	pages_add(stage.book, FACTS_ORDER, "vapp:shop", NULL, &order);
	put_state(&stage, VIRT_MOVING);
	g_hash_table_replace(stage.domains, (gpointer)second, &stage.domain);
	look(&stage);
	carry_stopped(stage.carry, PAGES_VM);
	look(&stage);
	g_assert_null(strstr(asked->str, "dump"));
	carry_stopped(stage.carry, second);
	look(&stage);
	g_assert_nonnull(strstr(asked->str, "dump-of-2 "));
	g_assert_null(strstr(asked->str, "connections"));
	g_string_truncate(asked, 0);
	answer_dump(second, 7);
	g_assert_nonnull(strstr(asked->str, "connections 7 "));
	g_assert_cmpuint(asked->len, ==, strlen("connections connections 7 "));
	g_string_truncate(asked, 0);

	/* one stops once more: what it has now is told, and the other's stands */
	carry_stopped(stage.carry, PAGES_VM);
	g_assert_cmpstr(asked->str, ==, "dump-of-1 ");
	/* the order is over before the enforcer answers: nobody wants to know */
	g_string_truncate(asked, 0);
	put_order(&stage, "done", "done", TRUE);
	look(&stage);
	answer_dump(PAGES_VM, 3);
	g_assert_cmpstr(asked->str, ==, "");
	enforcer = NULL;
	stage_clear(&stage);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strdup_printf("/carry/row/%zu-%s", i, rows[i].phase);

		g_test_add_data_func(path, &rows[i], test_row);
	}
	g_test_add_func("/carry/stays", test_stays);
	g_test_add_func("/carry/protect", test_protect);
	g_test_add_func("/carry/not-under-way", test_not_under_way);
	g_test_add_func("/carry/failure", test_failure);
	g_test_add_func("/carry/shutdown", test_shutdown);
	g_test_add_func("/carry/return-again", test_return_again);
	g_test_add_func("/carry/called-off", test_called_off);
	g_test_add_func("/carry/flows", test_flows);
	g_test_add_func("/carry/given-up", test_given_up);
	return g_test_run();
}
