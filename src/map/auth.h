#pragma once
/* Who is on the other end: HTTP Basic against a file of hashed passwords, or the owner of a client
 * certificate (ifmap.md 3.1).
 *
 * A password is hashed once per connection: what was right there is remembered there, by a keyed
 * digest. Guessing is slowed down per name and address, never per name alone, so that nobody can
 * lock a client out from elsewhere; a header that was right once on this server passes whoever
 * guesses beside it, and one that was wrong is not hashed again, so that a client with an old
 * password costs nothing.
 *
 * Threads: any.
 */
#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include "map/config.h"
#include "map/identity.h"

struct map_auth;

/* What one connection has proved; zeroed at first. One request at a time. */
struct map_proof {
	guint8 digest[32];
	guint64 edition;               /* of the password file */
	struct map_identity *identity; /* NULL: nothing yet */
};
void map_proof_clear(struct map_proof *proof);

/* `config` is borrowed and outlives it. Errors name file and line. */
struct map_auth *map_auth_new(const struct map_config *config, GError **error);
/* Reads the password file anew; what connections have proved with the one before counts no more.
 * On FALSE the one before holds. */
gboolean map_auth_reload(struct map_auth *auth, GError **error);
void map_auth_free(struct map_auth *auth);
typedef struct map_auth map_auth;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_auth, map_auth_free)

enum map_basic {
	MAP_BASIC_GOOD,  /* proof->identity is who it is */
	MAP_BASIC_BAD,   /* no such name, or another password */
	MAP_BASIC_LATER, /* not looked at: too many wrong ones came from there */
};
/* Judges the value of an Authorization header that came from `address` (may be NULL). White space
 * inside the token is tolerated (ifmap.md 18, OpenContrail). */
enum map_basic map_auth_check_basic(struct map_auth *auth, const char *header,
	const struct sockaddr *address, struct map_proof *proof);

enum map_certificate {
	MAP_CERTIFICATE_NONE,
	MAP_CERTIFICATE_GOOD,
	MAP_CERTIFICATE_BAD, /* not signed by the client CA, expired, without a common name, or of a
				name that has a password: a name is one client's, and proved one way
			      */
};
/* Judges the peer's certificate; *ret_owner (a reference) is whose it is, when GOOD. */
enum map_certificate map_auth_check_certificate(
	struct map_auth *auth, gnutls_session_t session, struct map_identity **ret_owner);
/* Another number: what was judged about a certificate must be judged again. */
guint64 map_auth_edition(struct map_auth *auth);
