#pragma once
/* Who is on the other end: HTTP Basic against a file of salted hashes, or the common name of a
 * client certificate (ifmap.md 3.1).
 *
 * The password file has one line per client, "NAME:pbkdf2-sha256:ITERATIONS:SALT:HASH" (salt and
 * hash in base64); empty lines and lines that start with '#' are skipped. Checking a password is
 * slow on purpose, so a header that was right once is remembered by a keyed digest.
 *
 * Threads: any, once loaded.
 */
#include <glib.h>
#include <gnutls/gnutls.h>

#define MAP_AUTH_ERROR (map_auth_error_quark())
GQuark map_auth_error_quark(void);

struct map_auth;

/* `password_file` NULL: no client may use Basic. Errors name file and line. */
struct map_auth *map_auth_new(const char *password_file, GError **error);
void map_auth_free(struct map_auth *auth);
typedef struct map_auth map_auth;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_auth, map_auth_free)

/* The client that this value of an Authorization header proves, newly allocated, or NULL. White
 * space inside the token is tolerated (ifmap.md 18, OpenContrail). */
char *map_auth_check_basic(struct map_auth *auth, const char *header);

enum map_certificate {
	MAP_CERTIFICATE_NONE,
	MAP_CERTIFICATE_GOOD,
	MAP_CERTIFICATE_BAD, /* not signed by the client CA, expired, or without a common name */
};
/* Judges the peer's certificate; *ret_name (newly allocated) is its common name when GOOD. */
enum map_certificate map_auth_check_certificate(gnutls_session_t session, char **ret_name);

/* A line for the password file. */
char *map_auth_make_line(const char *name, const char *password, GError **error);
