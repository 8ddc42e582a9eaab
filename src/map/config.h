#pragma once
/* drover-mapd's configuration: one key file and the *.conf of the folder PATH.d after it
 * (later values win), read whole, checked, then used.
 *
 * One table holds every key with its type, place, default and meaning; it feeds the reader, the
 * check and --help. Unknown groups and keys are errors. Clients have groups of their own, "[client
 * NAME]". The result is constant.
 */
#include "map/limit.h"
#include "map/policy.h"

#define MAP_CONFIG_ERROR (map_config_error_quark())
GQuark map_config_error_quark(void);

#define MAP_CONFIG_FILE "/etc/drover/mapd.conf"

struct map_config {
	char *address;     /* numeric; "::" takes both families */
	unsigned port;     /* 0: any free one */
	char *port_file;   /* where the chosen port is written; NULL: nowhere */
	char *certificate; /* PEM files */
	char *key;
	char *client_ca;     /* NULL: certificates are not asked for */
	char *priorities;    /* GnuTLS */
	char *password_file; /* NULL: no Basic */
	char *store;         /* database; "" keeps nothing */
	char *user;          /* to become when started as root; NULL: stay */
	unsigned threads;    /* workers; 0: one per processor, at least 2 */
	struct map_limits limits;
	GHashTable *rights; /* client name -> GUINT_TO_POINTER(set of enum map_right) */
};

/* NULL and an error that names the file, group and key. */
struct map_config *map_config_load(const char *path, GError **error);
void map_config_free(struct map_config *config);
typedef struct map_config map_config;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_config, map_config_free)

unsigned map_config_rights(const struct map_config *config, const char *client);

/* All keys with defaults and meanings, as a commented file. */
char *map_config_describe(void);
