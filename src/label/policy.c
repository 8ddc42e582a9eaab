#include "label/policy.h"

#include "label/check.h"
#include "label/draft.h"

#include <string.h>

#define N_KINDS 2

struct label_policy {
	struct label_header header;
	GArray *types;                /* struct label_type */
	GArray *conflicts;            /* struct label_conflict */
	GArray *labels;               /* struct label */
	GHashTable *type_by_name;     /* name, borrowed from the table -> index + 1 */
	GHashTable *conflict_by_name; /* the same */
	GHashTable *label_by_name[N_KINDS];
	GPtrArray *walls; /* of each type, in the table's order: GArray of struct label_wall */
	guint16 *sides;   /* n_labels rows of n_conflicts: label_policy_side() */
};

static void header_clear(struct label_header *header)
{
	g_free(header->name);
	g_free(header->version);
	g_free(header->url);
	g_free(header->date);
	g_free(header->bootstrap);
}

static void type_clear(gpointer data)
{
	struct label_type *type = data;

	g_free(type->name);
	g_free(type->colour);
}

static void conflict_clear(gpointer data)
{
	struct label_conflict *conflict = data;

	g_free(conflict->name);
	g_strfreev(conflict->types);
}

static void label_clear(gpointer data)
{
	struct label *label = data;

	g_free(label->name);
	g_free(label->colour);
	g_strfreev(label->ste);
	g_strfreev(label->chw);
}

static GArray *table_new(guint size, GDestroyNotify clear)
{
	GArray *table = g_array_new(FALSE, TRUE, size);

	g_array_set_clear_func(table, clear);
	return table;
}

struct label_policy *label_draft_new(void)
{
	struct label_policy *draft = g_new0(struct label_policy, 1);

	draft->types = table_new(sizeof(struct label_type), type_clear);
	draft->conflicts = table_new(sizeof(struct label_conflict), conflict_clear);
	draft->labels = table_new(sizeof(struct label), label_clear);
	draft->walls = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	draft->type_by_name = g_hash_table_new(g_str_hash, g_str_equal);
	draft->conflict_by_name = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t kind = 0; kind < N_KINDS; kind++)
		draft->label_by_name[kind] = g_hash_table_new(g_str_hash, g_str_equal);
	return draft;
}

void label_policy_free(struct label_policy *policy)
{
	if (!policy)
		return;
	header_clear(&policy->header);
	g_hash_table_unref(policy->type_by_name);
	g_hash_table_unref(policy->conflict_by_name);
	for (size_t kind = 0; kind < N_KINDS; kind++)
		g_hash_table_unref(policy->label_by_name[kind]);
	g_array_unref(policy->types);
	g_array_unref(policy->conflicts);
	g_array_unref(policy->labels);
	g_ptr_array_unref(policy->walls);
	g_free(policy->sides);
	g_free(policy);
}

static gconstpointer table_find(const GArray *table, GHashTable *by_name, const char *name)
{
	size_t place = name ? GPOINTER_TO_SIZE(g_hash_table_lookup(by_name, name)) : 0;

	return place ? table->data + (place - 1) * g_array_get_element_size((GArray *)table) : NULL;
}

const struct label_header *label_policy_header(const struct label_policy *policy)
{
	return &policy->header;
}

const struct label_type *label_policy_types(const struct label_policy *policy, size_t *ret_n)
{
	*ret_n = policy->types->len;
	return (const void *)policy->types->data;
}

const struct label_conflict *label_policy_conflicts(
	const struct label_policy *policy, size_t *ret_n)
{
	*ret_n = policy->conflicts->len;
	return (const void *)policy->conflicts->data;
}

const struct label *label_policy_labels(const struct label_policy *policy, size_t *ret_n)
{
	*ret_n = policy->labels->len;
	return (const void *)policy->labels->data;
}

const struct label_type *label_policy_find_type(const struct label_policy *policy, const char *name)
{
	return table_find(policy->types, policy->type_by_name, name);
}

const struct label_conflict *label_policy_find_conflict(
	const struct label_policy *policy, const char *name)
{
	return table_find(policy->conflicts, policy->conflict_by_name, name);
}

const struct label *label_policy_find(
	const struct label_policy *policy, enum label_kind kind, const char *name)
{
	return table_find(policy->labels, policy->label_by_name[kind], name);
}

unsigned label_policy_side(
	const struct label_policy *policy, const struct label *label, size_t conflict)
{
	size_t row = (size_t)(label - (const struct label *)(const void *)policy->labels->data);

	return policy->sides[row * policy->conflicts->len + conflict];
}

static GArray *walls_of(const struct label_policy *policy, const char *type)
{
	size_t place = GPOINTER_TO_SIZE(g_hash_table_lookup(policy->type_by_name, type));

	return place ? g_ptr_array_index(policy->walls, place - 1) : NULL;
}

const struct label_wall *label_policy_walls(
	const struct label_policy *policy, const char *type, size_t *ret_n)
{
	GArray *walls = walls_of(policy, type);

	*ret_n = walls ? walls->len : 0;
	return walls ? (const void *)walls->data : NULL;
}

/* Making one. */

static gboolean check_room(const GArray *table, guint max, const char *what, GError **error)
{
	if (table->len < max)
		return TRUE;
	return label_refuse(error, LABEL_ERROR_LIMIT, "more than %u %s", max, what);
}

static char *dup_filled(const char *text)
{
	return text && *text ? g_strdup(text) : NULL;
}

gboolean label_draft_set_header(
	struct label_policy *draft, const struct label_header *header, GError **error)
{
	if (!label_check_name("policy", header->name, error) ||
		!label_check_version(header->version, error))
		return FALSE;
	if (!label_check_text("URL", header->url, error) ||
		!label_check_text("date", header->date, error))
		return FALSE;
	if (header->bootstrap && !label_check_name("label", header->bootstrap, error))
		return FALSE;
	header_clear(&draft->header);
	draft->header = (struct label_header){
		.name = g_strdup(header->name),
		.version = g_strdup(header->version),
		.url = dup_filled(header->url),
		.date = dup_filled(header->date),
		.bootstrap = g_strdup(header->bootstrap),
		.primary = header->primary,
	};
	return TRUE;
}

static void index_last(GHashTable *by_name, const GArray *table, const char *name)
{
	g_hash_table_insert(by_name, (gpointer)name, GSIZE_TO_POINTER((size_t)table->len));
}

static char *dup_colour(const char *colour)
{
	return colour ? g_ascii_strdown(colour, -1) : NULL;
}

gboolean label_draft_add_type(struct label_policy *draft, const char *name, enum label_use use,
	const char *colour, GError **error)
{
	struct label_type *type = (struct label_type *)label_policy_find_type(draft, name);
	struct label_type new_type = { 0 };

	if (!label_check_name("type", name, error) || !label_check_colour(colour, error))
		return FALSE;
	if (type && (type->uses & use))
		return label_refuse(error, LABEL_ERROR_CONTENT, "type %s is declared twice", name);
	if (type && colour && type->colour && g_ascii_strcasecmp(type->colour, colour) != 0)
		return label_refuse(error, LABEL_ERROR_CONTENT, "type %s has two colours", name);
	if (!type) {
		if (!check_room(draft->types, LABEL_MAX_TYPES, "types", error))
			return FALSE;
		new_type.name = g_strdup(name);
		g_array_append_val(draft->types, new_type);
		index_last(draft->type_by_name, draft->types, new_type.name);
		g_ptr_array_add(draft->walls, g_array_new(FALSE, FALSE, sizeof(struct label_wall)));
		type = &g_array_index(draft->types, struct label_type, draft->types->len - 1);
	}
	type->uses |= use;
	if (colour && !type->colour)
		type->colour = dup_colour(colour);
	return TRUE;
}

static gboolean check_types(
	const struct label_policy *draft, char *const *names, enum label_use use, GError **error)
{
	const char *component = use == LABEL_USE_STE ? "Simple Type Enforcement" : "Chinese Wall";

	for (; *names; names++) {
		const struct label_type *type = label_policy_find_type(draft, *names);

		if (!type || !(type->uses & use))
			return label_refuse(error, LABEL_ERROR_CONTENT,
				"type %.*s is not declared as a %s type", LABEL_MAX_NAME, *names,
				component);
	}
	return TRUE;
}

/* Tells each type of conflict set `number` that it stands on a side of it. */
static void add_walls(struct label_policy *draft, guint number)
{
	const struct label_conflict *conflict = &g_array_index(
		draft->conflicts, struct label_conflict, number);

	for (guint i = 0; conflict->types[i]; i++) {
		struct label_wall wall = { (guint16)number, (guint16)(i + 1) };

		g_array_append_val(walls_of(draft, conflict->types[i]), wall);
	}
}

gboolean label_draft_add_conflict(
	struct label_policy *draft, const struct label_conflict *conflict, GError **error)
{
	g_auto(GStrv) types = label_strv_sorted((const char *const *)conflict->types);
	struct label_conflict new_conflict = { .lasting = !!conflict->lasting };

	if (!label_check_name("conflict set", conflict->name, error) ||
		!check_room(draft->conflicts, LABEL_MAX_CONFLICTS, "conflict sets", error))
		return FALSE;
	if (label_policy_find_conflict(draft, conflict->name))
		return label_refuse(error, LABEL_ERROR_CONTENT, "conflict set %s is declared twice",
			conflict->name);
	if (!check_types(draft, types, LABEL_USE_CHW, error))
		return FALSE;
	if (g_strv_length(types) < 2)
		return label_refuse(error, LABEL_ERROR_CONTENT,
			"conflict set %s has fewer than two types: it keeps nothing apart",
			conflict->name);
	new_conflict.name = g_strdup(conflict->name);
	new_conflict.types = g_steal_pointer(&types);
	g_array_append_val(draft->conflicts, new_conflict);
	index_last(draft->conflict_by_name, draft->conflicts, new_conflict.name);
	add_walls(draft, draft->conflicts->len - 1);
	return TRUE;
}

/* Writes the side of each conflict set that `chw` stands on. Returns NULL, or a conflict set on
 * which it stands on two sides. */
static const struct label_conflict *find_sides(
	const struct label_policy *policy, char *const *chw, guint16 *sides)
{
	for (; *chw; chw++) {
		size_t n;
		const struct label_wall *walls = label_policy_walls(policy, *chw, &n);

		for (size_t i = 0; i < n; i++) {
			if (sides[walls[i].conflict])
				return &g_array_index(policy->conflicts, struct label_conflict,
					walls[i].conflict);
			sides[walls[i].conflict] = walls[i].side;
		}
	}
	return NULL;
}

/* A label with two types of one conflict set could never run, not even alone. */
static gboolean check_self(
	const struct label_policy *draft, const char *name, char *const *chw, GError **error)
{
	g_autofree guint16 *sides = g_new0(guint16, draft->conflicts->len + 1);
	const struct label_conflict *clash = find_sides(draft, chw, sides);

	if (!clash)
		return TRUE;
	return label_refuse(error, LABEL_ERROR_CONTENT,
		"label %s has two types that conflict set %s keeps apart", name, clash->name);
}

static gboolean check_label(const struct label_policy *draft, const struct label *label,
	char *const *ste, char *const *chw, GError **error)
{
	if (!label_check_name("label", label->name, error) ||
		!label_check_colour(label->colour, error))
		return FALSE;
	if (!check_room(draft->labels, LABEL_MAX_LABELS, "labels", error))
		return FALSE;
	if (label_policy_find(draft, label->kind, label->name))
		return label_refuse(
			error, LABEL_ERROR_CONTENT, "label %s is declared twice", label->name);
	if (label->kind == LABEL_RESOURCE && *chw)
		return label_refuse(error, LABEL_ERROR_CONTENT,
			"resource label %s has Chinese Wall types; only workloads have",
			label->name);
	return check_types(draft, ste, LABEL_USE_STE, error) &&
	       check_types(draft, chw, LABEL_USE_CHW, error) &&
	       check_self(draft, label->name, chw, error);
}

gboolean label_draft_add_label(
	struct label_policy *draft, const struct label *label, GError **error)
{
	g_auto(GStrv) ste = label_strv_sorted((const char *const *)label->ste);
	g_auto(GStrv) chw = label_strv_sorted((const char *const *)label->chw);
	struct label new_label = { .kind = label->kind };

	if (!check_label(draft, label, ste, chw, error))
		return FALSE;
	new_label.name = g_strdup(label->name);
	new_label.colour = dup_colour(label->colour);
	new_label.ste = g_steal_pointer(&ste);
	new_label.chw = g_steal_pointer(&chw);
	g_array_append_val(draft->labels, new_label);
	index_last(draft->label_by_name[label->kind], draft->labels, new_label.name);
	return TRUE;
}

static gint compare_types(gconstpointer a, gconstpointer b)
{
	return strcmp(((const struct label_type *)a)->name, ((const struct label_type *)b)->name);
}

static gint compare_conflicts(gconstpointer a, gconstpointer b)
{
	return strcmp(
		((const struct label_conflict *)a)->name, ((const struct label_conflict *)b)->name);
}

static gint compare_labels(gconstpointer a, gconstpointer b)
{
	const struct label *x = a;
	const struct label *y = b;

	return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

static void sort_tables(struct label_policy *draft)
{
	g_array_sort(draft->types, compare_types);
	g_array_sort(draft->conflicts, compare_conflicts);
	g_array_sort(draft->labels, compare_labels);
	for (size_t i = 0; i < draft->types->len; i++)
		g_hash_table_insert(draft->type_by_name,
			g_array_index(draft->types, struct label_type, i).name,
			GSIZE_TO_POINTER(i + 1));
	for (size_t i = 0; i < draft->conflicts->len; i++)
		g_hash_table_insert(draft->conflict_by_name,
			g_array_index(draft->conflicts, struct label_conflict, i).name,
			GSIZE_TO_POINTER(i + 1));
	for (size_t i = 0; i < draft->labels->len; i++) {
		const struct label *label = &g_array_index(draft->labels, struct label, i);

		g_hash_table_insert(
			draft->label_by_name[label->kind], label->name, GSIZE_TO_POINTER(i + 1));
	}
}

/* For the tables as they are now sorted. */
static void compile_sides(struct label_policy *draft)
{
	size_t n_conflicts = draft->conflicts->len;

	g_ptr_array_set_size(draft->walls, 0);
	for (size_t i = 0; i < draft->types->len; i++)
		g_ptr_array_add(draft->walls, g_array_new(FALSE, FALSE, sizeof(struct label_wall)));
	for (guint i = 0; i < n_conflicts; i++)
		add_walls(draft, i);
	draft->sides = g_new0(guint16, draft->labels->len * n_conflicts + 1);
	for (size_t i = 0; i < draft->labels->len; i++)
		find_sides(draft, g_array_index(draft->labels, struct label, i).chw,
			draft->sides + i * n_conflicts);
}

gboolean label_draft_finish(struct label_policy *draft, GError **error)
{
	const char *bootstrap = draft->header.bootstrap;

	if (!draft->header.name)
		return label_refuse(
			error, LABEL_ERROR_CONTENT, "the policy has no name and version");
	if (bootstrap && !label_policy_find(draft, LABEL_WORKLOAD, bootstrap))
		return label_refuse(error, LABEL_ERROR_CONTENT,
			"the bootstrap label %s is not a workload label", bootstrap);
	sort_tables(draft);
	compile_sides(draft);
	return TRUE;
}
