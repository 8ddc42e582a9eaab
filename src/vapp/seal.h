#pragma once
/* Membership of a libvirt domain in a vApp, and the seal that makes it hold.
 *
 * The element <drover:member xmlns:drover="urn:drover:domain:1" vapp= version= machine= role=
 * label= uuid= digest= seal=/> stands in the domain's <metadata>, where edits, snapshots and
 * migrations carry it. Whoever may migrate may rewrite it (virsh migrate --xml), so the seal is an
 * ECDSA P-256/SHA-256 signature (base64 of DER) over a canonical text of all that and of the
 * domain's MACs: a copy with another UUID or another card does not verify. Members own their
 * strings. Keys come as PEM text; no function reads a file.
 */
#include "vapp/vapp.h"

#define VAPP_DOMAIN_NS "urn:drover:domain:1"

struct vapp_member {
	char *vapp;
	char *version;
	char *machine;
	char *role;   /* tier, or NULL */
	char *label;  /* or NULL */
	char *uuid;   /* of the domain that was sealed */
	char *digest; /* vapp_ruleset_digest() of the machine's resolved protection */
	char *seal;   /* or NULL: not sealed */
};

enum vapp_seal_status {
	VAPP_SEAL_NONE,   /* the domain claims no membership */
	VAPP_SEAL_GOOD,   /* member, and the seal holds for this very domain */
	VAPP_SEAL_BROKEN, /* member without a seal, or with one that does not hold; the error says
			     why */
};

/* The unsealed membership of a machine. `vapp` must have passed vapp_validate(). */
struct vapp_member *vapp_member_new(const struct vapp *vapp, const struct vapp_machine *machine);
void vapp_member_free(struct vapp_member *member);
typedef struct vapp_member vapp_member;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(vapp_member, vapp_member_free)

/* Signs for a domain with these MACs (char *, any order, canonical); replaces member->seal.
 * `key_pem`: an ECDSA P-256 private key. FALSE: VAPP_ERROR_SEAL with GnuTLS's reason. */
gboolean seal_sign(
	struct vapp_member *member, const GPtrArray *macs, const char *key_pem, GError **error);

/* Whether the seal holds for a domain with this UUID and these MACs. `public_pem`: a public key or
 * a certificate. FALSE: VAPP_ERROR_SEAL, a sentence that says what differs as far as that can be
 * known. */
gboolean seal_verify(const struct vapp_member *member, const char *uuid, const GPtrArray *macs,
	const char *public_pem, GError **error);

/* Signs the member for the machine's own MACs: what an import does. */
gboolean seal_sign_machine(struct vapp_member *member, const struct vapp_machine *machine,
	const char *key_pem, GError **error);

/* ---- in libvirt's domain XML ---- */

/* The member element as text, as virDomainSetMetadata() takes it. */
char *vapp_member_to_xml(const struct vapp_member *member);
/* The member element alone, as virDomainGetMetadata() gives it. NULL with an error. */
struct vapp_member *vapp_member_from_xml(const char *xml, GError **error);

/* The domain XML with the member put into its <metadata>, in place of any that stood there; newly
 * allocated. */
char *seal_put(const char *domain_xml, const struct vapp_member *member, GError **error);

/* Takes the membership out of a domain XML. Returns FALSE with an error when the XML or the element
 * is malformed; else *ret_member is the member, or NULL when there is none. */
gboolean seal_take(const char *domain_xml, struct vapp_member **ret_member, GError **error);

/* Both in one: what the gate asks. *ret_member (may be NULL; else owned by the caller) is set
 * whenever the element could be read. A malformed domain XML or element is VAPP_SEAL_BROKEN. */
enum vapp_seal_status seal_check_domain(const char *domain_xml, const char *public_pem,
	struct vapp_member **ret_member, GError **error);
