#pragma once
/* drover-mapd's configuration: its rows for base/conf, and what can only be checked when all is
 * read.
 *
 * Limits are rows of map/limit.h, switches of the protocol those of ifmap/dialect.h. Clients have
 * groups of their own, "[client NAME]". Constant once read.
 */
#include "base/conf.h"
#include "ifmap/dialect.h"
#include "map/limit.h"
#include "map/policy.h"
#include "map/store.h"

struct map_config {
	char *address;     /* numeric; "::" takes both families */
	unsigned port;     /* 0: any free one */
	char *port_file;   /* where the chosen port is written; "": nowhere */
	char *certificate; /* PEM files */
	char *key;
	char *client_ca;       /* "": certificates are not asked for */
	char *priorities;      /* GnuTLS */
	char *password_file;   /* "": no Basic */
	char *rules;           /* rule file; "": what is built in */
	char *store;           /* database; "" keeps nothing */
	char *metrics_address; /* ADDRESS:PORT of the plain listener for figures; "": none */
	char *user;            /* to become when started as root; "": stay */
	unsigned threads;      /* workers; 0: one per processor, at least 2 */
	struct map_retention retention;
	struct ifmap_dialect dialect;
	struct map_limits limits;
	GHashTable *clients; /* name -> struct map_client_config * */
};

/* "[client NAME]": a client without one has every default. */
struct map_client_config {
	gboolean read_only;
	gboolean purge_others;
	gboolean admin;
	gboolean metrics;
};

extern const struct base_conf_option MAP_CONFIG_OPTIONS[];

/* Can a server be made of it? The error names the keys. */
gboolean map_config_check(const struct map_config *config, GError **error);

/* Whether it may read the figures of the server. */
gboolean map_config_may_read_metrics(const struct map_config *config, const char *client);
/* Set of enum map_right. */
unsigned map_config_rights(const struct map_config *config, const char *client);
