/* The graph on its own: interning, attaching, replacing, and taking everything back. */
#include "map/graph.h"

static const guint64 SEED[2] = { 1, 2 };

struct fixture {
	struct map_graph *graph;
	struct map_registry *registry;
	struct map_publisher *publisher;
	struct map_node *a;
	struct map_node *b;
	struct map_link *link;
};

static struct map_node *node(struct fixture *fixture, const char *name)
{
	g_autoptr(ifmap_id) id = ifmap_id_new_device(name, NULL);
	return map_graph_node(fixture->graph, id);
}

static void set_up(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->graph = map_graph_new(SEED);
	fixture->registry = map_registry_new(100);
	fixture->publisher = map_graph_publisher(fixture->graph, "p");
	fixture->a = node(fixture, "a");
	fixture->b = node(fixture, "b");
	fixture->link = map_graph_link(fixture->graph, fixture->a, fixture->b);
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	map_element_unref(&fixture->a->element);
	map_element_unref(&fixture->b->element);
	map_element_unref(&fixture->link->element);
	map_graph_free(fixture->graph); /* asserts that nothing is left */
	map_registry_free(fixture->registry);
}

static struct map_fact *add(struct fixture *fixture, struct map_change *change,
	struct map_element *element, const char *name, gboolean single)
{
	g_autofree char *xml = g_strdup_printf(
		"<x:%s xmlns:x=\"urn:example:x\" ifmap-cardinality=\"%s\"/>", name,
		single ? "singleValue" : "multiValue");
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(xml, -1, NULL);
	const struct map_fact_spec spec = {
		.meta = meta,
		.type = map_registry_check(fixture->registry, meta, NULL),
		.publisher = fixture->publisher,
		.lifetime = IFMAP_LIFETIME_FOREVER,
	};
	return map_change_add(change, element, &spec);
}

/* Serials on an element, in order, as text. */
static char *serials(const struct map_element *element)
{
	GString *text = g_string_new(NULL);
	for (GList *at = element->facts.head; at; at = at->next)
		g_string_append_printf(
			text, "%" G_GUINT64_FORMAT " ", ((struct map_fact *)at->data)->serial);
	return g_string_free(text, FALSE);
}

static void test_intern(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	struct map_node *again = node(fixture, "a");
	g_assert_true(again == fixture->a);
	map_element_unref(&again->element);
	struct map_link *reverse = map_graph_link(fixture->graph, fixture->b, fixture->a);
	g_assert_true(reverse == fixture->link);
	map_element_unref(&reverse->element);
	g_assert_cmpuint(map_graph_n_nodes(fixture->graph), ==, 2);
	g_assert_cmpuint(map_graph_n_links(fixture->graph), ==, 0);
}

static void test_attach(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	struct map_change *change = map_change_begin(fixture->graph);
	struct map_fact *fact = add(fixture, change, &fixture->link->element, "m", FALSE);
	g_assert_cmpuint(fixture->a->n_links, ==, 1);
	g_assert_cmpuint(fixture->b->n_links, ==, 1);
	map_change_remove(change, fact);
	g_assert_cmpuint(fixture->a->n_links, ==, 0);
	map_change_commit(change);
	g_assert_cmpuint(map_graph_n_facts(fixture->graph), ==, 0);
	g_assert_cmpuint(fixture->publisher->stocks[IFMAP_LIFETIME_FOREVER]->size, ==, 0);
}

static void test_rollback(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	struct map_change *change = map_change_begin(fixture->graph);
	struct map_element *element = &fixture->a->element;
	struct map_fact *first = add(fixture, change, element, "m", FALSE);
	add(fixture, change, element, "s", TRUE);
	struct map_fact *last = add(fixture, change, element, "m", FALSE);
	add(fixture, change, &fixture->link->element, "m", FALSE);
	map_change_commit(change);
	g_autofree char *before = serials(element);
	size_t stored = fixture->publisher->stocks[IFMAP_LIFETIME_FOREVER]->size;

	change = map_change_begin(fixture->graph);
	map_change_remove(change, last);
	add(fixture, change, element, "s", TRUE);
	map_change_remove(change, first);
	add(fixture, change, element, "m", FALSE);
	map_change_remove_all(change, fixture->publisher, IFMAP_LIFETIME_FOREVER);
	g_assert_cmpuint(map_graph_n_facts(fixture->graph), ==, 0);
	add(fixture, change, &fixture->link->element, "t", TRUE);
	map_change_rollback(change);

	g_autofree char *after = serials(element);
	g_assert_cmpstr(after, ==, before);
	g_assert_cmpuint(fixture->publisher->stocks[IFMAP_LIFETIME_FOREVER]->size, ==, stored);
	g_assert_cmpuint(map_graph_n_facts(fixture->graph), ==, 4);
	g_assert_cmpuint(fixture->a->n_links, ==, 1);
}

static void count(struct map_fact *fact, gboolean added, gpointer data)
{
	int *counts = data;
	(void)fact;
	counts[added]++;
}

static void test_net_effect(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	struct map_change *change = map_change_begin(fixture->graph);
	struct map_element *element = &fixture->a->element;
	int counts[2] = { 0, 0 };
	add(fixture, change, element, "s", TRUE);
	map_change_commit(change);

	change = map_change_begin(fixture->graph);
	add(fixture, change, element, "s", TRUE); /* replaces one that stood */
	add(fixture, change, element, "s", TRUE); /* replaces one that did not */
	map_change_remove(change, add(fixture, change, element, "m", FALSE));
	map_change_foreach(change, count, counts);
	map_change_commit(change);
	g_assert_cmpint(counts[TRUE], ==, 1);
	g_assert_cmpint(counts[FALSE], ==, 1);
	g_assert_cmpuint(element->facts.length, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, test) \
	g_test_add("/map/graph/" name, struct fixture, NULL, set_up, test, tear_down)
	ADD("identifiers and links are interned", test_intern);
	ADD("a link is attached while it carries a fact", test_attach);
	ADD("rollback restores order, quota and adjacency", test_rollback);
	ADD("net effect of a change", test_net_effect);
	return g_test_run();
}
