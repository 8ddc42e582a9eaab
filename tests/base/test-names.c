/* base/names: from a name back to its row, in plain arrays and in tables of structs. */
#include "base/names.h"

static const char *const words[] = { "one", NULL, "three", "on" };

static const struct {
	const char *name;
	int weight;
	gboolean heavy;
} rows[] = { { "iron", 7, TRUE }, { "", 0, FALSE }, { "air", 1, FALSE } };

static void test_every_row(void)
{
	unsigned found;

	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
		if (words[i]) {
			g_assert_true(BASE_NAMES_FIND(words, words[i], &found));
			g_assert_cmpuint(found, ==, i);
		}
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_true(BASE_NAMES_FIND(rows, rows[i].name, &found));
		g_assert_cmpuint(found, ==, i);
	}
}

/* What is no name leaves the result alone: callers have put their own default there. */
static void test_no_row(void)
{
	static const char *const others[] = { "two", "On", "onE", "thre", "three ", NULL };
	unsigned found = 42;

	for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
		g_assert_false(BASE_NAMES_FIND(words, others[i], &found));
		g_assert_false(BASE_NAMES_FIND(rows, others[i], &found));
	}
	g_assert_false(BASE_NAMES_FIND(words, "", &found));
	g_assert_cmpuint(found, ==, 42);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/names/every-row", test_every_row);
	g_test_add_func("/names/no-row", test_no_row);
	return g_test_run();
}
