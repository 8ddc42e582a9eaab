#include "facts/facts.h"

/* Identifiers of the model: extended identifiers in FACTS_NS with the one attribute `name`, and
 * devices. */

static struct ifmap_id *named(const char *kind, const char *name, GError **error)
{
	return ifmap_id_new_extended(
		FACTS_NS, kind, (const char *const[]){ "name", name, NULL }, error);
}

struct ifmap_id *facts_id_fleet(void)
{
	struct ifmap_id *id = named("fleet", "default", NULL);

	g_assert(id); /* a constant */
	return id;
}

struct ifmap_id *facts_id_vapp(const char *name, GError **error)
{
	return named("vapp", name, error);
}

struct ifmap_id *facts_id_segment(const char *name, GError **error)
{
	return named("segment", name, error);
}

struct ifmap_id *facts_id_switch(const char *name, GError **error)
{
	return named("switch", name, error);
}

struct ifmap_id *facts_id_device(const char *uuid, GError **error)
{
	return ifmap_id_new_device(uuid, error);
}

struct ifmap_id *facts_id_access(const char *host_uuid, const char *mac, GError **error)
{
	g_autofree char *name = g_strconcat(host_uuid, ":", mac, NULL);

	return ifmap_id_new_access_request(name, NULL, error);
}

const char *facts_id_name(const struct ifmap_id *id)
{
	return ifmap_id_is_extended(id, FACTS_NS, NULL) ? ifmap_id_attribute(id, "name") : NULL;
}

gboolean facts_id_is(const struct ifmap_id *id, const char *extended_name)
{
	return ifmap_id_is_extended(id, FACTS_NS, extended_name);
}
