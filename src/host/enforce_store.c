#include "host/enforce_store.h"

#include "host/rules_json.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define FORMAT      2
#define FORMAT_OLD  1           /* one object, no changes, no end of line */
#define CHANGES_MIN (256 << 10) /* bytes of changes before the file is written anew */

struct enforce_store {
	char *path;
	goffset whole; /* bytes of the first line; 0: the file must be written anew */
	goffset size;  /* of all that is in the file for good */
};

static const char *const mode_names[] = { "protect", "cut" };

struct enforce_store *enforce_store_new(const char *path)
{
	struct enforce_store *store = g_new0(struct enforce_store, 1);

	store->path = g_strdup(path);
	return store;
}

void enforce_store_free(struct enforce_store *store)
{
	if (!store)
		return;
	g_free(store->path);
	g_free(store);
}

/* Reading */

static gboolean broken(GError **error, const char *why)
{
	g_set_error_literal(error, RULES_ERROR, RULES_ERROR_INVALID, why);
	return FALSE;
}

static gboolean read_entry(GHashTable *table, json_t *json, GError **error)
{
	const char *mode;
	json_t *machine_json;
	struct rules_machine *machine;

	if (json_unpack(json, "{s:s, s:o!}", "mode", &mode, "machine", &machine_json) ||
		(strcmp(mode, mode_names[0]) != 0 && strcmp(mode, mode_names[1]) != 0))
		return broken(error, "an entry has no known mode");
	machine = rules_machine_from_json(machine_json, error);
	if (!machine)
		return FALSE;
	g_hash_table_replace(table, machine->uuid,
		enforce_entry_new(machine,
			strcmp(mode, mode_names[0]) ? ENFORCE_QUARANTINE : ENFORCE_PROTECT));
	return TRUE;
}

/* Entries, and texts: UUIDs that are gone. */
static gboolean read_entries(GHashTable *table, json_t *array, GError **error)
{
	gsize index;
	json_t *item;

	if (!json_is_array(array))
		return broken(error, "a change is not a list");
	json_array_foreach(array, index, item)
	{
		if (json_is_string(item))
			g_hash_table_remove(table, json_string_value(item));
		else if (!read_entry(table, item, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_whole(GHashTable *table, json_t *root, gboolean ended, GError **error)
{
	int format;
	json_t *entries;

	if (json_unpack(root, "{s:i, s:o!}", "format", &format, "machines", &entries) ||
		format != (ended ? FORMAT : FORMAT_OLD))
		return broken(error, "not a state of a known format");
	return read_entries(table, entries, error);
}

/* One line of `n` bytes without its end; `number` counts from 0. */
static gboolean read_line(
	GHashTable *table, const char *line, gsize n, guint number, gboolean ended, GError **error)
{
	json_error_t why;
	json_t *json = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
	gboolean ok;

	if (!json)
		ok = broken(error, why.text);
	else if (number)
		ok = read_entries(table, json, error);
	else
		ok = read_whole(table, json, ended, error);
	json_decref(json);
	return ok;
}

static gboolean read_lines(struct enforce_store *store, GHashTable *table, const char *text,
	gsize size, GError **error)
{
	gsize at = 0;

	for (guint number = 0; at < size || !number; number++) {
		const char *end = memchr(text + at, '\n', size - at);
		gsize n = end ? (gsize)(end - text) - at : size - at;

		if (!end && number)
			break; /* a change that was never told */
		if (!read_line(table, text + at, n, number, end != NULL, error)) {
			g_prefix_error(error, "%s:%u: ", store->path, number + 1);
			return FALSE;
		}
		at += n + (end ? 1 : 0);
		if (!number)
			store->whole = end ? (goffset)at : 0;
	}
	store->size = (goffset)at;
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

gboolean enforce_store_read(struct enforce_store *store, GHashTable *table, GError **error)
{
	g_autoptr(GHashTable) found = enforce_entry_table_new();
	g_autofree char *text = NULL;
	gsize size;

	store->whole = 0;
	if (!g_file_test(store->path, G_FILE_TEST_EXISTS))
		return TRUE;
	if (!g_file_get_contents(store->path, &text, &size, error) ||
		!read_lines(store, found, text, size, error)) {
		store->whole = 0;
		return FALSE;
	}
	move_entries(found, table);
	return TRUE;
}

/* Writing */

static gboolean fail_errno(GError **error, const char *verb, const char *path)
{
	int code = errno;

	g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(code), "cannot %s %s: %s",
		verb, path, g_strerror(code));
	return FALSE;
}

static json_t *entry_to_json(const struct enforce_entry *entry)
{
	return json_pack("{s:s, s:o}", "mode", mode_names[entry->mode], "machine",
		rules_machine_to_json(entry->machine));
}

/* As one line; takes `json`. */
static GString *to_line(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	GString *line = g_string_new(text);

	g_string_append_c(line, '\n');
	free(text);
	json_decref(json);
	return line;
}

static GString *whole_line(GHashTable *table)
{
	json_t *entries = json_array();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		json_array_append_new(entries, entry_to_json(value));
	return to_line(json_pack("{s:i, s:o}", "format", FORMAT, "machines", entries));
}

static GString *change_line(GPtrArray *changes)
{
	json_t *entries = json_array();

	for (guint i = 0; i < changes->len; i++) {
		const struct enforce_change *change = changes->pdata[i];

		json_array_append_new(entries,
			change->next ? entry_to_json(change->next) : json_string(change->uuid));
	}
	return to_line(entries);
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

static gboolean write_anew(struct enforce_store *store, GHashTable *table, GError **error)
{
	g_autofree char *beside = g_strdup_printf("%s.new", store->path);
	GString *line = whole_line(table);
	goffset size = (goffset)line->len;
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	gboolean ok = fd >= 0 && write_all(fd, line->str, line->len);

	if (!ok)
		fail_errno(error, "write", beside);
	if (fd >= 0)
		close(fd);
	g_string_free(line, TRUE);
	if (ok && rename(beside, store->path))
		ok = fail_errno(error, "replace", store->path);
	if (!ok) {
		unlink(beside);
		return FALSE;
	}
	store->whole = store->size = size;
	return sync_directory_of(store->path, error);
}

/* What was written in part is taken back: the next change must not follow half a line. */
static void take_back(struct enforce_store *store, int fd)
{
	if (ftruncate(fd, store->size))
		store->whole = 0;
}

static gboolean append(struct enforce_store *store, GPtrArray *changes, GError **error)
{
	GString *line = change_line(changes);
	int fd = open(store->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	gboolean ok = fd >= 0 && !ftruncate(fd, store->size) &&
		      lseek(fd, store->size, SEEK_SET) == store->size &&
		      write_all(fd, line->str, line->len);

	if (ok)
		store->size += (goffset)line->len;
	else
		fail_errno(error, "write", store->path);
	if (!ok && fd >= 0)
		take_back(store, fd);
	if (fd >= 0)
		close(fd);
	g_string_free(line, TRUE);
	return ok;
}

gboolean enforce_store_write(
	struct enforce_store *store, GPtrArray *changes, GHashTable *table, GError **error)
{
	goffset length = store->size - store->whole;

	if (!store->whole || length > MAX(store->whole, CHANGES_MIN))
		return write_anew(store, table, error);
	return append(store, changes, error);
}
