/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identifiers: canonical forms and equality (ifmap.md 2.2-2.6; C51-C72). */
#include <string.h>

#include "ifmap/extended.h"
#include "ifmap/idcheck.h"
#include "ifmap/identifier.h"
#include "ifmap/reply.h"

static const struct {
	const char *value;
	gboolean good;
} ipv4s[] = {
	{ "10.0.0.1", TRUE },
	{ "0.0.0.0", TRUE },
	{ "255.255.255.255", TRUE },
	{ "010.0.0.1", FALSE },
	{ "10.0.0", FALSE },
	{ "10.0.0.256", FALSE },
	{ "10.0.0.1.", FALSE },
	{ "10.0.0.1 ", FALSE },
	{ "10..0.1", FALSE },
	{ "10.0.0.00", FALSE },
	{ "10.0.0.1000", FALSE },
	{ "99999999999999999999.0.0.1", FALSE },
	{ "-1.0.0.1", FALSE },
	{ "", FALSE },
}, ipv6s[] = {
	{ "fe80:0:0:0:0:0:0:1", TRUE },
	{ "fe80:0:0:0:2aa:ff:fe9a:4ca2", TRUE },
	{ "fe80::1", FALSE },
	{ "FE80:0:0:0:0:0:0:1", FALSE },
	{ "fe80:0:0:0:0:0:0:01", FALSE },
	{ "fe80:0:0:0:0:0:1", FALSE },
	{ "fe80:0:0:0:0:0:0:0:1", FALSE },
	{ "0:0:0:0:0:ffff:1.2.3.4", FALSE },
	{ "fe80:0:0:0:0:0:0:1%eth0", FALSE },
	{ "fe80:0:0:0:0:0:0:12345", FALSE },
	{ "fe80:0:0:0:0:0:0:", FALSE },
}, macs[] = {
	{ "00:11:22:aa:bb:cc", TRUE },
	{ "00:11:22:AA:bb:cc", FALSE },
	{ "0:11:22:aa:bb:cc", FALSE },
	{ "00-11-22-aa-bb-cc", FALSE },
	{ "00:11:22:aa:bb:c", FALSE },
	{ "00:11:22:aa:bb:cc:dd", FALSE },
	{ "", FALSE },
};

static void test_canonical(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ipv4s); i++)
		g_assert_cmpint(ifmap_idcheck_ipv4(ipv4s[i].value), ==, ipv4s[i].good);
	for (size_t i = 0; i < G_N_ELEMENTS(ipv6s); i++)
		g_assert_cmpint(ifmap_idcheck_ipv6(ipv6s[i].value), ==, ipv6s[i].good);
	for (size_t i = 0; i < G_N_ELEMENTS(macs); i++)
		g_assert_cmpint(ifmap_idcheck_mac(macs[i].value), ==, macs[i].good);
}

#define T_NAME "<vm xmlns=\"urn:v\" administrative-domain=\"\" uuid=\"5f0c\"></vm>"
#define E_NAME \
	"&lt;vm xmlns=&quot;urn:v&quot; administrative-domain=&quot;&quot; uuid=&quot;5f0c&quot;&gt;&lt;/vm&gt;"

#define AR  IFMAP_ID_ACCESS_REQUEST
#define DEV IFMAP_ID_DEVICE
#define ID  IFMAP_ID_IDENTITY
#define IP  IFMAP_ID_IP_ADDRESS
#define MAC IFMAP_ID_MAC_ADDRESS
#define OTHER(name, other)                     \
	{                                      \
		ID, name, NULL, "other", other \
	}

/* Two identifiers and whether they are one. */
static const struct {
	struct ifmap_identifier_parts a, b;
	gboolean equal;
} pairs[] = {
	{ { IP, "10.0.0.1" }, { IP, "10.0.0.1", .subtype = "IPv4" }, TRUE }, /* C52 */
	{ { IP, "fe80:0:0:0:0:0:0:1" }, { IP, "fe80:0:0:0:0:0:0:1", .subtype = "IPv6" },
		TRUE },                                  /* 18, ITI client */
	{ OTHER("x", "1:a"), OTHER("x", "1:b"), FALSE }, /* C59 */
	{ OTHER("x", "1:a"), OTHER("x", "1:A"), FALSE }, /* 2.5 */
	{ { ID, "x", NULL, "username", "1:a" }, { ID, "x", NULL, "username", NULL },
		TRUE },                                                                  /* C60 */
	{ { AR, "x", "d" }, { AR, "x", NULL }, FALSE },                                  /* C61 */
	{ { AR, "x", "" }, { AR, "x", NULL }, TRUE },                                    /* C61 */
	{ { MAC, "00:11:22:aa:bb:cc", "D" }, { MAC, "00:11:22:aa:bb:cc", "d" }, FALSE }, /* C62 */
	{ { ID, "A.Example.ORG", NULL, "dns-name" }, { ID, "a.example.org", NULL, "dns-name" },
		TRUE }, /* C63 */
	{ { ID, "ann@EXAMPLE.org", NULL, "email-address" },
		{ ID, "ann@example.org", NULL, "email-address" }, TRUE },
	{ { ID, "Ann@example.org", NULL, "email-address" },
		{ ID, "ann@example.org", NULL, "email-address" }, FALSE },
	{ { ID, "tel:+1-A", NULL, "tel-uri" }, { ID, "tel:+1-a", NULL, "tel-uri" }, TRUE },
	{ { ID, "Ann", NULL, "username" }, { ID, "ann", NULL, "username" }, FALSE }, /* C64 */
	{ { ID, "ann", NULL, "username" }, { ID, "ann", NULL, "kerberos-principal" }, FALSE },
	{ { ID, "C=CH, O=Linux, CN=moon", NULL, "distinguished-name" },
		{ ID, "c=CH,o = Linux ,cn=moon", NULL, "distinguished-name" }, TRUE },
	{ { ID, "CN=moon,O=Linux", NULL, "distinguished-name" },
		{ ID, "O=Linux,CN=moon", NULL, "distinguished-name" }, FALSE },
	{ { ID, "O=a\\,b,CN=x", NULL, "distinguished-name" },
		{ ID, "O=a, b=,CN=x", NULL, "distinguished-name" }, FALSE },
	{ { ID, "CN=Moon,O=Linux strongSwan", NULL, "distinguished-name" },
		{ ID, "cn=moon, o=LINUX   strongswan", NULL, "distinguished-name" }, TRUE },
	{ { ID, "CN=a+O=b,C=ch", NULL, "distinguished-name" },
		{ ID, "O=B + CN=A,c=CH", NULL, "distinguished-name" }, TRUE },
	{ { ID, "CN=a\\2Cb", NULL, "distinguished-name" },
		{ ID, "CN=\"A,B\"", NULL, "distinguished-name" }, TRUE },
	{ { ID, "CN=a\\,b", NULL, "distinguished-name" },
		{ ID, "CN=a,O=b", NULL, "distinguished-name" }, FALSE },
	{ { ID, "CN=\\C3\\84", NULL, "distinguished-name" },
		{ ID, "CN=\u00e4", NULL, "distinguished-name" }, TRUE },
	{ { ID, "2.5.4.3=x", NULL, "distinguished-name" },
		{ ID, "OID.2.5.4.3=X", NULL, "distinguished-name" }, TRUE },
	{ { ID, "CN=#04024869", NULL, "distinguished-name" },
		{ ID, "CN=#0402 4869", NULL, "distinguished-name" }, FALSE },
	{ { ID, "CN=#0402486F", NULL, "distinguished-name" },
		{ ID, "CN=#0402486f", NULL, "distinguished-name" }, TRUE },
	{ { ID, "CN=#0402486f", NULL, "distinguished-name" },
		{ ID, "CN=\\#0402486f", NULL, "distinguished-name" }, FALSE },
	{ { ID, "CN=a,", NULL, "distinguished-name" }, { ID, "cn=a,", NULL, "distinguished-name" },
		FALSE },
	{ { ID, "CN=\"a", NULL, "distinguished-name" },
		{ ID, "cn=\"a", NULL, "distinguished-name" }, FALSE },
	{ { ID, "CN=a;O=b", NULL, "distinguished-name" },
		{ ID, "cn=a,o=b", NULL, "distinguished-name" }, TRUE },
	{ { ID, "no dn", NULL, "distinguished-name" }, { ID, "no dn", NULL, "distinguished-name" },
		TRUE },
	{ { DEV, "x", "ignored" }, { DEV, "x" }, TRUE }, /* 2.5: by name only */
	{ { AR, "x" }, { DEV, "x" }, FALSE },
	{ OTHER(T_NAME, "extended"), OTHER(E_NAME, "extended"), TRUE }, /* C67 from here */
	{ OTHER("<vm uuid='5f0c' administrative-domain='' xmlns='urn:v'/>", "extended"),
		OTHER(T_NAME, "extended"), TRUE },
	{ OTHER("<q:vm xmlns:q='urn:v' xmlns:unused='urn:u' uuid='5f0c' administrative-domain=''/>",
		  "extended"),
		OTHER(T_NAME, "extended"), TRUE },
	{ OTHER("&lt;vm uuid=&apos;5f0c&apos; administrative-domain='' xmlns='urn:v'>  &lt;!-- c -->&lt;/vm>",
		  "extended"),
		OTHER(T_NAME, "extended"), TRUE },
	{ OTHER("<vm uuid='5F0C' administrative-domain='' xmlns='urn:v'/>", "extended"),
		OTHER(T_NAME, "extended"), FALSE },
	{ OTHER("<vm uuid='5f0c' administrative-domain='' xmlns='urn:w'/>", "extended"),
		OTHER(T_NAME, "extended"), FALSE },
	{ OTHER("<vm uuid='5f0c' administrative-domain='' xmlns='urn:v'><a/></vm>", "extended"),
		OTHER("<q:vm uuid='5f0c' administrative-domain='' xmlns:q='urn:v'><q:a></q:a></q:vm>",
			"extended"),
		TRUE },
	{ OTHER("<vm uuid='5f0c' administrative-domain='' xmlns='urn:v'><a xmlns='urn:w'/></vm>",
		  "extended"),
		OTHER("<vm uuid='5f0c' administrative-domain='' xmlns='urn:v'><a/></vm>",
			"extended"),
		FALSE },
	{ OTHER("contrail:root", "extended"), OTHER("contrail:root", "extended"), TRUE },
	{ OTHER("contrail:root", "extended"), OTHER("contrail:root", "1:x"), FALSE },
};

static struct ifmap_id *read_or_die(const struct ifmap_identifier_parts *parts)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_id *id = ifmap_identifier_read(
		parts, IFMAP_IDENTIFIER_MAX_DEFAULT, NULL, &error);

	g_assert_no_error(error);
	return id;
}

static void test_equality(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autoptr(ifmap_id) a = read_or_die(&pairs[i].a);
		g_autoptr(ifmap_id) b = read_or_die(&pairs[i].b);

		g_test_message("%s / %s", pairs[i].a.name, pairs[i].b.name);
		g_assert_cmpint(ifmap_id_equal(a, b), ==, pairs[i].equal);
		g_assert_cmpint(strcmp(ifmap_id_key(a), ifmap_id_key(b)) == 0, ==, pairs[i].equal);
	}
}

static const struct {
	struct ifmap_identifier_parts parts;
	enum ifmap_error code;
} refused[] = {
	{ { AR, "" }, IFMAP_ERROR_INVALID_IDENTIFIER }, /* C55 */
	{ { AR, NULL }, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { DEV, NULL }, IFMAP_ERROR_INVALID_IDENTIFIER }, /* C65: aik-name only */
	{ { MAC, "00:11:22:AA:bb:cc" }, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { IP, "010.0.0.1" }, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { IP, "fe80::1", .subtype = "IPv6" }, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { IP, "fe80:0:0:0:0:0:0:1", .subtype = "IPv4" }, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { IP, "10.0.0.1", .subtype = "IPv5" }, IFMAP_ERROR_INVALID_IDENTIFIER_TYPE },
	{ { ID, "x" }, IFMAP_ERROR_INVALID_IDENTIFIER },                    /* C56 */
	{ { ID, NULL, NULL, "username" }, IFMAP_ERROR_INVALID_IDENTIFIER }, /* C56 */
	{ { ID, "x", NULL, "other" }, IFMAP_ERROR_INVALID_IDENTIFIER },     /* C57 */
	{ { ID, "x", NULL, "trusted-platform-module" },
		IFMAP_ERROR_INVALID_IDENTIFIER_TYPE }, /* C58 */
	{ { ID, "FE80:0:0:0:0:0:0:1", NULL, "hip-hit" }, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { ID, T_NAME, "d", "other", "extended" }, IFMAP_ERROR_INVALID_IDENTIFIER }, /* C68 */
	{ OTHER("<vm xmlns='urn:v'/>", "extended"), IFMAP_ERROR_INVALID_IDENTIFIER }, /* C68 */
	{ OTHER("<vm administrative-domain=''/>", "extended"), IFMAP_ERROR_INVALID_IDENTIFIER },
	{ OTHER("<!DOCTYPE vm><vm xmlns='urn:v' administrative-domain=''/>", "extended"),
		IFMAP_ERROR_INVALID_IDENTIFIER },
	{ OTHER("<vm xmlns='urn:v' xmlns:q='urn:q' q:a='1' administrative-domain=''/>", "extended"),
		IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { AR, "bad\xff" }, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ { AR, "bad\x1fkey" }, IFMAP_ERROR_INVALID_IDENTIFIER },
};

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(ifmap_id) id = ifmap_identifier_read(
			&refused[i].parts, IFMAP_IDENTIFIER_MAX_DEFAULT, NULL, &error);

		g_test_message(
			"%zu: %s", i, refused[i].parts.name ? refused[i].parts.name : "(none)");
		g_assert_null(id);
		g_assert_error(error, IFMAP_ERROR, (int)refused[i].code);
	}
}

static void test_opaque(void)
{
	g_autoptr(ifmap_id)
		id = read_or_die(&(struct ifmap_identifier_parts)OTHER("<vm", "extended"));

	g_assert_null(ifmap_id_extended_name(id)); /* C69, lenient */
	g_assert_cmpstr(ifmap_id_value(id), ==, "<vm");
}

static void test_too_long(void)
{
	g_autofree char *name = g_strnfill(20000, 'x');
	struct ifmap_identifier_parts parts = { AR, name };
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_id) fits = ifmap_identifier_read(&parts, 30000, NULL, NULL);

	g_assert_nonnull(fits);
	g_assert_null(ifmap_identifier_read(&parts, 16384, NULL, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_IDENTIFIER_TOO_LONG); /* C72 */
}

static void test_extended(void)
{
	const char *const attributes[] = { "uuid", "5f0c", "a", "<&>\"'\n", NULL };
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_id) id = ifmap_id_new_extended("urn:v", "vm", attributes, &error);
	g_autoptr(GString) wire = g_string_new(NULL);

	g_assert_no_error(error);
	g_assert_cmpstr(ifmap_id_value(id), ==,
		"<vm xmlns=\"urn:v\" a=\"&lt;&amp;&gt;&quot;'&#10;\" administrative-domain=\"\" uuid=\"5f0c\"></vm>");
	g_assert_true(ifmap_id_is_extended(id, "urn:v", "vm"));
	g_assert_true(ifmap_id_is_extended(id, "urn:v", NULL));
	g_assert_false(ifmap_id_is_extended(id, "urn:w", NULL));
	g_assert_false(ifmap_id_is_extended(id, "urn:v", "v"));
	g_assert_cmpstr(ifmap_id_attribute(id, "a"), ==, "<&>\"'\n");
	g_assert_cmpstr(ifmap_id_attribute(id, "administrative-domain"), ==, "");
	g_assert_null(ifmap_id_attribute(id, "5f0c"));
	ifmap_reply_id(wire, id);
	g_assert_nonnull(strstr(wire->str,
		"name=\"&amp;lt;vm xmlns=&amp;quot;urn:v&amp;quot; a=&amp;quot;&amp;amp;lt;"));
	g_assert_null(ifmap_id_new_extended("urn:v", "v m", NULL, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER);
	g_clear_error(&error);
	g_assert_null(ifmap_id_new_extended("", "vm", NULL, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER);
}

/* The quick scanner and the XML parser must agree on what canonical text means: spelled
 * differently, the same documents take the other way. Random attribute sets and values. */
static void test_extended_property(void)
{
	static const char *const alphabet[] = { "a", "b", "&", "<", ">", "\"", "\t", "\n", "\r",
		" ", "é", "'", "x" };

	for (unsigned round = 0; round < 2000; round++) {
		g_autoptr(GString) spelled = g_string_new("<p:vm xmlns:p='urn:v'"),
				   value = g_string_new(NULL);
		const char *attributes[] = { "b", NULL, "a", "1", NULL };
		g_autoptr(ifmap_id) made = NULL, read = NULL;
		g_autofree char *escaped = NULL;

		for (int n = g_test_rand_int_range(0, 8); n > 0; n--)
			g_string_append(
				value, alphabet[g_test_rand_int_range(0, G_N_ELEMENTS(alphabet))]);
		attributes[1] = value->str;
		made = ifmap_id_new_extended("urn:v", "vm", attributes, NULL);
		g_assert_nonnull(made);
		escaped = g_markup_escape_text(value->str, -1);
		g_string_append(spelled, " b=\"");
		for (const char *p = escaped; *p; p++)
			if (strchr("\t\n\r", *p))
				g_string_append_printf(spelled, "&#x%x;", (unsigned)*p);
			else
				g_string_append_c(spelled, *p);
		g_string_append(spelled, "\" administrative-domain='' a='1'/>");
		read = read_or_die(&(struct ifmap_identifier_parts){
			ID, spelled->str, NULL, "other", "extended" });
		g_assert_cmpstr(ifmap_id_key(read), ==, ifmap_id_key(made));
		g_assert_cmpstr(ifmap_id_attribute(read, "b"), ==, value->str);
	}
}

static const struct {
	const char *text;
	const char *shown; /* NULL: refused */
} shorts[] = {
	{ "device:vm1", "device vm1" },
	{ "ip:10.0.0.1", "ip 10.0.0.1" },
	{ "ip:fe80::1", "ip fe80:0:0:0:0:0:0:1" },
	{ "mac:00:11:22:AA:BB:CC", "mac 00:11:22:aa:bb:cc" },
	{ "identity:username:ann", "identity username ann" },
	{ "ar:p:7", "access-request p:7" },
	{ "ext:urn:v#vapp,name=shop", "vapp name=shop" },
	{ "ext:urn:v", NULL },
	{ "ext:urn:v#vapp,name", NULL },
	{ "identity:ann", NULL },
	{ "ip:10.0.0.256", NULL },
	{ "mac:zz", NULL },
	{ "device:", NULL },
	{ "toaster:1", NULL },
};

static void test_short_forms(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(shorts); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(ifmap_id) id = ifmap_id_from_string(shorts[i].text, &error);
		g_autofree char *shown = id ? ifmap_id_to_string(id) : NULL;

		g_assert_cmpstr(shown, ==, shorts[i].shown);
		g_assert_true((id == NULL) == (error != NULL));
	}
}

static void test_wire(void)
{
	g_autoptr(GString) wire = g_string_new(NULL);
	g_autoptr(ifmap_id) dns = read_or_die(
		&(struct ifmap_identifier_parts){ ID, "A.B", "d<", "dns-name", NULL });
	g_autoptr(ifmap_id) device = ifmap_id_new_device("a&b", NULL);
	g_autoptr(ifmap_id) ip = ifmap_id_new_ip("::1", NULL, NULL);

	ifmap_reply_id(wire, dns);
	ifmap_reply_id(wire, device);
	ifmap_reply_id(wire, ip);
	g_assert_cmpstr(wire->str, ==,
		"<identity name=\"A.B\" type=\"dns-name\" administrative-domain=\"d&lt;\"/>"
		"<device><name>a&amp;b</name></device>"
		"<ip-address value=\"0:0:0:0:0:0:0:1\" type=\"IPv6\"/>");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/id/canonical", test_canonical);
	g_test_add_func("/ifmap/id/equality", test_equality);
	g_test_add_func("/ifmap/id/refused", test_refused);
	g_test_add_func("/ifmap/id/opaque", test_opaque);
	g_test_add_func("/ifmap/id/too-long", test_too_long);
	g_test_add_func("/ifmap/id/extended", test_extended);
	g_test_add_func("/ifmap/id/extended-property", test_extended_property);
	g_test_add_func("/ifmap/id/short-forms", test_short_forms);
	g_test_add_func("/ifmap/id/wire", test_wire);
	return g_test_run();
}
