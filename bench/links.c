#include "links.h"

#define STARS_AT_ONCE 5
#define LINKS_AT_ONCE 100

static struct ifmap_meta *ip_mac(void)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_meta *meta = ifmap_meta_new("<meta:ip-mac xmlns:meta=\"" IFMAP_NS_META
						 "\" ifmap-cardinality=\"multiValue\"/>",
		-1, &error);

	if (!meta)
		g_error("%s", error->message);
	return meta;
}

static void add_link(
	struct ifmap_publish *publish, unsigned ip, unsigned mac, enum ifmap_lifetime lifetime)
{
	g_autoptr(ifmap_id) a = form_ip(ip);
	g_autoptr(ifmap_id) b = form_mac(mac);
	g_autoptr(ifmap_meta) meta = ip_mac();

	ifmap_publish_update(publish, a, b, lifetime, meta);
}

struct form *links_write(const struct actor *actor, unsigned n, enum ifmap_lifetime lifetime)
{
	struct ifmap_publish *publish = ifmap_publish_new();

	for (unsigned i = 0; i < n; i++)
		add_link(publish, i, i, lifetime);
	return form_new(actor_write_publish(actor, publish), n);
}

static struct form *write_stars(const struct actor *actor, unsigned n)
{
	struct ifmap_publish *publish = ifmap_publish_new();

	for (unsigned i = 0; i < n * MACS_OF_STAR; i++) {
		unsigned center = i / MACS_OF_STAR * IPS_OF_STAR;
		unsigned rim = center + 1 + i % MACS_OF_STAR * 4;

		add_link(publish, center, i, IFMAP_LIFETIME_SESSION);
		for (unsigned k = 0; k < 4; k++)
			add_link(publish, rim + k, i, IFMAP_LIFETIME_SESSION);
	}
	return form_new(actor_write_publish(actor, publish), n * IPS_OF_STAR);
}

struct form *links_write_search(const struct actor *actor)
{
	g_autoptr(ifmap_id) start = form_ip(0);
	const struct ifmap_search search = { .start = start, .max_depth = 2 };

	return form_new(actor_write_search(actor, &search), 1);
}

struct ifmap_search links_at(const struct ifmap_id *start)
{
	return (struct ifmap_search){ .start = start, .max_depth = 1 };
}

static void ask(struct actor *actor, const char *request)
{
	g_free(load_ask(actor->peer, request));
}

void links_lay(struct actor *actor, unsigned first, unsigned n)
{
	struct form *form = links_write(actor, LINKS_AT_ONCE, IFMAP_LIFETIME_SESSION);

	for (unsigned i = 0; i < n; i += LINKS_AT_ONCE)
		ask(actor, form_fill(form, first + i, first + i));
	form_free(form);
}

void links_lay_stars(struct actor *actor, unsigned first, unsigned n)
{
	struct form *form = write_stars(actor, STARS_AT_ONCE);

	for (unsigned i = 0; i < n; i += STARS_AT_ONCE)
		ask(actor, form_fill(form, (first + i) * IPS_OF_STAR, (first + i) * MACS_OF_STAR));
	form_free(form);
}
