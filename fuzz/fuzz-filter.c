/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters and terminal types: any text compiles or is refused, and what compiles can be asked of
 * metadata and identifiers. `not(F)` must say the opposite of F. */
#include <stdint.h>
#include <string.h>

#include "ifmap/filter.h"
#include "ifmap/terminal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const xmls[] = {
	"<meta:role xmlns:meta='" IFMAP_NS_META
	"' ifmap-cardinality='multiValue' ifmap-publisher-id='p'><name>admin</name>"
	"<a><b k='1'>2</b></a></meta:role>",
	"<meta:event xmlns:meta='" IFMAP_NS_META
	"' ifmap-cardinality='multiValue'><magnitude>60</magnitude></meta:event>",
};

static void ask(const struct ifmap_filter *filter, const struct ifmap_filter *opposite)
{
	for (size_t i = 0; i < G_N_ELEMENTS(xmls); i++) {
		g_autoptr(ifmap_meta) meta = ifmap_meta_new(xmls[i], -1, NULL);
		gboolean match = ifmap_filter_matches(filter, meta);

		g_assert_true(!opposite || ifmap_filter_matches(opposite, meta) == !match);
	}
}

static void check_filter(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *negated = g_strdup_printf("not(%s)", text);
	struct ifmap_filter *filter = ifmap_filter_new(text, NULL, &error), *opposite = NULL;

	g_assert_true((filter == NULL) == (error != NULL));
	if (filter && *text)
		opposite = ifmap_filter_new(negated, NULL, NULL); /* may be nested too deeply now */
	if (filter)
		ask(filter, opposite);
	ifmap_filter_unref(filter);
	ifmap_filter_unref(opposite);
}

static void check_terminal(const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_id) id = ifmap_id_new_device("d", NULL);
	struct ifmap_terminal *terminal = ifmap_terminal_new(text, &IFMAP_DIALECT_DEFAULT, &error);

	g_assert_true(!terminal || !error);
	ifmap_terminal_stops(terminal, id);
	ifmap_terminal_free(terminal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);

	check_filter(text);
	check_terminal(text);
	return 0;
}
