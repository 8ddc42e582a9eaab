#include "host/enforce_claims.h"

#include "host/enforce_client.h"

#include <string.h>

/* A bridge, or an address in a zone: how many nics are or have it, and where. */
struct share {
	guint n_nics;
	guint16 zone;
	char *bridge;
};

struct enforce_claims {
	GHashTable *taps;    /* tap → struct rules_machine, both borrowed */
	GHashTable *bridges; /* bridge → struct share */
	GHashTable *owners;  /* "zone address" → struct share */
};

static void share_free(gpointer data)
{
	struct share *share = data;

	g_free(share->bridge);
	g_free(share);
}

struct enforce_claims *enforce_claims_new(void)
{
	struct enforce_claims *claims = g_new0(struct enforce_claims, 1);

	claims->taps = g_hash_table_new(g_str_hash, g_str_equal);
	claims->bridges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, share_free);
	claims->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, share_free);
	return claims;
}

void enforce_claims_free(struct enforce_claims *claims)
{
	if (!claims)
		return;
	g_hash_table_unref(claims->taps);
	g_hash_table_unref(claims->bridges);
	g_hash_table_unref(claims->owners);
	g_free(claims);
}

static void take(GHashTable *table, const char *key, const struct rules_nic *nic)
{
	struct share *share = g_hash_table_lookup(table, key);

	if (!share) {
		share = g_new0(struct share, 1);
		share->bridge = g_strdup(nic->bridge);
		share->zone = nic->zone;
		g_hash_table_insert(table, g_strdup(key), share);
	}
	share->n_nics++;
}

static void give_back(GHashTable *table, const char *key)
{
	struct share *share = g_hash_table_lookup(table, key);

	if (share && !--share->n_nics)
		g_hash_table_remove(table, key);
}

static char *owner_key(const struct rules_nic *nic, guint index)
{
	char text[RULES_PREFIX_TEXT];

	return g_strdup_printf("%u %s", (guint)nic->zone,
		rules_prefix_to_string(
			&g_array_index(nic->addresses, struct rules_prefix, index), text));
}

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean refuse(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_propagate_error(
		error, g_error_new_valist(ENFORCE_ERROR, ENFORCE_ERROR_REFUSED, format, arguments));
	va_end(arguments);
	return FALSE;
}

static gboolean check_addresses(
	const struct enforce_claims *claims, const struct rules_nic *nic, GError **error)
{
	for (guint i = 0; i < nic->addresses->len; i++) {
		g_autofree char *key = owner_key(nic, i);
		const struct share *share = g_hash_table_lookup(claims->owners, key);

		if (share && strcmp(share->bridge, nic->bridge) != 0)
			return refuse(error,
				"%s is on bridge %s and on bridge %s, both in conntrack zone %u: give "
				"the bridges different zones",
				strchr(key, ' ') + 1, share->bridge, nic->bridge, (guint)nic->zone);
	}
	return TRUE;
}

static gboolean check_nic(const struct enforce_claims *claims, const struct rules_nic *nic,
	const struct rules_machine *machine, GError **error)
{
	const struct rules_machine *holder = enforce_claims_tap(claims, nic->tap);
	const struct share *bridge = g_hash_table_lookup(claims->bridges, nic->bridge);

	if (holder)
		return refuse(error, "tap %s of machine %s belongs to machine %s", nic->tap,
			machine->uuid, holder->uuid);
	if (bridge && bridge->zone != nic->zone)
		return refuse(error, "bridge %s cannot be in conntrack zones %u and %u at once",
			nic->bridge, (guint)bridge->zone, (guint)nic->zone);
	return check_addresses(claims, nic, error);
}

static void add_nic(struct enforce_claims *claims, const struct rules_nic *nic,
	const struct rules_machine *machine)
{
	g_hash_table_insert(claims->taps, nic->tap, (gpointer)machine);
	take(claims->bridges, nic->bridge, nic);
	for (guint i = 0; i < nic->addresses->len; i++) {
		g_autofree char *key = owner_key(nic, i);

		take(claims->owners, key, nic);
	}
}

static void remove_nic(struct enforce_claims *claims, const struct rules_nic *nic)
{
	g_hash_table_remove(claims->taps, nic->tap);
	give_back(claims->bridges, nic->bridge);
	for (guint i = 0; i < nic->addresses->len; i++) {
		g_autofree char *key = owner_key(nic, i);

		give_back(claims->owners, key);
	}
}

gboolean enforce_claims_add(
	struct enforce_claims *claims, const struct rules_machine *machine, GError **error)
{
	for (guint i = 0; i < machine->nics->len; i++) {
		const struct rules_nic *nic = machine->nics->pdata[i];

		if (!check_nic(claims, nic, machine, error)) {
			while (i > 0)
				remove_nic(claims, machine->nics->pdata[--i]);
			return FALSE;
		}
		add_nic(claims, nic, machine);
	}
	return TRUE;
}

void enforce_claims_remove(struct enforce_claims *claims, const struct rules_machine *machine)
{
	for (guint i = 0; i < machine->nics->len; i++)
		remove_nic(claims, machine->nics->pdata[i]);
}

const struct rules_machine *enforce_claims_tap(const struct enforce_claims *claims, const char *tap)
{
	return g_hash_table_lookup(claims->taps, tap);
}

gboolean enforce_claims_zone(
	const struct enforce_claims *claims, const char *bridge, guint16 *ret_zone)
{
	const struct share *share = g_hash_table_lookup(claims->bridges, bridge);

	if (share)
		*ret_zone = share->zone;
	return share != NULL;
}

GList *enforce_claims_bridges(const struct enforce_claims *claims)
{
	return g_hash_table_get_keys(claims->bridges);
}
