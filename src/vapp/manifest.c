#include "vapp/manifest.h"

#include <string.h>

#include "vapp/vapp.h"

enum {
	SHA1_DIGITS = 40,
	SHA256_DIGITS = 64,
	MAX_ROWS = 4096,
	MAX_PATH_SIZE = 1024,
};

void ovf_sum_init(struct ovf_sum *sum)
{
	sum->sha1 = g_checksum_new(G_CHECKSUM_SHA1);
	sum->sha256 = g_checksum_new(G_CHECKSUM_SHA256);
}

void ovf_sum_clear(struct ovf_sum *sum)
{
	g_checksum_free(sum->sha1);
	g_checksum_free(sum->sha256);
	*sum = (struct ovf_sum){ NULL, NULL };
}

void ovf_sum_feed(struct ovf_sum *sum, const void *data, size_t size)
{
	g_checksum_update(sum->sha1, data, (gssize)size);
	g_checksum_update(sum->sha256, data, (gssize)size);
}

char *ovf_sum_finish(struct ovf_sum *sum)
{
	return g_strconcat(
		g_checksum_get_string(sum->sha1), " ", g_checksum_get_string(sum->sha256), NULL);
}

gboolean ovf_path_ok(const char *name)
{
	g_auto(GStrv) steps = NULL;

	if (!*name || *name == '/' || strlen(name) > MAX_PATH_SIZE ||
		!g_utf8_validate(name, -1, NULL))
		return FALSE;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == '\\' || *p == 0x7f)
			return FALSE;
	steps = g_strsplit(name, "/", -1);
	for (char **step = steps; *step; step++)
		if (!**step || strcmp(*step, ".") == 0 || strcmp(*step, "..") == 0)
			return FALSE;
	return TRUE;
}

/* One row: algorithm, name, digest. */
static gboolean read_row(const char *row, char **ret_name, char **ret_digest)
{
	static const char pattern[] = "^(SHA1|SHA256) ?\\((.+)\\) ?= ?([0-9A-Fa-f]+)$";
	g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *algorithm = NULL;
	g_autofree char *hex = NULL;
	size_t want;

	if (!g_regex_match(regex, row, 0, &match))
		return FALSE;
	algorithm = g_match_info_fetch(match, 1);
	hex = g_match_info_fetch(match, 3);
	want = strcmp(algorithm, "SHA1") == 0 ? SHA1_DIGITS : SHA256_DIGITS;
	if (strlen(hex) != want)
		return FALSE;
	*ret_name = g_match_info_fetch(match, 2);
	*ret_digest = g_ascii_strdown(hex, -1);
	return TRUE;
}

GHashTable *ovf_manifest_read(const char *source, const char *text, GError **error)
{
	g_autoptr(GHashTable)
		manifest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) rows = g_strsplit(text, "\n", MAX_ROWS + 1);

	for (unsigned i = 0; rows[i]; i++) {
		char *name, *digest;

		g_strchomp(rows[i]);
		if (!*rows[i])
			continue;
		if (i >= MAX_ROWS || !g_utf8_validate(rows[i], -1, NULL) ||
			!read_row(rows[i], &name, &digest)) {
			g_set_error(error, VAPP_ERROR, VAPP_ERROR_DIGEST,
				"%s:%u: not a row like SHA256(name)= digest", source, i + 1);
			return NULL;
		}
		if (!g_hash_table_insert(manifest, name, digest)) {
			g_set_error(error, VAPP_ERROR, VAPP_ERROR_DIGEST,
				"%s:%u: a second row for the file", source, i + 1);
			return NULL;
		}
	}
	return g_steal_pointer(&manifest);
}

static gboolean same_digest(const char *sum, const char *want)
{
	return strlen(want) == SHA1_DIGITS ? strncmp(sum, want, SHA1_DIGITS) == 0
					   : strcmp(sum + SHA1_DIGITS + 1, want) == 0;
}

gboolean ovf_manifest_check(
	const char *source, GHashTable *manifest, GHashTable *sums, GError **error)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, manifest);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const char *sum = g_hash_table_lookup(sums, name);

		if (!sum || !same_digest(sum, value)) {
			g_set_error(error, VAPP_ERROR, VAPP_ERROR_DIGEST, "%s: file '%s' %s",
				source, (char *)name,
				sum ? "differs from the manifest"
				    : "is in the manifest but missing");
			return FALSE;
		}
	}
	g_hash_table_iter_init(&iter, sums);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (!g_hash_table_contains(manifest, name)) {
			g_set_error(error, VAPP_ERROR, VAPP_ERROR_DIGEST,
				"%s: file '%s' is not in the manifest", source, (char *)name);
			return FALSE;
		}
	return TRUE;
}
