#include "pki.h"

#include <gnutls/x509.h>
#include <string.h>

struct pair {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
};

#define MUST(call)                                                              \
	do {                                                                    \
		int must_status = (call);                                       \
		if (must_status < 0)                                            \
			g_error("%s: %s", #call, gnutls_strerror(must_status)); \
	} while (0)

/* `issuer` NULL: signs itself and may sign others. `uri` may be NULL. */
static struct pair make_with(const char *name, const struct pair *issuer, const char *uri)
{
	struct pair pair;
	static guint8 serial;
	const unsigned char loopback[4] = { 127, 0, 0, 1 };
	guint8 number = ++serial;

	MUST(gnutls_x509_privkey_init(&pair.key));
	MUST(gnutls_x509_privkey_generate(
		pair.key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	MUST(gnutls_x509_crt_init(&pair.certificate));
	MUST(gnutls_x509_crt_set_version(pair.certificate, 3));
	MUST(gnutls_x509_crt_set_serial(pair.certificate, &number, 1));
	MUST(gnutls_x509_crt_set_activation_time(pair.certificate, time(NULL) - 3600));
	MUST(gnutls_x509_crt_set_expiration_time(pair.certificate, time(NULL) + 86400));
	MUST(gnutls_x509_crt_set_dn_by_oid(
		pair.certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)));
	MUST(gnutls_x509_crt_set_key(pair.certificate, pair.key));
	MUST(gnutls_x509_crt_set_basic_constraints(pair.certificate, issuer == NULL, -1));
	if (issuer)
		MUST(gnutls_x509_crt_set_subject_alt_name(pair.certificate, GNUTLS_SAN_IPADDRESS,
			loopback, sizeof(loopback), GNUTLS_FSAN_SET));
	else
		issuer = &pair;
	if (uri)
		MUST(gnutls_x509_crt_set_subject_alt_name(pair.certificate, GNUTLS_SAN_URI, uri,
			(unsigned)strlen(uri), GNUTLS_FSAN_APPEND));
	MUST(gnutls_x509_crt_sign2(
		pair.certificate, issuer->certificate, issuer->key, GNUTLS_DIG_SHA256, 0));
	return pair;
}

static struct pair make(const char *name, const struct pair *issuer)
{
	return make_with(name, issuer, NULL);
}

static void save(const char *dir, const char *name, const char *ending, const gnutls_datum_t *pem)
{
	g_autofree char *path = g_strdup_printf("%s/%s.%s", dir, name, ending);
	g_autoptr(GError) error = NULL;
	if (!g_file_set_contents(path, (const char *)pem->data, (gssize)pem->size, &error))
		g_error("%s", error->message);
}

static void write_and_clear(const char *dir, const char *name, struct pair *pair)
{
	gnutls_datum_t pem;
	MUST(gnutls_x509_crt_export2(pair->certificate, GNUTLS_X509_FMT_PEM, &pem));
	save(dir, name, "crt", &pem);
	gnutls_free(pem.data);
	MUST(gnutls_x509_privkey_export2(pair->key, GNUTLS_X509_FMT_PEM, &pem));
	save(dir, name, "key", &pem);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(pair->certificate);
	gnutls_x509_privkey_deinit(pair->key);
}

void pki_make(const char *dir)
{
	struct pair ca = make("test ca", NULL);
	struct pair stranger = make("stranger", NULL);
	struct pair server = make("127.0.0.1", &ca);
	struct pair good = make("C", &ca);
	struct pair other = make("D", &ca);
	struct pair bad = make("C", &stranger);

	write_and_clear(dir, "server", &server);
	write_and_clear(dir, "good", &good);
	write_and_clear(dir, "other", &other);
	write_and_clear(dir, "bad", &bad);
	write_and_clear(dir, "ca", &ca);
	write_and_clear(dir, "stranger", &stranger);
}

static gnutls_datum_t load(const char *dir, const char *file)
{
	g_autofree char *path = g_build_filename(dir, file, NULL);
	gnutls_datum_t pem;
	MUST(gnutls_load_file(path, &pem));
	return pem;
}

void pki_issue(const char *dir, const char *name, const char *common_name, const char *uri)
{
	gnutls_datum_t certificate = load(dir, "ca.crt");
	gnutls_datum_t key = load(dir, "ca.key");
	struct pair ca;

	MUST(gnutls_x509_crt_init(&ca.certificate));
	MUST(gnutls_x509_privkey_init(&ca.key));
	MUST(gnutls_x509_crt_import(ca.certificate, &certificate, GNUTLS_X509_FMT_PEM));
	MUST(gnutls_x509_privkey_import(ca.key, &key, GNUTLS_X509_FMT_PEM));
	struct pair made = make_with(common_name, &ca, uri);
	write_and_clear(dir, name, &made);
	gnutls_x509_crt_deinit(ca.certificate);
	gnutls_x509_privkey_deinit(ca.key);
	gnutls_free(certificate.data);
	gnutls_free(key.data);
}
