#include "scenario.h"

#include "equip.h"
#include "floor.h"
#include "meter.h"

#define TURN_S         0.05
#define PATIENCE_TURNS 1200

const struct scenario scenarios[] = {
	/* First, since what a reader costs in memory shows only in a server that has freed none. */
	{ "idle-polls", "one fact for the session, while polls are parked", SCENARIO_IDLE,
		equip_publish },
	{ "publish", "one fact for the session", SCENARIO_NO_READERS, equip_publish },
	{ "publish-forever", "one intent, durable before the answer", SCENARIO_NO_READERS,
		equip_publish_forever },
	{ "batch", "100 facts in one request", SCENARIO_NO_READERS, equip_batch },
	{ "search", "a host and its 20 machines", SCENARIO_NO_READERS, equip_search },
	{ "fan-out", "one fact, told to every subscriber", SCENARIO_TOLD, equip_hub },
	{ NULL, NULL, SCENARIO_NO_READERS, NULL },
};

/* One scenario under way. */
struct play {
	const struct scenario *scenario;
	const struct scenario_setting *setting;
	struct load *load;
	GPtrArray *workers; /* struct actor * */
	GPtrArray *readers;
	unsigned n_awaited; /* SCENARIO_TOLD: answers until the next publish */
	unsigned n_answers;
	GBytes *answer; /* the first one: what the floor will say */
};

unsigned scenario_n_actors(const struct scenario_setting *setting)
{
	return setting->n_clients + MAX(setting->n_idle, 1);
}

/* ---- against drover-mapd */

static void begin_round(struct play *play)
{
	play->n_awaited = play->readers->len + 1;
	actor_send(play->workers->pdata[0]);
}

static void on_answer(
	struct actor *actor, gboolean poll, const char *body, gsize size, gpointer data)
{
	struct play *play = data;
	gboolean told = play->scenario->readers == SCENARIO_TOLD;

	play->n_answers++;
	if (!play->answer && poll == told)
		play->answer = g_bytes_new(body, size);
	if (poll)
		actor_poll(actor);
	if (!told)
		actor_send(actor);
	else if (--play->n_awaited == 0)
		begin_round(play);
}

static struct actor *add_actor(struct play *play, GPtrArray *actors)
{
	struct actor *actor = actor_new(play->load, play->setting->server->port,
		play->workers->len + play->readers->len, on_answer, play);

	g_ptr_array_add(actors, actor);
	return actor;
}

static void add_workers(struct play *play)
{
	gboolean told = play->scenario->readers == SCENARIO_TOLD;
	unsigned n = told ? 1 : play->setting->n_clients;

	for (unsigned i = 0; i < n; i++)
		play->scenario->equip(add_actor(play, play->workers));
}

static unsigned n_readers(const struct play *play)
{
	switch (play->scenario->readers) {
	case SCENARIO_TOLD:
		return play->setting->n_clients;
	case SCENARIO_IDLE:
		return play->setting->n_idle;
	case SCENARIO_NO_READERS:
		break;
	}
	return 0;
}

static void add_readers(struct play *play)
{
	unsigned n = n_readers(play);

	for (unsigned i = 0; i < n; i++)
		equip_reader(add_actor(play, play->readers));
}

/* Serves until the time is over, and on a slow machine until there is something to count. */
static void run(struct play *play, GPid pid, struct scenario_figures *figures)
{
	struct meter meter;
	unsigned patience = PATIENCE_TURNS;

	meter_start(&meter, pid);
	load_run(play->load, play->setting->seconds);
	while (play->n_answers == 0 || !play->answer) {
		if (patience-- == 0)
			g_error("%s: no answer", play->scenario->name);
		load_run(play->load, TURN_S);
	}
	meter_stop(&meter);
	*figures = (struct scenario_figures){ play->n_answers, meter.wall_s, meter.cpu_s };
}

static void silence(gpointer actor, gpointer data)
{
	(void)data;
	((struct actor *)actor)->answered = NULL;
}

static void start_worker(gpointer actor, gpointer data)
{
	(void)data;
	actor_send(actor);
}

static void play_mapd(struct play *play, struct scenario_figures *figures)
{
	if (play->scenario->readers == SCENARIO_TOLD)
		begin_round(play);
	else
		g_ptr_array_foreach(play->workers, start_worker, NULL);
	run(play, play->setting->server->pid, figures);
	g_ptr_array_foreach(play->workers, silence, NULL);
	g_ptr_array_foreach(play->readers, silence, NULL);
}

/* ---- against the floor */

struct floor_client {
	struct load_peer *peer;
	struct play *play;
	struct actor *actor; /* whose requests it sends */
};

static void floor_send(struct floor_client *client)
{
	if (client->play->scenario->readers == SCENARIO_TOLD)
		load_send(client->peer, client->actor->poll_request);
	else
		load_send(client->peer, actor_next_request(client->actor));
}

static void on_floor_answer(struct load_peer *peer, const char *body, gsize size, gpointer data)
{
	struct floor_client *client = data;

	(void)peer;
	(void)body;
	(void)size;
	client->play->n_answers++;
	floor_send(client);
}

/* As many connections as drover-mapd had, asking the same. */
static GPtrArray *open_floor_clients(struct play *play, const struct floor *floor)
{
	GPtrArray *clients = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *actors = play->scenario->readers == SCENARIO_TOLD ? play->readers
								     : play->workers;

	for (unsigned i = 0; i < actors->len; i++) {
		struct floor_client *client = g_new0(struct floor_client, 1);

		client->play = play;
		client->actor = actors->pdata[i];
		client->peer = load_connect(play->load, floor->port, on_floor_answer, client);
		g_ptr_array_add(clients, client);
	}
	return clients;
}

static void play_floor(struct play *play, struct scenario_figures *figures)
{
	gsize size;
	const char *body = g_bytes_get_data(play->answer, &size);
	struct floor *floor = floor_open(
		play->setting->server, play->setting->n_threads, body, size);
	g_autoptr(GPtrArray) clients = open_floor_clients(play, floor);

	play->n_answers = 0;
	for (unsigned i = 0; i < clients->len; i++)
		floor_send(clients->pdata[i]);
	run(play, floor->pid, figures);
	for (unsigned i = 0; i < clients->len; i++)
		load_close(((struct floor_client *)clients->pdata[i])->peer);
	floor_close(floor);
}

/* ---- both */

static gsize memory_size(const struct play *play)
{
	return meter_memory_size(play->setting->server->pid);
}

void scenario_play(const struct scenario *scenario, const struct scenario_setting *setting,
	struct scenario_result *ret_result)
{
	struct play play = { .scenario = scenario, .setting = setting, .load = load_new() };

	play.workers = g_ptr_array_new_with_free_func((GDestroyNotify)actor_free);
	play.readers = g_ptr_array_new_with_free_func((GDestroyNotify)actor_free);
	*ret_result = (struct scenario_result){ .answer_size = 0 };
	add_workers(&play);
	gsize before_size = memory_size(&play);
	add_readers(&play);
	ret_result->n_readers = play.readers->len;
	if (scenario->readers == SCENARIO_IDLE && play.readers->len > 0)
		ret_result->parked_size = (MAX(memory_size(&play), before_size) - before_size) /
					  play.readers->len;
	play_mapd(&play, &ret_result->mapd);
	play_floor(&play, &ret_result->floor);
	ret_result->answer_size = g_bytes_get_size(play.answer);
	g_ptr_array_unref(play.workers);
	g_ptr_array_unref(play.readers);
	g_bytes_unref(play.answer);
	load_free(play.load);
}
