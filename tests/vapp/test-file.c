/* Packages on disk: manifests, archives, and archives that mean harm. Everything in a private
 * folder, removed after. */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"
#include "vapp/manifest.h"

struct place {
	char *dir;
};

static char *in_place(const struct place *place, const char *name)
{
	return g_build_filename(place->dir, name, NULL);
}

/* A fresh file, and no fsync: GLib's way of saying so does not cut an old file off. */
static void write_fresh(const char *path, const char *text, gsize size)
{
	g_autoptr(GError) error = NULL;

	g_unlink(path);
	g_file_set_contents_full(path, text, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, &error);
	g_assert_no_error(error);
}

static void put_file(const struct place *place, const char *name, const char *text)
{
	g_autofree char *path = in_place(place, name);

	write_fresh(path, text, strlen(text));
}

static void make_folder(const struct place *place, const char *name)
{
	g_autofree char *path = in_place(place, name);

	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
}

static void set_up(struct place *place, gconstpointer data)
{
	g_autofree char *shop = test_file("../../examples/shop/shop.ovf");

	place->dir = g_dir_make_tmp("drover-vapp-XXXXXX", NULL);
	put_file(place, "shop.ovf", shop);
	put_file(place, "vmlinuz", "kernel");
	put_file(place, "initrd.gz", "initrd");
	make_folder(place, "out");
}

/* The tests make files two levels deep at most. */
static void remove_below(const char *dir)
{
	g_autoptr(GPtrArray) dirs = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(dirs, g_strdup(dir));
	for (unsigned i = 0; i < dirs->len; i++) {
		g_autoptr(GDir) open = g_dir_open(dirs->pdata[i], 0, NULL);
		const char *name;

		while ((name = g_dir_read_name(open))) {
			char *path = g_build_filename(dirs->pdata[i], name, NULL);

			if (g_unlink(path) == 0)
				g_free(path);
			else
				g_ptr_array_add(dirs, path);
		}
	}
	for (unsigned i = dirs->len; i-- > 0;)
		g_assert_cmpint(g_rmdir(dirs->pdata[i]), ==, 0);
}

static void tear_down(struct place *place, gconstpointer data)
{
	remove_below(place->dir);
	g_free(place->dir);
}

static void check_refused(const char *path, const char *extract_dir, const char *why)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(ovf_read_file(path, extract_dir, &error));
	g_assert_nonnull(error);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, why));
}

/* ---- envelopes with a manifest beside them ---- */

static char *manifest_row(
	const char *algorithm, GChecksumType type, const char *name, const char *text)
{
	g_autofree char *hex = g_compute_checksum_for_string(type, text, -1);

	return g_strdup_printf("%s(%s)= %s\n", algorithm, name, hex);
}

static void test_beside(struct place *place, gconstpointer data)
{
	g_autofree char *path = in_place(place, "shop.ovf");
	g_autofree char *shop = test_file("../../examples/shop/shop.ovf");
	g_autofree char *one = manifest_row("SHA256", G_CHECKSUM_SHA256, "shop.ovf", shop);
	g_autofree char *two = manifest_row("SHA1", G_CHECKSUM_SHA1, "vmlinuz", "kernel");
	g_autofree char *both = g_strconcat(one, two, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(vapp_value) plain = ovf_read_file(path, NULL, &error);
	g_autoptr(vapp_value) proven = NULL;

	g_assert_no_error(error);
	put_file(place, "shop.mf", both);
	proven = ovf_read_file(path, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(vapp_equal(plain, proven));
}

static void test_beside_errors(struct place *place, gconstpointer data)
{
	g_autofree char *path = in_place(place, "shop.ovf");
	g_autofree char *shop = test_file("../../examples/shop/shop.ovf");
	g_autofree char *good = manifest_row("SHA256", G_CHECKSUM_SHA256, "shop.ovf", shop);
	g_autofree char *other = manifest_row("SHA256", G_CHECKSUM_SHA256, "shop.ovf", "other");
	g_autofree char *kernel = manifest_row("SHA256", G_CHECKSUM_SHA256, "vmlinuz", "kernel");
	g_autofree char *missing = manifest_row("SHA256", G_CHECKSUM_SHA256, "gone", "");
	g_autofree char *climbs = manifest_row("SHA256", G_CHECKSUM_SHA256, "../x", "");
	g_autofree char *with_missing = g_strconcat(good, missing, NULL);
	g_autofree char *with_climbs = g_strconcat(good, climbs, NULL);
	g_autofree char *twice = g_strconcat(good, good, NULL);
	const struct {
		const char *manifest, *why;
	} rows[] = {
		{ other, "differs" },
		{ kernel, "not in the manifest" },
		{ with_missing, "No such file" },
		{ with_climbs, "leads out" },
		{ twice, ":2: a second row" },
		{ "rubbish", ":1: not a row" },
		{ "SHA256(shop.ovf)= 12", ":1: not a row" },
		{ "MD5(shop.ovf)= d41d8cd98f00b204e9800998ecf8427e", ":1: not a row" },
		{ "", "not in the manifest" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		put_file(place, "shop.mf", rows[i].manifest);
		check_refused(path, NULL, rows[i].why);
	}
}

static void test_no_file(struct place *place, gconstpointer data)
{
	g_autofree char *path = in_place(place, "none.ovf");
	g_autofree char *folder = in_place(place, "out");

	check_refused(path, NULL, "No such file");
	check_refused(folder, NULL, "out");
}

/* ---- archives of our own ---- */

static void test_ova(struct place *place, gconstpointer data)
{
	g_autofree char *path = in_place(place, "shop.ova");
	g_autofree char *out = in_place(place, "out");
	g_autofree char *kernel = in_place(place, "out/vmlinuz");
	g_autofree char *text = NULL;
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(vapp_value) read = NULL, extracted = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(ovf_write_ova(shop, place->dir, path, &error));
	read = ovf_read_file(path, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(vapp_equal(shop, read));
	g_assert_false(g_file_test(kernel, G_FILE_TEST_EXISTS));
	extracted = ovf_read_file(path, out, &error);
	g_assert_no_error(error);
	g_file_get_contents(kernel, &text, NULL, &error);
	g_assert_cmpstr(text, ==, "kernel");
	/* Nothing is overwritten, neither the archive nor what was extracted. */
	g_assert_false(ovf_write_ova(shop, place->dir, path, NULL));
	check_refused(path, out, "File exists");
	g_assert_true(g_file_test(kernel, G_FILE_TEST_EXISTS));
}

/* What was captured names its disks by URL: they travel under their own name, two of one name
 * apart, and what is on the web stays there. */
static void test_ova_of_urls(struct place *place, gconstpointer data)
{
	static const char *const wants[] = { "disk.img", "2-disk.img",
		"https://example.org/x.img" };
	g_autofree char *path = in_place(place, "urls.ova");
	g_autofree char *out = in_place(place, "out");
	g_autofree char *other = in_place(place, "other");
	g_autofree char *second = in_place(place, "out/2-disk.img");
	g_autofree char *text = NULL;
	g_autoptr(vapp_value) vapp = vapp_new("captured", "1");
	g_autoptr(vapp_value) read = NULL;
	g_autoptr(GError) error = NULL;
	struct vapp_machine *machine = vapp_machine_new("m");
	const struct vapp_machine *again;

	make_folder(place, "other");
	for (unsigned i = 0; i < G_N_ELEMENTS(wants); i++) {
		g_autofree char *file = g_build_filename(i ? other : place->dir, "disk.img", NULL);
		g_autofree char *uri = g_filename_to_uri(file, NULL, NULL);

		write_fresh(file, i ? "two" : "one", 3);
		g_ptr_array_add(
			machine->disks, vapp_disk_new(VAPP_DISK_DISK, i < 2 ? uri : wants[i]));
	}
	machine->memory_mib = 64;
	machine->n_vcpus = 1;
	g_ptr_array_add(vapp->machines, machine);
	g_assert_true(ovf_write_ova(vapp, "/", path, &error));
	g_assert_no_error(error);
	read = ovf_read_file(path, out, &error);
	g_assert_no_error(error);
	again = read->machines->pdata[0];
	for (unsigned i = 0; i < G_N_ELEMENTS(wants); i++)
		g_assert_cmpstr(((struct vapp_disk *)again->disks->pdata[i])->href, ==, wants[i]);
	g_assert_true(g_file_get_contents(second, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "two");
	g_assert_cmpstr(((struct vapp_disk *)machine->disks->pdata[0])->href, !=, "disk.img");
	/* one that cannot be read: which, and nothing is left behind */
	g_unlink(path);
	g_unlink(second);
	g_clear_pointer(&text, g_free);
	text = g_build_filename(other, "disk.img", NULL);
	g_unlink(text);
	g_assert_false(ovf_write_ova(vapp, "/", path, &error));
	g_assert_nonnull(strstr(error->message, "cannot be read here: No such file"));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	g_rmdir(other);
}

static void test_ova_missing(struct place *place, gconstpointer data)
{
	g_autofree char *path = in_place(place, "shop.ova");
	g_autofree char *kernel = in_place(place, "vmlinuz");
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(GError) error = NULL;

	g_unlink(kernel);
	g_assert_false(ovf_write_ova(shop, place->dir, path, &error));
	g_assert_nonnull(strstr(error->message, "vmlinuz"));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* Every byte of the archive that is changed or lost is noticed, or does not matter. */
static void test_ova_damaged(struct place *place, gconstpointer data)
{
	g_autofree char *path = in_place(place, "shop.ova");
	g_autofree char *copy = in_place(place, "copy.ova");
	g_autofree char *text = NULL;
	g_autoptr(vapp_value) shop = test_shop();
	g_autoptr(GRand) rand = NULL;
	guint32 seed = g_test_rand_int();
	unsigned n_refused = 0;
	gsize size;

	g_test_message("seed %u", seed);
	rand = g_rand_new_with_seed(seed);
	g_assert_true(ovf_write_ova(shop, place->dir, path, NULL));
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	for (int i = 0; i < 200; i++) {
		gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)size);
		char old = text[at];
		gboolean cut = i % 4 == 0;
		g_autoptr(vapp_value) vapp = NULL;

		text[at] = (char)(old ^ (1 + g_rand_int_range(rand, 0, 255)));
		write_fresh(copy, text, cut ? at : size);
		vapp = ovf_read_file(copy, NULL, NULL);
		n_refused += vapp == NULL;
		if (vapp)
			g_assert_true(vapp_equal(vapp, shop));
		text[at] = old;
	}
	g_assert_cmpuint(n_refused, >, 50);
}

/* ---- archives that mean harm ---- */

struct member {
	const char *name;
	const char *text; /* "SHOP": the shop's envelope; "ROW": a manifest of that */
	const char *link; /* target of a symbolic link */
	const char *hard; /* of a hard link */
};

static void add_member(struct archive *archive, const struct member *member, const char *shop)
{
	g_autofree char *row = manifest_row("SHA256", G_CHECKSUM_SHA256, "shop.ovf", shop);
	const char *text = !g_strcmp0(member->text, "SHOP")  ? shop
			   : !g_strcmp0(member->text, "ROW") ? row
							     : member->text;
	struct archive_entry *entry = archive_entry_new();
	size_t size = text ? strlen(text) : 0;

	archive_entry_set_pathname(entry, member->name);
	archive_entry_set_filetype(entry, member->link ? AE_IFLNK : AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (gint64)size);
	if (member->link)
		archive_entry_set_symlink(entry, member->link);
	if (member->hard)
		archive_entry_set_hardlink(entry, member->hard);
	g_assert_cmpint(archive_write_header(archive, entry), ==, ARCHIVE_OK);
	if (size)
		g_assert_cmpint(archive_write_data(archive, text, size), ==, (gint64)size);
	archive_entry_free(entry);
}

static void write_archive(const char *path, const struct member *members)
{
	g_autofree char *shop = test_file("../../examples/shop/shop.ovf");
	struct archive *archive = archive_write_new();

	archive_write_set_format_ustar(archive);
	g_assert_cmpint(archive_write_open_filename(archive, path), ==, ARCHIVE_OK);
	for (const struct member *member = members; member->name; member++)
		add_member(archive, member, shop);
	g_assert_cmpint(archive_write_close(archive), ==, ARCHIVE_OK);
	archive_write_free(archive);
}

static const struct evil {
	const char *name, *why;
	struct member members[6];
} evils[] = {
	{ "climbs", "leads out", { { "shop.ovf", "SHOP" }, { "../escaped", "x" } } },
	{ "climbs-deep", "leads out", { { "shop.ovf", "SHOP" }, { "a/../../escaped", "x" } } },
	{ "absolute", "leads out", { { "shop.ovf", "SHOP" }, { "/tmp/escaped", "x" } } },
	{ "dot", "leads out", { { "./shop.ovf", "SHOP" } } },
	{ "symlink", "only plain files",
		{ { "shop.ovf", "SHOP" }, { "vmlinuz", NULL, "/etc/passwd" } } },
	{ "hardlink", "only plain files",
		{ { "shop.ovf", "SHOP" }, { "vmlinuz", NULL, NULL, "shop.ovf" } } },
	{ "twice", "stands twice",
		{ { "shop.ovf", "SHOP" }, { "vmlinuz", "a" }, { "vmlinuz", "b" } } },
	{ "late", "must come first", { { "vmlinuz", "a" }, { "shop.ovf", "SHOP" } } },
	{ "incomplete", "it is missing", { { "shop.ovf", "SHOP" }, { "vmlinuz", "a" } } },
	{ "unlisted", "not in the manifest",
		{ { "shop.ovf", "SHOP" }, { "shop.mf", "ROW" }, { "vmlinuz", "a" },
			{ "initrd.gz", "b" } } },
	{ "manifest", "not a row",
		{ { "shop.ovf", "SHOP" }, { "shop.mf", "x" }, { "vmlinuz", "a" },
			{ "initrd.gz", "b" } } },
	{ "envelope", "<Envelope>", { { "shop.ovf", "<Envelope/>" } } },
};

static void test_evil(struct place *place, gconstpointer data)
{
	const struct evil *evil = data;
	g_autofree char *path = in_place(place, "evil.ova");
	g_autofree char *out = in_place(place, "out");
	g_autofree char *escaped = in_place(place, "escaped");
	g_autoptr(GDir) dir = NULL;

	write_archive(path, evil->members);
	check_refused(path, out, evil->why);
	g_assert_false(g_file_test(escaped, G_FILE_TEST_EXISTS));
	dir = g_dir_open(out, 0, NULL);
	g_assert_null(g_dir_read_name(dir)); /* nothing imported */
}

static void test_paths(void)
{
	static const char *const good[] = { "a", "a/b", "disk 1.vmdk", "..a", "a..", "ä" };
	static const char *const bad[] = { "", "/", "/a", "..", "a/..", "../a", "a//b", "./a",
		"a/.", "a\\b", "a\nb", "a/", "\xff" };

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(ovf_path_ok(good[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(ovf_path_ok(bad[i]));
}

static void add(const char *path, gconstpointer data, void (*test)(struct place *, gconstpointer))
{
	g_test_add(path, struct place, data, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/file/paths", test_paths);
	add("/file/beside", NULL, test_beside);
	add("/file/beside-errors", NULL, test_beside_errors);
	add("/file/none", NULL, test_no_file);
	add("/file/ova", NULL, test_ova);
	add("/file/ova-missing", NULL, test_ova_missing);
	add("/file/ova-of-urls", NULL, test_ova_of_urls);
	add("/file/ova-damaged", NULL, test_ova_damaged);
	for (size_t i = 0; i < G_N_ELEMENTS(evils); i++) {
		g_autofree char *path = g_strdup_printf("/file/evil/%s", evils[i].name);

		add(path, &evils[i], test_evil);
	}
	return g_test_run();
}
