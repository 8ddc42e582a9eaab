/* host/vicinity from the kernel to the map: a bridge, taps, neighbours and routes in a namespace of
 * its own, an enforcer and a map that obey the test. Needs root. */
#include "cases.h"
#include "fakeenforcer.h"
#include "host/inventory.h"
#include "host/vicinity.h"
#include "pages.h"
#include "told.h"
#include "waiting.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT(literal) ((char *)(literal))
#define TAP           "dv00000001" /* as pages_protection() has it */
#define AR            "ar " PAGES_HOST ":" PAGES_MAC
#define SEEN          "device " PAGES_VM " -- device " PAGES_HOST " seen"
#define STRANGER      "mac " PAGES_MAC " unexpected-behavior"
#define ROUTES        "device " PAGES_HOST " routes"
#define OWN_IP        "ip 10.80.0.11 -- mac " PAGES_MAC " ip-mac"
#define DOMAIN_XML                                                                            \
	"<domain><name>web</name><uuid>" PAGES_VM "</uuid><devices><interface type='bridge'>" \
	"<mac address='" PAGES_MAC "'/><source bridge='br-front'/><target dev='" TAP          \
	"'/></interface></devices></domain>"

struct post {
	struct told told;
	char *folder;
	char *path;
	struct fakeenforcer fake;
	GHashTable *segments;
	GHashTable *uplinks;
	struct guard *guard;
	struct book *book;
	struct report *report;
	struct standard *standard;
	struct inventory *inventory;
	struct vicinity *vicinity;
};

/* Else each link sends of its own accord, and is seen. */
static void silence_ipv6(void)
{
	FILE *file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "we");

	if (!file)
		return; /* a kernel without it */
	fputs("1", file);
	fclose(file);
}

static void raise_net(void)
{
	cases_command("ip link add br-front type bridge");
	cases_command("ip addr add 10.80.0.1/24 dev br-front");
	cases_command("ip link add " TAP " type veth peer name guest");
	cases_command("ip link set " TAP " master br-front");
	cases_command("ip link add up0 type veth peer name up1");
	cases_command("ip link set br-front up");
	cases_command("ip link set " TAP " up");
	cases_command("ip link set guest up");
	cases_command("ip link set up0 up");
	cases_command("ip link set up1 up");
}

static void drop_net(void)
{
	cases_command("ip link del " TAP);
	cases_command("ip link del up0");
	cases_command("ip link del br-front");
}

static void look(struct post *post)
{
	vicinity_look(post->vicinity, post->inventory, post->book, post->guard);
}

static void on_changed(const char *uuid, gpointer data)
{
	struct post *post = data;

	if (post->vicinity)
		look(post);
}

static void on_refused(const struct enforce_refused *refused, gpointer data)
{
}

static void on_tampered(const struct enforce_tampered *tampered, gpointer data)
{
}

static void on_enforcer(const char *backend, const char *why, gpointer data)
{
	struct post *post = data;

	guard_sync(post->guard, post->book, NULL);
}

static const char *bridge_of(const char *segment, guint16 *ret_zone, gpointer data)
{
	*ret_zone = 0;
	return strcmp(segment, "front") == 0 ? "br-front" : NULL;
}

static void post_init(struct post *post)
{
	static const struct guard_events events = { on_changed, on_refused, on_tampered,
		on_enforcer };
	struct inventory_parts parts = { .host_uuid = PAGES_HOST, .seal_key = "" };
	g_autoptr(GError) error = NULL;

	*post = (struct post){ .folder = g_dir_make_tmp("vicinity-XXXXXX", NULL) };
	told_init(&post->told);
	post->path = g_build_filename(post->folder, "enforcer.sock", NULL);
	fakeenforcer_init(&post->fake, post->path);
	fakeenforcer_start(&post->fake);
	post->segments = g_hash_table_new(g_str_hash, g_str_equal);
	post->uplinks = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(post->segments, TEXT("front"), TEXT("br-front"));
	g_hash_table_insert(post->uplinks, TEXT("up0"), TEXT("sw1,pit-4"));
	post->book = book_new();
	pages_home(post->book, "home");
	post->vicinity = vicinity_new(post->segments, post->uplinks, &error);
	g_assert_no_error(error);
	post->guard = guard_new(post->path, bridge_of, &events, post);
	post->report = report_new(post->told.client, PAGES_HOST);
	post->standard = standard_new(post->told.client, PAGES_HOST);
	parts.report = post->report;
	parts.segments = post->segments;
	post->inventory = inventory_new(&parts);
	ifmap_client_start(post->told.client, NULL, NULL);
	vicinity_open(post->vicinity, post->report, post->standard);
}

static void post_clear(struct post *post)
{
	vicinity_free(post->vicinity);
	inventory_free(post->inventory);
	guard_free(post->guard);
	standard_free(post->standard);
	report_free(post->report);
	told_clear(&post->told);
	fakeenforcer_stop(&post->fake);
	fakeenforcer_clear(&post->fake);
	book_free(post->book);
	g_hash_table_unref(post->segments);
	g_hash_table_unref(post->uplinks);
	g_unlink(post->path);
	g_rmdir(post->folder);
	g_free(post->path);
	g_free(post->folder);
}

static void tell_state(struct post *post, enum virt_state state)
{
	const struct virt_domain domain = {
		.uuid = TEXT(PAGES_VM), .name = TEXT("web"), .state = state, .xml = TEXT(DOMAIN_XML)
	};

	inventory_update(post->inventory, &domain);
	look(post);
}

/* Whether the entry stands and says so. */
static gboolean says(struct post *post, const char *entry, const char *part)
{
	const char *xml = told_find(&post->told, entry);

	return xml && strstr(xml, part);
}

static gboolean stands(struct post *post, const char *entry)
{
	return told_find(&post->told, entry) != NULL;
}

/* Links, addresses and routes, before there is any machine. */
static void test_host(void)
{
	struct post post;

	raise_net();
	post_init(&post);
	WAIT_UNTIL(says(&post, "device " PAGES_HOST " -- id segment-present",
		"<bridge>br-front</bridge><up>true</up>"));
	WAIT_UNTIL(says(&post, "device " PAGES_HOST " -- id fabric-link", "<risk>pit-4</risk>"));
	WAIT_UNTIL(stands(&post, "device " PAGES_HOST " -- ip 10.80.0.1 device-ip"));
	WAIT_UNTIL(says(&post, ROUTES,
		"<prefix>10.80.0.0/24</prefix><device>br-front</device>"
		"<segment>front</segment>"));
	cases_command("ip route add default via 10.80.0.254");
	WAIT_UNTIL(says(&post, ROUTES,
		"<address>10.80.0.254</address><device>br-front</device>"
		"<state>unknown</state>"));
	cases_command(
		"ip neigh replace 10.80.0.254 lladdr 02:00:00:00:00:fe nud reachable dev br-front");
	WAIT_UNTIL(says(&post, ROUTES, "<mac>02:00:00:00:00:fe</mac><state>answers</state>"));
	cases_command("ip neigh replace 10.80.0.254 nud failed dev br-front");
	WAIT_UNTIL(says(&post, ROUTES, "<state>silent</state>"));
	cases_command("ip route del default");
	WAIT_UNTIL(!says(&post, ROUTES, "<gateway>"));
	cases_command("ip addr add 10.80.7.1/24 dev br-front");
	WAIT_UNTIL(stands(&post, "device " PAGES_HOST " -- ip 10.80.7.1 device-ip"));
	cases_command("ip addr del 10.80.7.1/24 dev br-front");
	WAIT_UNTIL(!stands(&post, "device " PAGES_HOST " -- ip 10.80.7.1 device-ip"));
	cases_command("ip link set br-front down");
	WAIT_UNTIL(!stands(&post, "device " PAGES_HOST " -- id segment-present"));
	post_clear(&post);
	drop_net();
}

/* A protected machine: what the rules pin to it, what is seen of it, what is not its own. */
static void test_machine(void)
{
	struct post post;
	unsigned publishes;

	raise_net();
	post_init(&post);
	tell_state(&post, VIRT_RUNNING);
	/* its rules were read back: they let no other address out */
	WAIT_UNTIL(
		stands(&post, OWN_IP) && stands(&post, AR " -- ip 10.80.0.11 access-request-ip"));
	WAIT_UNTIL(says(&post, AR " -- device " PAGES_HOST " layer2-information",
		"<vlan-name>front</vlan-name><port>"));
	g_assert_false(stands(&post, SEEN)); /* nobody has seen it yet */
	cases_command("bridge fdb replace " PAGES_MAC " dev " TAP " master dynamic");
	WAIT_UNTIL(says(&post, SEEN, "<address>" PAGES_MAC "</address>"));
	cases_command(
		"ip neigh replace 10.80.0.11 lladdr " PAGES_MAC " nud reachable dev br-front");
	WAIT_UNTIL(says(&post, SEEN,
		"<address>10.80.0.11</address><mac>" PAGES_MAC
		"</mac><device>br-front</device><by>neighbour</by>"
		"<declared>true</declared>"));
	g_assert_false(stands(&post, STRANGER));
	cases_command("ip neigh replace 10.80.0.99 lladdr " PAGES_MAC " nud stale dev br-front");
	WAIT_UNTIL(says(&post, STRANGER, "uses 10.80.0.99"));
	g_assert_true(says(&post, SEEN, "<address>10.80.0.99</address>"));
	g_assert_true(stands(&post, "ip 10.80.0.99 -- mac " PAGES_MAC " ip-mac"));
	vicinity_refused(post.vicinity, PAGES_VM, "10.80.0.77");
	WAIT_UNTIL(says(&post, STRANGER, "10.80.0.77"));
	g_assert_false(stands(&post, "ip 10.80.0.77 -- mac " PAGES_MAC " ip-mac"));
	/* a look at the same again says nothing */
	told_flush(&post.told);
	publishes = post.told.n_publishes;
	look(&post);
	told_flush(&post.told);
	g_assert_cmpuint(post.told.n_publishes, ==, publishes + 1); /* the mark itself */
	cases_command("ip neigh flush dev br-front");
	WAIT_UNTIL(!says(&post, SEEN, "<by>neighbour</by>"));
	WAIT_UNTIL(!stands(&post, "ip 10.80.0.99 -- mac " PAGES_MAC " ip-mac"));
	g_assert_true(stands(&post, OWN_IP)); /* pinned, not seen */
	g_assert_cmpstr(vicinity_mac(post.vicinity, PAGES_VM, TAP), ==, PAGES_MAC);
	g_assert_null(vicinity_mac(post.vicinity, PAGES_VM, "tap9"));
	tell_state(&post, VIRT_SHUTOFF);
	WAIT_UNTIL(!stands(&post, SEEN) && told_count(&post.told, AR) == 0 &&
		   !stands(&post, OWN_IP) && !stands(&post, STRANGER));
	post_clear(&post);
	drop_net();
}

/* When the enforcer's word is that the rules differ, nothing is pinned. */
static void test_not_enforced(void)
{
	struct post post;

	raise_net();
	post_init(&post);
	post.fake.difference = "a rule is missing";
	tell_state(&post, VIRT_RUNNING);
	WAIT_UNTIL(stands(&post, AR " -- mac " PAGES_MAC " access-request-mac"));
	cases_command(
		"ip neigh replace 10.80.0.12 lladdr " PAGES_MAC " nud reachable dev br-front");
	WAIT_UNTIL(stands(&post, "ip 10.80.0.12 -- mac " PAGES_MAC " ip-mac"));
	g_assert_false(stands(&post, OWN_IP));
	g_assert_false(stands(&post, AR " -- device " PAGES_VM " device-attribute"));
	post_clear(&post);
	drop_net();
}

static char *own_quiet_network(void)
{
	char *why_not = cases_own_network();

	if (why_not)
		return why_not;
	cases_command("ip link set lo up"); /* the map is there */
	silence_ipv6();
	return NULL;
}

static const struct cases_case cases[] = {
	{ "/vicinity/host", test_host },
	{ "/vicinity/machine", test_machine },
	{ "/vicinity/not-enforced", test_not_enforced },
};

int main(int argc, char **argv)
{
	return CASES_RUN(argc, argv, own_quiet_network, cases);
}
