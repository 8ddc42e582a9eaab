/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/prefixes.h"

#include <string.h>

struct ifmap_prefixes {
	gint refs;
	size_t n_pairs;
	char **strings; /* prefix, namespace, ... */
};

/* What a filter may use undeclared (ifmap.md 6.3). */
static const struct {
	const char *prefix;
	const char *ns;
} builtin[] = {
	{ "meta", IFMAP_NS_META },
	{ "ifmap", IFMAP_NS },
	{ "op-meta", IFMAP_NS_OP_META },
};

struct ifmap_prefixes *ifmap_prefixes_new(const char *const *pairs, size_t n_pairs)
{
	struct ifmap_prefixes *prefixes = g_new0(struct ifmap_prefixes, 1);

	prefixes->refs = 1;
	prefixes->n_pairs = n_pairs;
	prefixes->strings = g_new0(char *, n_pairs * 2 + 1);
	for (size_t i = 0; i < n_pairs * 2; i++)
		prefixes->strings[i] = g_strdup(pairs[i]);
	return prefixes;
}

struct ifmap_prefixes *ifmap_prefixes_ref(struct ifmap_prefixes *prefixes)
{
	g_atomic_int_inc(&prefixes->refs);
	return prefixes;
}

void ifmap_prefixes_unref(struct ifmap_prefixes *prefixes)
{
	if (!prefixes || !g_atomic_int_dec_and_test(&prefixes->refs))
		return;
	g_strfreev(prefixes->strings);
	g_free(prefixes);
}

const char *ifmap_prefixes_find(const struct ifmap_prefixes *prefixes, const char *prefix)
{
	for (size_t i = prefixes ? prefixes->n_pairs : 0; i > 0; i--)
		if (strcmp(prefixes->strings[2 * i - 2], prefix) == 0)
			return prefixes->strings[2 * i - 1];
	for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
		if (strcmp(builtin[i].prefix, prefix) == 0)
			return builtin[i].ns;
	return NULL;
}
