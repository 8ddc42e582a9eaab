/* cmd/out: columns, ages, colours. */
#include "cmd/out.h"

#include <string.h>

/* What is printed to a stream. */
static char *printed(struct out_table *table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	char *copy;

	out_table_print(table, out);
	fclose(out);
	copy = g_strdup(text);
	free(text);
	return copy;
}

static void test_columns(void)
{
	struct out_table *table = out_table_new((const char *[]){ "NAME", "HOST", "NOTE", NULL });
	g_autofree char *text = NULL;

	out_table_add(table, (const char *[]){ "web1", "hypervisor-a", "long, and open" });
	out_table_add(table, (const char *[]){ "x", NULL, "" });
	text = printed(table);
	g_assert_cmpstr(text, ==,
		"NAME  HOST          NOTE\n"
		"web1  hypervisor-a  long, and open\n"
		"x     -             -\n");
}

/* A column is as wide as what one sees, not as its bytes. */
static void test_utf8(void)
{
	struct out_table *table = out_table_new((const char *[]){ "A", "B", NULL });
	g_autofree char *text = NULL;

	out_table_add(table, (const char *[]){ "größe", "1" });
	out_table_add(table, (const char *[]){ "abcde", "2" });
	out_table_add(table, (const char *[]){ "東京", "3" }); /* two columns each */
	text = printed(table);
	g_assert_cmpstr(text, ==, "A      B\ngröße  1\nabcde  2\n東京   3\n");
}

/* Nothing that somebody put into the map steers the terminal or breaks a line. */
static void test_hostile_cells(void)
{
	struct out_table *table = out_table_new((const char *[]){ "A", "B", NULL });
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	out_table_add(table, (const char *[]){ "a\nb\t", "\033[31mred" });
	out_table_add(table, (const char *[]){ "\xff", "\xc2\x9b"
						       "5m" });
	text = printed(table);
	g_assert_null(strchr(text, '\033'));
	g_assert_null(strchr(text, '\t'));
	g_assert_null(strstr(text, "\xc2\x9b"));
	g_assert_true(g_utf8_validate(text, -1, NULL));
	lines = g_strsplit(text, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 4);
}

static void test_empty(void)
{
	g_autofree char *text = printed(out_table_new((const char *[]){ "A", "B", NULL }));

	g_assert_cmpstr(text, ==, "A  B\n");
}

static void test_age(void)
{
	static const struct {
		guint64 then;
		guint64 now;
		const char *want;
	} rows[] = {
		{ 0, 5000, "-" },
		{ 1000, 1000, "0 s" },
		{ 9000, 1000, "0 s" }, /* a clock ahead of ours */
		{ 1000, 120999, "119 s" },
		{ 1000, 121000, "2 min" },
		{ 1000, 7200999, "119 min" },
		{ 1000, 7201000, "2 h" },
		{ 1000, 172801000, "2 d" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *age = out_age(rows[i].then, rows[i].now);

		g_assert_cmpstr(age, ==, rows[i].want);
	}
}

static void test_colour(void)
{
	g_autofree char *plain = out_colour(FALSE, OUT_BAD, "x");
	g_autofree char *red = out_colour(TRUE, OUT_BAD, "x");

	g_assert_cmpstr(plain, ==, "x");
	g_assert_cmpstr(red, ==, "\033[31mx\033[0m");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/out/columns", test_columns);
	g_test_add_func("/out/utf8", test_utf8);
	g_test_add_func("/out/hostile-cells", test_hostile_cells);
	g_test_add_func("/out/empty", test_empty);
	g_test_add_func("/out/age", test_age);
	g_test_add_func("/out/colour", test_colour);
	return g_test_run();
}
