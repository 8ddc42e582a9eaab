#include "map/config.h"

#include <string.h>

G_DEFINE_QUARK(map - config - error, map_config_error)

enum kind {
	TEXT,     /* char * */
	NUMBER,   /* unsigned */
	QUANTITY, /* size_t, bytes */
};

struct key {
	const char *group;
	const char *name;
	enum kind kind;
	size_t offset;
	guint64 min, max;
	const char *initial; /* TEXT: default, NULL for none */
	const char *meaning;
};

#define AT(member)    offsetof(struct map_config, member)
#define LIMIT(member) offsetof(struct map_config, limits.member)
#define GIB           (1ULL << 30)

static const struct key keys[] = {
	{ "server", "address", TEXT, AT(address), 0, 0,
		"::", "numeric address to listen on; :: is IPv4 too" },
	{ "server", "port", NUMBER, AT(port), 0, 65535, "8443", "TCP port; 0 takes a free one" },
	{ "server", "port-file", TEXT, AT(port_file), 0, 0, NULL,
		"file that gets the port number" },
	{ "server", "certificate", TEXT, AT(certificate), 0, 0, "/etc/drover/mapd.crt",
		"PEM chain shown to clients" },
	{ "server", "key", TEXT, AT(key), 0, 0, "/etc/drover/mapd.key", "its PEM key" },
	{ "server", "client-ca", TEXT, AT(client_ca), 0, 0, NULL,
		"PEM authorities that sign client certificates" },
	{ "server", "tls-priorities", TEXT, AT(priorities), 0, 0,
		"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", "GnuTLS priority string" },
	{ "server", "password-file", TEXT, AT(password_file), 0, 0, NULL,
		"lines made by --hash-password" },
	{ "server", "store", TEXT, AT(store), 0, 0, "/var/lib/drover/map.sqlite",
		"database of what must survive; empty: nothing does" },
	{ "server", "user", TEXT, AT(user), 0, 0, NULL, "account to become when started as root" },
	{ "server", "threads", NUMBER, AT(threads), 0, 1024, "0", "workers; 0: one per processor" },
	{ "limits", "body", QUANTITY, LIMIT(max_body), 1000, GIB, NULL,
		"bytes of one request, inflated" },
	{ "limits", "identifier", QUANTITY, LIMIT(max_identifier), 1000, GIB, NULL,
		"bytes of one identifier" },
	{ "limits", "metadata", QUANTITY, LIMIT(max_metadata), 1000, GIB, NULL,
		"bytes of one metadata element" },
	{ "limits", "operations", NUMBER, LIMIT(max_operations), 1, 10000000, NULL,
		"children of one publish or subscribe" },
	{ "limits", "search-depth", NUMBER, LIMIT(max_search_depth), 1, 1000000, NULL,
		"links; larger requests are clamped" },
	{ "limits", "search-size", QUANTITY, LIMIT(max_search_size), 100000, 4 * GIB, NULL,
		"bytes; larger requests are clamped" },
	{ "limits", "poll-size", QUANTITY, LIMIT(max_poll_size), 5000000, 4 * GIB, NULL,
		"bytes of pending results; larger requests are clamped" },
	{ "limits", "subscriptions", NUMBER, LIMIT(max_subscriptions), 1, 1000000, NULL,
		"of one session" },
	{ "limits", "stored", QUANTITY, LIMIT(max_stored), 1000, 1024 * GIB, NULL,
		"bytes of metadata standing per client" },
	{ "limits", "types", NUMBER, LIMIT(max_types), 22, 1000000, NULL,
		"metadata types remembered" },
	{ "limits", "connections", NUMBER, LIMIT(max_connections), 2, 1000000, NULL,
		"TCP connections" },
	{ "limits", "session-timeout", NUMBER, LIMIT(session_timeout_s), 1, 86400, NULL,
		"seconds a session lives without a connection" },
	{ "limits", "handshake-timeout", NUMBER, LIMIT(handshake_timeout_s), 1, 3600, NULL,
		"seconds a peer may be silent before it has authenticated" },
};

static const struct {
	const char *name;
	enum map_right right;
	const char *meaning;
} rights_table[] = {
	{ "read-only", MAP_RIGHT_READ_ONLY, "may search and subscribe, not publish or purge" },
	{ "may-purge-others", MAP_RIGHT_PURGE_OTHERS, "may purge another publisher's metadata" },
	{ "admin", MAP_RIGHT_ADMIN, "may write identities of MAP clients and their tasks" },
};

#define CLIENT_GROUP "client "

static gboolean fail(
	GError **error, const char *file, const char *group, const char *key, const char *why)
{
	g_set_error(error, MAP_CONFIG_ERROR, 0, "%s: [%s] %s: %s", file, group, key, why);
	return FALSE;
}

static gpointer place(struct map_config *config, const struct key *key)
{
	return (char *)config + key->offset;
}

static gboolean assign(struct map_config *config, const struct key *key, const char *text)
{
	guint64 number = 0;

	if (key->kind == TEXT) {
		char **member = place(config, key);
		g_free(*member);
		*member = g_strdup(text);
		return TRUE;
	}
	if (!g_ascii_string_to_unsigned(text, 10, key->min, key->max, &number, NULL))
		return FALSE;
	if (key->kind == NUMBER)
		*(unsigned *)place(config, key) = (unsigned)number;
	else
		*(size_t *)place(config, key) = number;
	return TRUE;
}

static const struct key *find_key(const char *group, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (g_str_equal(keys[i].group, group) && g_str_equal(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static gboolean read_client(struct map_config *config, GKeyFile *file, const char *group,
	const char *path, GError **error)
{
	g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, NULL);
	unsigned rights = 0;

	for (unsigned i = 0; names && names[i]; i++) {
		size_t at = 0;
		while (at < G_N_ELEMENTS(rights_table) &&
			!g_str_equal(rights_table[at].name, names[i]))
			at++;
		if (at == G_N_ELEMENTS(rights_table))
			return fail(error, path, group, names[i], "no such key");
		g_autoptr(GError) why = NULL;
		if (g_key_file_get_boolean(file, group, names[i], &why))
			rights |= rights_table[at].right;
		else if (why)
			return fail(error, path, group, names[i], "is neither true nor false");
	}
	g_hash_table_replace(
		config->rights, g_strdup(group + strlen(CLIENT_GROUP)), GUINT_TO_POINTER(rights));
	return TRUE;
}

static gboolean read_group(struct map_config *config, GKeyFile *file, const char *group,
	const char *path, GError **error)
{
	if (g_str_has_prefix(group, CLIENT_GROUP))
		return read_client(config, file, group, path, error);
	g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, NULL);
	for (unsigned i = 0; names && names[i]; i++) {
		const struct key *key = find_key(group, names[i]);
		g_autofree char *text = g_key_file_get_string(file, group, names[i], NULL);
		if (!key)
			return fail(error, path, group, names[i], "no such key");
		if (!text || !assign(config, key, text))
			return fail(error, path, group, names[i], "not a value this key can have");
	}
	return TRUE;
}

static struct map_config *config_new(void)
{
	struct map_config *config = g_new0(struct map_config, 1);
	config->limits = map_limits_default;
	config->rights = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].initial)
			assign(config, &keys[i], keys[i].initial);
	return config;
}

static gboolean read_file(struct map_config *config, const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();

	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "%s: ", path);
		return FALSE;
	}
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
	for (unsigned i = 0; groups[i]; i++)
		if (!read_group(config, file, groups[i], path, error))
			return FALSE;
	return TRUE;
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* mapd.conf -> mapd.conf.d: its *.conf, in order of name; no such folder is no error. */
static gboolean read_folder(struct map_config *config, const char *path, GError **error)
{
	g_autofree char *folder = g_strconcat(path, ".d", NULL);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".conf"))
			g_ptr_array_add(files, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(files, by_name);
	for (guint i = 0; i < files->len; i++)
		if (!read_file(config, g_ptr_array_index(files, i), error))
			return FALSE;
	return TRUE;
}

struct map_config *map_config_load(const char *path, GError **error)
{
	g_autoptr(map_config) config = config_new();

	if (!read_file(config, path, error) || !read_folder(config, path, error))
		return NULL;
	if (!config->password_file && !config->client_ca) {
		fail(error, path, "server", "password-file",
			"neither this nor client-ca is set: nobody could log in");
		return NULL;
	}
	return g_steal_pointer(&config);
}

void map_config_free(struct map_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].kind == TEXT)
			g_free(*(char **)place(config, &keys[i]));
	g_hash_table_unref(config->rights);
	g_free(config);
}

unsigned map_config_rights(const struct map_config *config, const char *client)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(config->rights, client));
}

static void describe_value(const struct map_config *config, const struct key *key, GString *out)
{
	gconstpointer member = (const char *)config + key->offset;
	if (key->kind == TEXT)
		g_string_append(out, key->initial ? key->initial : "");
	else if (key->kind == NUMBER)
		g_string_append_printf(out, "%u", *(const unsigned *)member);
	else
		g_string_append_printf(out, "%zu", *(const size_t *)member);
}

char *map_config_describe(void)
{
	g_autoptr(map_config) config = config_new();
	GString *out = g_string_new(NULL);
	const char *group = "";

	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (!g_str_equal(group, keys[i].group))
			g_string_append_printf(out, "[%s]\n", keys[i].group);
		group = keys[i].group;
		g_string_append_printf(out, "# %s\n#%s=", keys[i].meaning, keys[i].name);
		describe_value(config, &keys[i], out);
		g_string_append_c(out, '\n');
	}
	g_string_append(out, "[client NAME]\n");
	for (size_t i = 0; i < G_N_ELEMENTS(rights_table); i++)
		g_string_append_printf(
			out, "# %s\n#%s=false\n", rights_table[i].meaning, rights_table[i].name);
	return g_string_free(out, FALSE);
}
