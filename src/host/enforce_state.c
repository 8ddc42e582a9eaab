#include "host/enforce_state.h"

#include "host/rules_json.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define FORMAT 1

static const char *const mode_names[] = { "protect", "cut" };

struct enforce_state_entry *enforce_state_entry_new(
	struct rules_machine *machine, enum enforce_mode mode)
{
	struct enforce_state_entry *entry = g_new0(struct enforce_state_entry, 1);

	entry->n_refs = 1;
	entry->machine = machine;
	entry->mode = mode;
	entry->digest = rules_machine_digest(machine);
	return entry;
}

struct enforce_state_entry *enforce_state_entry_ref(struct enforce_state_entry *entry)
{
	entry->n_refs++;
	return entry;
}

void enforce_state_entry_unref(gpointer data)
{
	struct enforce_state_entry *entry = data;

	if (!entry || --entry->n_refs)
		return;
	rules_machine_free(entry->machine);
	g_free(entry->digest);
	g_free(entry);
}

GHashTable *enforce_state_table_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, enforce_state_entry_unref);
}

static gboolean fail_errno(GError **error, const char *verb, const char *path)
{
	int code = errno;

	g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(code), "cannot %s %s: %s",
		verb, path, g_strerror(code));
	return FALSE;
}

static gboolean read_entry(GHashTable *table, json_t *json, GError **error)
{
	const char *mode;
	json_t *machine_json;
	struct rules_machine *machine;

	if (json_unpack(json, "{s:s, s:o!}", "mode", &mode, "machine", &machine_json) ||
		(strcmp(mode, mode_names[0]) != 0 && strcmp(mode, mode_names[1]) != 0)) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID, "an entry has no known mode");
		return FALSE;
	}
	machine = rules_machine_from_json(machine_json, error);
	if (!machine)
		return FALSE;
	g_hash_table_replace(table, machine->uuid,
		enforce_state_entry_new(machine,
			strcmp(mode, mode_names[0]) ? ENFORCE_QUARANTINE : ENFORCE_PROTECT));
	return TRUE;
}

static gboolean read_root(json_t *root, GHashTable *table, GError **error)
{
	int format;
	json_t *entries, *entry;
	gsize index;

	if (json_unpack(root, "{s:i, s:o!}", "format", &format, "machines", &entries) ||
		format != FORMAT || !json_is_array(entries)) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID, "not a state of format %d",
			FORMAT);
		return FALSE;
	}
	json_array_foreach(
		entries, index, entry) if (!read_entry(table, entry, error)) return FALSE;
	return TRUE;
}

static void move_entries(GHashTable *from, GHashTable *to)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		g_hash_table_iter_steal(&iter);
		g_hash_table_replace(to, key, value);
	}
}

gboolean enforce_state_read(const char *path, GHashTable *table, GError **error)
{
	g_autoptr(GHashTable) found = enforce_state_table_new();
	g_autofree char *text = NULL;
	gsize size;
	json_error_t why;
	json_t *root;
	gboolean ok;

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	if (!g_file_get_contents(path, &text, &size, error))
		return FALSE;
	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
	if (!root) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID, "%s:%d: %s", path, why.line,
			why.text);
		return FALSE;
	}
	ok = read_root(root, found, error);
	json_decref(root);
	if (!ok) {
		g_prefix_error(error, "%s: ", path);
		return FALSE;
	}
	move_entries(found, table);
	return TRUE;
}

static char *to_text(GHashTable *table, gsize *ret_size)
{
	json_t *entries = json_array();
	json_t *root = json_pack("{s:i, s:o}", "format", FORMAT, "machines", entries);
	GHashTableIter iter;
	gpointer value;
	char *text;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct enforce_state_entry *entry = value;

		json_array_append_new(
			entries, json_pack("{s:s, s:o}", "mode", mode_names[entry->mode], "machine",
					 rules_machine_to_json(entry->machine)));
	}
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	*ret_size = strlen(text);
	return text;
}

static gboolean write_all(int fd, const char *text, gsize size)
{
	while (size) {
		gssize n = write(fd, text, size);

		if (n < 0 && errno != EINTR)
			return FALSE;
		if (n > 0) {
			text += n;
			size -= (gsize)n;
		}
	}
	return fsync(fd) == 0;
}

static gboolean sync_directory_of(const char *path, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		fail_errno(error, "sync", directory);
	if (fd >= 0)
		close(fd);
	return ok;
}

gboolean enforce_state_write(const char *path, GHashTable *table, GError **error)
{
	g_autofree char *beside = g_strdup_printf("%s.new", path);
	gsize size;
	char *text = to_text(table, &size);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	gboolean ok = fd >= 0 && write_all(fd, text, size);

	if (!ok)
		fail_errno(error, "write", beside);
	if (fd >= 0)
		close(fd);
	free(text);
	if (ok && rename(beside, path))
		ok = fail_errno(error, "replace", path);
	return ok && sync_directory_of(path, error);
}
