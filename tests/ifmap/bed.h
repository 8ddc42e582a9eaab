#pragma once
/* A server that does what a test wants (fakemap.h), a client of it, and what the client's callbacks
 * were told. The client is not started. All of it lives in the test's thread.
 */
#include <drover/ifmap.h>

#include "fakemap.h"

/* Patience of blocking calls. */
#define SYNC_MS 5000U

struct bed {
	struct fake_map *map;
	struct ifmap_client *client;
	unsigned n_up;
	unsigned n_down;
	unsigned n_results;
	unsigned n_lost; /* subscriptions given up */
	unsigned n_done;
	unsigned n_failed;
	unsigned n_refused;
	GString *log; /* one letter a result: kind */
};

void bed_init(struct bed *bed, enum fake_manner manner);
/* Frees the client unless it is NULL. */
void bed_clear(struct bed *bed);
/* How to reach the server; borrows from `map`. */
struct ifmap_client_config bed_config(struct fake_map *map);

/* Callbacks for the client that count; `data` is the bed. */
void bed_on_state(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data);
void bed_on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data);
void bed_on_done(struct ifmap_client *client, const GError *error, gpointer data);

/* "one" on ip 1; single-valued it can be repeated, multi-valued not. */
struct ifmap_publish *bed_update(enum ifmap_cardinality cardinality);
/* Keeps {SAMPLE_NS}`name` on ip 1: multi-valued with a slot; `text` NULL: no more. */
void bed_keep(struct bed *bed, const char *name, const char *slot, const char *text);
/* The subscription "watch" around ip 1. */
void bed_subscribe(struct bed *bed);
/* For fake_map_push(): the state of that subscription. */
#define SEARCH_RESULT                                                                                                   \
	"<pollResult><searchResult name=\"%s\"><resultItem><ip-address value=\"10.0.0.1\" type=\"IPv4\"/></resultItem>" \
	"</searchResult></pollResult>"

/* A port on which something, or nothing, listens and never answers; *ret_fd is to be closed. */
char *bed_silent_url(gboolean is_listening, int *ret_fd);
