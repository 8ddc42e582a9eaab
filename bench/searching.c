/* The work that searches, in graphs of ten times the size each. */
#include "duel.h"
#include "links.h"
#include "meter.h"
#include "work.h"

#define SMALLEST   1000
#define PATIENCE_S 60

struct stars {
	unsigned n;
	GRand *random;
};

static struct form *write_search(const struct actor *actor, gpointer data)
{
	(void)data;
	return links_write_search(actor);
}

static void next_search(gpointer data, unsigned *ret_ip, unsigned *ret_mac)
{
	struct stars *stars = data;

	*ret_ip = (unsigned)g_rand_int_range(stars->random, 0, (gint32)stars->n) * IPS_OF_STAR;
	*ret_mac = 0;
}

static void report(struct bench *bench, const struct stars *stars, const struct duel_side *mapd,
	const struct duel_side *floor, gsize size)
{
	g_autofree char *name = g_strdup_printf(
		"CPU over the floor's, %u links", stars->n * LINKS_OF_STAR);
	gboolean largest = stars->n * LINKS_OF_STAR == bench->n_links_max;

	work_report(bench,
		&(struct work_figure){ name, mapd->cpu_us / floor->cpu_us, "", 2,
			largest ? WORK_AT_MOST : WORK_NO_GOAL, 2.5 },
		g_strdup_printf("%.1f µs a request, floor %.1f µs; answers of %zu bytes",
			mapd->cpu_us, floor->cpu_us, size));
}

void work_search(struct bench *bench)
{
	struct server *server = work_server(bench, bench->n_clients + 1, NULL);
	struct load *load = load_new();
	struct actor *builder = actor_new(load, server->port, bench->n_clients, NULL, NULL);
	struct stars stars = { .n = 0, .random = g_rand_new_with_seed(1) };
	const struct duel duel = { bench, server, 0, bench->n_clients, write_search, next_search,
		&stars };

	for (unsigned n_links = SMALLEST; n_links <= bench->n_links_max; n_links *= 10) {
		struct duel_side mapd;
		struct duel_side floor;
		gsize size;

		links_lay_stars(builder, stars.n, n_links / LINKS_OF_STAR - stars.n);
		stars.n = n_links / LINKS_OF_STAR;
		meter_wait_idle(server->pid, PATIENCE_S);
		duel_play(&duel, &mapd, &floor, &size);
		report(bench, &stars, &mapd, &floor, size);
	}
	g_rand_free(stars.random);
	actor_free(builder);
	load_free(load);
	server_free(server);
}
