#include "map/registry.h"

#define NS_OPERATIONAL "http://www.trustedcomputinggroup.org/2012/IFMAP-OPERATIONAL-METADATA/1"
#define NS_SERVER      "http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1"
#define NS_CONTAUTH    "http://www.trustedcomputinggroup.org/2013/MAP-CONTENT-AUTHORIZATION/1"

struct map_registry {
	GHashTable *index; /* struct map_type * -> itself */
	GPtrArray *types;  /* in order of registration; owns */
	unsigned max_types;
};

static const struct {
	const char *ns;
	const char *name;
	enum ifmap_cardinality cardinality;
} standard_types[] = {
	{ IFMAP_NS_META, "access-request-device", IFMAP_SINGLE_VALUE },
	{ IFMAP_NS_META, "access-request-ip", IFMAP_SINGLE_VALUE },
	{ IFMAP_NS_META, "access-request-mac", IFMAP_SINGLE_VALUE },
	{ IFMAP_NS_META, "authenticated-as", IFMAP_SINGLE_VALUE },
	{ IFMAP_NS_META, "authenticated-by", IFMAP_SINGLE_VALUE },
	{ IFMAP_NS_META, "capability", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "device-attribute", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "device-characteristic", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "device-ip", IFMAP_SINGLE_VALUE },
	{ IFMAP_NS_META, "discovered-by", IFMAP_SINGLE_VALUE },
	{ IFMAP_NS_META, "enforcement-report", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "event", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "ip-mac", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "layer2-information", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "location", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "request-for-investigation", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "role", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "unexpected-behavior", IFMAP_MULTI_VALUE },
	{ IFMAP_NS_META, "wlan-information", IFMAP_SINGLE_VALUE },
	{ NS_OPERATIONAL, "client-time", IFMAP_SINGLE_VALUE },
	{ NS_SERVER, "server-capability", IFMAP_SINGLE_VALUE },
	{ NS_CONTAUTH, "ifmap-client-has-task", IFMAP_MULTI_VALUE },
};

static guint type_hash(gconstpointer key)
{
	const struct map_type *type = key;
	return g_str_hash(type->ns) * 31 + g_str_hash(type->name);
}

static gboolean type_equal(gconstpointer a, gconstpointer b)
{
	const struct map_type *x = a;
	const struct map_type *y = b;
	return g_str_equal(x->name, y->name) && g_str_equal(x->ns, y->ns);
}

static void type_free(gpointer data)
{
	struct map_type *type = data;
	g_free(type->ns);
	g_free(type->name);
	g_free(type);
}

static const struct map_type *add(struct map_registry *registry, const char *ns, const char *name,
	enum ifmap_cardinality cardinality)
{
	struct map_type *type = g_new0(struct map_type, 1);
	type->ns = g_strdup(ns);
	type->name = g_strdup(name);
	type->cardinality = cardinality;
	g_ptr_array_add(registry->types, type);
	g_hash_table_add(registry->index, type);
	return type;
}

static const struct map_type *find(
	const struct map_registry *registry, const char *ns, const char *name)
{
	/* The key is only read: the casts serve the struct's ownership elsewhere. */
	const struct map_type key = { .ns = (char *)ns, .name = (char *)name };
	return g_hash_table_lookup(registry->index, &key);
}

struct map_registry *map_registry_new(unsigned max_types)
{
	struct map_registry *registry = g_new0(struct map_registry, 1);
	registry->index = g_hash_table_new(type_hash, type_equal);
	registry->types = g_ptr_array_new_with_free_func(type_free);
	registry->max_types = max_types;
	for (size_t i = 0; i < G_N_ELEMENTS(standard_types); i++)
		add(registry, standard_types[i].ns, standard_types[i].name,
			standard_types[i].cardinality);
	return registry;
}

void map_registry_free(struct map_registry *registry)
{
	if (!registry)
		return;
	g_hash_table_unref(registry->index);
	g_ptr_array_unref(registry->types);
	g_free(registry);
}

static const char *cardinality_name(enum ifmap_cardinality cardinality)
{
	return cardinality == IFMAP_SINGLE_VALUE ? "singleValue" : "multiValue";
}

const struct map_type *map_registry_check(
	struct map_registry *registry, const struct ifmap_meta *meta, GError **error)
{
	const char *ns = ifmap_meta_ns(meta);
	const char *name = ifmap_meta_name(meta);
	enum ifmap_cardinality cardinality = ifmap_meta_cardinality(meta);
	const struct map_type *type = find(registry, ns, name);

	if (type && type->cardinality != cardinality) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA,
			"ifmap-cardinality of %s is %s on this server, not %s", name,
			cardinality_name(type->cardinality), cardinality_name(cardinality));
		return NULL;
	}
	if (type)
		return type;
	if (registry->types->len >= registry->max_types) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE,
			"this server already knows %u metadata types and takes no more",
			registry->types->len);
		return NULL;
	}
	return add(registry, ns, name, cardinality);
}

void map_registry_restore(struct map_registry *registry, const char *ns, const char *name,
	enum ifmap_cardinality cardinality)
{
	if (!find(registry, ns, name))
		add(registry, ns, name, cardinality);
}

unsigned map_registry_n_types(const struct map_registry *registry)
{
	return registry->types->len;
}

const struct map_type *map_registry_type(const struct map_registry *registry, unsigned index)
{
	return g_ptr_array_index(registry->types, index);
}

void map_registry_truncate(struct map_registry *registry, unsigned n_types)
{
	while (registry->types->len > n_types) {
		guint last = registry->types->len - 1;
		g_hash_table_remove(registry->index, g_ptr_array_index(registry->types, last));
		g_ptr_array_remove_index(registry->types, last);
	}
}
