#include "map/graph.h"

#include <string.h>

#include "ifmap/request.h"
#include "map/siphash.h"

struct map_graph {
	guint64 seed[2];
	GHashTable *
		nodes; /* struct map_node * -> itself; weak: a node takes itself out when it dies */
	GHashTable *links;      /* struct map_link * -> itself; weak likewise */
	GHashTable *publishers; /* id -> struct map_publisher *; owns */
	size_t n_facts;
	size_t n_attached;
	guint64 next_serial;
	guint64 n_withdrawals;
	guint64 as_of; /* the last withdrawal that is looked at */
	guint64 epoch;
	struct map_change *open;
};

/* One step of a change, kept so that it can be taken back. */
struct step {
	struct map_fact *fact; /* referenced */
	gboolean added;
	GList *next; /* removed: the fact that followed it on its element, or NULL */
};

struct map_change {
	struct map_graph *graph;
	guint64 first_serial;
	guint64 mark;
	GArray *steps;      /* struct step */
	GPtrArray *touched; /* struct map_touch *; owns */
};

/* ---- tables */

static guint node_hash(gconstpointer key)
{
	return ((const struct map_node *)key)->hash;
}

static gboolean node_equal(gconstpointer a, gconstpointer b)
{
	const struct map_node *x = a;
	const struct map_node *y = b;
	return x->hash == y->hash && strcmp(ifmap_id_key(x->id), ifmap_id_key(y->id)) == 0;
}

static guint link_hash(gconstpointer key)
{
	const struct map_link *link = key;
	guint64 mixed = ((guintptr)link->ends[0] >> 4) * 0x9e3779b97f4a7c15ULL;
	mixed ^= ((guintptr)link->ends[1] >> 4) * 0xc2b2ae3d27d4eb4fULL;
	return (guint)(mixed >> 32);
}

static gboolean link_equal(gconstpointer a, gconstpointer b)
{
	const struct map_link *x = a;
	const struct map_link *y = b;
	return x->ends[0] == y->ends[0] && x->ends[1] == y->ends[1];
}

static void publisher_free(gpointer data)
{
	struct map_publisher *publisher = data;
	for (size_t i = 0; i < G_N_ELEMENTS(publisher->stocks); i++)
		map_stock_free(publisher->stocks[i]);
	g_free(publisher->id);
	g_free(publisher);
}

static guint key_hash(const struct map_graph *graph, const struct ifmap_id *id)
{
	const char *key = ifmap_id_key(id);
	return (guint)map_siphash(graph->seed, key, strlen(key));
}

struct map_graph *map_graph_new(const guint64 seed[2])
{
	struct map_graph *graph = g_new0(struct map_graph, 1);
	graph->seed[0] = seed[0];
	graph->seed[1] = seed[1];
	graph->nodes = g_hash_table_new(node_hash, node_equal);
	graph->links = g_hash_table_new(link_hash, link_equal);
	graph->publishers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, publisher_free);
	graph->next_serial = 1;
	graph->as_of = G_MAXUINT64;
	return graph;
}

void map_graph_free(struct map_graph *graph)
{
	if (!graph)
		return;
	g_hash_table_unref(graph->publishers);
	g_assert(g_hash_table_size(graph->nodes) == 0 && g_hash_table_size(graph->links) == 0);
	g_hash_table_unref(graph->nodes);
	g_hash_table_unref(graph->links);
	g_free(graph);
}

struct map_node *map_graph_find_node(const struct map_graph *graph, const struct ifmap_id *id)
{
	/* A key that is only compared: the table reads its id and hash and nothing else. */
	const struct map_node key = { .id = (struct ifmap_id *)id, .hash = key_hash(graph, id) };
	return g_hash_table_lookup(graph->nodes, &key);
}

struct map_node *map_graph_node(struct map_graph *graph, const struct ifmap_id *id)
{
	struct map_node *node = map_graph_find_node(graph, id);
	if (node) {
		map_element_ref(&node->element);
		return node;
	}
	node = g_new0(struct map_node, 1);
	node->element.graph = graph;
	node->element.n_refs = 1;
	g_queue_init(&node->element.facts);
	node->id = ifmap_id_ref(id);
	node->hash = key_hash(graph, id);
	g_hash_table_add(graph->nodes, node);
	return node;
}

struct map_link *map_graph_find_link(
	const struct map_graph *graph, struct map_node *a, struct map_node *b)
{
	const struct map_link key = { .ends = { MIN(a, b), MAX(a, b) } };
	return g_hash_table_lookup(graph->links, &key);
}

struct map_link *map_graph_link(struct map_graph *graph, struct map_node *a, struct map_node *b)
{
	g_assert(a != b);
	struct map_link *link = map_graph_find_link(graph, a, b);
	if (link) {
		map_element_ref(&link->element);
		return link;
	}
	link = g_new0(struct map_link, 1);
	link->element.graph = graph;
	link->element.n_refs = 1;
	link->element.is_link = TRUE;
	g_queue_init(&link->element.facts);
	link->ends[0] = MIN(a, b);
	link->ends[1] = MAX(a, b);
	map_element_ref(&a->element);
	map_element_ref(&b->element);
	g_hash_table_add(graph->links, link);
	return link;
}

struct map_publisher *map_graph_find_publisher(const struct map_graph *graph, const char *id)
{
	return g_hash_table_lookup(graph->publishers, id);
}

static struct map_stock *stock_new(struct map_publisher *publisher, enum ifmap_lifetime lifetime)
{
	struct map_stock *stock = g_new0(struct map_stock, 1);
	stock->publisher = publisher;
	stock->lifetime = lifetime;
	g_queue_init(&stock->facts);
	return stock;
}

struct map_publisher *map_graph_publisher(struct map_graph *graph, const char *id)
{
	struct map_publisher *publisher = map_graph_find_publisher(graph, id);
	if (publisher)
		return publisher;
	publisher = g_new0(struct map_publisher, 1);
	publisher->id = g_strdup(id);
	publisher->stocks[IFMAP_LIFETIME_SESSION] = stock_new(publisher, IFMAP_LIFETIME_SESSION);
	publisher->stocks[IFMAP_LIFETIME_FOREVER] = stock_new(publisher, IFMAP_LIFETIME_FOREVER);
	g_hash_table_insert(graph->publishers, publisher->id, publisher);
	return publisher;
}

size_t map_graph_n_nodes(const struct map_graph *graph)
{
	return g_hash_table_size(graph->nodes);
}

size_t map_graph_n_links(const struct map_graph *graph)
{
	return graph->n_attached;
}

size_t map_graph_n_facts(const struct map_graph *graph)
{
	return graph->n_facts;
}

guint64 map_graph_next_serial(const struct map_graph *graph)
{
	return graph->next_serial;
}

void map_graph_set_next_serial(struct map_graph *graph, guint64 serial)
{
	graph->next_serial = MAX(graph->next_serial, serial);
}

guint64 map_graph_next_epoch(struct map_graph *graph)
{
	return ++graph->epoch;
}

/* ---- references */

void map_element_ref(struct map_element *element)
{
	element->n_refs++;
}

static void node_free(struct map_node *node)
{
	g_assert(node->n_links == 0 && node->element.facts.length == 0 && !node->watches);
	g_hash_table_remove(node->element.graph->nodes, node);
	if (node->n_room)
		g_free(node->links.many);
	ifmap_id_unref(node->id);
	g_free(node);
}

static void node_unref(struct map_node *node)
{
	if (--node->element.n_refs == 0)
		node_free(node);
}

static void link_free(struct map_link *link)
{
	g_assert(link->element.facts.length == 0);
	g_hash_table_remove(link->element.graph->links, link);
	node_unref(link->ends[0]);
	node_unref(link->ends[1]);
	g_free(link);
}

void map_element_unref(struct map_element *element)
{
	if (!element->is_link)
		node_unref((struct map_node *)element);
	else if (--element->n_refs == 0)
		link_free((struct map_link *)element);
}

void map_fact_ref(struct map_fact *fact)
{
	fact->n_refs++;
}

void map_fact_unref(struct map_fact *fact)
{
	if (--fact->n_refs > 0)
		return;
	g_assert(!fact->present);
	ifmap_meta_unref(fact->meta);
	map_element_unref(fact->element);
	g_free(fact);
}

/* ---- linking facts in and out */

/* Room for one link more. */
static void make_room(struct map_node *node)
{
	struct map_link *one = node->links.one;

	if (node->n_links == 0 || node->n_links < node->n_room)
		return;
	if (node->n_room > 0) {
		node->n_room *= 2;
		node->links.many = g_renew(struct map_link *, node->links.many, node->n_room);
		return;
	}
	node->n_room = 4;
	node->links.many = g_new(struct map_link *, node->n_room);
	node->links.many[0] = one;
}

static void set_link(struct map_node *node, guint index, struct map_link *link)
{
	if (node->n_room)
		node->links.many[index] = link;
	else
		node->links.one = link;
	link->slot[link->ends[0] == node ? 0 : 1] = index;
}

static void attach(struct map_link *link)
{
	for (int i = 0; i < 2; i++) {
		make_room(link->ends[i]);
		set_link(link->ends[i], link->ends[i]->n_links++, link);
	}
	link->element.graph->n_attached++;
}

static void detach(struct map_link *link)
{
	for (int i = 0; i < 2; i++) {
		struct map_node *end = link->ends[i];
		guint last = --end->n_links;
		if (link->slot[i] < last)
			set_link(end, link->slot[i], map_node_link(end, last));
		if (last == 0 && end->n_room) {
			g_clear_pointer(&end->links.many, g_free);
			end->n_room = 0;
		}
	}
	link->element.graph->n_attached--;
}

/* `next`: the fact to stand before, or NULL for the end. */
static void fact_insert(struct map_fact *fact, GList *next)
{
	struct map_element *element = fact->element;

	g_queue_insert_before_link(&element->facts, next, &fact->in_element);
	g_queue_push_tail_link(&fact->stock->facts, &fact->in_stock);
	fact->stock->size += ifmap_meta_size(fact->meta);
	element->graph->n_facts++;
	fact->present = TRUE;
	map_fact_ref(fact);
	if (element->is_link && element->facts.length == 1)
		attach((struct map_link *)element);
}

static void fact_take_out(struct map_fact *fact)
{
	struct map_element *element = fact->element;

	g_queue_unlink(&element->facts, &fact->in_element);
	g_queue_unlink(&fact->stock->facts, &fact->in_stock);
	fact->stock->size -= ifmap_meta_size(fact->meta);
	element->graph->n_facts -= !fact->stock->withdrawn;
	fact->present = FALSE;
	if (element->is_link && element->facts.length == 0)
		detach((struct map_link *)element);
	map_fact_unref(fact);
}

/* ---- withdrawal */

struct map_stock *map_graph_withdraw(
	struct map_graph *graph, struct map_publisher *publisher, enum ifmap_lifetime lifetime)
{
	struct map_stock *stock = publisher->stocks[lifetime];

	g_assert(!graph->open);
	if (stock->facts.length == 0)
		return NULL;
	stock->withdrawn = graph->n_withdrawals;
	graph->n_facts -= stock->facts.length;
	publisher->stocks[lifetime] = stock_new(publisher, lifetime);
	return stock;
}

guint64 map_graph_begin_withdrawal(struct map_graph *graph)
{
	return ++graph->n_withdrawals;
}

void map_graph_look_as_of(struct map_graph *graph, guint64 withdrawal)
{
	graph->as_of = withdrawal ? withdrawal : G_MAXUINT64;
}

guint64 map_graph_as_of(const struct map_graph *graph)
{
	return graph->as_of;
}

guint64 map_graph_last_withdrawal(const struct map_graph *graph)
{
	return graph->n_withdrawals;
}

void map_stock_clear_first(struct map_stock *stock)
{
	fact_take_out(stock->facts.head->data);
}

void map_stock_free(struct map_stock *stock)
{
	if (!stock)
		return;
	while (stock->facts.length > 0)
		map_stock_clear_first(stock);
	g_free(stock);
}

/* ---- change */

static void step_clear(gpointer data)
{
	map_fact_unref(((struct step *)data)->fact);
}

static void touch_free(gpointer data)
{
	struct map_touch *touch = data;
	touch->element->touch = NULL;
	g_ptr_array_unref(touch->removed);
	map_element_unref(touch->element);
	g_free(touch);
}

struct map_change *map_change_begin(struct map_graph *graph)
{
	g_assert(!graph->open);
	struct map_change *change = g_new0(struct map_change, 1);
	change->graph = graph;
	change->first_serial = graph->next_serial;
	change->mark = map_graph_next_epoch(graph);
	change->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
	g_array_set_clear_func(change->steps, step_clear);
	change->touched = g_ptr_array_new_with_free_func(touch_free);
	graph->open = change;
	return change;
}

void map_change_commit(struct map_change *change)
{
	change->graph->open = NULL;
	g_ptr_array_unref(change->touched);
	g_array_unref(change->steps);
	g_free(change);
}

void map_change_rollback(struct map_change *change)
{
	for (guint i = change->steps->len; i > 0; i--) {
		struct step *step = &g_array_index(change->steps, struct step, i - 1);
		if (step->added)
			fact_take_out(step->fact);
		else
			fact_insert(step->fact, step->next);
	}
	map_change_commit(change);
}

static struct map_touch *touch(struct map_change *change, struct map_element *element)
{
	if (element->touch)
		return element->touch;
	struct map_touch *new = g_new0(struct map_touch, 1);
	new->element = element;
	map_element_ref(element);
	new->removed = g_ptr_array_new_with_free_func((GDestroyNotify)map_fact_unref);
	element->touch = new;
	g_ptr_array_add(change->touched, new);
	return new;
}

void map_change_remove(struct map_change *change, struct map_fact *fact)
{
	struct map_touch *where = touch(change, fact->element);
	const struct step step = { .fact = fact, .added = FALSE, .next = fact->in_element.next };

	map_fact_ref(fact);
	g_array_append_val(change->steps, step);
	if (!map_change_is_new(change, fact)) {
		map_fact_ref(fact);
		g_ptr_array_add(where->removed, fact);
	}
	fact_take_out(fact);
}

void map_change_remove_all(
	struct map_change *change, struct map_publisher *publisher, enum ifmap_lifetime lifetime)
{
	GQueue *facts = &publisher->stocks[lifetime]->facts;
	while (facts->head)
		map_change_remove(change, facts->head->data);
}

/* First fact that is not singleValue, or NULL: singleValue facts stand in front of it. */
static GList *first_multi(const struct map_element *element)
{
	GList *at = element->facts.head;
	while (at && ((struct map_fact *)at->data)->type->cardinality == IFMAP_SINGLE_VALUE)
		at = at->next;
	return at;
}

struct map_fact *map_element_find_single(
	const struct map_element *element, const struct map_type *type)
{
	for (struct map_fact *fact = map_element_first(element); fact; fact = map_fact_next(fact)) {
		if (fact->type == type)
			return fact;
		if (fact->type->cardinality != IFMAP_SINGLE_VALUE)
			break;
	}
	return NULL;
}

struct map_fact *map_change_add(
	struct map_change *change, struct map_element *element, const struct map_fact_spec *spec)
{
	gboolean single = spec->type->cardinality == IFMAP_SINGLE_VALUE;
	struct map_fact *old = single ? map_element_find_single(element, spec->type) : NULL;

	/* Keeps a link's ends and adjacency alive across the replacement. */
	touch(change, element);
	if (old)
		map_change_remove(change, old);
	struct map_fact *fact = g_new0(struct map_fact, 1);
	fact->n_refs = 1;
	fact->serial = change->graph->next_serial++;
	fact->meta = ifmap_meta_ref(spec->meta);
	fact->type = spec->type;
	fact->stock = spec->publisher->stocks[spec->lifetime];
	fact->element = element;
	map_element_ref(element);
	fact->in_element.data = fact;
	fact->in_stock.data = fact;
	fact_insert(fact, single ? first_multi(element) : NULL);
	const struct step step = { .fact = fact, .added = TRUE };
	g_array_append_val(change->steps, step);
	return fact;
}

const GPtrArray *map_change_touched(const struct map_change *change)
{
	return change->touched;
}

gboolean map_change_is_new(const struct map_change *change, const struct map_fact *fact)
{
	return fact->serial >= change->first_serial;
}

guint64 map_change_mark(const struct map_change *change)
{
	return change->mark;
}

void map_change_foreach(const struct map_change *change, map_change_fn fn, gpointer data)
{
	for (guint i = 0; i < change->steps->len; i++) {
		struct step *step = &g_array_index(change->steps, struct step, i);
		gboolean is_new = map_change_is_new(change, step->fact);
		if (step->added && step->fact->present)
			fn(step->fact, TRUE, data);
		else if (!step->added && !is_new)
			fn(step->fact, FALSE, data);
	}
}
