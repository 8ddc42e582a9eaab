/* Membership and seal: what is signed verifies, and whatever is changed afterwards does not. */
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "testing.h"
#include "vapp/domain.h"
#include "vapp/seal.h"

/* A key pair made for this run. */
struct keys {
	char *private_pem, *public_pem, *certificate_pem;
};

static char *take_datum(gnutls_datum_t datum)
{
	char *text = g_strndup((const char *)datum.data, datum.size);

	gnutls_free(datum.data);
	return text;
}

static char *certificate_new(gnutls_x509_privkey_t key)
{
	gnutls_x509_crt_t crt;
	gnutls_datum_t out;

	g_assert_cmpint(gnutls_x509_crt_init(&crt), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_set_key(crt, key), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_set_version(crt, 3), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_set_serial(crt, "1", 1), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_set_activation_time(crt, 0), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_set_expiration_time(crt, 2000000000), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_set_dn(crt, "CN=seal", NULL), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), ==, 0);
	g_assert_cmpint(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out), ==, 0);
	gnutls_x509_crt_deinit(crt);
	return take_datum(out);
}

static void keys_init(struct keys *keys, gnutls_pk_algorithm_t algorithm, unsigned bits)
{
	gnutls_x509_privkey_t key;
	gnutls_privkey_t abstract;
	gnutls_pubkey_t public;
	gnutls_datum_t out;

	g_assert_cmpint(gnutls_x509_privkey_init(&key), ==, 0);
	g_assert_cmpint(gnutls_x509_privkey_generate(key, algorithm, bits, 0), ==, 0);
	g_assert_cmpint(gnutls_x509_privkey_export2_pkcs8(
				key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &out),
		==, 0);
	keys->private_pem = take_datum(out);
	g_assert_cmpint(gnutls_privkey_init(&abstract), ==, 0);
	g_assert_cmpint(
		gnutls_privkey_import_x509(abstract, key, GNUTLS_PRIVKEY_IMPORT_COPY), ==, 0);
	g_assert_cmpint(gnutls_pubkey_init(&public), ==, 0);
	g_assert_cmpint(gnutls_pubkey_import_privkey(public, abstract, 0, 0), ==, 0);
	g_assert_cmpint(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &out), ==, 0);
	keys->public_pem = take_datum(out);
	keys->certificate_pem = certificate_new(key);
	gnutls_pubkey_deinit(public);
	gnutls_privkey_deinit(abstract);
	gnutls_x509_privkey_deinit(key);
}

static void keys_clear(struct keys *keys)
{
	g_free(keys->private_pem);
	g_free(keys->public_pem);
	g_free(keys->certificate_pem);
}

static struct keys good, other, rsa;

/* Domain XML of app1 (two cards), sealed. */
static char *sealed_domain(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	const struct vapp_machine *app = vapp_find_machine(shop, "app1");
	g_autoptr(vapp_member) member = vapp_member_new(shop, app);
	g_autoptr(GError) error = NULL;
	struct vapp_domain_options options = { .file_dir = "/srv/images", .member = member };
	char *xml;

	seal_sign_machine(member, app, good.private_pem, &error);
	g_assert_no_error(error);
	xml = vapp_machine_to_domain(shop, app, &options, &error);
	g_assert_no_error(error);
	return xml;
}

static char *replace_once(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	g_assert_nonnull(at);
	return g_strdup_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void test_good(void)
{
	g_autofree char *xml = sealed_domain();
	const char *const pems[] = { good.public_pem, good.certificate_pem };

	for (size_t i = 0; i < G_N_ELEMENTS(pems); i++) {
		g_autoptr(vapp_member) member = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_cmpint(
			seal_check_domain(xml, pems[i], &member, &error), ==, VAPP_SEAL_GOOD);
		g_assert_no_error(error);
		g_assert_cmpstr(member->vapp, ==, "shop");
		g_assert_cmpstr(member->machine, ==, "app1");
		g_assert_cmpstr(member->role, ==, "app");
		g_assert_cmpstr(member->label, ==, "blue");
	}
}

/* One edit of the sealed domain a row; none may verify. */
static const struct tamper {
	const char *name, *from, *to;
} tampers[] = {
	{ "uuid-of-domain", "<uuid>d345629b", "<uuid>d345629c" },
	{ "uuid-of-member", " uuid=\"d345629b", " uuid=\"d345629c" },
	{ "uuid-missing", "<uuid>d345629b-9838-5991-8e7e-c8a09fdda8e6</uuid>", "" },
	{ "mac", "<mac address=\"52:54:00:80:00:21\"", "<mac address=\"52:54:00:80:00:22\"" },
	{ "second-mac", "<mac address=\"52:54:00:80:01:21\"",
		"<mac address=\"52:54:00:80:01:22\"" },
	{ "card-more", "<interface",
		"<interface type=\"user\"><mac address=\"52:54:00:00:00:01\"/></interface><interface" },
	{ "card-without-mac", "<interface", "<interface type=\"user\"/><interface" },
	{ "label", "label=\"blue\"", "label=\"red\"" },
	{ "label-gone", " label=\"blue\"", "" },
	{ "role", "role=\"app\"", "role=\"db\"" },
	{ "vapp", "vapp=\"shop\"", "vapp=\"bank\"" },
	{ "version", "version=\"1.0\"", "version=\"1.1\"" },
	{ "machine", "machine=\"app1\"", "machine=\"app2\"" },
	{ "digest", "digest=\"", "digest=\"0" },
	{ "seal-gone", " seal=\"", " was=\"" },
	{ "seal-changed", " seal=\"ME", " seal=\"MF" },
	{ "seal-short", " seal=\"M", " seal=\"" },
	{ "twice", "<drover:member ",
		"<drover:member xmlns:drover=\"urn:drover:domain:1\" vapp=\"x\" version=\"1\" machine=\"m\" uuid=\"u\" digest=\"d\"/><drover:member " },
	{ "not-xml", "</domain>", "" },
	{ "no-domain", "<domain type=\"qemu\">", "<domain xmlns=\"x\" type=\"qemu\">" },
};

static void test_tamper(gconstpointer data)
{
	const struct tamper *row = data;
	g_autofree char *xml = sealed_domain();
	g_autofree char *edited = replace_once(xml, row->from, row->to);
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(
		seal_check_domain(edited, good.public_pem, NULL, &error), ==, VAPP_SEAL_BROKEN);
	g_assert_nonnull(error);
	g_test_message("%s", error->message);
}

static void test_keys(void)
{
	g_autofree char *xml = sealed_domain();
	const char *const pems[] = { other.public_pem, other.certificate_pem, rsa.public_pem, "",
		"rubbish", good.private_pem };

	for (size_t i = 0; i < G_N_ELEMENTS(pems); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_cmpint(
			seal_check_domain(xml, pems[i], NULL, &error), ==, VAPP_SEAL_BROKEN);
		g_assert_error(error, VAPP_ERROR, VAPP_ERROR_SEAL);
	}
}

static void test_signing_keys(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	const struct vapp_machine *app = vapp_find_machine(shop, "app1");
	g_autoptr(vapp_member) member = vapp_member_new(shop, app);
	const char *const pems[] = { rsa.private_pem, "", "rubbish", good.public_pem };

	for (size_t i = 0; i < G_N_ELEMENTS(pems); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(seal_sign_machine(member, app, pems[i], &error));
		g_assert_error(error, VAPP_ERROR, VAPP_ERROR_SEAL);
		g_assert_null(member->seal);
	}
}

/* MACs may stand in any order and case in the domain. */
static void test_same_machine(void)
{
	g_autofree char *xml = sealed_domain();
	g_autofree char *one = replace_once(xml, "<mac address=\"52:54:00:80:00:21\"", "<SWAP");
	g_autofree char *two = replace_once(
		one, "<mac address=\"52:54:00:80:01:21\"", "<mac address=\"52:54:00:80:00:21\"");
	g_autofree char *swapped = replace_once(two, "<SWAP", "<mac address=\"52:54:00:80:01:21\"");
	g_autofree char *upper = replace_once(xml, "<uuid>d345629b", "<uuid>D345629B");
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(
		seal_check_domain(swapped, good.public_pem, NULL, &error), ==, VAPP_SEAL_GOOD);
	g_assert_cmpint(
		seal_check_domain(upper, good.public_pem, NULL, &error), ==, VAPP_SEAL_GOOD);
	g_assert_no_error(error);
}

static void test_none(void)
{
	g_autoptr(vapp_member) member = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(
		seal_check_domain("<domain><metadata><x xmlns='urn:x'/></metadata></domain>",
			good.public_pem, &member, &error),
		==, VAPP_SEAL_NONE);
	g_assert_null(member);
	g_assert_no_error(error);
}

static void test_put_take(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(vapp_member) member = vapp_member_new(shop, vapp_find_machine(shop, "db1"));
	g_autoptr(vapp_member) taken = NULL;
	g_autofree char *sealed = sealed_domain();
	g_autofree char *replaced = NULL, *fresh = NULL;
	g_autoptr(GError) error = NULL;

	replaced = seal_put(sealed, member, &error);
	g_assert_no_error(error);
	g_assert_true(seal_take(replaced, &taken, &error));
	g_assert_cmpstr(taken->machine, ==, "db1");
	g_assert_null(taken->seal);
	g_assert_null(strstr(replaced, "app\""));
	g_clear_pointer(&taken, vapp_member_free);
	fresh = seal_put("<domain><name>a &amp; b</name></domain>", member, &error);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(fresh, "a &amp; b"));
	g_assert_true(seal_take(fresh, &taken, &error));
	g_assert_cmpstr(taken->digest, ==, member->digest);
}

static void test_member_xml(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(vapp_member) member = vapp_member_new(shop, vapp_find_machine(shop, "db1"));
	g_autofree char *xml = vapp_member_to_xml(member);
	g_autoptr(GError) error = NULL;
	g_autoptr(vapp_member) again = vapp_member_from_xml(xml, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(again->uuid, ==, member->uuid);
	g_assert_cmpstr(again->role, ==, "db");
	g_assert_null(vapp_member_from_xml("<member vapp='x'/>", &error));
	g_assert_nonnull(error);
}

/* The seal binds the protection: another flow gives another digest. */
static void test_digest(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(vapp_member) before = vapp_member_new(shop, vapp_find_machine(shop, "db1"));
	g_autoptr(vapp_member) after = NULL;
	struct vapp_flow *flow = (struct vapp_flow *)vapp_find_flow(shop, "app-db");

	g_array_index(flow->ports, struct vapp_ports, 0).last++;
	after = vapp_member_new(shop, vapp_find_machine(shop, "db1"));
	g_assert_cmpstr(before->digest, !=, after->digest);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	keys_init(&good, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	keys_init(&other, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	keys_init(&rsa, GNUTLS_PK_RSA, 2048);
	g_test_add_func("/seal/good", test_good);
	for (size_t i = 0; i < G_N_ELEMENTS(tampers); i++) {
		g_autofree char *path = g_strdup_printf("/seal/tamper/%s", tampers[i].name);

		g_test_add_data_func(path, &tampers[i], test_tamper);
	}
	g_test_add_func("/seal/keys", test_keys);
	g_test_add_func("/seal/signing-keys", test_signing_keys);
	g_test_add_func("/seal/same-machine", test_same_machine);
	g_test_add_func("/seal/none", test_none);
	g_test_add_func("/seal/put-take", test_put_take);
	g_test_add_func("/seal/member-xml", test_member_xml);
	g_test_add_func("/seal/digest", test_digest);
	result = g_test_run();
	keys_clear(&good);
	keys_clear(&other);
	keys_clear(&rsa);
	return result;
}
