#include "duel.h"

#include "floor.h"
#include "meter.h"

/* One side while it is played. */
struct side {
	const struct duel *duel;
	struct load *load;
	GPid pid;
	GPtrArray *clients; /* struct client * */
	gboolean over;      /* nothing more is sent */
	unsigned n_answers;
	unsigned n_under_way;
	GBytes *answer; /* the first one */
};

struct client {
	struct side *side;
	struct actor *actor; /* NULL at the floor */
	struct load_peer *peer;
	struct form *form; /* borrowed at the floor */
};

static void send_next(struct client *client)
{
	const struct duel *duel = client->side->duel;
	unsigned ip;
	unsigned mac;

	duel->next(duel->data, &ip, &mac);
	load_send(client->peer, form_fill(client->form, ip, mac));
	client->side->n_under_way++;
}

static void on_answer(struct load_peer *peer, const char *body, gsize size, gpointer data)
{
	struct client *client = data;
	struct side *side = client->side;

	(void)peer;
	side->n_answers++;
	side->n_under_way--;
	if (!side->answer)
		side->answer = g_bytes_new(body, size);
	if (!side->over)
		send_next(client);
}

static void side_init(struct side *side, const struct duel *duel, GPid pid)
{
	*side = (struct side){ .duel = duel, .load = load_new(), .pid = pid };
	side->clients = g_ptr_array_new_with_free_func(g_free);
}

static void side_clear(struct side *side)
{
	for (guint i = 0; i < side->clients->len; i++) {
		struct client *client = g_ptr_array_index(side->clients, i);

		if (!client->actor) {
			load_close(client->peer);
			continue;
		}
		form_free(client->form);
		actor_free(client->actor);
	}
	g_ptr_array_unref(side->clients);
	if (side->answer)
		g_bytes_unref(side->answer);
	load_free(side->load);
}

static struct client *add_client(struct side *side)
{
	struct client *client = g_new0(struct client, 1);

	client->side = side;
	g_ptr_array_add(side->clients, client);
	return client;
}

static void enter_mapd(struct side *side)
{
	const struct duel *duel = side->duel;

	for (unsigned i = 0; i < duel->n_clients; i++) {
		struct client *client = add_client(side);

		client->actor = actor_new(
			side->load, duel->server->port, duel->first_actor + i, on_answer, client);
		client->peer = client->actor->peer;
		client->form = duel->write(client->actor, duel->data);
	}
}

static void enter_floor(struct side *floor, const struct side *mapd, unsigned port)
{
	for (guint i = 0; i < mapd->clients->len; i++) {
		struct client *client = add_client(floor);

		client->form = ((struct client *)g_ptr_array_index(mapd->clients, i))->form;
		client->peer = load_connect(floor->load, port, on_answer, client);
	}
}

static void play_round(struct side *side, struct duel_side *best)
{
	struct meter meter;

	side->over = FALSE;
	side->n_answers = 0;
	meter_start(&meter, side->pid);
	for (guint i = 0; i < side->clients->len; i++)
		send_next(g_ptr_array_index(side->clients, i));
	load_run(side->load, side->duel->bench->seconds);
	side->over = TRUE;
	load_wait(side->load, &side->n_under_way);
	meter_stop(&meter);
	double cpu_us = meter.cpu_s * 1e6 / side->n_answers;
	double rate = side->n_answers / meter.wall_s;
	best->cpu_us = best->n_requests > 0 ? MIN(best->cpu_us, cpu_us) : cpu_us;
	best->rate = MAX(best->rate, rate);
	best->n_requests += side->n_answers;
	best->cpu_s += meter.cpu_s;
}

static struct floor *open_floor(const struct duel *duel, GBytes *answer)
{
	gsize size;
	const char *body = g_bytes_get_data(answer, &size);

	return floor_open(duel->server, duel->bench->n_threads, body, size);
}

void duel_play(const struct duel *duel, struct duel_side *ret_mapd, struct duel_side *ret_floor,
	gsize *ret_size)
{
	struct floor *floor = NULL;
	struct side mapd;
	struct side below;

	*ret_mapd = (struct duel_side){ 0 };
	side_init(&mapd, duel, duel->server->pid);
	enter_mapd(&mapd);
	play_round(&mapd, ret_mapd);
	if (ret_floor) {
		floor = open_floor(duel, mapd.answer);
		*ret_floor = (struct duel_side){ 0 };
		side_init(&below, duel, floor->pid);
		enter_floor(&below, &mapd, floor->port);
	}
	for (unsigned i = 1; i <= duel->bench->n_rounds; i++) {
		if (ret_floor)
			play_round(&below, ret_floor);
		if (i < duel->bench->n_rounds)
			play_round(&mapd, ret_mapd);
	}
	if (ret_size)
		*ret_size = g_bytes_get_size(mapd.answer);
	if (ret_floor)
		side_clear(&below);
	side_clear(&mapd);
	floor_close(floor);
}
