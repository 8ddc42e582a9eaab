#include "host/windows.h"

#include <string.h>

/* The three windows on the map that a host needs; each is one subscription and one mirror. */
static const struct window {
	const char *name;
	gboolean from_fleet; /* starts at the fleet, else at this host */
	unsigned depth;
	const char *match_links;
	const char *result_filter;
} table[] = {
	/* which machines are claimed by a vApp, here or anywhere */
	{ "claims", TRUE, 2, "d:in-fleet or d:member-of", "d:member-of" },
	/* what concerns the machines reserved for this host */
	{ "mine", FALSE, 2, "d:reservation or d:conntrack or d:member-of",
		"d:reservation or d:conntrack or d:member-of or d:protection or d:definition or d:label or d:order" },
	/* what is thought of this host as a place to run */
	{ "verdicts", FALSE, 1, "d:clearance", "d:clearance" },
};
#define N_WINDOWS G_N_ELEMENTS(table)

#define NEWS_MS 1000 /* how long what binds nobody may be missing on disk */

struct windows {
	windows_changed_fn changed;
	gpointer data;
	char *book_path;
	char *host_uuid; /* NULL until opened */
	struct ifmap_client *client;
	struct ifmap_mirror *mirrors[N_WINDOWS];
	gboolean filled[N_WINDOWS]; /* the first result of this window has come */
	gboolean heard;             /* all have been filled once */
	struct book *book;
	guint saving; /* pending */
};

static gboolean all_filled(const struct windows *windows)
{
	for (size_t i = 0; i < N_WINDOWS; i++)
		if (!windows->filled[i])
			return FALSE;
	return TRUE;
}

/* ---- the book ---- */

struct filling {
	const struct windows *windows;
	struct book *book;
};

static void on_mirrored(const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, gpointer data)
{
	struct filling *filling = data;

	book_add(filling->book, filling->windows->host_uuid, a, b, meta);
}

static gboolean save(gpointer data)
{
	struct windows *windows = data;
	g_autoptr(GError) error = NULL;

	if (windows->saving)
		g_source_remove(windows->saving);
	windows->saving = 0;
	if (!book_save(windows->book, windows->book_path, &error))
		g_warning(
			"the last known intents could not be kept: %s; they hold until the next restart",
			error->message);
	return G_SOURCE_REMOVE;
}

/* A sync takes milliseconds, of which the gap of a move is made: only what binds us waits for it.
 */
static void turn_page(struct windows *windows)
{
	struct filling filling = { windows, book_new() };
	enum book_change change;

	for (size_t i = 0; i < N_WINDOWS; i++)
		ifmap_mirror_foreach(windows->mirrors[i], on_mirrored, &filling);
	change = book_compare(windows->book, filling.book);
	if (change == BOOK_SAME) {
		book_free(filling.book);
		return;
	}
	book_free(windows->book);
	windows->book = filling.book;
	if (change == BOOK_INTENTS)
		save(windows);
	else if (!windows->saving)
		windows->saving = g_timeout_add(NEWS_MS, save, windows);
	windows->changed(windows->data);
}

/* ---- the subscriptions ---- */

static void on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct windows *windows = data;

	if (!result) {
		g_warning("the map gave a subscription up and it was renewed: %s", error->message);
		return;
	}
	for (size_t i = 0; i < N_WINDOWS; i++) {
		if (strcmp(table[i].name, result->name) != 0)
			continue;
		ifmap_mirror_apply(windows->mirrors[i], result);
		windows->filled[i] = TRUE;
	}
	/* Half a picture is worse than yesterday's. */
	if (!all_filled(windows))
		return;
	if (!windows->heard)
		windows->changed(windows->data);
	windows->heard = TRUE;
	turn_page(windows);
}

static void on_state(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data)
{
	struct windows *windows = data;

	if (state == IFMAP_CLIENT_UP)
		g_message("map: session stands");
	else
		g_warning("map: %s; going on with the last known intents",
			why ? why->message : "not connected");
	if (state != IFMAP_CLIENT_UP)
		memset(windows->filled, 0, sizeof(windows->filled));
}

static void subscribe(struct windows *windows, const struct window *window)
{
	g_autoptr(ifmap_id) start = window->from_fleet ? facts_id_fleet()
						       : facts_id_device(windows->host_uuid, NULL);
	struct ifmap_search search = {
		.start = start,
		.max_depth = window->depth,
		.max_size = WINDOWS_SIZE_MAX,
		.match_links = window->match_links,
		.result_filter = window->result_filter,
	};

	ifmap_client_subscribe(windows->client, window->name, &search, on_result, windows);
}

void windows_open(struct windows *windows, struct ifmap_client *client, const char *host_uuid)
{
	windows->client = client;
	windows->host_uuid = g_strdup(host_uuid);
	for (size_t i = 0; i < N_WINDOWS; i++)
		subscribe(windows, &table[i]);
	ifmap_client_start(client, on_state, windows);
}

/* ---- reading, life ---- */

const struct book *windows_book(const struct windows *windows)
{
	return windows->book;
}

gboolean windows_heard(const struct windows *windows)
{
	return windows->heard;
}

gboolean windows_fresh(const struct windows *windows)
{
	return all_filled(windows) && ifmap_client_state(windows->client) == IFMAP_CLIENT_UP;
}

struct windows *windows_new(
	const char *book_path, windows_changed_fn changed, gpointer data, GError **error)
{
	struct book *book = book_load(book_path, "", error);
	struct windows *windows;

	if (!book)
		return NULL;
	windows = g_new0(struct windows, 1);
	windows->changed = changed;
	windows->data = data;
	windows->book_path = g_strdup(book_path);
	windows->book = book;
	for (size_t i = 0; i < N_WINDOWS; i++)
		windows->mirrors[i] = ifmap_mirror_new();
	return windows;
}

void windows_free(struct windows *windows)
{
	if (!windows)
		return;
	for (size_t i = 0; i < N_WINDOWS; i++)
		ifmap_mirror_free(windows->mirrors[i]);
	if (windows->saving)
		save(windows);
	book_free(windows->book);
	g_free(windows->host_uuid);
	g_free(windows->book_path);
	g_free(windows);
}
