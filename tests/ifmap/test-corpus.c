/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replays the corpus of a fuzz target: each file whole, cut off at every byte, and with each byte
 * changed. */
#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void test_file(gconstpointer path)
{
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	gsize size = 0;

	g_file_get_contents(path, &data, &size, &error);
	g_assert_no_error(error);
	for (gsize i = 0; i <= size; i++)
		LLVMFuzzerTestOneInput((const uint8_t *)data, i);
	for (gsize i = 0; i < size; i++) {
		char was = data[i];

		data[i] = (char)(was ^ (1 << (i % 8)));
		LLVMFuzzerTestOneInput((const uint8_t *)data, size);
		data[i] = was;
	}
}

int main(int argc, char **argv)
{
	const char *folder = g_getenv("CORPUS");
	g_autoptr(GDir) dir = folder ? g_dir_open(folder, 0, NULL) : NULL;
	g_autofree char *target = folder ? g_path_get_basename(folder) : NULL;
	g_autofree char *prefix = g_strdup_printf("/corpus/%s/", target);
	const char *name;
	unsigned n = 0;

	g_test_init(&argc, &argv, NULL);
	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *test = g_strconcat(prefix, name, NULL);

		g_test_add_data_func_full(
			test, g_build_filename(folder, name, NULL), test_file, g_free);
		n++;
	}
	g_assert_cmpuint(n, >, 0);
	return g_test_run();
}
