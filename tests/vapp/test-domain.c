/* Domain XML from machines, and vApps captured from domain XML. */
#include "testing.h"
#include "vapp/capture.h"
#include "vapp/domain.h"

static const char *bridge_of(const char *network, gpointer data)
{
	return strcmp(network, "front") == 0 ? "br-front" : data;
}

static char *domain_of(
	const struct vapp *vapp, const char *name, const struct vapp_domain_options *options)
{
	g_autoptr(GError) error = NULL;
	char *xml = vapp_machine_to_domain(vapp, vapp_find_machine(vapp, name), options, &error);

	g_assert_no_error(error);
	return xml;
}

static void test_goldens(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(vapp_value) pair = test_package("packages/foreign2.ovf");
	g_autoptr(vapp_member) member = vapp_member_new(shop, vapp_find_machine(shop, "app1"));
	struct vapp_domain_options direct = { .file_dir = "/srv/images/",
		.serial_path = "/var/log/app1.console",
		.emulator = "/usr/bin/qemu-system-x86_64",
		.bridge = bridge_of,
		.bridge_data = (gpointer) "br-back",
		.member = member };
	struct vapp_domain_options disks = {
		.file_dir = "/srv/images", .type = "kvm", .domain_name = "other"
	};
	g_autofree char *app = domain_of(shop, "app1", &direct);
	g_autofree char *f1 = domain_of(pair, "f1", &disks);

	test_golden("golden/app1.xml", app);
	test_golden("golden/f1.xml", f1);
}

static void test_tap(void)
{
	g_autofree char *name = vapp_tap_name("52:54:00:80:01:21");

	g_assert_cmpstr(name, ==, "dv00800121");
	g_assert_cmpuint(strlen(name), <, 16); /* IFNAMSIZ */
}

static void check_refused(const struct vapp *vapp, const char *machine,
	const struct vapp_domain_options *options, const char *why)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(
		vapp_machine_to_domain(vapp, vapp_find_machine(vapp, machine), options, &error));
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, why));
}

static void set_kernel(struct vapp *vapp, const char *href)
{
	struct vapp_machine *machine = (struct vapp_machine *)vapp_find_machine(vapp, "web1");

	g_free(machine->boot.kernel);
	machine->boot.kernel = g_strdup(href);
}

static void test_refusals(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(vapp_value) pair = test_package("packages/foreign2.ovf");
	struct vapp_domain_options nowhere = { 0 };
	struct vapp_domain_options no_segment = { .file_dir = "/srv", .bridge = bridge_of };
	struct vapp_domain_options plain = { .file_dir = "/srv/images" };
	static const char *const outside[] = { "file:///etc/shadow", "../x", "http://example/x",
		"file:///srv/images2/x", "file:///srv/images/../x" };

	check_refused(shop, "web1", &nowhere, "no folder");
	check_refused(shop, "app1", &no_segment, "no segment for network 'back'");
	check_refused(pair, "b1", &plain, "no file");
	for (size_t i = 0; i < G_N_ELEMENTS(outside); i++) {
		set_kernel(shop, outside[i]);
		check_refused(shop, "web1", &plain, "not a file below");
	}
	set_kernel(shop, "file:///srv/images/k%20x");
	g_free(domain_of(shop, "web1", &plain));
}

/* Domains made from shop, captured, are shop again, but for what a domain cannot tell. */
static void test_round_trip(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(GPtrArray) xmls = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(vapp_value) captured = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL, *ovf = NULL;

	for (unsigned i = 0; i < shop->machines->len; i++) {
		const struct vapp_machine *machine = shop->machines->pdata[i];
		g_autoptr(vapp_member) member = vapp_member_new(shop, machine);
		struct vapp_domain_options options = { .file_dir = "/srv/images",
			.member = member };

		g_ptr_array_add(xmls, domain_of(shop, machine->name, &options));
	}
	captured = vapp_capture("shop", "1.0", (const char *const *)xmls->pdata, xmls->len, &error);
	g_assert_no_error(error);
	text = vapp_to_text(captured);
	test_golden("golden/captured.txt", text);
	for (unsigned i = 0; i < shop->machines->len; i++) {
		const struct vapp_machine *machine = shop->machines->pdata[i];
		const struct vapp_machine *again = vapp_find_machine(captured, machine->name);
		g_autofree char *want = vapp_machine_cmdline(shop, machine, NULL);
		g_autofree char *got = vapp_machine_cmdline(captured, again, NULL);
		g_autofree char *want_uuid = vapp_machine_uuid(shop, machine);

		g_assert_cmpstr(got, ==, want);
		g_assert_cmpstr(again->uuid, ==, want_uuid);
		g_assert_cmpstr(again->tier, ==, machine->tier);
	}
	ovf = ovf_write(captured);
	g_free(text);
	text = vapp_to_text(captured);
	vapp_free(g_steal_pointer(&captured));
	captured = ovf_read("captured", ovf, strlen(ovf), &error);
	g_assert_no_error(error);
	g_free(ovf);
	ovf = vapp_to_text(captured);
	g_assert_cmpstr(ovf, ==, text);
}

/* What people declare on the command line about what was captured. */
static void test_declare(void)
{
	static const char *const bad[] = { "web1", "web1:app1", "web1:app1:", "web1:app1:tcp",
		"web1:app1:tcp/", "web1:app1:tcp/x", "web1:app1:icmp/8", "web1:app1:sctp/1",
		":a:any", "a::any" };
	static const char *const bad_addresses[] = { "", "m", "m=", "m=x", "n=10.0.0.1/24",
		"m.1=10.0.0.1/24", "m=10.0.0.1/24,x" };
	g_autoptr(vapp_value) vapp = vapp_new("v", "1");
	struct vapp_machine *machine = vapp_machine_new("m");
	const struct vapp_flow *flow;
	g_autofree char *ports = NULL;

	g_ptr_array_add(machine->nics, vapp_nic_new("net", "52:54:00:00:00:01"));
	g_ptr_array_add(vapp->machines, machine);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(vapp_allow(vapp, bad[i], &error));
		g_assert_true(g_str_has_prefix(error->message, bad[i]));
	}
	g_ptr_array_set_size(vapp->flows, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(bad_addresses); i++)
		g_assert_false(vapp_address(vapp, bad_addresses[i], NULL));
	g_assert_true(vapp_allow(vapp, "outside:m:tcp/80,8000-8010", NULL));
	g_assert_true(vapp_allow(vapp, "outside:m:icmp", NULL));
	g_assert_true(vapp_address(vapp, "m.0=fd00::1/64", NULL));
	flow = vapp->flows->pdata[0];
	ports = vapp_ports_to_string(flow->ports);
	g_assert_cmpstr(flow->id, ==, "outside-m");
	g_assert_cmpstr(ports, ==, "80,8000-8010");
	flow = vapp->flows->pdata[1];
	g_assert_cmpstr(flow->id, ==, "outside-m-2");
	g_assert_cmpint(flow->protocol, ==, VAPP_PROTOCOL_ICMP);
}

static void test_capture_errors(void)
{
	static const struct {
		const char *xml, *why;
	} rows[] = {
		{ "", "domain 1" },
		{ "<x/>", "not a libvirt domain" },
		{ "<domain/>", "no name" },
		{ "<domain><name>a</name></domain>", "amount of memory" },
		{ "<domain><name>a</name><memory unit='furlong'>1</memory></domain>",
			"amount of memory" },
		{ "<domain><name>a</name><memory>98304</memory><vcpu>x</vcpu></domain>",
			"processors" },
		{ "<domain><name>a</name><memory>98304</memory><devices><interface type='user'/></devices></domain>",
			"joins no bridge" },
		{ "<domain><name>a</name><memory>98304</memory><devices><disk type='block'/></devices></domain>",
			"are files" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(vapp_capture("v", NULL, &rows[i].xml, 1, &error));
		g_assert_nonnull(error);
		g_assert_nonnull(strstr(error->message, rows[i].why));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/domain/goldens", test_goldens);
	g_test_add_func("/domain/tap", test_tap);
	g_test_add_func("/domain/refusals", test_refusals);
	g_test_add_func("/domain/round-trip", test_round_trip);
	g_test_add_func("/domain/capture-errors", test_capture_errors);
	g_test_add_func("/domain/declare", test_declare);
	return g_test_run();
}
