#include "host/enforce_image.h"

#include "host/enforce_chains.h"
#include "host/enforce_interval.h"

#include <string.h>

#define DIFFERENCES_MAX 10

struct enforce_image {
	GHashTable *parts; /* name → GString */
};

static void string_free(gpointer data)
{
	g_string_free(data, TRUE);
}

struct enforce_image *enforce_image_new(void)
{
	struct enforce_image *image = g_new0(struct enforce_image, 1);

	image->parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, string_free);
	return image;
}

void enforce_image_free(struct enforce_image *image)
{
	if (!image)
		return;
	g_hash_table_unref(image->parts);
	g_free(image);
}

/* One form for one meaning */

static char *dump(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	char *copy = g_strdup(text);

	free(text);
	return copy;
}

static int compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The elements of a set in the order of their texts. */
static json_t *sorted(const json_t *array)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	json_t *result = json_array();
	gsize index;
	json_t *item;

	json_array_foreach(array, index, item) g_ptr_array_add(texts, dump(item));
	g_ptr_array_sort(texts, compare_text);
	for (guint i = 0; i < texts->len; i++)
		json_array_append_new(result, json_string(texts->pdata[i]));
	return result;
}

/* nft prints the ICMP types that it has a word for by that word; we write numbers. */
static const struct {
	const char *protocol;
	const char *word;
	guint8 number;
} icmp_types[] = {
	{ "icmp", "echo-reply", 0 },
	{ "icmp", "destination-unreachable", 3 },
	{ "icmp", "source-quench", 4 },
	{ "icmp", "redirect", 5 },
	{ "icmp", "echo-request", 8 },
	{ "icmp", "router-advertisement", 9 },
	{ "icmp", "router-solicitation", 10 },
	{ "icmp", "time-exceeded", 11 },
	{ "icmp", "parameter-problem", 12 },
	{ "icmp", "timestamp-request", 13 },
	{ "icmp", "timestamp-reply", 14 },
	{ "icmp", "info-request", 15 },
	{ "icmp", "info-reply", 16 },
	{ "icmp", "address-mask-request", 17 },
	{ "icmp", "address-mask-reply", 18 },
	{ "icmpv6", "destination-unreachable", 1 },
	{ "icmpv6", "packet-too-big", 2 },
	{ "icmpv6", "time-exceeded", 3 },
	{ "icmpv6", "parameter-problem", 4 },
	{ "icmpv6", "echo-request", 128 },
	{ "icmpv6", "echo-reply", 129 },
	{ "icmpv6", "mld-listener-query", 130 },
	{ "icmpv6", "mld-listener-report", 131 },
	{ "icmpv6", "mld-listener-done", 132 },
	{ "icmpv6", "mld-listener-reduction", 132 },
	{ "icmpv6", "nd-router-solicit", 133 },
	{ "icmpv6", "nd-router-advert", 134 },
	{ "icmpv6", "nd-neighbor-solicit", 135 },
	{ "icmpv6", "nd-neighbor-advert", 136 },
	{ "icmpv6", "nd-redirect", 137 },
	{ "icmpv6", "router-renumbering", 138 },
	{ "icmpv6", "ind-neighbor-solicit", 141 },
	{ "icmpv6", "ind-neighbor-advert", 142 },
	{ "icmpv6", "mld2-listener-report", 143 },
};

static json_t *icmp_type(const char *protocol, json_t *value)
{
	const char *word = json_string_value(value);

	for (guint i = 0; word && i < G_N_ELEMENTS(icmp_types); i++)
		if (!strcmp(icmp_types[i].protocol, protocol) && !strcmp(icmp_types[i].word, word))
			return json_integer(icmp_types[i].number);
	return json_incref(value);
}

/* The right side of a match on an ICMP type: a word, {"set": [...]} or {"range": [...]}, sets hold
 * ranges. */
static json_t *icmp_types_of(const char *protocol, json_t *value) /* NOLINT(misc-no-recursion) */
{
	json_t *result = json_is_array(value) ? json_array() : json_object();
	const char *key;
	gsize index;
	json_t *item;

	json_array_foreach(value, index, item)
		json_array_append_new(result, icmp_types_of(protocol, item));
	json_object_foreach(value, key, item)
		json_object_set_new(result, key, icmp_types_of(protocol, item));
	if (json_is_array(value) || json_is_object(value))
		return result;
	json_decref(result);
	return icmp_type(protocol, value);
}

static void normalise_match(json_t *match)
{
	const json_t *payload = json_object_get(json_object_get(match, "left"), "payload");
	const char *protocol = json_string_value(json_object_get(payload, "protocol"));
	const char *name = json_string_value(json_object_get(payload, "field"));
	json_t *covered;

	if (protocol && name && !strcmp(name, "type") && g_str_has_prefix(protocol, "icmp"))
		json_object_set_new(
			match, "right", icmp_types_of(protocol, json_object_get(match, "right")));
	covered = enforce_interval_normalise(json_object_get(match, "right"));
	if (covered)
		json_object_set_new(match, "right", covered);
}

/* Counters forget their values and sets their order. Expressions nest as deep as nft prints them: a
 * handful. */
static void normalise(json_t *json) /* NOLINT(misc-no-recursion) */
{
	const char *key;
	gsize index;
	json_t *value;
	void *next;

	json_array_foreach(json, index, value) normalise(value);
	json_object_foreach_safe(json, next, key, value)
	{
		if (!strcmp(key, "match"))
			normalise_match(value);
		if (!strcmp(key, "counter"))
			json_object_set_new(json, key, json_null());
		else if (!strcmp(key, "set") && json_is_array(value))
			json_object_set_new(json, key, sorted(value));
		else
			normalise(value);
	}
}

/* Parts */

static GString *part(struct enforce_image *image, const char *format, ...) G_GNUC_PRINTF(2, 3);

static GString *part(struct enforce_image *image, const char *format, ...)
{
	va_list arguments;
	char *name;
	GString *text;

	va_start(arguments, format);
	name = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	text = g_hash_table_lookup(image->parts, name);
	if (text) {
		g_free(name);
		return text;
	}
	text = g_string_new(NULL);
	g_hash_table_insert(image->parts, name, text);
	return text;
}

static const char *field(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void add_chain(struct enforce_image *image, const json_t *chain)
{
	GString *text = part(image, "%s chain %s", field(chain, "family"), field(chain, "name"));

	if (*field(chain, "hook") && !strstr(text->str, "hook "))
		g_string_append_printf(text, "hook %s %s %d %s\n", field(chain, "type"),
			field(chain, "hook"),
			(int)json_integer_value(json_object_get(chain, "prio")),
			field(chain, "policy"));
}

static void add_rule(struct enforce_image *image, const json_t *rule)
{
	GString *text = part(image, "%s chain %s", field(rule, "family"), field(rule, "chain"));
	json_t *expr = json_deep_copy(json_object_get(rule, "expr"));
	g_autofree char *line = NULL;

	normalise(expr);
	line = dump(expr);
	g_string_append_printf(text, "%s # %s\n", line, field(rule, "comment"));
	json_decref(expr);
}

static void add_elements(
	struct enforce_image *image, const char *family, const char *set, const json_t *elements)
{
	gsize index;
	json_t *element;

	json_array_foreach(elements, index, element)
	{
		g_autofree char *line = dump(element);
		const json_t *key = json_is_array(element) ? json_array_get(element, 0) : element;
		GString *text = part(image, "%s element %s %s", family, set,
			json_is_string(key) ? json_string_value(key) : line);

		g_string_append_printf(text, "%s\n", line);
	}
}

static void add_set(struct enforce_image *image, const json_t *set)
{
	GString *text = part(image, "%s set %s", field(set, "family"), field(set, "name"));

	if (!text->len)
		g_string_append_printf(text, "%s : %s\n", field(set, "type"), field(set, "map"));
	add_elements(image, field(set, "family"), field(set, "name"), json_object_get(set, "elem"));
}

static void add_element(struct enforce_image *image, const json_t *element)
{
	add_elements(image, field(element, "family"), field(element, "name"),
		json_object_get(element, "elem"));
}

static const struct {
	const char *what;
	void (*add)(struct enforce_image *, const json_t *);
} readers[] = {
	{ "chain", add_chain },
	{ "rule", add_rule },
	{ "set", add_set },
	{ "map", add_set },
	{ "element", add_element },
};

static void add_object(struct enforce_image *image, const json_t *object)
{
	for (guint i = 0; i < G_N_ELEMENTS(readers); i++) {
		const json_t *inner = json_object_get(object, readers[i].what);

		if (inner && !strcmp(field(inner, "table"), ENFORCE_TABLE))
			readers[i].add(image, inner);
	}
}

struct enforce_image *enforce_image_of_commands(const json_t *commands)
{
	struct enforce_image *image = enforce_image_new();
	gsize index;
	json_t *command;

	json_array_foreach(commands, index, command)
		add_object(image, json_object_get(command, "add"));
	return image;
}

void enforce_image_add_listing(struct enforce_image *image, const json_t *listing)
{
	gsize index;
	json_t *object;

	json_array_foreach(listing, index, object) add_object(image, object);
}

/* Comparing */

static void add_names(GPtrArray *names, const struct enforce_image *image, GHashTable *seen)
{
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, image->parts);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (g_hash_table_add(seen, name))
			g_ptr_array_add(names, g_strdup(name));
}

static void add_tap_names(GPtrArray *names, const char *tap)
{
	for (guint i = 0; i < G_N_ELEMENTS(enforce_chain_kinds); i++) {
		const char *kind = enforce_chain_kinds[i];

		g_ptr_array_add(names, g_strdup_printf("bridge chain %s-%s", kind, tap));
		g_ptr_array_add(names, g_strdup_printf("bridge element %s %s", kind, tap));
	}
}

/* The names to look at, sorted: those of the taps, or (NULL) all of both pictures. */
static GPtrArray *names_of(
	const struct enforce_image *a, const struct enforce_image *b, const char *const *taps)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (const char *const *tap = taps; tap && *tap; tap++)
		add_tap_names(names, *tap);
	if (!taps) {
		add_names(names, a, seen);
		add_names(names, b, seen);
	}
	g_ptr_array_sort(names, compare_text);
	return names;
}

#define LINE_TOLD 200 /* bytes of a rule that are quoted */
#define BEFORE    60  /* of them before the place where two rules part */

static int line_length(const char *text)
{
	return (int)MIN(strcspn(text, "\n"), LINE_TOLD);
}

/* Names the first line that is not the same. */
static void tell(GString *out, const char *name, const GString *wanted, const GString *found)
{
	const char *left = wanted ? wanted->str : NULL;
	const char *right = found ? found->str : NULL;
	gsize line = 0;
	gsize from = 0;

	if (!left || !right) {
		g_string_append_printf(out, "%s %s", name, right ? "is not ours" : "is missing");
		return;
	}
	for (; left[from] && left[from] == right[from]; from++)
		if (left[from] == '\n')
			line = from + 1;
	from = MAX(line, from > BEFORE ? from - BEFORE : 0);
	if (!left[line])
		g_string_append_printf(
			out, "%s has more: %.*s", name, line_length(right + line), right + line);
	else if (!right[line])
		g_string_append_printf(
			out, "%s lacks: %.*s", name, line_length(left + line), left + line);
	else
		g_string_append_printf(out, "%s has %.*s instead of %.*s", name,
			line_length(right + from), right + from, line_length(left + from),
			left + from);
}

/* Takes the names. */
static char *difference(
	const struct enforce_image *wanted, const struct enforce_image *found, GPtrArray *names)
{
	GString *out = g_string_new(NULL);
	guint n = 0;

	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		const GString *left = g_hash_table_lookup(wanted->parts, name);
		const GString *right = g_hash_table_lookup(found->parts, name);

		if ((!left && !right) || (left && right && g_string_equal(left, right)))
			continue;
		if (n++ >= DIFFERENCES_MAX)
			continue;
		if (out->len)
			g_string_append(out, "; ");
		tell(out, name, left, right);
	}
	if (n > DIFFERENCES_MAX)
		g_string_append_printf(out, "; and %u more", n - DIFFERENCES_MAX);
	g_ptr_array_unref(names);
	return g_string_free(out, FALSE);
}

char *enforce_image_difference(const struct enforce_image *wanted,
	const struct enforce_image *found, const char *const *taps)
{
	return difference(wanted, found, names_of(wanted, found, taps));
}

char *enforce_image_digest(const struct enforce_image *image, const char *const *taps)
{
	g_autoptr(GPtrArray) names = names_of(image, image, taps);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	for (guint i = 0; i < names->len; i++) {
		const GString *text = g_hash_table_lookup(image->parts, names->pdata[i]);

		if (!text)
			continue;
		g_checksum_update(sum, names->pdata[i], -1);
		g_checksum_update(sum, (const guchar *)"\n", 1);
		g_checksum_update(sum, (const guchar *)text->str, (gssize)text->len);
	}
	return g_strdup(g_checksum_get_string(sum));
}

char *enforce_image_missing(const struct enforce_image *wanted, const struct enforce_image *found)
{
	return difference(wanted, found, names_of(wanted, wanted, NULL));
}
