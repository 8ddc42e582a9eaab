#include "map/client.h"

#include <gnutls/crypto.h>

struct map_client *map_client_new(const char *name, struct map_publisher *publisher)
{
	struct map_client *client = g_new0(struct map_client, 1);
	client->name = g_strdup(name);
	client->publisher = publisher;
	client->subscriptions = g_hash_table_new_full(
		g_str_hash, g_str_equal, NULL, (GDestroyNotify)map_subscription_free);
	map_pollbuf_init(&client->buf);
	return client;
}

void map_client_free(struct map_client *client)
{
	if (!client)
		return;
	map_session_free(client->session);
	g_hash_table_unref(client->subscriptions);
	map_pollbuf_clear(&client->buf);
	g_free(client->name);
	g_free(client);
}

/* Room for the name, beside '-' and 16 hexadecimal digits. */
#define MAX_NAME_PART 40

char *map_client_make_publisher_id(const char *name)
{
	guint64 random = 0;
	GString *id = g_string_new(NULL);

	/* Only uniqueness hangs on it, and the store checks that. */
	if (gnutls_rnd(GNUTLS_RND_NONCE, &random, sizeof(random)) != 0)
		random = (guint64)g_random_int() << 32 | g_random_int();
	for (const char *at = name; *at && id->len < MAX_NAME_PART; at++)
		g_string_append_c(id, g_ascii_isalnum(*at) || *at == '.' || *at == '_' ? *at : '-');
	g_string_append_printf(id, "-%016" G_GINT64_MODIFIER "x", random);
	return g_string_free(id, FALSE);
}
