/* Envelopes in and out: goldens, round trips, foreign dialects, the malformed corpus. */
#include "base/xml.h"
#include "testing.h"

static void check_golden(const char *package, const char *golden)
{
	g_autoptr(vapp_value) vapp = test_package(package);
	g_autofree char *text = vapp_to_text(vapp);

	test_golden(golden, text);
}

static void check_round_trip(const struct vapp *vapp)
{
	g_autofree char *xml = ovf_write(vapp);
	g_autoptr(GError) error = NULL;
	g_autoptr(vapp_value) again = ovf_read("again", xml, strlen(xml), &error);
	g_autofree char *want = vapp_to_text(vapp);
	g_autofree char *got = NULL;

	g_assert_no_error(error);
	got = vapp_to_text(again);
	g_assert_cmpstr(got, ==, want);
	g_assert_true(vapp_equal(vapp, again));
}

static void test_packages(void)
{
	static const struct {
		const char *package, *golden;
	} rows[] = {
		{ "../../examples/shop/shop.ovf", "golden/shop.txt" },
		{ "../../examples/bank/bank.ovf", "golden/bank.txt" },
		{ "packages/foreign1.ovf", "golden/foreign1.txt" },
		{ "packages/foreign2.ovf", "golden/foreign2.txt" },
		{ "packages/full.ovf", "golden/full.txt" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(vapp_value) vapp = test_package(rows[i].package);

		check_golden(rows[i].package, rows[i].golden);
		check_round_trip(vapp);
	}
}

static void test_written(void)
{
	g_autoptr(vapp_value) full = test_package("packages/full.ovf");
	g_autofree char *xml = ovf_write(full);

	test_golden("golden/full.ovf", xml);
}

/* The complete package of docs/vapp.md is one. */
static void test_documented(void)
{
	g_autofree char *page = test_file("../../docs/vapp.md");
	g_auto(GStrv) parts = g_strsplit(page, "## A complete package", 2);
	g_auto(GStrv) blocks = g_strsplit(parts[1], "```", 3);
	g_autoptr(GError) error = NULL;
	g_autoptr(vapp_value) vapp = NULL;
	const char *xml;

	g_assert_true(g_str_has_prefix(blocks[1], "xml\n"));
	xml = blocks[1] + strlen("xml\n");
	vapp = ovf_read("docs/vapp.md", xml, strlen(xml), &error);
	g_assert_no_error(error);
	g_assert_cmpuint(vapp->flows->len, ==, 1);
}

/* ---- random vApps survive a round trip ---- */

static char *random_text(GRand *rand)
{
	static const char *const pieces[] = { "a", "Zoë", "&", "<b>", "\"", "'", "${x}", "\t", "\n",
		"]]>", "/", "7", " " };
	GString *text = g_string_new("t");

	for (int i = g_rand_int_range(rand, 0, 8); i > 0; i--)
		g_string_append(text, pieces[g_rand_int_range(rand, 0, G_N_ELEMENTS(pieces))]);
	g_string_append_c(text, '.');
	return g_string_free(text, FALSE);
}

static void add_random_nic(GRand *rand, struct vapp_machine *machine, unsigned n, unsigned network)
{
	g_autofree char *name = g_strdup_printf("net%u", network);
	g_autofree char *mac = g_strdup_printf(
		"52:54:%02x:80:%02x:%02x", g_rand_int(rand) % 256, network, n);
	struct vapp_nic *nic = vapp_nic_new(name, mac);
	struct vapp_prefix ip = { VAPP_IPV4, 24, { 10, 80, (guint8)network, (guint8)(n + 1) } };

	g_array_append_val(nic->ips, ip);
	g_ptr_array_add(machine->nics, nic);
}

static struct vapp_machine *random_machine(GRand *rand, unsigned n)
{
	g_autofree char *name = g_strdup_printf("m%u", n);
	struct vapp_machine *machine = vapp_machine_new(name);
	struct vapp_disk *disk = vapp_disk_new(
		g_rand_boolean(rand) ? VAPP_DISK_DISK : VAPP_DISK_CDROM, "d/disk.img");

	machine->title = g_rand_boolean(rand) ? random_text(rand) : NULL;
	machine->tier = g_rand_boolean(rand) ? g_strdup_printf("tier%u", n % 2) : NULL;
	machine->label = g_rand_boolean(rand) ? g_strdup("green") : NULL;
	machine->memory_mib = (unsigned)g_rand_int_range(rand, 1, 4096);
	machine->n_vcpus = (unsigned)g_rand_int_range(rand, 1, 9);
	machine->cpu_model = g_rand_boolean(rand) ? g_strdup("qemu64") : NULL;
	machine->start_order = (unsigned)g_rand_int_range(rand, 0, 5);
	machine->start_delay_s = (unsigned)g_rand_int_range(rand, 0, 5);
	disk->capacity_size = g_rand_boolean(rand) ? g_rand_int(rand) : 0;
	disk->format = g_rand_boolean(rand) ? g_strdup("qcow2") : NULL;
	g_ptr_array_add(machine->disks, disk);
	for (unsigned i = 0; i < 3; i++)
		if (i == 0 || g_rand_boolean(rand))
			add_random_nic(rand, machine, n, i);
	if (g_rand_boolean(rand)) {
		g_ptr_array_add(machine->properties, vapp_property_new("k", NULL));
		((struct vapp_property *)machine->properties->pdata[0])->value[0] = '\0';
		machine->boot.kernel = g_strdup("vmlinuz");
		machine->boot.cmdline = g_strdup("a b=${k} c='<&>'");
	}
	return machine;
}

static struct vapp *random_vapp(GRand *rand)
{
	struct vapp *vapp = vapp_new("any", g_rand_boolean(rand) ? "1.2-x" : NULL);
	unsigned n_machines = (unsigned)g_rand_int_range(rand, 2, 9);
	struct vapp_flow *flow;

	vapp->product = g_rand_boolean(rand) ? random_text(rand) : NULL;
	vapp->label = g_rand_boolean(rand) ? g_strdup("blue") : NULL;
	for (unsigned i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("net%u", i);

		g_ptr_array_add(vapp->networks, vapp_network_new(name));
	}
	for (unsigned i = 0; i < n_machines; i++)
		g_ptr_array_add(vapp->machines, random_machine(rand, i));
	flow = vapp_flow_new("f", "m0", g_rand_boolean(rand) ? "m1" : VAPP_OUTSIDE);
	flow->protocol = (enum vapp_protocol)g_rand_int_range(rand, 0, 4);
	if (flow->protocol <= VAPP_PROTOCOL_UDP && g_rand_boolean(rand)) {
		g_array_unref(flow->ports);
		flow->ports = vapp_ports_from_string("1,5-9,65535");
	}
	flow->n_paths = (unsigned)g_rand_int_range(rand, 1, 4);
	g_ptr_array_add(vapp->flows, flow);
	g_ptr_array_add(
		vapp->duties, vapp_duty_new((enum vapp_duty_kind)g_rand_int_range(rand, 0, 4), 90));
	return vapp;
}

static void test_random(void)
{
	guint32 seed = g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

	g_test_message("seed %u", seed);
	for (int i = 0; i < 500; i++) {
		g_autoptr(vapp_value) vapp = random_vapp(rand);
		g_autoptr(GError) error = NULL;

		vapp_validate(vapp, "random", &error);
		g_assert_no_error(error);
		check_round_trip(vapp);
	}
}

/* ---- the malformed corpus: NAME.ovf with its one error in NAME.error ---- */

static void test_malformed(gconstpointer data)
{
	const char *name = data;
	g_autofree char *relative = g_build_filename("malformed", name, NULL);
	g_autofree char *base = g_strndup(relative, strlen(relative) - strlen(".ovf"));
	g_autofree char *golden = g_strconcat(base, ".error", NULL);
	g_autofree char *text = test_file(relative);
	g_autoptr(GError) error = NULL;
	g_autofree char *line = NULL;

	g_assert_null(ovf_read(name, text, strlen(text), &error));
	g_assert_nonnull(error);
	/* NAME:LINE: */
	g_assert_true(
		g_regex_match_simple("^[a-z0-9-]+\\.ovf:[1-9][0-9]*: ", error->message, 0, 0));
	/* ... <element>: unless the file is no XML at all */
	if (!g_error_matches(error, BASE_XML_ERROR, BASE_XML_ERROR_MALFORMED) &&
		!g_error_matches(error, BASE_XML_ERROR, BASE_XML_ERROR_FORBIDDEN) &&
		!g_error_matches(error, BASE_XML_ERROR, BASE_XML_ERROR_LIMIT))
		g_assert_true(
			g_regex_match_simple(":[0-9]+: <[A-Za-z]+>: .", error->message, 0, 0));
	line = g_strconcat(error->message, "\n", NULL);
	test_golden(golden, line);
}

static void add_malformed(void)
{
	g_autofree char *path = test_path("malformed");
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	unsigned n = 0;

	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *test = g_strdup_printf("/ovf/malformed/%s", name);

		if (!g_str_has_suffix(name, ".ovf"))
			continue;
		g_test_add_data_func_full(test, g_strdup(name), test_malformed, g_free);
		n++;
	}
	g_assert_cmpuint(n, >=, 40);
}

/* ---- any byte lost or changed: an error or a valid vApp, never a crash ---- */

static void test_truncated(void)
{
	g_autofree char *text = test_file("packages/full.ovf");
	size_t size = strlen(g_strchomp(text));

	for (size_t i = 0; i < size; i += 7) {
		g_autoptr(GError) error = NULL;

		g_assert_null(ovf_read("cut", text, i, &error));
		g_assert_nonnull(error);
	}
}

static void test_flipped(void)
{
	g_autofree char *text = test_file("packages/full.ovf");
	guint32 seed = g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	size_t size = strlen(text);

	g_test_message("seed %u", seed);
	for (int i = 0; i < 1500; i++) {
		size_t at = (size_t)g_rand_int_range(rand, 0, (gint32)size);
		char old = text[at];
		g_autoptr(GError) error = NULL;
		g_autoptr(vapp_value) vapp = NULL;

		text[at] = (char)g_rand_int_range(rand, 1, 256);
		vapp = ovf_read("flipped", text, size, &error);
		g_assert_true((vapp == NULL) == (error != NULL));
		if (vapp)
			check_round_trip(vapp);
		text[at] = old;
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ovf/packages", test_packages);
	g_test_add_func("/ovf/written", test_written);
	g_test_add_func("/ovf/documented", test_documented);
	g_test_add_func("/ovf/random", test_random);
	g_test_add_func("/ovf/truncated", test_truncated);
	g_test_add_func("/ovf/flipped", test_flipped);
	add_malformed();
	return g_test_run();
}
