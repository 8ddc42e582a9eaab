#include "map/entry.h"

#include <string.h>

#include "ifmap/request.h"
#include "map/siphash.h"

const char *map_why_to_string(int why)
{
	static const char *const names[MAP_N_WHYS] = {
		[MAP_WHY_DELETED] = "deleted",
		[MAP_WHY_REPLACED] = "replaced",
		[MAP_WHY_SESSION_ENDED] = "session ended",
		[MAP_WHY_PURGED] = "purged",
		[MAP_WHY_RESTART] = "server restarted",
	};
	return why > 0 && why < MAP_N_WHYS ? names[why] : NULL;
}

void map_entry_clear(struct map_entry *entry)
{
	ifmap_id_unref(entry->a);
	ifmap_id_unref(entry->b);
	ifmap_meta_unref(entry->meta);
	*entry = (struct map_entry){ 0 };
}

gint64 map_entry_key(const struct ifmap_id *id)
{
	/* Constant: it must mean the same tomorrow. Whoever makes keys collide makes his own
	 * history slow. */
	static const guint64 seed[2] = { 0x64726f766572206d, 0x617020686973746f };
	const char *key = ifmap_id_key(id);
	return (gint64)map_siphash(seed, key, strlen(key));
}

struct ifmap_id *map_entry_id_of_xml(const char *xml, GError **error)
{
	g_autofree char *text = g_strconcat(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body>"
		"<i:search xmlns:i=\"" IFMAP_NS "\" session-id=\"-\">",
		xml, "</i:search></e:Body></e:Envelope>", NULL);
	g_autofree char *session_id = NULL;
	struct ifmap_request *request = NULL;

	if (ifmap_request_parse(text, strlen(text), &IFMAP_REQUEST_LIMITS_DEFAULT, &request,
		    &session_id, error) != IFMAP_PARSE_OK)
		return NULL;
	struct ifmap_id *id = g_steal_pointer(&request->query->start);
	ifmap_request_free(request);
	return id;
}

gboolean map_entry_key_of_xml(const char *xml, gint64 *ret_key, GError **error)
{
	g_autoptr(ifmap_id) id = map_entry_id_of_xml(xml, error);
	if (id)
		*ret_key = map_entry_key(id);
	return id != NULL;
}
