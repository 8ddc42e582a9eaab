/* control/imports: each import is dealt with once. */
#include "control/imports.h"

static void test_each_once(void)
{
	static const struct {
		const char *vapp;
		const char *state;
		gboolean is_new;
	} rows[] = {
		{ "shop", "1.0@100", TRUE },
		{ "shop", "1.0@100", FALSE },
		{ "shop", "broken@200", TRUE }, /* after a good one */
		{ "shop", "broken@200", FALSE },
		{ "shop", "broken@300", TRUE }, /* and after a bad one */
		{ "shop", "1.0@400", TRUE },
		{ "bank", "1.0@400", TRUE },
		{ "shop", "broken@500", TRUE },
		{ "bank", "1.0@400", FALSE },
	};
	struct imports *imports = imports_new();

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(
			imports_noted(imports, rows[i].vapp, rows[i].state), ==, !rows[i].is_new);
		g_assert_cmpint(
			imports_note(imports, rows[i].vapp, rows[i].state), ==, rows[i].is_new);
	}
	imports_forget(imports);
	g_assert_true(imports_note(imports, "bank", "1.0@400"));
	imports_free(imports);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/imports/each-once", test_each_once);
	return g_test_run();
}
