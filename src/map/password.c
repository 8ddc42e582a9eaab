#include "map/password.h"

#include <crypt.h>
#include <string.h>

#include "map/identity.h"

G_DEFINE_QUARK(map - password - error, map_password_error)

#define SCHEME "$y$"
/* Any hash of the usual cost. */
#define NOBODY SCHEME "j9T$rlkCo2pkBTYRBhMiXB9YL/$FGX0BRLp5XGz.cBzAUL0hEuYKMJRPRUJCBKvQ9.rB70"

gboolean map_equal_in_constant_time(gconstpointer a, gconstpointer b, size_t size)
{
	const guint8 *x = a;
	const guint8 *y = b;
	guint8 difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}

/* crypt(3) of the password, newly allocated, or NULL. */
static char *hash_with(const char *password, const char *setting)
{
	/* Too large for a worker's stack. */
	g_autofree struct crypt_data *data = g_new0(struct crypt_data, 1);
	const char *hash = crypt_r(password, setting, data);
	char *result = hash && *hash != '*' ? g_strdup(hash) : NULL;

	explicit_bzero(data, sizeof(*data));
	return result;
}

gboolean map_password_matches(const char *hash, const char *password)
{
	g_autofree char *found = hash_with(password, hash ? hash : NOBODY);

	return hash && found && strlen(found) == strlen(hash) &&
	       map_equal_in_constant_time(found, hash, strlen(hash));
}

static gboolean is_name(const char *name)
{
	return map_identity_is_name(name) && !strpbrk(name, ": #");
}

char *map_password_line(const char *name, const char *password, unsigned cost, GError **error)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!is_name(name)) {
		g_set_error(error, MAP_PASSWORD_ERROR, 0,
			"a client's name is not empty and has no blank, ':' or '#'");
		return NULL;
	}
	if (!*password) {
		g_set_error(error, MAP_PASSWORD_ERROR, 0, "an empty password is none");
		return NULL;
	}
	if (!crypt_gensalt_rn(SCHEME, cost, NULL, 0, setting, sizeof(setting))) {
		g_set_error(error, MAP_PASSWORD_ERROR, 0,
			"this system's libcrypt cannot hash with yescrypt");
		return NULL;
	}
	g_autofree char *hash = hash_with(password, setting);
	if (!hash) {
		g_set_error(error, MAP_PASSWORD_ERROR, 0,
			"the password cannot be hashed: it has at most %d bytes",
			CRYPT_MAX_PASSPHRASE_SIZE - 1);
		return NULL;
	}
	return g_strdup_printf("%s:%s", name, hash);
}

static gboolean take_line(GHashTable *hashes, char *line)
{
	char *hash = strchr(line, ':');

	if (!hash)
		return FALSE;
	*hash++ = 0;
	if (!is_name(line) || !g_str_has_prefix(hash, SCHEME) || strchr(hash, ':') ||
		crypt_checksalt(hash) != CRYPT_SALT_OK || g_hash_table_contains(hashes, line))
		return FALSE;
	return g_hash_table_insert(hashes, g_strdup(line), g_strdup(hash));
}

GHashTable *map_password_load(const char *file, GError **error)
{
	g_autoptr(GHashTable)
		hashes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(file, &text, NULL, error))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		g_strstrip(lines[i]);
		if (!*lines[i] || *lines[i] == '#' || take_line(hashes, lines[i]))
			continue;
		g_set_error(error, MAP_PASSWORD_ERROR, 0,
			"%s:%u: not a line NAME:HASH as --hash-password makes it, or a second one "
			"of this name",
			file, i + 1);
		return NULL;
	}
	return g_steal_pointer(&hashes);
}
