/* Replays the corpus of fuzz-label: each file whole, cut off at every byte, and with each byte
 * changed. */
#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void test_file(gconstpointer path)
{
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	gsize size = 0;

	g_assert_true(g_file_get_contents(path, &data, &size, &error));
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
	const char *name;

	g_test_init(&argc, &argv, NULL);
	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *test = g_strconcat("/label/corpus/", name, NULL);

		g_test_add_data_func_full(
			test, g_build_filename(folder, name, NULL), test_file, g_free);
	}
	return g_test_run();
}
