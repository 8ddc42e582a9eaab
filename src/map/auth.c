#include "map/auth.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

G_DEFINE_QUARK(map - auth - error, map_auth_error)

#define SCHEME         "pbkdf2-sha256"
#define ITERATIONS     20000U
#define MAX_ITERATIONS 10000000U
#define SALT_SIZE      16
#define HASH_SIZE      32
/* Remembered headers; when full, all are forgotten. */
#define MAX_REMEMBERED 10000

struct entry {
	unsigned iterations;
	GBytes *salt;
	guint8 hash[HASH_SIZE];
};

struct map_auth {
	GHashTable *entries; /* name -> struct entry *; constant after loading */
	guint8 key[32];      /* of the digests below */
	GMutex lock;
	GHashTable *remembered; /* hex digest of a header -> client name; guarded by lock */
};

static void entry_free(gpointer data)
{
	struct entry *entry = data;
	if (entry->salt)
		g_bytes_unref(entry->salt);
	g_free(entry);
}

/* ---- hashing */

static gboolean derive(const char *password, const struct entry *entry, guint8 *ret_hash)
{
	const gnutls_datum_t key = { (unsigned char *)password, (unsigned)strlen(password) };
	gsize salt_size;
	gconstpointer salt = g_bytes_get_data(entry->salt, &salt_size);
	const gnutls_datum_t salt_datum = { (unsigned char *)salt, (unsigned)salt_size };

	return gnutls_pbkdf2(GNUTLS_MAC_SHA256, &key, &salt_datum, entry->iterations, ret_hash,
		       HASH_SIZE) == 0;
}

static gboolean equal_in_constant_time(const guint8 *a, const guint8 *b, size_t size)
{
	guint8 difference = 0;
	for (size_t i = 0; i < size; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

char *map_auth_make_line(const char *name, const char *password, GError **error)
{
	guint8 salt[SALT_SIZE];
	guint8 hash[HASH_SIZE];
	struct entry entry = { .iterations = ITERATIONS };

	if (!*name || strpbrk(name, ": \t\r\n#")) {
		g_set_error(error, MAP_AUTH_ERROR, 0,
			"a client's name is not empty and has no blank, ':' or '#'");
		return NULL;
	}
	if (gnutls_rnd(GNUTLS_RND_NONCE, salt, sizeof(salt)) != 0) {
		g_set_error(error, MAP_AUTH_ERROR, 0, "no random numbers for a salt");
		return NULL;
	}
	g_autoptr(GBytes) bytes = g_bytes_new(salt, sizeof(salt));
	entry.salt = bytes;
	if (!derive(password, &entry, hash)) {
		g_set_error(error, MAP_AUTH_ERROR, 0, "the password cannot be hashed");
		return NULL;
	}
	g_autofree char *salt_text = g_base64_encode(salt, sizeof(salt));
	g_autofree char *hash_text = g_base64_encode(hash, sizeof(hash));
	return g_strdup_printf("%s:" SCHEME ":%u:%s:%s", name, ITERATIONS, salt_text, hash_text);
}

/* ---- the file */

static gboolean parse_line(struct map_auth *auth, const char *line)
{
	g_auto(GStrv) part = g_strsplit(line, ":", 6);
	guint64 iterations;
	gsize salt_size;
	gsize hash_size;

	if (g_strv_length(part) != 5 || !*part[0] || !g_str_equal(part[1], SCHEME) ||
		!g_ascii_string_to_unsigned(part[2], 10, 1, MAX_ITERATIONS, &iterations, NULL))
		return FALSE;
	guint8 *salt = g_base64_decode(part[3], &salt_size);
	g_autofree guint8 *hash = g_base64_decode(part[4], &hash_size);
	struct entry *entry = g_new0(struct entry, 1);
	entry->iterations = (unsigned)iterations;
	entry->salt = g_bytes_new_take(salt, salt_size);
	if (salt_size == 0 || hash_size != HASH_SIZE) {
		entry_free(entry);
		return FALSE;
	}
	memcpy(entry->hash, hash, HASH_SIZE);
	g_hash_table_replace(auth->entries, g_strdup(part[0]), entry);
	return TRUE;
}

static gboolean load(struct map_auth *auth, const char *file, GError **error)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents(file, &text, NULL, error))
		return FALSE;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		g_strstrip(lines[i]);
		if (!*lines[i] || *lines[i] == '#' || parse_line(auth, lines[i]))
			continue;
		g_set_error(error, MAP_AUTH_ERROR, 0,
			"%s:%u: not a line NAME:" SCHEME ":ITERATIONS:SALT:HASH", file, i + 1);
		return FALSE;
	}
	return TRUE;
}

struct map_auth *map_auth_new(const char *password_file, GError **error)
{
	g_autoptr(map_auth) auth = g_new0(struct map_auth, 1);
	g_mutex_init(&auth->lock);
	auth->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	auth->remembered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (gnutls_rnd(GNUTLS_RND_KEY, auth->key, sizeof(auth->key)) != 0) {
		g_set_error(error, MAP_AUTH_ERROR, 0, "no random numbers");
		return NULL;
	}
	if (password_file && !load(auth, password_file, error))
		return NULL;
	return g_steal_pointer(&auth);
}

void map_auth_free(struct map_auth *auth)
{
	if (!auth)
		return;
	g_hash_table_unref(auth->entries);
	g_hash_table_unref(auth->remembered);
	g_mutex_clear(&auth->lock);
	g_free(auth);
}

/* ---- Basic */

static char *recall(struct map_auth *auth, const char *digest)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auth->lock);
	return g_strdup(g_hash_table_lookup(auth->remembered, digest));
}

static void remember(struct map_auth *auth, const char *digest, const char *name)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auth->lock);
	if (g_hash_table_size(auth->remembered) >= MAX_REMEMBERED)
		g_hash_table_remove_all(auth->remembered);
	g_hash_table_replace(auth->remembered, g_strdup(digest), g_strdup(name));
}

/* "name:password" of the header, or NULL. */
static char *decode(const char *header)
{
	g_autoptr(GString) token = g_string_new(NULL);
	gsize size;

	if (g_ascii_strncasecmp(header, "Basic", 5) != 0 || !g_ascii_isspace(header[5]))
		return NULL;
	for (const char *at = header + 5; *at; at++)
		if (!g_ascii_isspace(*at))
			g_string_append_c(token, *at);
	g_autofree char *text = (char *)g_base64_decode(token->str, &size);
	if (size == 0 || memchr(text, 0, size))
		return NULL;
	return g_strndup(text, size);
}

char *map_auth_check_basic(struct map_auth *auth, const char *header)
{
	g_autofree char *digest = g_compute_hmac_for_string(
		G_CHECKSUM_SHA256, auth->key, sizeof(auth->key), header, -1);
	char *name = recall(auth, digest);
	if (name)
		return name;
	g_autofree char *pair = decode(header);
	char *colon = pair ? strchr(pair, ':') : NULL;
	if (!colon)
		return NULL;
	*colon = 0;
	const struct entry *entry = g_hash_table_lookup(auth->entries, pair);
	guint8 hash[HASH_SIZE];
	if (!entry || !derive(colon + 1, entry, hash) ||
		!equal_in_constant_time(hash, entry->hash, HASH_SIZE))
		return NULL;
	remember(auth, digest, pair);
	return g_steal_pointer(&pair);
}

/* ---- certificates */

static char *common_name(const gnutls_datum_t *der)
{
	gnutls_x509_crt_t certificate;
	char name[256];
	size_t size = sizeof(name);
	char *result = NULL;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return NULL;
	if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) >= 0 &&
		gnutls_x509_crt_get_dn_by_oid(
			certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) >= 0 &&
		size > 0 && strlen(name) == size && g_utf8_validate(name, -1, NULL))
		result = g_strdup(name);
	gnutls_x509_crt_deinit(certificate);
	return result;
}

enum map_certificate map_auth_check_certificate(gnutls_session_t session, char **ret_name)
{
	unsigned n_certificates = 0;
	unsigned status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n_certificates);

	if (!chain || n_certificates == 0)
		return MAP_CERTIFICATE_NONE;
	if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
		return MAP_CERTIFICATE_BAD;
	char *name = common_name(&chain[0]);
	if (!name)
		return MAP_CERTIFICATE_BAD;
	*ret_name = name;
	return MAP_CERTIFICATE_GOOD;
}
