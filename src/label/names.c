/* Sorted lists of names, and what policies look like: equality and colours. */
#include "label/draft.h"
#include "label/policy.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **label_strv_sorted(const char *const *names)
{
	char **sorted = names ? g_strdupv((char **)names) : g_new0(char *, 1);
	size_t n = g_strv_length(sorted);
	size_t kept = 0;

	qsort((void *)sorted, n, sizeof *sorted, compare_names);
	for (size_t i = 0; i < n; i++) {
		if (kept && strcmp(sorted[kept - 1], sorted[i]) == 0)
			g_free(sorted[i]);
		else
			sorted[kept++] = sorted[i];
	}
	sorted[kept] = NULL;
	return sorted;
}

gboolean label_strv_has(char *const *sorted, const char *name)
{
	for (; *sorted; sorted++) {
		int order = strcmp(*sorted, name);

		if (order >= 0)
			return order == 0;
	}
	return FALSE;
}

static gboolean header_equal(const struct label_header *a, const struct label_header *b)
{
	return a->primary == b->primary && g_strcmp0(a->name, b->name) == 0 &&
	       g_strcmp0(a->version, b->version) == 0 && g_strcmp0(a->url, b->url) == 0 &&
	       g_strcmp0(a->date, b->date) == 0 && g_strcmp0(a->bootstrap, b->bootstrap) == 0;
}

static gboolean type_equal(const struct label_type *a, const struct label_type *b)
{
	return a->uses == b->uses && strcmp(a->name, b->name) == 0 &&
	       g_strcmp0(a->colour, b->colour) == 0;
}

static gboolean conflict_equal(const struct label_conflict *a, const struct label_conflict *b)
{
	return a->lasting == b->lasting && strcmp(a->name, b->name) == 0 &&
	       g_strv_equal((const char *const *)a->types, (const char *const *)b->types);
}

static gboolean one_label_equal(const struct label *a, const struct label *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
	       g_strcmp0(a->colour, b->colour) == 0 &&
	       g_strv_equal((const char *const *)a->ste, (const char *const *)b->ste) &&
	       g_strv_equal((const char *const *)a->chw, (const char *const *)b->chw);
}

static gboolean types_equal(const struct label_policy *a, const struct label_policy *b)
{
	size_t n, m;
	const struct label_type *x = label_policy_types(a, &n);
	const struct label_type *y = label_policy_types(b, &m);

	for (size_t i = 0; n == m && i < n; i++)
		if (!type_equal(&x[i], &y[i]))
			return FALSE;
	return n == m;
}

static gboolean conflicts_equal(const struct label_policy *a, const struct label_policy *b)
{
	size_t n, m;
	const struct label_conflict *x = label_policy_conflicts(a, &n);
	const struct label_conflict *y = label_policy_conflicts(b, &m);

	for (size_t i = 0; n == m && i < n; i++)
		if (!conflict_equal(&x[i], &y[i]))
			return FALSE;
	return n == m;
}

static gboolean labels_equal(const struct label_policy *a, const struct label_policy *b)
{
	size_t n, m;
	const struct label *x = label_policy_labels(a, &n);
	const struct label *y = label_policy_labels(b, &m);

	for (size_t i = 0; n == m && i < n; i++)
		if (!one_label_equal(&x[i], &y[i]))
			return FALSE;
	return n == m;
}

gboolean label_policy_equal(const struct label_policy *a, const struct label_policy *b)
{
	return header_equal(label_policy_header(a), label_policy_header(b)) && types_equal(a, b) &&
	       conflicts_equal(a, b) && labels_equal(a, b);
}

/* FNV-1a: the same on every machine, unlike g_str_hash's promise. */
static guint32 hash_name(const char *name)
{
	guint32 hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

/* One channel of a hue of 0 to 359 degrees at a lightness of 40% and a saturation of 65%, so that
 * the text stands out from white: 36 (dark) to 168 (bright), by the usual hexagon. */
static unsigned channel(unsigned hue, unsigned turn)
{
	unsigned at = (hue + turn) % 360;

	if (at < 60)
		return 36 + 132 * at / 60;
	if (at < 180)
		return 168;
	if (at < 240)
		return 36 + 132 * (240 - at) / 60;
	return 36;
}

static void colour_from_name(const char *name, char ret_colour[static 8])
{
	unsigned hue = hash_name(name) % 360;

	g_snprintf(ret_colour, 8, "#%02x%02x%02x", channel(hue, 120), channel(hue, 0),
		channel(hue, 240));
}

void label_type_colour(const struct label_type *type, char ret_colour[static 8])
{
	if (type->colour)
		g_strlcpy(ret_colour, type->colour, 8);
	else
		colour_from_name(type->name, ret_colour);
}

void label_colour(
	const struct label_policy *policy, const struct label *label, char ret_colour[static 8])
{
	if (label->colour)
		g_strlcpy(ret_colour, label->colour, 8);
	else if (label->ste[0] && !label->ste[1])
		label_type_colour(label_policy_find_type(policy, label->ste[0]), ret_colour);
	else
		colour_from_name(label->name, ret_colour);
}
