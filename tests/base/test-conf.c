/* base/conf: every row of a wrong file is refused with its file, section and key; every row of a
 * right one is read. */
#include "base/conf.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct sample {
	char *url;
	char *user;
	guint64 cpus;
	guint64 port;
	gboolean admit;
	GHashTable *segments;
	size_t bytes;
	unsigned threads;
	unsigned mode;
	GHashTable *clients;
};

struct client {
	char *role;
	gboolean admin;
};

static const char *const modes[] = { "lenient", "strict", NULL };

static const struct base_conf_option client_options[] = {
	{ "client", "role", BASE_CONF_STRING, offsetof(struct client, role), "reader", "its role" },
	{ "client", "admin", BASE_CONF_BOOLEAN, offsetof(struct client, admin), "no",
		"all rights" },
	{ NULL },
};

static const struct base_conf_option options[] = {
	{ "map", "url", BASE_CONF_STRING, offsetof(struct sample, url), NULL, "where the map is" },
	{ "map", "user", BASE_CONF_STRING, offsetof(struct sample, user), "nobody", "who we are" },
	{ "map", "port", BASE_CONF_NUMBER, offsetof(struct sample, port), NULL, "its port" },
	{ "host", "cpus", BASE_CONF_NUMBER, offsetof(struct sample, cpus), "4", "processors" },
	{ "host", "admit", BASE_CONF_BOOLEAN, offsetof(struct sample, admit), NULL, "admit" },
	{ "segments", NULL, BASE_CONF_TABLE, offsetof(struct sample, segments), NULL,
		"SEGMENT = BRIDGE" },
	{ "limits", "bytes", BASE_CONF_SIZE, offsetof(struct sample, bytes), "1000", "size", 1000,
		1ULL << 40 },
	{ "limits", "threads", BASE_CONF_COUNT, offsetof(struct sample, threads), "2", "number", 0,
		16 },
	{ "limits", "mode", BASE_CONF_CHOICE, offsetof(struct sample, mode), "strict", "manner",
		.choices = modes },
	{ "client", NULL, BASE_CONF_GROUP, offsetof(struct sample, clients), NULL, "a client",
		.members = client_options, .member_size = sizeof(struct client) },
	{ NULL },
};

#define NEEDED "[map]\nurl=https://map/\nport=8096\n"

/* A folder with sample.conf and, when `extra` names them, files of sample.conf.d. */
struct folder {
	char *path;
	char *file;
	char *extra;
};

static void folder_init(struct folder *folder, const char *text)
{
	folder->path = g_dir_make_tmp("drover-conf-XXXXXX", NULL);
	folder->file = g_build_filename(folder->path, "sample.conf", NULL);
	folder->extra = g_strconcat(folder->file, ".d", NULL);
	if (text)
		g_assert_true(g_file_set_contents(folder->file, text, -1, NULL));
}

static void folder_add(struct folder *folder, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder->extra, name, NULL);

	g_mkdir_with_parents(folder->extra, 0700);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void remove_all(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *inner = g_build_filename(path, name, NULL);

		g_unlink(inner);
	}
	g_rmdir(path);
}

static void folder_clear(struct folder *folder)
{
	remove_all(folder->extra);
	remove_all(folder->path);
	g_free(folder->path);
	g_free(folder->file);
	g_free(folder->extra);
}

static void test_read(void)
{
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder,
		"# a comment\n" NEEDED "[host]\nadmit = yes\ncpus = 18446744073709551615\n"
		"[segments]\nfront = br-front\nback=br-back\n");
	base_conf_read(folder.file, options, &conf, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(conf.url, ==, "https://map/");
	g_assert_cmpstr(conf.user, ==, "nobody");
	g_assert_cmpuint(conf.port, ==, 8096);
	g_assert_cmpuint(conf.cpus, ==, G_MAXUINT64);
	g_assert_true(conf.admit);
	g_assert_cmpuint(g_hash_table_size(conf.segments), ==, 2);
	g_assert_cmpstr(g_hash_table_lookup(conf.segments, "front"), ==, "br-front");
	base_conf_clear(options, &conf);
	g_assert_null(conf.url);
	g_assert_null(conf.segments);
	folder_clear(&folder);
}

static void test_defaults(void)
{
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder, NEEDED);
	base_conf_read(folder.file, options, &conf, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(conf.cpus, ==, 4);
	g_assert_false(conf.admit);
	g_assert_nonnull(conf.segments);
	g_assert_cmpuint(g_hash_table_size(conf.segments), ==, 0);
	base_conf_clear(options, &conf);
	folder_clear(&folder);
}

/* Later files win, in order of name; what does not end in .conf is not read. */
static void test_folder(void)
{
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder, NEEDED "[segments]\nfront=br0\nback=br1\n");
	folder_add(&folder, "20-b.conf", "[host]\ncpus=2\n[segments]\nback=br9\n");
	folder_add(&folder, "10-a.conf", "[host]\ncpus=1\n[map]\nuser=a\n");
	folder_add(&folder, "30-c.conf.bak", "[host]\ncpus=3\nnonsense=1\n");
	base_conf_read(folder.file, options, &conf, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(conf.cpus, ==, 2);
	g_assert_cmpstr(conf.user, ==, "a");
	g_assert_cmpstr(g_hash_table_lookup(conf.segments, "front"), ==, "br0");
	g_assert_cmpstr(g_hash_table_lookup(conf.segments, "back"), ==, "br9");
	base_conf_clear(options, &conf);
	folder_clear(&folder);
}

/* A required value may stand in the folder. */
static void test_required_in_folder(void)
{
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder, "[map]\nurl=u\n");
	folder_add(&folder, "a.conf", "[map]\nport=0\n");
	base_conf_read(folder.file, options, &conf, &error);
	g_assert_no_error(error);
	base_conf_clear(options, &conf);
	folder_clear(&folder);
}

static const struct refusal {
	const char *name;
	const char *text;
	int code;
	const char *says;
} refusals[] = {
	{ "unknown-key", NEEDED "[host]\ncpu=1\n", BASE_CONF_ERROR_UNKNOWN, "[host] cpu" },
	{ "unknown-section", NEEDED "[hots]\ncpus=1\n", BASE_CONF_ERROR_UNKNOWN, "[hots]" },
	{ "unknown-empty-section", NEEDED "[hots]\n", BASE_CONF_ERROR_UNKNOWN, "[hots]" },
	{ "number-word", NEEDED "[host]\ncpus=four\n", BASE_CONF_ERROR_VALUE,
		"[host] cpus: 'four'" },
	{ "number-negative", NEEDED "[host]\ncpus=-1\n", BASE_CONF_ERROR_VALUE, "'-1'" },
	{ "number-too-large", NEEDED "[host]\ncpus=18446744073709551616\n", BASE_CONF_ERROR_VALUE,
		"[host] cpus" },
	{ "number-empty", NEEDED "[host]\ncpus=\n", BASE_CONF_ERROR_VALUE, "[host] cpus" },
	{ "boolean", NEEDED "[host]\nadmit=perhaps\n", BASE_CONF_ERROR_VALUE, "'perhaps'" },
	{ "required-string", "[map]\nport=1\n", BASE_CONF_ERROR_VALUE, "[map] url is missing" },
	{ "required-number", "[map]\nurl=u\n", BASE_CONF_ERROR_VALUE, "[map] port is missing" },
	{ "size-small", NEEDED "[limits]\nbytes=999\n", BASE_CONF_ERROR_VALUE,
		"not a number from 1000 to 1099511627776" },
	{ "count-large", NEEDED "[limits]\nthreads=17\n", BASE_CONF_ERROR_VALUE, "'17'" },
	{ "choice", NEEDED "[limits]\nmode=lax\n", BASE_CONF_ERROR_VALUE,
		"[limits] mode: 'lax' is not one of lenient, strict" },
	{ "group-without-name", NEEDED "[client]\nrole=x\n", BASE_CONF_ERROR_UNKNOWN, "[client]" },
	{ "group-key", NEEDED "[client a b]\nrule=x\n", BASE_CONF_ERROR_UNKNOWN,
		"[client a b] rule" },
	{ "group-value", NEEDED "[client a]\nadmin=x\n", BASE_CONF_ERROR_VALUE,
		"[client a] admin" },
	{ "no-key-file", "nonsense\n", BASE_CONF_ERROR_READ, "sample.conf" },
	{ "bad-escape", NEEDED "user=x\\\n", BASE_CONF_ERROR_READ, "sample.conf" },
	{ "unknown-escape", NEEDED "user=x\\q\n", BASE_CONF_ERROR_READ, "sample.conf" },
	{ "bad-utf8", NEEDED "user=\xff\n", BASE_CONF_ERROR_READ, "sample.conf" },
};

static void test_refusal(gconstpointer data)
{
	const struct refusal *refusal = data;
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder, refusal->text);
	g_assert_false(base_conf_read(folder.file, options, &conf, &error));
	g_assert_error(error, BASE_CONF_ERROR, refusal->code);
	g_assert_nonnull(strstr(error->message, refusal->says));
	g_assert_true(g_str_has_prefix(error->message, folder.path));
	g_assert_null(conf.url);
	g_assert_null(conf.segments);
	folder_clear(&folder);
}

static void test_missing_file(void)
{
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder, NULL);
	g_assert_false(base_conf_read(folder.file, options, &conf, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	g_assert_nonnull(strstr(error->message, "sample.conf"));
	folder_clear(&folder);
}

/* A section of a group is a struct of its own; more files add to it. */
static void test_group(void)
{
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder, NEEDED "[limits]\nmode=lenient\nbytes=1099511627776\nthreads=16\n"
				    "[client a b]\nrole=agent\n[client c]\n");
	folder_add(&folder, "x.conf", "[client a b]\nadmin=yes\n");
	base_conf_read(folder.file, options, &conf, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(conf.mode, ==, 0);
	g_assert_cmpuint(conf.bytes, ==, 1ULL << 40);
	g_assert_cmpuint(conf.threads, ==, 16);
	g_assert_cmpuint(g_hash_table_size(conf.clients), ==, 2);
	const struct client *first = g_hash_table_lookup(conf.clients, "a b");
	const struct client *second = g_hash_table_lookup(conf.clients, "c");
	g_assert_cmpstr(first->role, ==, "agent");
	g_assert_true(first->admin);
	g_assert_cmpstr(second->role, ==, "reader");
	g_assert_false(second->admin);
	base_conf_clear(options, &conf);
	g_assert_null(conf.clients);
	folder_clear(&folder);
}

/* What is wrong in the folder names the file in the folder. */
static void test_refusal_in_folder(void)
{
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	folder_init(&folder, NEEDED);
	folder_add(&folder, "x.conf", "[host]\ncpus=x\n");
	g_assert_false(base_conf_read(folder.file, options, &conf, &error));
	g_assert_error(error, BASE_CONF_ERROR, BASE_CONF_ERROR_VALUE);
	g_assert_nonnull(strstr(error->message, "sample.conf.d/x.conf"));
	folder_clear(&folder);
}

/* The example, with the required values filled in, reads as the defaults. */
static void test_example(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct folder folder;
	struct sample conf = { 0 };
	g_autoptr(GError) error = NULL;

	base_conf_write_example(text, options);
	for (const struct base_conf_option *o = options; o->section; o++)
		g_assert_nonnull(strstr(text->str, o->what));
	g_string_replace(text, "url = ", "url = u", 0);
	g_string_replace(text, "port = ", "port = 7", 0);
	g_string_replace(text, "\nadmit = ", "\nadmit = no", 0);
	folder_init(&folder, text->str);
	base_conf_read(folder.file, options, &conf, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(conf.port, ==, 7);
	g_assert_cmpuint(conf.cpus, ==, 4);
	base_conf_clear(options, &conf);
	folder_clear(&folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/conf/read", test_read);
	g_test_add_func("/conf/defaults", test_defaults);
	g_test_add_func("/conf/folder", test_folder);
	g_test_add_func("/conf/required-in-folder", test_required_in_folder);
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_autofree char *path = g_strconcat("/conf/refused/", refusals[i].name, NULL);

		g_test_add_data_func(path, &refusals[i], test_refusal);
	}
	g_test_add_func("/conf/group", test_group);
	g_test_add_func("/conf/missing-file", test_missing_file);
	g_test_add_func("/conf/refused-in-folder", test_refusal_in_folder);
	g_test_add_func("/conf/example", test_example);
	return g_test_run();
}
