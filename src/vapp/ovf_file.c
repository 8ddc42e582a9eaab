/* Packages on disk: told apart, read, checked against the manifest beside them. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "vapp/manifest.h"
#include "vapp/ova.h"
#include "vapp/ovf.h"

enum {
	MAX_TEXT_SIZE = 8 * 1024 * 1024,
	MAGIC_OFFSET = 257, /* of "ustar" in a tar header */
	BLOCK_SIZE = 8192,
};

static gboolean io_error(const char *path, GError **error)
{
	g_set_error(error, VAPP_ERROR, VAPP_ERROR_IO, "%s: %s", path, g_strerror(errno));
	return FALSE;
}

/* A whole small file; NULL with an error. */
static char *read_text(const char *path, size_t *ret_size, GError **error)
{
	g_autofree char *text = NULL;
	GError *cause = NULL;
	GStatBuf info;

	if (g_stat(path, &info) != 0) {
		io_error(path, error);
		return NULL;
	}
	if (!S_ISREG(info.st_mode) || info.st_size > MAX_TEXT_SIZE) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_INVALID,
			"%s: not a file of at most 8 MiB", path);
		return NULL;
	}
	if (!g_file_get_contents(path, &text, ret_size, &cause)) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_IO, "%s: %s", path, cause->message);
		g_error_free(cause);
		return NULL;
	}
	return g_steal_pointer(&text);
}

static gboolean is_tar(const char *path, gboolean *ret_tar, GError **error)
{
	char magic[5];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return io_error(path, error);
	n = pread(fd, magic, sizeof(magic), MAGIC_OFFSET);
	close(fd);
	*ret_tar = n == (ssize_t)sizeof(magic) && memcmp(magic, "ustar", sizeof(magic)) == 0;
	return TRUE;
}

/* Digests of one file; NULL with an error. */
static char *sum_file(const char *path, GError **error)
{
	char block[BLOCK_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ovf_sum sum;
	char *text = NULL;
	ssize_t n;

	if (fd < 0) {
		io_error(path, error);
		return NULL;
	}
	ovf_sum_init(&sum);
	while ((n = read(fd, block, BLOCK_SIZE)) > 0)
		ovf_sum_feed(&sum, block, (size_t)n);
	if (n == 0)
		text = ovf_sum_finish(&sum);
	else
		io_error(path, error);
	ovf_sum_clear(&sum);
	close(fd);
	return text;
}

/* Sums of the files that the manifest names, which stand beside it. */
static GHashTable *sum_files(
	const char *dir, const char *source, GHashTable *manifest, GError **error)
{
	g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, manifest);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		char *sum;

		if (!ovf_path_ok(name)) {
			g_set_error(error, VAPP_ERROR, VAPP_ERROR_DIGEST,
				"%s: '%s' leads out of the package", source, (char *)name);
			return NULL;
		}
		sum = sum_file(path, error);
		if (!sum)
			return NULL;
		g_hash_table_insert(sums, g_strdup(name), sum);
	}
	return g_steal_pointer(&sums);
}

/* The manifest beside an envelope, when there is one, must name the envelope and hold for all that
 * it names. */
static gboolean check_beside(const char *path, GError **error)
{
	size_t stem_size = g_str_has_suffix(path, ".ovf") ? strlen(path) - strlen(".ovf")
							  : strlen(path);
	g_autofree char *source = g_strdup_printf("%.*s.mf", (int)stem_size, path);
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *text = NULL;
	g_autoptr(GHashTable) manifest = NULL, sums = NULL;

	if (!g_file_test(source, G_FILE_TEST_EXISTS))
		return TRUE;
	text = read_text(source, NULL, error);
	manifest = text ? ovf_manifest_read(source, text, error) : NULL;
	if (!manifest)
		return FALSE;
	if (!g_hash_table_contains(manifest, name)) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_DIGEST, "%s: '%s' is not in the manifest",
			source, name);
		return FALSE;
	}
	sums = sum_files(dir, source, manifest, error);
	return sums && ovf_manifest_check(source, manifest, sums, error);
}

static struct vapp *read_envelope(const char *path, GError **error)
{
	size_t size = 0;
	g_autofree char *text = read_text(path, &size, error);

	if (!text || !check_beside(path, error))
		return NULL;
	return ovf_read(path, text, size, error);
}

struct vapp *ovf_read_file(const char *path, const char *extract_dir, GError **error)
{
	g_autoptr(vapp_value) vapp = NULL;
	gboolean tar;

	if (!is_tar(path, &tar, error))
		return NULL;
	vapp = tar ? ova_read(path, error) : read_envelope(path, error);
	if (!vapp)
		return NULL;
	if (tar && extract_dir && !ova_extract(path, extract_dir, error))
		return NULL;
	return g_steal_pointer(&vapp);
}

gboolean ovf_write_ova(
	const struct vapp *vapp, const char *file_dir, const char *path, GError **error)
{
	return ova_write(vapp, file_dir, path, error);
}
