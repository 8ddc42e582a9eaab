/* The work that tells a thousand subscribers of one publish. */
#include "links.h"
#include "meter.h"
#include "work.h"

/* Subscribers of one IP address, and the publisher of its link. */
struct audience {
	struct server *server;
	struct load *load;
	GPtrArray *subscribers; /* struct actor * */
	struct actor *publisher;
	unsigned n_awaited;
	double last_s; /* when the last poll was answered */
};

static void on_published(struct load_peer *peer, const char *body, gsize size, gpointer data)
{
	struct audience *audience = data;

	(void)peer;
	(void)body;
	(void)size;
	audience->n_awaited--;
}

static void on_told(struct actor *actor, const char *body, gsize size, gpointer data)
{
	struct audience *audience = data;

	(void)actor;
	(void)body;
	(void)size;
	audience->n_awaited--;
	audience->last_s = meter_now_s();
}

static void gather(struct audience *audience, unsigned n)
{
	g_autoptr(ifmap_id) start = form_ip(0);
	const struct ifmap_search search = links_at(start);

	audience->publisher = actor_new(
		audience->load, audience->server->port, 0, on_published, audience);
	for (unsigned i = 1; i <= n; i++) {
		struct actor *actor = actor_new(
			audience->load, audience->server->port, i, NULL, audience);

		actor->told = on_told;
		actor_subscribe(actor, &search, 1);
		g_ptr_array_add(audience->subscribers, actor);
	}
}

/* Milliseconds from the publish to the last poll's answer. */
static double tell(struct audience *audience, const char *request)
{
	server_settle(audience->server);
	audience->n_awaited = audience->subscribers->len + 1;
	double begun_s = meter_now_s();
	load_send(audience->publisher->peer, request);
	load_wait(audience->load, &audience->n_awaited);
	for (guint i = 0; i < audience->subscribers->len; i++)
		actor_poll(g_ptr_array_index(audience->subscribers, i));
	return (audience->last_s - begun_s) * 1000;
}

static int by_value(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static char *write_delete(const struct actor *actor)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(ifmap_id) ip = form_ip(0);
	g_autoptr(ifmap_id) mac = form_mac(0);

	ifmap_publish_delete(publish, ip, mac, NULL);
	return actor_write_publish(actor, publish);
}

static void measure(struct bench *bench, struct audience *audience)
{
	struct form *update = links_write(audience->publisher, 1, IFMAP_LIFETIME_SESSION);
	g_autofree char *delete = write_delete(audience->publisher);
	g_autofree double *took_ms = g_new(double, bench->n_tellings);
	unsigned last = bench->n_tellings - 1;
	struct meter meter;

	meter_start(&meter, audience->server->pid);
	for (unsigned i = 0; i <= last; i++)
		took_ms[i] = tell(audience, i % 2 == 0 ? form_fill(update, 0, 0) : delete);
	meter_stop(&meter);
	qsort(took_ms, bench->n_tellings, sizeof(*took_ms), by_value);
	work_report(bench,
		&(struct work_figure){ "p99 from publish to the last poll's answer",
			took_ms[last * 99 / 100], "ms", 1, WORK_AT_MOST, 50 },
		g_strdup_printf("%u subscribers, %u times: median %.1f ms, longest %.1f ms; "
				"%.1f ms CPU each",
			bench->n_told, bench->n_tellings, took_ms[last / 2], took_ms[last],
			meter.cpu_s * 1000 / bench->n_tellings));
	form_free(update);
}

void work_tell(struct bench *bench)
{
	struct audience audience = {
		.server = work_server(bench, bench->n_told + 1, NULL),
		.load = load_new(),
		.subscribers = g_ptr_array_new_with_free_func((GDestroyNotify)actor_free),
	};

	gather(&audience, bench->n_told);
	measure(bench, &audience);
	actor_free(audience.publisher);
	g_ptr_array_unref(audience.subscribers);
	load_free(audience.load);
	server_free(audience.server);
}
