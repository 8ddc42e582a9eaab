#include "map/config.h"

#define SERVER(name, type, member, initial, what)                                               \
	{                                                                                       \
		"server", name, BASE_CONF_##type, offsetof(struct map_config, member), initial, \
			what                                                                    \
	}
#define CLIENT(name, member, what)                                                             \
	{                                                                                      \
		"client", name, BASE_CONF_BOOLEAN, offsetof(struct map_client_config, member), \
			"no", what                                                             \
	}
#define LIMIT(type, member, key, initial, min, max, what)                                         \
	{ "limits", #key, BASE_CONF_##type, offsetof(struct map_config, limits.member), #initial, \
		what, min, max },
#define QUOTA(member, key, initial, min, max, what)                                           \
	{ "limits", #key, BASE_CONF_NUMBER, offsetof(struct map_config, limits.quota.member), \
		#initial, what, min, max },

#define SWITCH(member, key, where, first, second, what)                                           \
	{ "protocol", #key, BASE_CONF_CHOICE, offsetof(struct map_config, dialect.member), first, \
		first " or " second ": " what " (" where ")",                                     \
		.choices = (const char *const[]){ first, second, NULL } },

static const struct base_conf_option client_options[] = {
	CLIENT("read-only", read_only, "may search and subscribe, not publish or purge"),
	CLIENT("may-purge-others", purge_others, "may purge another publisher's metadata"),
	CLIENT("may-read-metrics", metrics, "may read /metrics and /v1/top"),
	CLIENT("admin", admin, "may write identities of MAP clients and their tasks"),
	{ NULL },
};

const struct base_conf_option MAP_CONFIG_OPTIONS[] = {
	SERVER("address", STRING, address, "::", "numeric address to listen on; :: is IPv4 too"),
	{ "server", "port", BASE_CONF_COUNT, offsetof(struct map_config, port), "8443",
		"TCP port; 0 takes a free one", 0, 65535 },
	SERVER("port-file", STRING, port_file, "", "file that gets the port number"),
	SERVER("certificate", STRING, certificate, "/etc/drover/mapd.crt",
		"PEM chain shown to clients"),
	SERVER("key", STRING, key, "/etc/drover/mapd.key", "its PEM key"),
	SERVER("client-ca", STRING, client_ca, "",
		"PEM authorities that sign client certificates; empty: none is asked for"),
	SERVER("tls-priorities", STRING, priorities,
		"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", "GnuTLS priority string"),
	SERVER("password-file", STRING, password_file, "",
		"lines made by --hash-password; empty: no passwords; certificates of these names are refused"),
	SERVER("rules", STRING, rules, "",
		"rule file: who may read and write what (drover-mapd-rules.conf); empty: everybody everything"),
	SERVER("store", STRING, store, "/var/lib/drover-mapd/map.sqlite",
		"database of what must survive; empty: nothing does"),
	SERVER("metrics-address", STRING, metrics_address, "",
		"ADDRESS:PORT for GET /metrics in plain HTTP without log-in (127.0.0.1:9180); empty: none"),
	SERVER("user", STRING, user, "", "account to become when started as root"),
	{ "server", "threads", BASE_CONF_COUNT, offsetof(struct map_config, threads), "0",
		"workers; 0: one per processor", 0, 1024 },
	{ "history", "days", BASE_CONF_COUNT, offsetof(struct map_config, retention.days), "7",
		"how long it is remembered what was on the map; 0: not at all", 0, 36500 },
	{ "history", "size", BASE_CONF_NUMBER, offsetof(struct map_config, retention.size),
		"1073741824", "bytes of the store beyond which the oldest history goes", 1048576,
		1099511627776 },
	/* clang-format off */
	MAP_LIMITS(LIMIT)
	MAP_QUOTAS(QUOTA)
	IFMAP_DIALECT(SWITCH)
	/* clang-format on */
	{ "client", NULL, BASE_CONF_GROUP, offsetof(struct map_config, clients), NULL,
		"one section a client, NAME its name", .members = client_options,
		.member_size = sizeof(struct map_client_config) },
	{ NULL },
};

gboolean map_config_check(const struct map_config *config, GError **error)
{
	if (*config->password_file || *config->client_ca)
		return TRUE;
	g_set_error(error, BASE_CONF_ERROR, BASE_CONF_ERROR_VALUE,
		"[server] password-file: neither this nor client-ca is set: nobody could log in");
	return FALSE;
}

gboolean map_config_may_read_metrics(const struct map_config *config, const char *client)
{
	const struct map_client_config *found = g_hash_table_lookup(config->clients, client);

	return found && found->metrics;
}

unsigned map_config_rights(const struct map_config *config, const char *client)
{
	const struct map_client_config *found = g_hash_table_lookup(config->clients, client);

	if (!found)
		return 0;
	return (found->read_only ? MAP_RIGHT_READ_ONLY : 0U) |
	       (found->purge_others ? MAP_RIGHT_PURGE_OTHERS : 0U) |
	       (found->admin ? MAP_RIGHT_ADMIN : 0U);
}
