#include "map/auth.h"

#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <string.h>

#include "map/bucket.h"
#include "map/password.h"

/* Wrong passwords for one name from one address: so many at once, so many a second. */
#define MAX_WRONG      5.0
#define WRONG_A_SECOND 0.5
/* Entries of each of the tables below; a table that is full is emptied. */
#define MAX_KEPT       10000

struct map_auth {
	const struct map_config *config;
	guint8 key[32];      /* of digests; they are never longer than this */
	GMutex lock;         /* of all below */
	guint64 edition;     /* atomic to read */
	GHashTable *hashes;  /* name -> hash; replaced whole */
	GHashTable *right;   /* set of digests (GBytes) of headers that were right */
	GHashTable *wrong;   /* set of those that were wrong */
	GHashTable *guesses; /* address and name -> struct map_bucket * */
};

void map_proof_clear(struct map_proof *proof)
{
	map_identity_unref(g_steal_pointer(&proof->identity));
}

/* ---- life */

static void forget(struct map_auth *auth)
{
	g_hash_table_remove_all(auth->right);
	g_hash_table_remove_all(auth->wrong);
	g_hash_table_remove_all(auth->guesses);
}

gboolean map_auth_reload(struct map_auth *auth, GError **error)
{
	const char *file = auth->config->password_file;
	GHashTable *hashes = *file ? map_password_load(file, error)
				   : g_hash_table_new(g_str_hash, g_str_equal);
	if (!hashes)
		return FALSE;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auth->lock);
	g_clear_pointer(&auth->hashes, g_hash_table_unref);
	auth->hashes = hashes;
	__atomic_add_fetch(&auth->edition, 1, __ATOMIC_RELEASE);
	forget(auth);
	return TRUE;
}

static GHashTable *new_set(void)
{
	return g_hash_table_new_full(
		g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
}

struct map_auth *map_auth_new(const struct map_config *config, GError **error)
{
	g_autoptr(map_auth) auth = g_new0(struct map_auth, 1);

	auth->config = config;
	g_mutex_init(&auth->lock);
	auth->right = new_set();
	auth->wrong = new_set();
	auth->guesses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (gnutls_rnd(GNUTLS_RND_KEY, auth->key, sizeof(auth->key)) != 0) {
		g_set_error(error, MAP_PASSWORD_ERROR, 0, "no random numbers");
		return NULL;
	}
	return map_auth_reload(auth, error) ? g_steal_pointer(&auth) : NULL;
}

void map_auth_free(struct map_auth *auth)
{
	if (!auth)
		return;
	g_clear_pointer(&auth->hashes, g_hash_table_unref);
	g_hash_table_unref(auth->right);
	g_hash_table_unref(auth->wrong);
	g_hash_table_unref(auth->guesses);
	g_mutex_clear(&auth->lock);
	g_free(auth);
}

/* ---- Basic */

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

/* Where it came from: an IPv4 address, or the /64 of an IPv6 one, in which a host has any it likes.
 */
static char *origin_of(const struct sockaddr *address, const char *name)
{
	const guint8 *bytes = NULL;
	size_t size = 0;
	GString *text = g_string_new(NULL);

	if (address && address->sa_family == AF_INET) {
		bytes = (const guint8 *)&((const struct sockaddr_in *)(const void *)address)
				->sin_addr;
		size = 4;
	} else if (address && address->sa_family == AF_INET6) {
		const struct in6_addr *ip6 =
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		gboolean mapped = IN6_IS_ADDR_V4MAPPED(ip6);
		bytes = ip6->s6_addr + (mapped ? 12 : 0);
		size = mapped ? 4 : 8;
	}
	for (size_t i = 0; i < size; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	g_string_append_printf(text, " %s", name);
	return g_string_free(text, FALSE);
}

static void bound(GHashTable *table)
{
	if (g_hash_table_size(table) >= MAX_KEPT)
		g_hash_table_remove_all(table);
}

static struct map_bucket *guesses_of(struct map_auth *auth, const char *origin)
{
	struct map_bucket *bucket = g_hash_table_lookup(auth->guesses, origin);

	if (bucket)
		return bucket;
	bound(auth->guesses);
	bucket = g_new0(struct map_bucket, 1);
	g_hash_table_insert(auth->guesses, g_strdup(origin), bucket);
	return bucket;
}

/* What one header says, while it is judged. */
struct attempt {
	const char *name;
	const char *password;
	GBytes *digest;
	char *origin;
	guint64 edition; /* of the hash */
	char *hash;      /* NULL: there is no such name */
};

/* Whether the answer is known, or must not be looked for now; else fills in the hash. */
static gboolean judge_cheaply(
	struct map_auth *auth, struct attempt *attempt, enum map_basic *ret_verdict)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auth->lock);
	const char *hash = g_hash_table_lookup(auth->hashes, attempt->name);
	/* Names that do not exist share one allowance, lest they fill the table. */
	attempt->origin[strcspn(attempt->origin, " ") + (hash ? strlen(attempt->name) + 1 : 0)] = 0;
	attempt->hash = g_strdup(hash);
	attempt->edition = auth->edition;
	if (g_hash_table_contains(auth->wrong, attempt->digest)) {
		*ret_verdict = MAP_BASIC_BAD;
		return TRUE;
	}
	if (g_hash_table_contains(auth->right, attempt->digest) ||
		map_bucket_has(guesses_of(auth, attempt->origin), WRONG_A_SECOND, MAX_WRONG,
			g_get_monotonic_time()))
		return FALSE;
	*ret_verdict = MAP_BASIC_LATER;
	return TRUE;
}

static void note(struct map_auth *auth, const struct attempt *attempt, gboolean right)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auth->lock);
	GHashTable *table = right ? auth->right : auth->wrong;

	if (attempt->edition != auth->edition)
		return;
	bound(table);
	g_hash_table_add(table, g_bytes_ref(attempt->digest));
	if (!right)
		(void)map_bucket_take(guesses_of(auth, attempt->origin), WRONG_A_SECOND, MAX_WRONG,
			g_get_monotonic_time());
}

static enum map_basic judge(struct map_auth *auth, struct attempt *attempt, struct map_proof *proof)
{
	enum map_basic verdict;

	if (judge_cheaply(auth, attempt, &verdict))
		return verdict;
	gboolean right = map_password_matches(attempt->hash, attempt->password);
	note(auth, attempt, right);
	if (!right)
		return MAP_BASIC_BAD;
	map_proof_clear(proof);
	proof->identity = map_identity_new_basic(
		attempt->name, map_config_rights(auth->config, attempt->name));
	proof->edition = attempt->edition;
	memcpy(proof->digest, g_bytes_get_data(attempt->digest, NULL), sizeof(proof->digest));
	return MAP_BASIC_GOOD;
}

static gboolean is_proved(
	struct map_auth *auth, const struct map_proof *proof, const guint8 *digest)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auth->lock);
	return proof->identity && proof->edition == auth->edition &&
	       map_equal_in_constant_time(proof->digest, digest, sizeof(proof->digest));
}

enum map_basic map_auth_check_basic(struct map_auth *auth, const char *header,
	const struct sockaddr *address, struct map_proof *proof)
{
	guint8 digest[sizeof(proof->digest)];

	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, auth->key, sizeof(auth->key), header,
		    strlen(header), digest) != 0)
		return MAP_BASIC_BAD;
	if (is_proved(auth, proof, digest))
		return MAP_BASIC_GOOD;
	g_autofree char *pair = decode(header);
	char *colon = pair ? strchr(pair, ':') : NULL;
	if (!colon)
		return MAP_BASIC_BAD;
	*colon = 0;
	g_autoptr(GBytes) bytes = g_bytes_new(digest, sizeof(digest));
	g_autofree char *origin = origin_of(address, pair);
	struct attempt attempt = {
		.name = pair,
		.password = colon + 1,
		.digest = bytes,
		.origin = origin,
	};
	enum map_basic verdict = judge(auth, &attempt, proof);
	explicit_bzero(colon + 1, strlen(colon + 1));
	g_free(attempt.hash);
	return verdict;
}

/* ---- certificates */

guint64 map_auth_edition(struct map_auth *auth)
{
	return __atomic_load_n(&auth->edition, __ATOMIC_ACQUIRE);
}

static gboolean has_password(struct map_auth *auth, const char *name)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&auth->lock);

	return g_hash_table_contains(auth->hashes, name);
}

enum map_certificate map_auth_check_certificate(
	struct map_auth *auth, gnutls_session_t session, struct map_identity **ret_owner)
{
	unsigned n_certificates = 0;
	unsigned status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n_certificates);

	if (!chain || n_certificates == 0)
		return MAP_CERTIFICATE_NONE;
	if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
		return MAP_CERTIFICATE_BAD;
	struct map_identity *owner = map_identity_new_certificate(&chain[0]);
	if (!owner || has_password(auth, owner->name)) {
		map_identity_unref(owner);
		return MAP_CERTIFICATE_BAD;
	}
	owner->rights = map_config_rights(auth->config, owner->name);
	*ret_owner = owner;
	return MAP_CERTIFICATE_GOOD;
}
