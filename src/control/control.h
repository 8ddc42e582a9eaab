#pragma once
/* drover-control: keeps the world from the map, judges it, turns packages into intents and requests
 * into orders.
 *
 *   map ──results──> world ──touched──> judge ──> clearances ─┐
 *                      ├── packages ──> intents ──────────────┼──> one publish ──> map
 *                      └── requests, progress ──> orders ─────┘
 *
 * Every change of the map leads, a few milliseconds later, to one run through the three, and what
 * they say goes out in one publish request. Nothing but the keys lives outside the map. Runs on the
 * default GMainContext.
 */
#include "base/conf.h"
#include "ifmap/conf.h"

struct control_conf {
	struct ifmap_conf map;
	char *seal_key;    /* file: PEM private key */
	char *seal_public; /* file: its public key */
	char *user;
	char *serial;       /* pattern of serial console files */
	char *devices_file; /* file with an XML fragment for every machine */
};

extern const struct base_conf_option CONTROL_OPTIONS[];

struct control;

struct control *control_new(const struct control_conf *conf, GError **error);
/* The same with a client that has not been started; takes it. */
struct control *control_new_with(
	const struct control_conf *conf, struct ifmap_client *client, GError **error);
void control_free(struct control *control);
