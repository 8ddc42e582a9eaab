/* host/domxml: who a domain is and what it hangs on. */
#include "host/domxml.h"

#include <string.h>

static void test_read(void)
{
	static const char xml[] =
		"<domain type='kvm'><name>n</name>\n<uuid> 11111111-2222-4333-8444-555555555555 </uuid>"
		"<metadata><x:other xmlns:x='urn:x'/>"
		"<drover:member xmlns:drover='urn:drover:domain:1'/></metadata>"
		"<devices><disk/><interface type='bridge'><mac address='52:54:00:AB:CD:EF'/>"
		"<source bridge='br0'/><target dev='dv1'/></interface>"
		"<interface type='network'><source network='default'/></interface></devices></domain>";
	g_autoptr(GError) error = NULL;
	g_autoptr(domxml) domain = domxml_read(xml, &error);
	g_autofree const char **macs = NULL;
	const struct domxml_nic *nic;

	g_assert_no_error(error);
	g_assert_cmpstr(domain->uuid, ==, "11111111-2222-4333-8444-555555555555");
	g_assert_cmpstr(domain->name, ==, "n");
	g_assert_true(domain->claims);
	g_assert_cmpuint(domain->nics->len, ==, 2);
	nic = domain->nics->pdata[0];
	g_assert_cmpstr(nic->mac, ==, "52:54:00:ab:cd:ef");
	g_assert_cmpstr(nic->tap, ==, "dv1");
	g_assert_cmpstr(nic->bridge, ==, "br0");
	nic = domain->nics->pdata[1];
	g_assert_null(nic->mac);
	g_assert_null(nic->tap);
	g_assert_null(nic->bridge);
	macs = domxml_macs(domain);
	g_assert_cmpstr(macs[0], ==, "52:54:00:ab:cd:ef");
	g_assert_null(macs[1]);
}

/* Another namespace, or a place outside <metadata>, claims nothing. */
static void test_no_claim(void)
{
	static const char *const texts[] = {
		"<domain><metadata><member/></metadata></domain>",
		"<domain><metadata><m:member xmlns:m='urn:drover:domain:2'/></metadata></domain>",
		"<domain><m:member xmlns:m='urn:drover:domain:1'/></domain>",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(domxml) domain = domxml_read(texts[i], NULL);

		g_assert_nonnull(domain);
		g_assert_false(domain->claims);
		g_assert_null(domain->uuid);
		g_assert_cmpuint(domain->nics->len, ==, 0);
	}
}

/* A mark replaces the one before it and leaves everything else alone. */
static void test_mark(void)
{
	static const char *const texts[] = {
		"<domain><name>n</name></domain>",
		"<domain><metadata/></domain>",
		"<domain><metadata><a:arrival xmlns:a='urn:drover:arrival:1' name='old'/>"
		"<arrival name='not ours'/><drover:member xmlns:drover='urn:drover:domain:1'/>"
		"</metadata></domain>",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *once = domxml_mark(texts[i], "first", &error);
		g_autofree char *twice = domxml_mark(once, "a<&\"b", &error);
		g_autoptr(domxml) before = domxml_read(texts[i], &error);
		g_autoptr(domxml) after = domxml_read(twice, &error);

		g_assert_no_error(error);
		g_assert_cmpstr(before->arrival, ==, i == 2 ? "old" : NULL);
		g_assert_cmpstr(after->arrival, ==, "a<&\"b");
		g_assert_null(strstr(twice, "first"));
		g_assert_null(strstr(twice, "old"));
		g_assert_cmpint(after->claims, ==, before->claims);
		g_assert_cmpstr(after->name, ==, before->name);
		g_assert_cmpint(strstr(twice, "not ours") != NULL, ==,
			strstr(texts[i], "not ours") != NULL);
	}
	g_assert_null(domxml_mark("<network/>", "x", NULL));
}

static void test_refused(void)
{
	static const char *const texts[] = { "", "x", "<domain>", "<domains/>",
		"<d:domain xmlns:d='urn:d'/>", "<!DOCTYPE domain><domain/>" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(domxml_read(texts[i], &error));
		g_assert_nonnull(error);
		g_assert_true(g_str_has_prefix(error->message, "domain XML:"));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/domxml/mark", test_mark);
	g_test_add_func("/domxml/read", test_read);
	g_test_add_func("/domxml/no-claim", test_no_claim);
	g_test_add_func("/domxml/refused", test_refused);
	return g_test_run();
}
