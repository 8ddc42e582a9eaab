/* The works that publish: alone, durably, in batches, beside many subscriptions. */
#include "duel.h"
#include "links.h"
#include "work.h"

#define BATCH     100
#define FOLLOWERS 10 /* who have the subscriptions that are not touched */

/* A publish of so many links that no request before it had. */
struct stream {
	unsigned n_links;
	enum ifmap_lifetime lifetime;
	unsigned n_sent;
};

static struct form *write_stream(const struct actor *actor, gpointer data)
{
	const struct stream *stream = data;

	return links_write(actor, stream->n_links, stream->lifetime);
}

static void next_of_stream(gpointer data, unsigned *ret_ip, unsigned *ret_mac)
{
	struct stream *stream = data;

	*ret_ip = *ret_mac = stream->n_sent;
	stream->n_sent += stream->n_links;
}

static struct duel duel_of(struct bench *bench, struct server *server, struct stream *stream)
{
	return (struct duel){
		.bench = bench,
		.server = server,
		.n_clients = bench->n_clients,
		.write = write_stream,
		.next = next_of_stream,
		.data = stream,
	};
}

static char *describe(const struct duel_side *mapd, const struct duel_side *floor)
{
	return g_strdup_printf("%.1f µs a request, floor %.1f µs; %.0f/s, floor %.0f/s",
		mapd->cpu_us, floor->cpu_us, mapd->rate, floor->rate);
}

/* A duel as the server is installed, or without history, which other servers do not have either. */
static void play(struct bench *bench, unsigned n_links, const char *extra,
	struct duel_side *ret_mapd, struct duel_side *ret_floor)
{
	struct server *server = work_server(bench, bench->n_clients, extra);
	struct stream stream = { .n_links = n_links, .lifetime = IFMAP_LIFETIME_SESSION };
	const struct duel duel = duel_of(bench, server, &stream);

	duel_play(&duel, ret_mapd, ret_floor, NULL);
	server_free(server);
}

static const struct {
	const char *name;
	const char *extra;
} variants[] = { { "", NULL }, { ", without history", "[history]\ndays=0\n" } };

void work_publish(struct bench *bench)
{
	for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
		g_autofree char *name = g_strconcat(
			"CPU of a request, over the floor's", variants[i].name, NULL);
		struct duel_side mapd;
		struct duel_side floor;

		play(bench, 1, variants[i].extra, &mapd, &floor);
		work_report(bench,
			&(struct work_figure){
				name, mapd.cpu_us / floor.cpu_us, "", 2, WORK_AT_MOST, 2.0 },
			describe(&mapd, &floor));
	}
}

void work_batch(struct bench *bench)
{
	for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
		g_autofree char *name = g_strconcat(
			"updates a second and core", variants[i].name, NULL);
		struct duel_side mapd;
		struct duel_side floor;

		play(bench, BATCH, variants[i].extra, &mapd, &floor);
		work_report(bench,
			&(struct work_figure){
				name, BATCH * 1e6 / mapd.cpu_us, "/s", 0, WORK_AT_LEAST, 250000 },
			describe(&mapd, &floor));
	}
}

/* Both lifetimes in turns, so that a slow moment of the machine meets both. */
void work_durable(struct bench *bench)
{
	struct server *server = work_server(bench, bench->n_durable_clients, NULL);
	struct stream session = { .n_links = 1, .lifetime = IFMAP_LIFETIME_SESSION };
	struct stream forever = { .n_links = 1, .lifetime = IFMAP_LIFETIME_FOREVER };
	struct bench once = *bench;
	double rate[2] = { 0, 0 };
	double cpu_us = G_MAXDOUBLE;

	once.n_rounds = 1;
	for (unsigned i = 0; i < 2 * bench->n_rounds; i++) {
		struct stream *stream = i % 2 == 0 ? &session : &forever;
		struct duel duel = duel_of(&once, server, stream);
		struct duel_side side;

		stream->n_sent = MAX(session.n_sent, forever.n_sent);
		duel.n_clients = bench->n_durable_clients;
		duel_play(&duel, &side, NULL, NULL);
		rate[i % 2] = MAX(rate[i % 2], side.rate);
		if (stream == &forever)
			cpu_us = MIN(cpu_us, side.cpu_us);
	}
	work_report(bench,
		&(struct work_figure){ "rate, of that with session lifetime", rate[1] / rate[0], "",
			2, WORK_AT_LEAST, 0.5 },
		g_strdup_printf("%u clients: %.0f/s, for the session %.0f/s; %.1f µs a request",
			bench->n_durable_clients, rate[1], rate[0], cpu_us));
	server_free(server);
}

/* ---- beside subscriptions */

static struct actor *add_follower(
	const struct server *server, struct load *load, unsigned number, unsigned n)
{
	struct actor *actor = actor_new(load, server->port, number, NULL, NULL);
	g_autoptr(GPtrArray)
		starts = g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_id_unref);
	g_autofree struct ifmap_search *searches = g_new0(struct ifmap_search, n);

	for (unsigned i = 0; i < n; i++) {
		g_ptr_array_add(starts, form_ip(number * n + i));
		searches[i] = links_at(g_ptr_array_index(starts, i));
	}
	links_lay(actor, number * n, n);
	actor_subscribe(actor, searches, n);
	return actor;
}

static double publish_cost(struct bench *bench, struct server *server, struct stream *stream)
{
	struct duel duel = duel_of(bench, server, stream);
	struct duel_side side;

	duel.first_actor = FOLLOWERS;
	duel_play(&duel, &side, NULL, NULL);
	return side.cpu_us;
}

void work_untouched(struct bench *bench)
{
	struct server *server = work_server(bench, FOLLOWERS + bench->n_clients, NULL);
	struct stream stream = { .n_links = 1, .n_sent = FORM_N_ADDRESSES / 2 };
	g_autoptr(GPtrArray) followers = g_ptr_array_new_with_free_func((GDestroyNotify)actor_free);
	struct load *load = load_new();
	double before = publish_cost(bench, server, &stream);

	for (unsigned i = 0; i < FOLLOWERS; i++)
		g_ptr_array_add(followers,
			add_follower(server, load, i, bench->n_subscriptions / FOLLOWERS));
	double beside = publish_cost(bench, server, &stream);
	g_ptr_array_set_size(followers, 0); /* sessions end when they hang up in a poll */
	server_settle(server);
	double after = publish_cost(bench, server, &stream);
	work_report(bench,
		&(struct work_figure){ "CPU of a request, over that with none",
			2 * beside / (before + after), "", 2, WORK_AT_MOST, 1.1 },
		g_strdup_printf("%u subscriptions: %.1f µs; none before %.1f µs, after %.1f µs",
			bench->n_subscriptions, beside, before, after));
	load_free(load);
	server_free(server);
}
