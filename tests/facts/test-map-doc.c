/* docs/map.md is what the table of facts says. REGENERATE=1 writes it anew. */
#include "facts/facts.h"

static void test_fresh(void)
{
	const char *path = g_getenv("MAP_DOC");
	g_autoptr(GString) wanted = g_string_new(NULL);
	g_autofree char *found = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_nonnull(path);
	facts_write_doc(wanted);
	if (g_getenv("REGENERATE"))
		g_file_set_contents(path, wanted->str, -1, &error);
	g_assert_no_error(error);
	g_file_get_contents(path, &found, NULL, &error);
	g_assert_no_error(error);
	if (!g_str_equal(found, wanted->str))
		g_test_message("%s is stale: run this test with REGENERATE=1", path);
	g_assert_cmpstr(found, ==, wanted->str);
}

/* A bar inside a cell would break the table. */
static void test_tables(void)
{
	g_autoptr(GString) doc = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;
	unsigned rows = 0;

	facts_write_doc(doc);
	lines = g_strsplit(doc->str, "\n", -1);
	for (char **line = lines; *line; line++) {
		g_auto(GStrv) cells = g_strsplit(*line, "|", -1);

		if (**line != '|')
			continue;
		rows++;
		g_assert_cmpuint(g_strv_length(cells), ==, 5);
	}
	g_assert_cmpuint(rows, >, 3 * FACTS_N_KINDS);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/facts/map-doc/fresh", test_fresh);
	g_test_add_func("/facts/map-doc/tables", test_tables);
	return g_test_run();
}
