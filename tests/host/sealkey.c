#include "sealkey.h"

#include "pages.h"
#include "vapp/seal.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

static char *take_datum(gnutls_datum_t datum)
{
	char *text = g_strndup((const char *)datum.data, datum.size);

	gnutls_free(datum.data);
	return text;
}

void sealkey_init(struct sealkey *key)
{
	gnutls_x509_privkey_t x509;
	gnutls_privkey_t abstract;
	gnutls_pubkey_t public;
	gnutls_datum_t out;

	g_assert_cmpint(gnutls_x509_privkey_init(&x509), ==, 0);
	g_assert_cmpint(gnutls_x509_privkey_generate(x509, GNUTLS_PK_ECDSA,
				GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		==, 0);
	g_assert_cmpint(gnutls_x509_privkey_export2_pkcs8(
				x509, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &out),
		==, 0);
	key->private_pem = take_datum(out);
	g_assert_cmpint(gnutls_privkey_init(&abstract), ==, 0);
	g_assert_cmpint(
		gnutls_privkey_import_x509(abstract, x509, GNUTLS_PRIVKEY_IMPORT_COPY), ==, 0);
	g_assert_cmpint(gnutls_pubkey_init(&public), ==, 0);
	g_assert_cmpint(gnutls_pubkey_import_privkey(public, abstract, 0, 0), ==, 0);
	g_assert_cmpint(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &out), ==, 0);
	key->public_pem = take_datum(out);
	gnutls_pubkey_deinit(public);
	gnutls_privkey_deinit(abstract);
	gnutls_x509_privkey_deinit(x509);
}

void sealkey_clear(struct sealkey *key)
{
	g_free(key->private_pem);
	g_free(key->public_pem);
}

char *sealkey_seal(const struct sealkey *key, const char *xml)
{
	struct vapp_member member = { .vapp = (char[]){ "shop" },
		.version = (char[]){ "1" },
		.machine = (char[]){ "web1" },
		.uuid = (char[]){ PAGES_VM },
		.digest = (char[]){ "d" } };
	g_autoptr(GPtrArray) macs = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	char *sealed;

	g_ptr_array_add(macs, (char[]){ PAGES_MAC });
	if (key)
		seal_sign(&member, macs, key->private_pem, &error);
	g_assert_no_error(error);
	sealed = seal_put(xml, &member, &error);
	g_assert_no_error(error);
	g_free(member.seal);
	return sealed;
}
