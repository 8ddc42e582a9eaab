#include "vapp/ova.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "vapp/manifest.h"
#include "vapp/ovf.h"

enum {
	MAX_MEMBERS = 4096,
	MAX_TEXT_SIZE = 8 * 1024 * 1024, /* envelope or manifest */
	BLOCK_SIZE = 65536,
	DIR_MODE = 0700,
	FILE_MODE = 0600,
};

typedef struct archive archive_reader;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archive_reader, archive_read_free)

/* One pass over an archive. */
struct scan {
	const char *source; /* path of the archive, for errors */
	const char *dir;    /* extract below, or NULL */
	struct archive *archive;
	GHashTable *sums;   /* member to ovf_sum_finish(); without manifest and certificate */
	GHashTable *seen;   /* every member's name */
	GPtrArray *written; /* char *: files made, to be removed on an error */
	char *envelope_name;
	GString *envelope;
	GString *manifest; /* NULL: none */
	GError **error;
};

static gboolean refuse(struct scan *scan, enum vapp_error code, const char *name, const char *why)
{
	g_set_error(scan->error, VAPP_ERROR, (int)code, "%s: member '%s': %s", scan->source,
		name ? name : "?", why);
	return FALSE;
}

/* ---- one member ---- */

/* A new file below the folder; -1 with an error. */
static int create_file(struct scan *scan, const char *name)
{
	g_autofree char *path = g_build_filename(scan->dir, name, NULL);
	g_autofree char *parent = g_path_get_dirname(path);
	int fd = -1;

	if (g_mkdir_with_parents(parent, DIR_MODE) == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		refuse(scan, VAPP_ERROR_IO, name, g_strerror(errno));
	else
		g_ptr_array_add(scan->written, g_steal_pointer(&path));
	return fd;
}

static gboolean write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FALSE;
		data += n;
		size -= (size_t)n;
	}
	return TRUE;
}

/* Streams the member's bytes to the sum, to `text` (may be NULL) and to `fd` (may be -1). */
static gboolean pump(
	struct scan *scan, const char *name, struct ovf_sum *sum, GString *text, int fd)
{
	g_autofree char *block = g_malloc(BLOCK_SIZE);
	la_ssize_t n;

	while ((n = archive_read_data(scan->archive, block, BLOCK_SIZE)) > 0) {
		ovf_sum_feed(sum, block, (size_t)n);
		if (text && text->len + (size_t)n > MAX_TEXT_SIZE)
			return refuse(scan, VAPP_ERROR_INVALID, name, "larger than 8 MiB");
		if (text)
			g_string_append_len(text, block, n);
		if (fd >= 0 && !write_all(fd, block, (size_t)n))
			return refuse(scan, VAPP_ERROR_IO, name, g_strerror(errno));
	}
	return n == 0 ||
	       refuse(scan, VAPP_ERROR_INVALID, name, "the archive is damaged or cut short");
}

static gboolean read_member(struct scan *scan, const char *name, GString *text)
{
	gboolean is_proof = g_str_has_suffix(name, ".mf") || g_str_has_suffix(name, ".cert");
	struct ovf_sum sum;
	gboolean good;
	int fd = -1;

	if (scan->dir) {
		fd = create_file(scan, name);
		if (fd < 0)
			return FALSE;
	}
	ovf_sum_init(&sum);
	good = pump(scan, name, &sum, text, fd);
	if (fd >= 0 && close(fd) != 0 && good)
		good = refuse(scan, VAPP_ERROR_IO, name, g_strerror(errno));
	if (good && !is_proof)
		g_hash_table_insert(scan->sums, g_strdup(name), ovf_sum_finish(&sum));
	ovf_sum_clear(&sum);
	return good;
}

/* Where the member's text is kept, or NULL for a file that only streams by. */
static GString *text_of(struct scan *scan, const char *name)
{
	if (!scan->envelope) {
		scan->envelope_name = g_strdup(name);
		scan->envelope = g_string_new(NULL);
		return scan->envelope;
	}
	if (!scan->manifest && g_str_has_suffix(name, ".mf")) {
		scan->manifest = g_string_new(NULL);
		return scan->manifest;
	}
	return NULL;
}

static gboolean scan_member(struct scan *scan, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	if (!name || !ovf_path_ok(name))
		return refuse(scan, VAPP_ERROR_INVALID, name, "its name leads out of the package");
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return refuse(
			scan, VAPP_ERROR_INVALID, name, "only plain files may be in a package");
	if (!g_hash_table_add(scan->seen, g_strdup(name)))
		return refuse(scan, VAPP_ERROR_INVALID, name, "stands twice");
	if (g_hash_table_size(scan->seen) > MAX_MEMBERS)
		return refuse(scan, VAPP_ERROR_INVALID, name, "too many members");
	if (!scan->envelope && !g_str_has_suffix(name, ".ovf"))
		return refuse(
			scan, VAPP_ERROR_INVALID, name, "the envelope (.ovf) must come first");
	return read_member(scan, name, text_of(scan, name));
}

/* ---- the archive ---- */

static gboolean scan_members(struct scan *scan)
{
	struct archive_entry *entry;
	int rc;

	while ((rc = archive_read_next_header(scan->archive, &entry)) == ARCHIVE_OK)
		if (!scan_member(scan, entry))
			return FALSE;
	if (rc != ARCHIVE_EOF)
		return refuse(
			scan, VAPP_ERROR_INVALID, NULL, "the archive is damaged or cut short");
	return scan->envelope || refuse(scan, VAPP_ERROR_INVALID, NULL, "the archive is empty");
}

static gboolean check_manifest(struct scan *scan)
{
	g_autoptr(GHashTable) manifest = NULL;
	g_autofree char *source = NULL;

	if (!scan->manifest)
		return TRUE;
	source = g_strconcat(scan->source, " manifest", NULL);
	if (strlen(scan->manifest->str) != scan->manifest->len)
		return refuse(scan, VAPP_ERROR_DIGEST, "manifest", "holds a NUL byte");
	manifest = ovf_manifest_read(source, scan->manifest->str, scan->error);
	return manifest && ovf_manifest_check(source, manifest, scan->sums, scan->error);
}

static void remove_written(const struct scan *scan)
{
	for (unsigned i = 0; i < scan->written->len; i++)
		g_unlink(scan->written->pdata[i]);
}

static gboolean scan_run(struct scan *scan)
{
	g_autoptr(archive_reader) archive = archive_read_new();
	gboolean good;

	scan->archive = archive;
	archive_read_support_format_tar(archive);
	if (archive_read_open_filename(archive, scan->source, BLOCK_SIZE) != ARCHIVE_OK) {
		g_set_error(scan->error, VAPP_ERROR, VAPP_ERROR_IO, "%s: %s", scan->source,
			archive_error_string(archive));
		return FALSE;
	}
	good = scan_members(scan) && check_manifest(scan);
	if (!good)
		remove_written(scan);
	return good;
}

static void scan_init(struct scan *scan, const char *path, const char *dir, GError **error)
{
	*scan = (struct scan){ .source = path, .dir = dir, .error = error };
	scan->sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	scan->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	scan->written = g_ptr_array_new_with_free_func(g_free);
}

static void scan_clear(struct scan *scan)
{
	g_hash_table_unref(scan->sums);
	g_hash_table_unref(scan->seen);
	g_ptr_array_unref(scan->written);
	g_free(scan->envelope_name);
	if (scan->envelope)
		g_string_free(scan->envelope, TRUE);
	if (scan->manifest)
		g_string_free(scan->manifest, TRUE);
}

/* ---- hrefs ---- */

static gboolean is_url(const char *href)
{
	g_autofree char *scheme = g_uri_parse_scheme(href);

	return scheme != NULL;
}

/* Every href of the vApp, without doubles, borrowed. */
static GPtrArray *all_hrefs(const struct vapp *vapp)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *hrefs = g_ptr_array_new();

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];
		char *boot[] = { machine->boot.kernel, machine->boot.initrd };

		for (size_t j = 0; j < G_N_ELEMENTS(boot); j++)
			if (boot[j] && g_hash_table_add(seen, boot[j]))
				g_ptr_array_add(hrefs, boot[j]);
		for (unsigned j = 0; j < machine->disks->len; j++) {
			char *href = ((const struct vapp_disk *)machine->disks->pdata[j])->href;

			if (href && g_hash_table_add(seen, href))
				g_ptr_array_add(hrefs, href);
		}
	}
	return hrefs;
}

static gboolean check_complete(struct scan *scan, const struct vapp *vapp)
{
	g_autoptr(GPtrArray) hrefs = all_hrefs(vapp);

	for (unsigned i = 0; i < hrefs->len; i++)
		if (!is_url(hrefs->pdata[i]) && !g_hash_table_contains(scan->seen, hrefs->pdata[i]))
			return refuse(scan, VAPP_ERROR_INVALID, hrefs->pdata[i],
				"the envelope names it, but it is missing");
	return TRUE;
}

struct vapp *ova_read(const char *path, GError **error)
{
	struct scan scan;
	g_autoptr(vapp_value) vapp = NULL;
	g_autofree char *source = NULL;
	gboolean good = FALSE;

	scan_init(&scan, path, NULL, error);
	if (scan_run(&scan)) {
		source = g_strdup_printf("%s(%s)", path, scan.envelope_name);
		vapp = ovf_read(source, scan.envelope->str, scan.envelope->len, error);
		good = vapp && check_complete(&scan, vapp);
	}
	scan_clear(&scan);
	return good ? g_steal_pointer(&vapp) : NULL;
}

gboolean ova_extract(const char *path, const char *dir, GError **error)
{
	struct scan scan;
	gboolean good;

	scan_init(&scan, path, dir, error);
	good = scan_run(&scan);
	scan_clear(&scan);
	return good;
}

/* ---- writing ---- */

static gboolean write_failed(struct archive *archive, const char *name, GError **error)
{
	const char *why = archive_error_string(archive);

	g_set_error(error, VAPP_ERROR, VAPP_ERROR_IO, "package file '%s': %s", name,
		why ? why : g_strerror(errno));
	return FALSE;
}

static gboolean write_header(struct archive *archive, const char *name, gint64 size, GError **error)
{
	struct archive_entry *entry = archive_entry_new();
	int rc;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	rc = archive_write_header(archive, entry);
	archive_entry_free(entry);
	return rc == ARCHIVE_OK || write_failed(archive, name, error);
}

static gboolean write_text(
	struct archive *archive, const char *name, const char *text, GError **error)
{
	size_t size = strlen(text);

	if (!write_header(archive, name, (gint64)size, error))
		return FALSE;
	return archive_write_data(archive, text, size) == (la_ssize_t)size ||
	       write_failed(archive, name, error);
}

/* Streams a file to `sum` (may be NULL) and to `archive` (may be NULL). */
static gboolean stream_file(
	int fd, const char *name, struct ovf_sum *sum, struct archive *archive, GError **error)
{
	g_autofree char *block = g_malloc(BLOCK_SIZE);
	ssize_t n;

	while ((n = read(fd, block, BLOCK_SIZE)) > 0) {
		if (sum)
			ovf_sum_feed(sum, block, (size_t)n);
		if (archive && archive_write_data(archive, block, (size_t)n) != n)
			return write_failed(archive, name, error);
	}
	if (n == 0)
		return TRUE;
	g_set_error(
		error, VAPP_ERROR, VAPP_ERROR_IO, "package file '%s': %s", name, g_strerror(errno));
	return FALSE;
}

/* ---- what goes into an archive ---- */

/* The envelope as it is written, and the files it names: a file that the vApp has by its URL
 * (file:///...) travels under its own name; what is on the web stays there. */
struct packing {
	struct vapp *vapp; /* a copy */
	GHashTable *paths; /* name in the archive -> path of the file here */
	GPtrArray *names;  /* in order; borrowed */
	const char *file_dir;
};

static void packing_clear(struct packing *packing)
{
	vapp_free(packing->vapp);
	g_hash_table_unref(packing->paths);
	g_ptr_array_unref(packing->names);
}

static void add_to_packing(struct packing *packing, const char *name, const char *path)
{
	char *key = g_strdup(name);

	if (g_hash_table_insert(packing->paths, key, g_strdup(path)))
		g_ptr_array_add(packing->names, key);
}

/* A name that no other file has; newly allocated. */
static char *free_name(const struct packing *packing, const char *path)
{
	g_autofree char *base = g_path_get_basename(path);
	char *name = g_strdup(base);

	for (unsigned n = 2; g_hash_table_contains(packing->paths, name) &&
			     g_strcmp0(g_hash_table_lookup(packing->paths, name), path) != 0;
		n++) {
		g_free(name);
		name = g_strdup_printf("%u-%s", n, base);
	}
	return name;
}

/* The href becomes the name in the archive. */
static gboolean pack(struct packing *packing, char **href, GError **error)
{
	g_autofree char *path = NULL;
	char *name;

	if (!*href || (is_url(*href) && !g_str_has_prefix(*href, "file:")))
		return TRUE;
	if (!is_url(*href)) {
		path = g_build_filename(packing->file_dir, *href, NULL);
		add_to_packing(packing, *href, path);
		return TRUE;
	}
	path = g_filename_from_uri(*href, NULL, error);
	if (!path)
		return FALSE;
	name = free_name(packing, path);
	add_to_packing(packing, name, path);
	g_free(*href);
	*href = name;
	return TRUE;
}

/* Two rounds: names that the package chose itself come first. */
static gboolean pack_all(struct packing *packing, gboolean urls, GError **error)
{
	for (unsigned i = 0; i < packing->vapp->machines->len; i++) {
		struct vapp_machine *machine = packing->vapp->machines->pdata[i];
		g_autoptr(GPtrArray) hrefs = g_ptr_array_new();

		g_ptr_array_add(hrefs, &machine->boot.kernel);
		g_ptr_array_add(hrefs, &machine->boot.initrd);
		for (unsigned j = 0; j < machine->disks->len; j++)
			g_ptr_array_add(
				hrefs, &((struct vapp_disk *)machine->disks->pdata[j])->href);
		for (unsigned j = 0; j < hrefs->len; j++) {
			char **href = hrefs->pdata[j];

			if (*href && is_url(*href) == urls && !pack(packing, href, error))
				return FALSE;
		}
	}
	return TRUE;
}

/* FALSE with an error; clear it in any case. */
static gboolean packing_init(
	struct packing *packing, const struct vapp *vapp, const char *file_dir, GError **error)
{
	g_autofree char *text = ovf_write(vapp);

	*packing = (struct packing){ .file_dir = file_dir };
	packing->paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	packing->names = g_ptr_array_new();
	packing->vapp = ovf_read(vapp->name, text, strlen(text), error);
	return packing->vapp && pack_all(packing, FALSE, error) && pack_all(packing, TRUE, error);
}

/* Opens a file of the package; -1 with an error. */
static int open_file(const struct packing *packing, const char *name, GError **error)
{
	const char *path = g_hash_table_lookup(packing->paths, name);
	int fd = -1;

	if (ovf_path_ok(name))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	else
		errno = EINVAL;
	if (fd < 0)
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_IO,
			"package file '%s': %s cannot be read here: %s", name, path,
			g_strerror(errno));
	return fd;
}

static gboolean write_file(
	struct archive *archive, const struct packing *packing, const char *name, GError **error)
{
	int fd = open_file(packing, name, error);
	gboolean good;
	GStatBuf info;

	if (fd < 0)
		return FALSE;
	good = fstat(fd, &info) == 0 && write_header(archive, name, info.st_size, error) &&
	       stream_file(fd, name, NULL, archive, error);
	close(fd);
	return good;
}

static void add_row(GString *manifest, const char *name, struct ovf_sum *sum)
{
	g_string_append_printf(
		manifest, "SHA256(%s)= %s\n", name, g_checksum_get_string(sum->sha256));
}

static gboolean add_file_row(
	GString *manifest, const struct packing *packing, const char *name, GError **error)
{
	int fd = open_file(packing, name, error);
	struct ovf_sum sum;
	gboolean good;

	if (fd < 0)
		return FALSE;
	ovf_sum_init(&sum);
	good = stream_file(fd, name, &sum, NULL, error);
	if (good)
		add_row(manifest, name, &sum);
	ovf_sum_clear(&sum);
	close(fd);
	return good;
}

static gboolean write_members(
	struct archive *archive, const struct packing *packing, GError **error)
{
	g_autofree char *envelope = ovf_write(packing->vapp);
	g_autofree char *envelope_name = g_strconcat(packing->vapp->name, ".ovf", NULL);
	g_autofree char *manifest_name = g_strconcat(packing->vapp->name, ".mf", NULL);
	g_autoptr(GString) manifest = g_string_new(NULL);
	struct ovf_sum sum;

	ovf_sum_init(&sum);
	ovf_sum_feed(&sum, envelope, strlen(envelope));
	add_row(manifest, envelope_name, &sum);
	ovf_sum_clear(&sum);
	for (unsigned i = 0; i < packing->names->len; i++)
		if (!add_file_row(manifest, packing, packing->names->pdata[i], error))
			return FALSE;
	if (!write_text(archive, envelope_name, envelope, error) ||
		!write_text(archive, manifest_name, manifest->str, error))
		return FALSE;
	for (unsigned i = 0; i < packing->names->len; i++)
		if (!write_file(archive, packing, packing->names->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gboolean write_packed(
	struct archive *archive, const struct vapp *vapp, const char *file_dir, GError **error)
{
	struct packing packing;
	gboolean good = packing_init(&packing, vapp, file_dir, error) &&
			write_members(archive, &packing, error);

	packing_clear(&packing);
	return good;
}

gboolean ova_write(const struct vapp *vapp, const char *file_dir, const char *path, GError **error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	struct archive *archive;
	gboolean good;

	if (fd < 0) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_IO, "%s: %s", path, g_strerror(errno));
		return FALSE;
	}
	archive = archive_write_new();
	archive_write_set_format_ustar(archive);
	good = archive_write_open_fd(archive, fd) == ARCHIVE_OK ||
	       write_failed(archive, path, error);
	good = good && write_packed(archive, vapp, file_dir, error);
	if (good && archive_write_close(archive) != ARCHIVE_OK)
		good = write_failed(archive, path, error);
	archive_write_free(archive);
	close(fd);
	if (!good)
		g_unlink(path);
	return good;
}
