#include "ifmap/keeppub.h"
#include "sample.h"

#include <string.h>

static guint64 keep(struct ifmap_ledger *ledger, unsigned a, const char *name, const char *slot,
	const char *text)
{
	g_autoptr(ifmap_id) id = sample_ip(a);
	g_autoptr(ifmap_meta)
		meta = text ? sample_meta(name, slot ? IFMAP_MULTI_VALUE : IFMAP_SINGLE_VALUE, slot,
				      text)
			    : NULL;
	struct ifmap_kept *kept = meta ? ifmap_kept_new(id, NULL, meta)
				       : ifmap_kept_new_dropped(id, NULL, SAMPLE_NS, name);

	ifmap_kept_set_slot(kept, slot);
	return ifmap_ledger_put(ledger, kept);
}

/* "name/slot=text" of each, in order. */
static char *take_text(GPtrArray *taken)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < taken->len; i++) {
		const struct ifmap_kept *kept = g_ptr_array_index(taken, i);

		g_string_append_printf(text, "%s%s/%s=%s", i ? " " : "", kept->name,
			kept->slot ? kept->slot : "",
			kept->meta ? ifmap_meta_text(kept->meta, "v") : "-");
	}
	g_ptr_array_unref(taken);
	return g_string_free(text, FALSE);
}

#define ASSERT_TAKEN(taken, expected)                     \
	do {                                              \
		g_autofree char *text = take_text(taken); \
		g_assert_cmpstr(text, ==, expected);      \
	} while (0)

static void test_take(void)
{
	struct ifmap_ledger *ledger = ifmap_ledger_new();
	guint64 second;

	keep(ledger, 1, "x", NULL, "1");
	second = keep(ledger, 1, "y", "s", "2");
	keep(ledger, 1, "x", NULL, "3");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, second), "y/s=2");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, ifmap_ledger_last(ledger)), "x/=3");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, ifmap_ledger_last(ledger)), "");
	ifmap_ledger_free(ledger);
}

/* What is kept already is no change: not while it waits to travel, not after. */
static void test_same(void)
{
	struct ifmap_ledger *ledger = ifmap_ledger_new();
	guint64 first = keep(ledger, 1, "x", NULL, "1");
	guint64 second = keep(ledger, 2, "x", NULL, "1");

	g_assert_cmpuint(second, >, first);
	g_assert_cmpuint(keep(ledger, 1, "x", NULL, "1"), ==, first);
	ASSERT_TAKEN(ifmap_ledger_take(ledger, first), "x/=1");
	g_assert_cmpuint(keep(ledger, 1, "x", NULL, "1"), ==, first);
	g_assert_cmpuint(ifmap_ledger_last(ledger), ==, second);
	ASSERT_TAKEN(ifmap_ledger_take(ledger, second), "x/=1");
	keep(ledger, 1, "x", NULL, "2"); /* there and back: the server may have seen neither */
	keep(ledger, 1, "x", NULL, "1");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, ifmap_ledger_last(ledger)), "x/=1");
	keep(ledger, 1, "x", NULL, NULL);
	keep(ledger, 1, "x", NULL, "1");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, ifmap_ledger_last(ledger)), "x/=1");
	ifmap_ledger_free(ledger);
}

static void test_drop(void)
{
	struct ifmap_ledger *ledger = ifmap_ledger_new();

	keep(ledger, 1, "x", "a", "1");
	keep(ledger, 1, "x", "b", "2");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, G_MAXUINT64), "x/a=1 x/b=2");
	keep(ledger, 1, "x", "a", NULL);
	ASSERT_TAKEN(ifmap_ledger_take(ledger, G_MAXUINT64), "x/a=-");
	g_assert_cmpuint(ifmap_ledger_n_slots(ledger), ==, 1);
	keep(ledger, 1, "x", "b", NULL);
	ASSERT_TAKEN(ifmap_ledger_take_all(ledger), "");
	g_assert_cmpuint(ifmap_ledger_n_slots(ledger), ==, 0);
	ifmap_ledger_free(ledger);
}

/* A new session wants all that stands, in the order it came to be, and nothing twice. */
static void test_take_all(void)
{
	struct ifmap_ledger *ledger = ifmap_ledger_new();

	keep(ledger, 1, "x", "a", "1");
	keep(ledger, 2, "x", "a", "2");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, 1), "x/a=1");
	keep(ledger, 1, "x", "b", "3");
	keep(ledger, 1, "x", "a", "4");
	ASSERT_TAKEN(ifmap_ledger_take_all(ledger), "x/a=2 x/b=3 x/a=4");
	ASSERT_TAKEN(ifmap_ledger_take(ledger, G_MAXUINT64), "");
	ASSERT_TAKEN(ifmap_ledger_take_all(ledger), "x/a=2 x/b=3 x/a=4");
	ifmap_ledger_free(ledger);
}

static void test_link_key(void)
{
	g_autoptr(ifmap_id) a = sample_ip(1);
	g_autoptr(ifmap_id) b = sample_ip(2);
	g_autoptr(ifmap_meta) meta = sample_meta("x", IFMAP_SINGLE_VALUE, NULL, "1");
	struct ifmap_ledger *ledger = ifmap_ledger_new();

	ifmap_ledger_put(ledger, ifmap_kept_new(a, b, meta));
	ifmap_ledger_put(ledger, ifmap_kept_new(b, a, meta));
	ifmap_ledger_put(ledger, ifmap_kept_new(a, NULL, meta));
	g_assert_cmpuint(ifmap_ledger_n_slots(ledger), ==, 2);
	ifmap_ledger_free(ledger);
}

/* Against a model: two string tables, what stands and what the server would know after each take.
 */
static void test_model(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	GRand *random = g_rand_new_with_seed(seed);
	g_autoptr(GHashTable)
		model = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GHashTable)
		server = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct ifmap_ledger *ledger = ifmap_ledger_new();

	g_test_message("seed %u", seed);
	for (unsigned step = 0; step < 2000; step++) {
		g_autofree char *slot = g_strdup_printf("%d", g_rand_int_range(random, 0, 8));
		g_autofree char *text = g_rand_int_range(random, 0, 3) ? g_strdup_printf("%u", step)
								       : NULL;
		gboolean is_new_session = g_rand_int_range(random, 0, 20) == 0;
		g_autoptr(GPtrArray) taken = NULL;
		GHashTableIter iter;
		gpointer key;
		gpointer value;

		keep(ledger, 1, "x", slot, text);
		if (text)
			g_hash_table_replace(model, g_strdup(slot), g_strdup(text));
		else
			g_hash_table_remove(model, slot);
		if (g_rand_int_range(random, 0, 4))
			continue;
		if (is_new_session)
			g_hash_table_remove_all(server);
		taken = is_new_session ? ifmap_ledger_take_all(ledger)
				       : ifmap_ledger_take(ledger, ifmap_ledger_last(ledger));
		for (guint i = 0; i < taken->len; i++) {
			const struct ifmap_kept *kept = g_ptr_array_index(taken, i);

			if (kept->meta)
				g_hash_table_replace(server, g_strdup(kept->slot),
					g_strdup(ifmap_meta_text(kept->meta, "v")));
			else
				g_hash_table_remove(server, kept->slot);
		}
		g_assert_cmpuint(g_hash_table_size(server), ==, g_hash_table_size(model));
		g_hash_table_iter_init(&iter, model);
		while (g_hash_table_iter_next(&iter, &key, &value))
			g_assert_cmpstr(g_hash_table_lookup(server, key), ==, value);
	}
	ifmap_ledger_free(ledger);
	g_rand_free(random);
}

/* ---- as a request */

static struct ifmap_kept *one_kept(const char *slot, const char *text)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autoptr(ifmap_meta)
		meta = text ? sample_meta("x", slot ? IFMAP_MULTI_VALUE : IFMAP_SINGLE_VALUE, slot,
				      text)
			    : NULL;
	struct ifmap_kept *kept = meta ? ifmap_kept_new(id, NULL, meta)
				       : ifmap_kept_new_dropped(id, NULL, SAMPLE_NS, "x");

	ifmap_kept_set_slot(kept, slot);
	return kept;
}

static void test_filter(void)
{
	static const struct {
		const char *slot;
		const char *filter;
	} rows[] = {
		{ NULL, "t:x[@ifmap-publisher-id='me']" },
		{ "a", "t:x[@ifmap-publisher-id='me' and @slot='a']" },
		{ "it's", "t:x[@ifmap-publisher-id='me' and @slot=\"it's\"]" },
		{ "\"", "t:x[@ifmap-publisher-id='me' and @slot='\"']" },
		{ "'\"", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct ifmap_kept *kept = one_kept(rows[i].slot, NULL);
		g_autofree char *filter = ifmap_keeppub_filter("t", kept, "me");

		g_assert_cmpstr(filter, ==, rows[i].filter);
		ifmap_kept_unref(kept);
	}
}

static void test_request(void)
{
	static const struct {
		const char *slot;
		const char *text;
		guint n_changes;
		enum ifmap_operation_type first;
	} rows[] = {
		{ NULL, "1", 1, IFMAP_OPERATION_UPDATE },
		{ NULL, NULL, 1, IFMAP_OPERATION_DELETE },
		{ "a", "1", 2, IFMAP_OPERATION_DELETE },
		{ "a", NULL, 1, IFMAP_OPERATION_DELETE },
	};
	static const char *const given[] = { "k0", "urn:other", NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct ifmap_kept *kept = one_kept(rows[i].slot, rows[i].text);
		struct ifmap_keeppub *keeppub = ifmap_keeppub_new(given);
		const struct ifmap_change *first;

		ifmap_keeppub_add(keeppub, kept, "me");
		g_assert_cmpuint(
			ifmap_publish_n_operations(keeppub->publish), ==, rows[i].n_changes);
		first = g_ptr_array_index(keeppub->publish->changes, 0);
		g_assert_cmpint(first->type, ==, rows[i].first);
		g_assert_true(first->type != IFMAP_OPERATION_DELETE ||
			      g_str_has_prefix(first->filter, "k1:x["));
		if (first->type == IFMAP_OPERATION_DELETE)
			g_assert_cmpstr(ifmap_keeppub_prefixes(keeppub)[3], ==, SAMPLE_NS);
		ifmap_keeppub_free(keeppub);
		ifmap_kept_unref(kept);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/ledger/take", test_take);
	g_test_add_func("/ifmap/ledger/same", test_same);
	g_test_add_func("/ifmap/ledger/drop", test_drop);
	g_test_add_func("/ifmap/ledger/take-all", test_take_all);
	g_test_add_func("/ifmap/ledger/link-key", test_link_key);
	g_test_add_func("/ifmap/ledger/model", test_model);
	g_test_add_func("/ifmap/keeppub/filter", test_filter);
	g_test_add_func("/ifmap/keeppub/request", test_request);
	return g_test_run();
}
