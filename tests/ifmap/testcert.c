#include "testcert.h"

#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

static void must(int result)
{
	if (result < 0)
		g_error("gnutls: %s", gnutls_strerror(result));
}

static void write_pem(const char *file, gnutls_datum_t *pem)
{
	g_assert_true(g_file_set_contents_full(
		file, (char *)pem->data, pem->size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	gnutls_free(pem->data);
}

void testcert_write(const char *cert_file, const char *key_file)
{
	static const unsigned char address[] = { 127, 0, 0, 1 };
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;

	must(gnutls_x509_privkey_init(&key));
	must(gnutls_x509_privkey_generate(
		key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	must(gnutls_x509_crt_init(&crt));
	must(gnutls_x509_crt_set_version(crt, 3));
	must(gnutls_x509_crt_set_key(crt, key));
	must(gnutls_x509_crt_set_serial(crt, "\1", 1));
	must(gnutls_x509_crt_set_dn(crt, "CN=test", NULL));
	must(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600));
	must(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600));
	must(gnutls_x509_crt_set_ca_status(crt, 1));
	must(gnutls_x509_crt_set_subject_alt_name(
		crt, GNUTLS_SAN_IPADDRESS, address, sizeof address, 0));
	must(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0));
	must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
	write_pem(cert_file, &pem);
	must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
	write_pem(key_file, &pem);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}
