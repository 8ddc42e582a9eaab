/* The engine on a recorder instead of a kernel: what it asks for (golden files, REGENERATE=1 writes
 * them), and what it does when the kernel says no. With it the small pure parts: reports, packets,
 * flows, the state file. */
#include "host/enforce_engine.h"
#include "host/enforce_flow.h"
#include "host/enforce_image.h"
#include "host/enforce_report.h"
#include "host/enforce_store.h"

#include <glib/gstdio.h>
#include <linux/netfilter/nf_tables.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID  "aaaaaaaa-0000-4000-8000-000000000001"
#define OTHER "bbbbbbbb-0000-4000-8000-000000000002"
#define THIRD "cccccccc-0000-4000-8000-000000000003"

/* Keeps what it was told, and has nothing to read back. */
struct recorder {
	struct enforce_kernel ops;
	GPtrArray *applied;      /* one text a transaction */
	const char *refuse_when; /* refuse a transaction that contains this; NULL: none */
};

/* What the messages are about, in their order; then what they leave in the tables. */
static char *describe(const struct enforce_batch *batch)
{
	g_autoptr(enforce_image) image = enforce_image_of_batch(batch);
	g_autofree char *all = enforce_image_to_string(image);
	GString *text = g_string_new(NULL);
	struct nlmsghdr *message = NULL;

	while ((message = enforce_batch_next(batch->bytes, message))) {
		g_autofree char *line = enforce_batch_describe(message);

		if ((message->nlmsg_type & 0xff) != NFT_MSG_NEWRULE)
			g_string_append_printf(text, "%s\n", line);
	}
	g_string_append_printf(text, "\n%s", all);
	return g_string_free(text, FALSE);
}

static gboolean record(
	struct enforce_kernel *kernel, const struct enforce_batch *batch, GError **error)
{
	struct recorder *recorder = (struct recorder *)kernel;
	char *text = describe(batch);

	if (recorder->refuse_when && strstr(text, recorder->refuse_when)) {
		g_free(text);
		g_set_error(error, ENFORCE_KERNEL_ERROR, ENFORCE_KERNEL_ERROR_REFUSED,
			"no, says the test");
		return FALSE;
	}
	g_ptr_array_add(recorder->applied, text);
	return TRUE;
}

static gboolean answer_nothing(struct enforce_kernel *kernel, struct nlmsghdr *question,
	enforce_answer_func answered, gpointer data, GError **error)
{
	g_set_error(error, ENFORCE_KERNEL_ERROR, ENFORCE_KERNEL_ERROR_ABSENT, "nothing there");
	return FALSE;
}

static struct recorder recorder_new(void)
{
	return (struct recorder){ .ops = { .apply = record, .ask = answer_nothing },
		.applied = g_ptr_array_new_with_free_func(g_free) };
}

static struct rules_machine *machine_new(const char *uuid, const char *tap, const char *address)
{
	struct rules_machine *machine = rules_machine_new(uuid, "m", "shop");
	struct rules_nic *nic = rules_machine_add_nic(machine, tap, "52:54:00:00:00:01", "br0");

	nic->zone = 3;
	g_assert_true(rules_nic_add_address(nic, address, NULL));
	return machine;
}

static struct rules_machine *example(void)
{
	struct rules_machine *machine = machine_new(UUID, "tap1", "10.0.0.1");
	struct rules_rule *rule = rules_machine_add_rule(machine, "http", RULES_IN, RULES_TCP);

	g_assert_true(rules_nic_add_address(machine->nics->pdata[0], "2001:db8::1", NULL));
	rules_rule_add_ports(rule, 8080, 8090);
	rules_rule_add_ports(rule, 80, 80);
	rules_rule_add_ports(rule, 8085, 8100);
	g_assert_true(rules_rule_add_peer(rule, "10.1.0.0/16", NULL));
	g_assert_true(rules_rule_add_peer(rule, "10.1.2.3", NULL));
	g_assert_true(rules_rule_add_peer(rule, "10.2.0.1", NULL));
	g_assert_true(rules_rule_add_peer(rule, "2001:db8::/32", NULL));
	rules_machine_add_rule(machine, "ping", RULES_OUT, RULES_ICMP);
	rule = rules_machine_add_rule(machine, "dhcp", RULES_OUT, RULES_UDP);
	rules_rule_add_ports(rule, 67, 67);
	g_assert_true(rules_rule_add_peer(rule, "255.255.255.255", NULL));
	rule = rules_machine_add_rule(machine, "ra", RULES_IN, RULES_ICMPV6);
	rules_rule_add_ports(rule, 134, 134);
	g_assert_true(rules_rule_add_peer(rule, "fe80::/10", NULL));
	rules_machine_add_rule(machine, "all", RULES_OUT, RULES_ANY);
	return machine;
}

static void set(struct enforce_engine *engine, struct rules_machine *machine, char **ret_note,
	GError **error)
{
	g_autoptr(GPtrArray)
		machines = g_ptr_array_new_with_free_func((GDestroyNotify)rules_machine_free);

	g_ptr_array_add(machines, machine);
	enforce_engine_set(engine, machines, ret_note, error);
}

/* Golden */

static void compare_golden(const char *name, const GPtrArray *applied)
{
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden", name, NULL);
	g_autofree char *wanted = NULL;
	GString *found = g_string_new(NULL);

	for (guint i = 0; i < applied->len; i++)
		g_string_append_printf(
			found, "# transaction %u\n%s", i, (const char *)applied->pdata[i]);
	if (g_getenv("REGENERATE"))
		g_assert_true(g_file_set_contents(path, found->str, -1, NULL));
	g_assert_true(g_file_get_contents(path, &wanted, NULL, NULL));
	g_assert_cmpstr(found->str, ==, wanted);
	g_string_free(found, TRUE);
}

/* Everything from nothing, a machine set, cut and removed. */
static void test_golden(gconstpointer data)
{
	const struct enforce_backend *backend = data;
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(&recorder.ops, backend, 4711, NULL);
	g_autofree char *name = g_strdup_printf("enforce-%s.txt", backend->name);
	char *note = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(enforce_batch) probe = enforce_batch_new(0);
	gint64 open_us;

	backend->add_probe(probe);
	record(&recorder.ops, probe, NULL);
	g_assert_true(enforce_engine_rebuild(engine, &error));
	set(engine, example(), &note, &error);
	g_assert_no_error(error);
	g_assert_null(note);
	g_assert_true(enforce_engine_repair(engine, NULL, &open_us, &error));
	g_assert_true(enforce_engine_cut(engine, UUID, &error));
	g_assert_true(enforce_engine_remove(engine, UUID, &error));
	compare_golden(name, recorder.applied);
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
}

/* A change says nothing of other machines. */
static void test_small_change(void)
{
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[1], 1, NULL);
	char *note = NULL;
	const char *text;

	set(engine, example(), &note, NULL);
	set(engine, machine_new(OTHER, "tap2", "10.0.0.2"), &note, NULL);
	text = recorder.applied->pdata[1];
	g_assert_nonnull(strstr(text, "tap2"));
	g_assert_null(strstr(text, "tap1"));
	g_assert_null(strstr(text, "br0"));
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
}

/* E1: rules that the kernel does not take become a quarantine, and the caller hears why. */
static void test_refused_is_cut(void)
{
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[1], 1, NULL);
	g_autofree char *note = NULL;
	g_autoptr(GError) error = NULL;
	const char *text;

	recorder.refuse_when = "# http";
	set(engine, example(), &note, &error);
	g_assert_no_error(error);
	g_assert_nonnull(strstr(note, "no, says the test"));
	g_assert_true(enforce_engine_is_cut(engine, UUID));
	text = recorder.applied->pdata[0];
	g_assert_nonnull(strstr(text, "# cut"));
	g_assert_null(strstr(text, "accept"));
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
}

static void test_conflicts(void)
{
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[1], 1, NULL);
	char *note = NULL;
	g_autoptr(GError) tap = NULL;

	set(engine, example(), &note, NULL);
	set(engine, machine_new(OTHER, "tap1", "10.0.0.2"), &note, &tap);
	g_assert_error(tap, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED);
	g_assert_null(enforce_engine_find(engine, OTHER));
	g_assert_cmpuint(recorder.applied->len, ==, 1);
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
}

static guint16 zone_of(struct enforce_engine *engine, const char *uuid)
{
	const struct rules_machine *machine = enforce_engine_find(engine, uuid);

	return ((const struct rules_nic *)machine->nics->pdata[0])->zone;
}

/* A bridge has one zone: with one machine that is set anew all on it come into another. One request
 * that says two zones at once is refused, and so is an address that is on two bridges of one. */
static void test_zones(void)
{
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[1], 1, NULL);
	struct rules_machine *zoned = machine_new(OTHER, "tap2", "10.0.0.2");
	struct rules_machine *there = machine_new(THIRD, "tap3", "10.0.0.1");
	struct rules_machine *twice = rules_machine_copy(there);
	struct rules_nic *nic = there->nics->pdata[0];
	char *note = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) two = NULL;

	set(engine, example(), &note, NULL);
	((struct rules_nic *)zoned->nics->pdata[0])->zone = 4;
	set(engine, zoned, &note, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(zone_of(engine, UUID), ==, 4);
	g_assert_cmpuint(zone_of(engine, OTHER), ==, 4);
	g_assert_cmpuint(recorder.applied->len, ==, 2);
	rules_machine_add_nic(twice, "tap4", "52:54:00:00:00:04", "br0")->zone = 5;
	set(engine, twice, &note, &two);
	g_assert_error(two, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED);
	g_assert_cmpuint(zone_of(engine, UUID), ==, 4);
	g_free(nic->bridge);
	nic->bridge = g_strdup("br9");
	nic->zone = 4;
	set(engine, rules_machine_copy(there), &note, &error);
	g_assert_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED);
	g_clear_error(&error);
	nic->zone = 9;
	set(engine, there, &note, &error);
	g_assert_no_error(error);
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
}

/* What was set before a crash is there after it; a broken file is an error and nothing else. */
static void test_state(void)
{
	g_autofree char *directory = g_dir_make_tmp("drover-state-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "state.json", NULL);
	g_autofree char *text = NULL;
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[0], 1, path);
	g_autoptr(rules_machine) wanted = example();
	char *note = NULL;
	gsize size, first;

	g_assert_true(enforce_engine_load(engine, NULL));
	set(engine, example(), &note, NULL);
	g_assert_true(enforce_engine_cut(engine, UUID, NULL));
	enforce_engine_free(engine);
	engine = enforce_engine_new(&recorder.ops, &enforce_backends[0], 1, path);
	g_assert_true(enforce_engine_load(engine, NULL));
	g_assert_true(rules_machine_equal(enforce_engine_find(engine, UUID), wanted));
	g_assert_true(enforce_engine_is_cut(engine, UUID));
	enforce_engine_free(engine);
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	first = strcspn(text, "\n") + 1;
	g_assert_cmpuint(first, <, size);
	for (gsize cut = 1; cut < size; cut += 7) {
		g_autoptr(GError) why = NULL;
		gboolean ok;

		g_assert_true(g_file_set_contents(path, text, (gssize)cut, NULL));
		engine = enforce_engine_new(&recorder.ops, &enforce_backends[0], 1, path);
		ok = enforce_engine_load(engine, &why);
		/* Of the first line nothing may be missing; half a change is none. */
		g_assert_cmpint(ok, ==, cut >= first);
		g_assert_cmpint(ok, ==, why == NULL);
		if (ok)
			g_assert_false(enforce_engine_is_cut(engine, UUID));
		enforce_engine_free(engine);
	}
	g_unlink(path);
	g_rmdir(directory);
	g_ptr_array_unref(recorder.applied);
}

/* Accidents */

static gboolean die(
	struct enforce_kernel *kernel, const struct enforce_batch *batch, GError **error)
{
	raise(SIGKILL);
	return FALSE;
}

/* Sets the machine in a process that is killed when it turns to the kernel. */
static void set_and_die(const char *path)
{
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[0], 1, path);
	pid_t pid = fork();
	int status;

	if (!pid) {
		char *note;

		recorder.ops.apply = die;
		set(engine, example(), &note, NULL);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status));
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
}

/* E2: killed between the file and the transaction, the next enforcer does what was asked. */
static void test_killed_between(void)
{
	g_autofree char *directory = g_dir_make_tmp("drover-state-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "state.json", NULL);
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine;

	set_and_die(path);
	engine = enforce_engine_new(&recorder.ops, &enforce_backends[0], 1, path);
	g_assert_true(enforce_engine_load(engine, NULL));
	g_assert_true(enforce_engine_rebuild(engine, NULL));
	g_assert_nonnull(enforce_engine_find(engine, UUID));
	g_assert_nonnull(strstr(recorder.applied->pdata[0], "bridge chain from-tap1"));
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
	g_unlink(path);
	g_rmdir(directory);
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	limit.rlim_cur = size;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* As on a full disk: a part is written, then no more. The change is refused, the kernel hears
 * nothing, and the file says what it said. */
static void try_full(struct enforce_engine *engine, struct recorder *recorder, const char *path,
	struct rules_machine *machine)
{
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	g_autofree char *uuid = g_strdup(machine->uuid);
	g_autoptr(GError) error = NULL;
	gboolean there = enforce_engine_find(engine, uuid) != NULL;
	guint n_applied = recorder->applied->len;
	char *note = NULL;
	gsize size = 0;

	g_file_get_contents(path, &before, &size, NULL);
	limit_files(size + 10);
	set(engine, machine, &note, &error);
	limit_files(RLIM_INFINITY);
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, "state.json"));
	g_assert_cmpuint(recorder->applied->len, ==, n_applied);
	g_assert_cmpint(enforce_engine_find(engine, uuid) != NULL, ==, there);
	g_file_get_contents(path, &after, NULL, NULL);
	g_assert_cmpstr(after, ==, before);
}

static void test_full_disk(void)
{
	g_autofree char *directory = g_dir_make_tmp("drover-state-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "state.json", NULL);
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[0], 1, path);
	g_autoptr(GHashTable) found = enforce_entry_table_new();
	struct enforce_store *store = enforce_store_new(path);
	char *note = NULL;

	signal(SIGXFSZ, SIG_IGN);
	try_full(engine, &recorder, path, example()); /* a new file */
	set(engine, example(), &note, NULL);
	try_full(engine, &recorder, path, machine_new(OTHER, "tap2", "10.0.0.2")); /* a line */
	try_full(engine, &recorder, path, machine_new(UUID, "tap1", "10.0.0.9"));
	set(engine, machine_new(OTHER, "tap2", "10.0.0.2"), &note, NULL);
	g_assert_true(enforce_store_read(store, found, NULL));
	g_assert_cmpuint(g_hash_table_size(found), ==, 2);
	enforce_store_free(store);
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
	g_unlink(path);
	g_rmdir(directory);
}

/* Some 6 KB in the file. */
static struct rules_machine *large(const char *address)
{
	struct rules_machine *machine = machine_new(UUID, "tap1", address);

	for (guint16 i = 0; i < 80; i++)
		rules_rule_add_ports(
			rules_machine_add_rule(machine, "flow", RULES_IN, RULES_TCP), i, i);
	return machine;
}

/* However often one machine is set, the file stays within bounds and says the last. */
static void test_many_changes(void)
{
	g_autofree char *directory = g_dir_make_tmp("drover-state-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(directory, "state.json", NULL);
	struct recorder recorder = recorder_new();
	struct enforce_engine *engine = enforce_engine_new(
		&recorder.ops, &enforce_backends[0], 1, path);
	g_autoptr(rules_machine) last = large("10.0.0.99");
	g_autofree char *text = NULL;
	char *note = NULL;
	gsize size;

	for (guint i = 0; i < 100; i++) {
		g_autofree char *address = g_strdup_printf("10.0.0.%u", i);

		set(engine, large(address), &note, NULL);
		g_ptr_array_set_size(recorder.applied, 0);
	}
	enforce_engine_free(engine);
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	g_assert_cmpuint(size, <, 300u << 10);
	engine = enforce_engine_new(&recorder.ops, &enforce_backends[0], 1, path);
	g_assert_true(enforce_engine_load(engine, NULL));
	g_assert_true(rules_machine_equal(enforce_engine_find(engine, UUID), last));
	enforce_engine_free(engine);
	g_ptr_array_unref(recorder.applied);
	g_unlink(path);
	g_rmdir(directory);
}

/* Pictures */

static struct enforce_batch *batch_with(guint64 first_type, guint64 second_type, guint32 last_set)
{
	struct enforce_batch *batch = enforce_batch_new(last_set);
	struct enforce_rule *rule = enforce_rule_new("c");
	GArray *types = enforce_interval_list();

	enforce_interval_add_range(types, first_type, first_type, 1);
	enforce_interval_add_range(types, second_type, second_type, 1);
	enforce_rule_match(rule, ENFORCE_ICMP_TYPE, ENFORCE_IN, types);
	enforce_rule_counter(rule);
	enforce_batch_add_chain(batch, ENFORCE_BRIDGE, "to-t");
	enforce_batch_add_rule(batch, ENFORCE_BRIDGE, "to-t", rule);
	return batch;
}

static void test_image(void)
{
	static const char *const taps[] = { "t", NULL };
	g_autoptr(enforce_batch) batch = batch_with(8, 3, 0);
	g_autoptr(enforce_batch) same = batch_with(3, 8, 7);
	g_autoptr(enforce_batch) other = batch_with(3, 9, 7);
	g_autoptr(enforce_image) wanted = enforce_image_of_batch(batch);
	g_autoptr(enforce_image) found = enforce_image_of_batch(same);
	g_autoptr(enforce_image) wrong = enforce_image_of_batch(other);
	g_autoptr(enforce_image) empty = enforce_image_new();
	g_autofree char *nothing = enforce_image_difference(wanted, found, taps);
	g_autofree char *changed = enforce_image_difference(wanted, wrong, taps);
	g_autofree char *gone = enforce_image_difference(wanted, empty, taps);
	g_autofree char *more = NULL;

	g_assert_cmpstr(nothing, ==, "");
	g_assert_nonnull(strstr(changed, "{03 09}] [counter] # c instead of"));
	g_assert_cmpstr(gone, ==, "bridge chain to-t is missing");
	enforce_image_add_batch(found, same);
	more = enforce_image_difference(wanted, found, taps);
	g_assert_nonnull(strstr(more, "bridge chain to-t has more"));
}

/* Intervals, against all 256 values of a byte one by one. */
static void test_intervals(void)
{
	for (guint round = 0; round < 2000; round++) {
		g_autoptr(GArray) list = enforce_interval_list();
		gboolean wanted[256] = { FALSE };
		gint last = -2;

		for (gint n = g_test_rand_int_range(0, 9); n > 0; n--) {
			guint low = (guint)g_test_rand_int_range(0, 256);
			guint high = (guint)g_test_rand_int_range((gint)low, 256);

			if (g_test_rand_bit())
				high = MIN(low + 3, 255);
			enforce_interval_add_range(list, low, high, 1);
			for (guint i = low; i <= high; i++)
				wanted[i] = TRUE;
		}
		enforce_interval_join(list);
		for (guint i = 0; i < list->len; i++) {
			const struct enforce_interval *interval = &g_array_index(
				list, struct enforce_interval, i);

			g_assert_cmpint(
				interval->low[0], >, last + 1); /* neither order nor touch */
			last = interval->high[0];
			for (guint j = interval->low[0]; j <= interval->high[0]; j++) {
				g_assert_true(wanted[j]);
				wanted[j] = FALSE;
			}
		}
		for (guint i = 0; i < 256; i++)
			g_assert_false(wanted[i]);
	}
}

/* Reports */

static void count_told(const char *tap, const char *direction, const char *rule,
	const struct enforce_packet *packet G_GNUC_UNUSED, guint count, gpointer data)
{
	guint *told = data;

	g_assert_cmpstr(tap, ==, "tap1");
	g_assert_cmpstr(direction, ==, "out");
	g_assert_cmpstr(rule, ==, "default-deny");
	told[0]++;
	told[1] += count;
}

static void test_report(void)
{
	guint told[2] = { 0 };
	struct enforce_report *report = enforce_report_new(count_told, told);
	struct enforce_packet packet = { .protocol = "tcp", .source = "10.0.0.1" };
	gint64 now = G_USEC_PER_SEC;

	g_assert_false(enforce_report_add(report, "somebody else: ", &packet, now));
	g_assert_false(enforce_report_add(report, "drover:", &packet, now));
	for (guint i = 0; i < 50; i++)
		g_assert_true(
			enforce_report_add(report, "drover:out:default-deny:tap1", &packet, now));
	g_assert_cmpuint(told[0], ==, 1);
	g_assert_true(enforce_report_tick(report, now + ENFORCE_REPORT_INTERVAL_US));
	g_assert_cmpuint(told[0], ==, 2);
	g_assert_cmpuint(told[1], ==, 50);
	/* A scan of all ports tells a bounded number of lines. */
	for (guint i = 0; i < 65536; i++) {
		packet.port = (guint16)i;
		enforce_report_add(report, "drover:out:default-deny:tap1", &packet,
			now + 2 * ENFORCE_REPORT_INTERVAL_US);
	}
	g_assert_cmpuint(told[0], <=, 2 + ENFORCE_REPORT_PER_RULE);
	for (guint i = 3;
		i < 200 && enforce_report_tick(report, now + i * ENFORCE_REPORT_INTERVAL_US); i++)
		;
	g_assert_false(enforce_report_tick(report, now + 300 * ENFORCE_REPORT_INTERVAL_US));
	enforce_report_free(report);
}

/* Packets of a hostile guest: any length, any bytes. */
static void test_packet(void)
{
	static const guint8 udp[] = { 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,
		0, 2, 0x30, 0x39, 0, 53, 0, 8, 0, 0 };
	struct enforce_packet packet;

	enforce_packet_read(0x0800, NULL, 0, udp, sizeof udp, &packet);
	g_assert_cmpstr(packet.source, ==, "10.0.0.1");
	g_assert_cmpstr(packet.destination, ==, "10.0.0.2");
	g_assert_cmpstr(packet.protocol, ==, "udp");
	g_assert_cmpuint(packet.port, ==, 53);
	for (gsize size = 0; size < sizeof udp; size++) {
		g_autofree guint8 *copy = g_memdup2(udp, size);

		enforce_packet_read(0x0800, NULL, 0, copy, size, &packet);
		g_assert_cmpuint(packet.port, ==, size >= 24 ? 53 : 0);
	}
	for (guint round = 0; round < 20000; round++) {
		static const guint16 types[] = { 0x0800, 0x86dd, 0x0806, 0x1234 };
		gsize size = (gsize)g_test_rand_int_range(0, 80);
		g_autofree guint8 *bytes = g_malloc(size + 1);

		for (gsize i = 0; i < size; i++)
			bytes[i] = (guint8)g_test_rand_int_range(0, 256);
		if (size && round % 2)
			bytes[0] = round % 4 == 1 ? 0x45 : 0x60;
		enforce_packet_read(types[round % 4], bytes, MIN(size, 14), bytes, size, &packet);
		g_assert_cmpuint(strlen(packet.protocol), >, 0);
	}
}

static void test_flow(void)
{
	g_autoptr(rules_machine) machine = example();
	struct enforce_flow flow = { .protocol = 6,
		.destination_port = 80,
		.source_port = 4000,
		.tcp_state = 3,
		.timeout_s = 100,
		.mark = 0xdeadbeef,
		.status = 14 };
	struct enforce_flow again;
	g_autoptr(GError) error = NULL;
	json_t *json;

	g_assert_true(rules_prefix_parse("10.1.9.9", &flow.source, NULL));
	g_assert_true(rules_prefix_parse("10.0.0.1", &flow.destination, NULL));
	g_assert_null(enforce_flow_nic(&flow, machine));
	g_assert_true(enforce_flow_adopt(&flow, machine));
	g_assert_cmpuint(flow.zone, ==, 3);
	g_assert_nonnull(enforce_flow_nic(&flow, machine));
	g_assert_true(enforce_flow_is_permitted(&flow, machine));
	for (flow.tcp_state = 0; flow.tcp_state < 10; flow.tcp_state++)
		g_assert_cmpint(enforce_flow_is_over(&flow), ==,
			flow.tcp_state == 7 || flow.tcp_state == 8); /* TIME_WAIT, CLOSE */
	flow.tcp_state = 1;                                          /* SYN_SENT */
	flow.status = 0;
	flow.timeout_s = 119;
	g_assert_false(enforce_flow_is_over(&flow));
	flow.timeout_s = 100;
	g_assert_true(enforce_flow_is_over(&flow));
	flow.tcp_state = 3;
	flow.status = 14; /* a reply was seen */
	g_assert_false(enforce_flow_is_over(&flow));
	json = enforce_flow_to_json(&flow);
	g_assert_true(enforce_flow_from_json(json, &again, &error));
	again.zone = 3;
	g_assert_cmpmem(&again, sizeof again, &flow, sizeof flow);
	json_object_set_new(json, "destination-port", json_integer(65536));
	g_assert_false(enforce_flow_from_json(json, &again, NULL));
	json_decref(json);
	flow.destination_port = 81;
	g_assert_false(enforce_flow_is_permitted(&flow, machine));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (const struct enforce_backend *backend = enforce_backends; backend->name; backend++) {
		g_autofree char *path = g_strdup_printf("/enforce/golden/%s", backend->name);

		g_test_add_data_func(path, backend, test_golden);
	}
	g_test_add_func("/enforce/engine/small-change", test_small_change);
	g_test_add_func("/enforce/engine/refused-is-cut", test_refused_is_cut);
	g_test_add_func("/enforce/engine/conflicts", test_conflicts);
	g_test_add_func("/enforce/engine/zones", test_zones);
	g_test_add_func("/enforce/engine/state", test_state);
	g_test_add_func("/enforce/engine/killed-between", test_killed_between);
	g_test_add_func("/enforce/engine/full-disk", test_full_disk);
	g_test_add_func("/enforce/engine/many-changes", test_many_changes);
	g_test_add_func("/enforce/image", test_image);
	g_test_add_func("/enforce/intervals", test_intervals);
	g_test_add_func("/enforce/report", test_report);
	g_test_add_func("/enforce/packet", test_packet);
	g_test_add_func("/enforce/flow", test_flow);
	return g_test_run();
}
