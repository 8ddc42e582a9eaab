#pragma once
/* Who a client is: the name it is known by, and everything about it that a rule may ask for.
 *
 * Marks are strings "KIND:TEXT", of a certificate cn, dn (RFC 4514), dns, uri, email, ip and sha256
 * (lower-case hexadecimal digest of the whole certificate), of a password basic. Immutable and
 * reference counted (atomic); any thread.
 */
#include <glib.h>
#include <gnutls/gnutls.h>

/* What the configuration says about a client, beside the roles that rules give it (policy.h). */
enum map_right {
	MAP_RIGHT_READ_ONLY = 1 << 0,
	MAP_RIGHT_PURGE_OTHERS = 1 << 1,
	MAP_RIGHT_ADMIN = 1 << 2, /* may write identities of MAP clients and their tasks */
};

struct map_identity {
	gatomicrefcount n_refs;
	char *name;
	unsigned rights; /* set of enum map_right */
	char **marks;
};

/* `marks` may be NULL. */
struct map_identity *map_identity_new(const char *name, unsigned rights, const char *const *marks);
/* A client that knows the password of `name`. */
struct map_identity *map_identity_new_basic(const char *name, unsigned rights);
/* The owner of a certificate (DER); rights are 0. NULL when it has no common name that can be a
 * client's: valid UTF-8 without control characters. */
struct map_identity *map_identity_new_certificate(const gnutls_datum_t *der);
struct map_identity *map_identity_ref(struct map_identity *identity);
void map_identity_unref(struct map_identity *identity);
typedef struct map_identity map_identity;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_identity, map_identity_unref)

/* Same name, rights and marks. */
gboolean map_identity_equal(const struct map_identity *a, const struct map_identity *b);
/* Whether `name` can be a client's. */
gboolean map_identity_is_name(const char *name);
