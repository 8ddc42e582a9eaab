/* Signing and verifying a membership; the XML around it is member.c. */
#include "vapp/seal.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

enum {
	KEY_BITS = 256,
	MAX_SEAL_SIZE = 512, /* base64 of a DER ECDSA signature is about 96 */
};

static gboolean refuse(GError **error, const char *what, int code)
{
	g_set_error(error, VAPP_ERROR, VAPP_ERROR_SEAL, "%s: %s", what, gnutls_strerror(code));
	return FALSE;
}

/* ---- what is signed ---- */

static void put(GString *out, const char *key, const char *value)
{
	g_autofree char *escaped = value ? g_strescape(value, NULL) : NULL;

	if (escaped)
		g_string_append_printf(out, "%s=%s\n", key, escaped);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One row a field, escaped, so that no value can pass for two; absent fields have no row. MACs
 * sorted. */
static char *canonical_text(
	const struct vapp_member *member, const char *uuid, const GPtrArray *macs)
{
	GString *out = g_string_new("drover-seal 1\n");
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();

	put(out, "vapp", member->vapp);
	put(out, "version", member->version);
	put(out, "machine", member->machine);
	put(out, "role", member->role);
	put(out, "label", member->label);
	put(out, "uuid", uuid);
	put(out, "digest", member->digest);
	for (unsigned i = 0; i < macs->len; i++)
		g_ptr_array_add(sorted, macs->pdata[i]);
	g_ptr_array_sort(sorted, compare_strings);
	for (unsigned i = 0; i < sorted->len; i++)
		put(out, "mac", sorted->pdata[i]);
	return g_string_free(out, FALSE);
}

/* ---- keys ---- */

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

static gnutls_privkey_t private_key_new(const char *pem, GError **error)
{
	gnutls_datum_t data = datum(pem);
	gnutls_privkey_t key = NULL;
	unsigned bits = 0;
	int rc = gnutls_privkey_init(&key);

	if (rc == 0)
		rc = gnutls_privkey_import_x509_raw(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc != 0)
		refuse(error, "the sealing key cannot be read", rc);
	else if (gnutls_privkey_get_pk_algorithm(key, &bits) == GNUTLS_PK_ECDSA && bits == KEY_BITS)
		return key;
	else
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_SEAL,
			"the sealing key is not an ECDSA P-256 key");
	if (key)
		gnutls_privkey_deinit(key);
	return NULL;
}

static int import_certificate(gnutls_pubkey_t key, const gnutls_datum_t *data)
{
	gnutls_x509_crt_t crt = NULL;
	int rc = gnutls_x509_crt_init(&crt);

	if (rc != 0)
		return rc;
	rc = gnutls_x509_crt_import(crt, data, GNUTLS_X509_FMT_PEM);
	if (rc == 0)
		rc = gnutls_pubkey_import_x509(key, crt, 0);
	gnutls_x509_crt_deinit(crt);
	return rc;
}

static gnutls_pubkey_t public_key_new(const char *pem, GError **error)
{
	gnutls_datum_t data = datum(pem);
	gnutls_pubkey_t key = NULL;
	unsigned bits = 0;
	int rc = gnutls_pubkey_init(&key);

	if (rc == 0)
		rc = strstr(pem, "-----BEGIN CERTIFICATE")
			     ? import_certificate(key, &data)
			     : gnutls_pubkey_import(key, &data, GNUTLS_X509_FMT_PEM);
	if (rc != 0)
		refuse(error, "the key that proves seals cannot be read", rc);
	else if (gnutls_pubkey_get_pk_algorithm(key, &bits) == GNUTLS_PK_ECDSA && bits == KEY_BITS)
		return key;
	else
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_SEAL,
			"the key that proves seals is not an ECDSA P-256 key");
	if (key)
		gnutls_pubkey_deinit(key);
	return NULL;
}

/* ---- signing and verifying ---- */

gboolean seal_sign(
	struct vapp_member *member, const GPtrArray *macs, const char *key_pem, GError **error)
{
	g_autofree char *text = canonical_text(member, member->uuid, macs);
	gnutls_datum_t data = datum(text), signature = { 0 };
	gnutls_privkey_t key = private_key_new(key_pem, error);
	int rc;

	if (!key)
		return FALSE;
	rc = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &signature);
	gnutls_privkey_deinit(key);
	if (rc != 0)
		return refuse(error, "sealing failed", rc);
	g_free(member->seal);
	member->seal = g_base64_encode(signature.data, signature.size);
	gnutls_free(signature.data);
	return TRUE;
}

static GPtrArray *machine_macs(const struct vapp_machine *machine)
{
	GPtrArray *macs = g_ptr_array_new();

	for (unsigned i = 0; i < machine->nics->len; i++) {
		const struct vapp_nic *nic = machine->nics->pdata[i];

		if (nic->mac)
			g_ptr_array_add(macs, nic->mac);
	}
	return macs;
}

gboolean seal_sign_machine(struct vapp_member *member, const struct vapp_machine *machine,
	const char *key_pem, GError **error)
{
	g_autoptr(GPtrArray) macs = machine_macs(machine);

	return seal_sign(member, macs, key_pem, error);
}

static gboolean verify_signature(
	const struct vapp_member *member, const char *text, const char *public_pem, GError **error)
{
	g_autofree unsigned char *raw = NULL;
	gnutls_datum_t data = datum(text), signature = { 0 };
	gnutls_pubkey_t key = public_key_new(public_pem, error);
	gsize raw_size;
	int rc;

	if (!key)
		return FALSE;
	raw = g_base64_decode(member->seal, &raw_size);
	signature = (gnutls_datum_t){ raw, (unsigned)raw_size };
	rc = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &signature);
	gnutls_pubkey_deinit(key);
	if (rc >= 0)
		return TRUE;
	g_set_error(error, VAPP_ERROR, VAPP_ERROR_SEAL,
		"the seal of %s/%s does not hold: its membership, label, protection or network cards were changed "
		"after sealing, or another key sealed it",
		member->vapp, member->machine);
	return FALSE;
}

gboolean seal_verify(const struct vapp_member *member, const char *uuid, const GPtrArray *macs,
	const char *public_pem, GError **error)
{
	g_autofree char *text = canonical_text(member, uuid, macs);

	if (!member->seal || !*member->seal || strlen(member->seal) > MAX_SEAL_SIZE) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_SEAL, "%s/%s has no seal", member->vapp,
			member->machine);
		return FALSE;
	}
	if (strcmp(member->uuid, uuid) != 0) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_SEAL,
			"the seal of %s/%s is for domain %s, but this is %s", member->vapp,
			member->machine, member->uuid, uuid);
		return FALSE;
	}
	return verify_signature(member, text, public_pem, error);
}
