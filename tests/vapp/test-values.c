/* Addresses, ports, UUIDs, command lines, units, validation, resolution. */
#include "testing.h"
#include "vapp/resolve.h"
#include "vapp/units.h"
#include "vapp/vapp.h"

static struct vapp_prefix prefix(const char *text)
{
	struct vapp_prefix value;

	g_assert_true(vapp_prefix_from_string(text, &value));
	return value;
}

static void test_prefix_text(void)
{
	static const char *const same[] = { "10.80.0.11/24", "0.0.0.0/0", "255.255.255.255/32",
		"fd80::11/64", "::/0", "2001:db8::1/128" };
	static const char *const bad[] = { "", "10.80.0", "10.80.0.1/33", "10.80.0.1/",
		"10.80.0.1/+8", "10.80.0.1/08", "::1/129", "x", "10.80.0.1/24/3", " 10.0.0.1",
		"::g", "1.2.3.4:80" };
	struct vapp_prefix value;

	for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
		struct vapp_prefix one = prefix(same[i]);
		g_autofree char *text = vapp_prefix_to_string(&one);

		g_assert_cmpstr(text, ==, same[i]);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(vapp_prefix_from_string(bad[i], &value));
	value = prefix("10.80.0.11");
	g_assert_cmpuint(value.length, ==, 32);
}

/* Masking and containment against a model that looks at one bit at a time. */
static gboolean bit(const struct vapp_prefix *p, unsigned i)
{
	return p->bytes[i / 8] >> (7 - i % 8) & 1;
}

static struct vapp_prefix random_prefix(GRand *rand)
{
	struct vapp_prefix p = { .family = g_rand_boolean(rand) ? VAPP_IPV4 : VAPP_IPV6 };
	unsigned bits = p.family == VAPP_IPV4 ? 32 : 128;

	p.length = (unsigned)g_rand_int_range(rand, 0, (gint32)bits + 1);
	for (unsigned i = 0; i < bits / 8; i++)
		p.bytes[i] = g_rand_boolean(rand) ? 0 : (guint8)g_rand_int_range(rand, 0, 256);
	return p;
}

static void test_prefix_model(void)
{
	guint32 seed = g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	unsigned n_inside = 0;

	g_test_message("seed %u", seed);
	for (int round = 0; round < 20000; round++) {
		struct vapp_prefix outer = random_prefix(rand), inner = random_prefix(rand);
		struct vapp_prefix masked = vapp_prefix_mask(&outer);
		gboolean inside;

		if (g_rand_boolean(rand)) { /* make containment likely */
			inner.family = outer.family;
			memcpy(inner.bytes, outer.bytes, sizeof(inner.bytes));
			inner.length = MIN(inner.length, outer.family == VAPP_IPV4 ? 32u : 128u);
			inner.bytes[0] ^= (guint8)(g_rand_int_range(rand, 0, 8) == 0);
		}
		inside = outer.family == inner.family && inner.length >= outer.length;
		for (unsigned i = 0; i < outer.length && inside; i++)
			inside = bit(&outer, i) == bit(&inner, i);
		n_inside += (unsigned)inside;
		g_assert_cmpint(vapp_prefix_contains(&outer, &inner), ==, inside);
		for (unsigned i = 0; i < 128; i++)
			g_assert_cmpint(bit(&masked, i), ==, i < outer.length && bit(&outer, i));
	}
	g_assert_cmpuint(n_inside, >, 1000);
}

static void test_mac(void)
{
	g_autofree char *mac = vapp_mac_canonical("52-54-00-AB-CD-EF");
	static const char *const bad[] = { "", "52:54:00:80:00", "52:54:00:80:00:1g",
		"01:00:5e:00:00:01", "00:00:00:00:00:00", "52:54:00:80:00:11:22",
		"52:54-00:80:00:11", "525400800011" };

	g_assert_cmpstr(mac, ==, "52:54:00:ab:cd:ef");
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_null(vapp_mac_canonical(bad[i]));
}

static void test_ports(void)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} rows[] = {
		{ "80", "80" },
		{ "443,80", "80,443" },
		{ "1-65535", "1-65535" },
		{ "10-20 15-30,31", "10-31" },
		{ "65535,65534", "65534-65535" },
		{ "", "" },
		{ "0", NULL },
		{ "65536", NULL },
		{ "20-10", NULL },
		{ "1-2-3", NULL },
		{ "http", NULL },
		{ "-5", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GArray) ports = vapp_ports_from_string(rows[i].in);
		g_autofree char *text = ports ? vapp_ports_to_string(ports) : NULL;

		g_assert_cmpstr(text, ==, rows[i].out);
	}
}

static void test_units(void)
{
	static const struct {
		const char *quantity, *units;
		guint64 size; /* 0: refused */
	} rows[] = {
		{ "96", "byte * 2^20", 96ull << 20 },
		{ "96", "byte*2^20", 96ull << 20 },
		{ "96", "MegaBytes", 96ull << 20 },
		{ "2", "GigaBytes", 2ull << 30 },
		{ "512", "KB", 512ull << 10 },
		{ "5", "byte * 10^6", 5000000 },
		{ "5", NULL, 5ull << 20 },
		{ "7", "byte", 7 },
		{ "7", "byte * 1024", 7 * 1024 },
		{ "x", "byte", 0 },
		{ "5", "furlong", 0 },
		{ "5", "byte * 2^64", 0 },
		{ "5", "byte * 2^63", 0 },
		{ "5", "byte ** 2", 0 },
		{ "-5", "byte", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		guint64 size = 0;

		g_assert_cmpint(
			ovf_units_to_size(rows[i].quantity, rows[i].units, "byte * 2^20", &size),
			==, rows[i].size != 0);
		g_assert_cmpuint(size, ==, rows[i].size);
	}
}

static void test_uuid(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autofree char *uuid = vapp_machine_uuid(shop, vapp_find_machine(shop, "web1"));

	/* Python: uuid.uuid5(uuid.UUID('6b1fd20e-5a83-4c97-a13c-0d74e2589b46'), 'shop/web1') */
	g_assert_cmpstr(uuid, ==, "d728c009-4a5f-5c09-a387-04a3ff8c9c88");
}

static void set_cmdline(struct vapp_machine *machine, const char *text)
{
	g_free(machine->boot.cmdline);
	machine->boot.cmdline = g_strdup(text);
}

static void test_cmdline(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	struct vapp_machine *app = (struct vapp_machine *)vapp_find_machine(shop, "app1");
	g_autofree char *text = vapp_machine_cmdline(shop, app, NULL);
	g_autofree char *dollar = NULL;

	g_assert_cmpstr(text, ==,
		"console=ttyS0 quiet panic=-1 drover.name=app1 "
		"drover.net=52:54:00:80:00:21,10.80.0.21/24,fd80::21/64;52:54:00:80:01:21,10.81.0.21/24,fd81::21/64 "
		"drover.serve=8080 drover.relay=7000 drover.next=10.81.0.31:5432");
	set_cmdline(app, "a=$$x b=$y c=${serve}$");
	dollar = vapp_machine_cmdline(shop, app, NULL);
	g_assert_cmpstr(dollar, ==, "a=$x b=$y c=8080$");
}

static void test_cmdline_errors(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	struct vapp_machine *app = (struct vapp_machine *)vapp_find_machine(shop, "app1");
	static const char *const bad[] = { "${nothing}", "${serve", "x ${", "${}" };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		set_cmdline(app, bad[i]);
		g_assert_null(vapp_machine_cmdline(shop, app, &error));
		g_assert_error(error, VAPP_ERROR, VAPP_ERROR_INVALID);
	}
}

static void test_startup(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(GPtrArray) order = NULL;
	static const char *const want[] = { "db1", "app1", "web1", "web2" };

	order = vapp_startup_order(shop);
	for (unsigned i = 0; i < order->len; i++)
		g_assert_cmpstr(((struct vapp_machine *)order->pdata[i])->name, ==, want[i]);
	((struct vapp_machine *)vapp_find_machine(shop, "db1"))->start_order = 0;
	g_ptr_array_unref(order);
	order = vapp_startup_order(shop);
	g_assert_cmpstr(((struct vapp_machine *)order->pdata[3])->name, ==, "db1");
}

static void test_resolve(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(GPtrArray) rulesets = vapp_resolve(shop);
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < rulesets->len; i++) {
		g_autofree char *one = vapp_ruleset_to_text(rulesets->pdata[i]);

		g_string_append(text, one);
	}
	test_golden("golden/shop.rules", text->str);
}

/* Whether a rule set has a rule with this flow, direction, peer and one of these own and peer
 * addresses. */
static gboolean has_rule(const GPtrArray *rulesets, const char *machine, const char *flow,
	enum vapp_direction direction, const char *peer)
{
	for (unsigned i = 0; i < rulesets->len; i++) {
		const struct vapp_ruleset *ruleset = rulesets->pdata[i];

		for (unsigned j = 0; j < ruleset->rules->len && !strcmp(ruleset->machine, machine);
			j++) {
			const struct vapp_rule *rule = ruleset->rules->pdata[j];

			if (!strcmp(rule->flow, flow) && rule->direction == direction &&
				!strcmp(rule->peer, peer))
				return TRUE;
		}
	}
	return FALSE;
}

/* Every pair of machines, every flow: both sides or neither, exactly when the package declares it.
 */
static void test_resolve_sides(void)
{
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(GPtrArray) rulesets = vapp_resolve(shop);

	for (unsigned f = 0; f < shop->flows->len; f++)
		for (unsigned i = 0; i < shop->machines->len; i++)
			for (unsigned j = 0; j < shop->machines->len; j++) {
				const struct vapp_flow *flow = shop->flows->pdata[f];
				const struct vapp_machine *a = shop->machines->pdata[i],
							  *b = shop->machines->pdata[j];
				gboolean want = a != b && !g_strcmp0(a->tier, flow->from.name) &&
						!g_strcmp0(b->tier, flow->to.name);

				g_assert_cmpint(has_rule(rulesets, a->name, flow->id,
							VAPP_DIRECTION_OUT, b->name),
					==, want);
				g_assert_cmpint(has_rule(rulesets, b->name, flow->id,
							VAPP_DIRECTION_IN, a->name),
					==, want);
			}
}

/* One broken value a row; the error must say `why`. */
struct breakage {
	const char *name, *why;
	void (*spoil)(struct vapp *shop);
};

static struct vapp_machine *machine_of(struct vapp *shop, const char *name)
{
	return (struct vapp_machine *)vapp_find_machine(shop, name);
}

static struct vapp_nic *nic_of(struct vapp *shop, const char *name)
{
	return machine_of(shop, name)->nics->pdata[0];
}

static struct vapp_flow *flow_of(struct vapp *shop, const char *id)
{
	return (struct vapp_flow *)vapp_find_flow(shop, id);
}

static void replace(char **field, const char *value)
{
	g_free(*field);
	*field = g_strdup(value);
}

static void spoil_name(struct vapp *shop)
{
	replace(&shop->name, "a b");
}
static void spoil_empty(struct vapp *shop)
{
	g_ptr_array_set_size(shop->machines, 0);
}
static void spoil_mac(struct vapp *shop)
{
	replace(&nic_of(shop, "web2")->mac, "52:54:00:80:00:11");
}
static void spoil_tap(struct vapp *shop)
{
	replace(&nic_of(shop, "web2")->mac, "52:55:00:80:00:11");
}
static void spoil_ip(struct vapp *shop)
{
	g_array_index(nic_of(shop, "web2")->ips, struct vapp_prefix, 0) = prefix("10.80.0.11/16");
}
static void spoil_loopback(struct vapp *shop)
{
	g_array_index(nic_of(shop, "web2")->ips, struct vapp_prefix, 0) = prefix("127.0.0.1/8");
}
static void spoil_network(struct vapp *shop)
{
	replace(&nic_of(shop, "web2")->network, "side");
}
static void spoil_outside(struct vapp *shop)
{
	replace(&machine_of(shop, "web2")->name, "outside");
}
static void spoil_tier(struct vapp *shop)
{
	replace(&machine_of(shop, "web2")->tier, "db1");
}
static void spoil_end(struct vapp *shop)
{
	replace(&flow_of(shop, "web-app")->to.name, "ap");
}
static void spoil_icmp(struct vapp *shop)
{
	flow_of(shop, "web-app")->protocol = VAPP_PROTOCOL_ICMP;
}
static void spoil_range(struct vapp *shop)
{
	g_array_index(flow_of(shop, "web-app")->ports, struct vapp_ports, 0).first = 0;
}
static void spoil_meet(struct vapp *shop)
{
	replace(&flow_of(shop, "web-app")->network, "back");
}
static void spoil_self(struct vapp *shop)
{
	replace(&flow_of(shop, "web-app")->from.name, "app");
}
static void spoil_paths(struct vapp *shop)
{
	flow_of(shop, "web-app")->n_paths = 0;
}
static void spoil_bits(struct vapp *shop)
{
	struct vapp_prefix p = prefix("10.0.0.1/8");

	g_array_append_val(flow_of(shop, "customers")->from.outside, p);
}
static void spoil_href(struct vapp *shop)
{
	replace(&machine_of(shop, "web1")->boot.kernel, "a/../../etc/shadow");
}
static void spoil_absolute(struct vapp *shop)
{
	replace(&machine_of(shop, "web1")->boot.kernel, "/etc/shadow");
}
static void spoil_memory(struct vapp *shop)
{
	machine_of(shop, "web1")->memory_mib = 0;
}
static void spoil_apart(struct vapp *shop)
{
	struct vapp_placement *apart = vapp_placement_new(VAPP_PLACEMENT_APART);
	struct vapp_placement *together = vapp_placement_new(VAPP_PLACEMENT_TOGETHER);

	g_ptr_array_add(apart->subjects, g_strdup("web"));
	g_ptr_array_add(shop->placements, together);
	g_ptr_array_add(shop->placements, apart);
}
static void spoil_sites(struct vapp *shop)
{
	g_ptr_array_add(shop->placements, vapp_placement_new(VAPP_PLACEMENT_SITES));
}
static void spoil_duty(struct vapp *shop)
{
	g_ptr_array_add(shop->duties, vapp_duty_new(VAPP_DUTY_BOOT, 0));
}
static void spoil_uuid(struct vapp *shop)
{
	replace(&machine_of(shop, "web1")->uuid, "D728C009-4a5f-5c09-a387-04a3ff8c9c88");
}
static void spoil_cmdline(struct vapp *shop)
{
	set_cmdline(machine_of(shop, "web1"), "${nothing}");
}

static const struct breakage breakages[] = {
	{ "name", "cannot name an application", spoil_name },
	{ "empty", "has 1 to", spoil_empty },
	{ "mac", "is given twice", spoil_mac },
	{ "tap", "same four octets", spoil_tap },
	{ "ip", "is given twice", spoil_ip },
	{ "loopback", "not an address that a machine can have", spoil_loopback },
	{ "network", "no network 'side'", spoil_network },
	{ "outside", "cannot name a machine", spoil_outside },
	{ "tier", "names a tier and a machine", spoil_tier },
	{ "end", "no tier or machine 'ap'", spoil_end },
	{ "icmp", "has no ports", spoil_icmp },
	{ "range", "are no range", spoil_range },
	{ "meet", "no network in common", spoil_meet },
	{ "self", "with itself only", spoil_self },
	{ "paths", "paths must be", spoil_paths },
	{ "bits", "bits beyond its length", spoil_bits },
	{ "href", "neither a path inside", spoil_href },
	{ "absolute", "neither a path inside", spoil_absolute },
	{ "memory", "of memory", spoil_memory },
	{ "apart", "apart and together", spoil_apart },
	{ "sites", "needs values", spoil_sites },
	{ "duty", "the interval must be", spoil_duty },
	{ "uuid", "malformed or given twice", spoil_uuid },
	{ "cmdline", "no property 'nothing'", spoil_cmdline },
};

static void test_breakage(gconstpointer data)
{
	const struct breakage *row = data;
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(GError) error = NULL;

	g_assert_true(vapp_validate(shop, "shop.ovf", NULL));
	row->spoil(shop);
	g_assert_false(vapp_validate(shop, "shop.ovf", &error));
	g_assert_error(error, VAPP_ERROR, VAPP_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, row->why));
	g_assert_true(g_str_has_prefix(error->message, "shop.ovf"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vapp/addr/text", test_prefix_text);
	g_test_add_func("/vapp/addr/model", test_prefix_model);
	g_test_add_func("/vapp/addr/mac", test_mac);
	g_test_add_func("/vapp/ports", test_ports);
	g_test_add_func("/vapp/units", test_units);
	g_test_add_func("/vapp/uuid", test_uuid);
	g_test_add_func("/vapp/cmdline", test_cmdline);
	g_test_add_func("/vapp/cmdline-errors", test_cmdline_errors);
	g_test_add_func("/vapp/startup", test_startup);
	g_test_add_func("/vapp/resolve", test_resolve);
	g_test_add_func("/vapp/resolve-sides", test_resolve_sides);
	for (size_t i = 0; i < G_N_ELEMENTS(breakages); i++) {
		g_autofree char *path = g_strdup_printf("/vapp/validate/%s", breakages[i].name);

		g_test_add_data_func(path, &breakages[i], test_breakage);
	}
	return g_test_run();
}
