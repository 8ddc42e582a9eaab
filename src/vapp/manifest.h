#pragma once
/* OVF manifests: one row a file, "SHA256(name)= hex" (SHA1 as older tools write it). Pure but for
 * ovf_sum_feed's caller.
 *
 * A manifest proves that nothing was damaged or swapped by accident; it is not a signature.
 */
#include <glib.h>

/* Both digests of one file while it streams by. */
struct ovf_sum {
	GChecksum *sha1, *sha256;
};

void ovf_sum_init(struct ovf_sum *sum);
void ovf_sum_clear(struct ovf_sum *sum);
void ovf_sum_feed(struct ovf_sum *sum, const void *data, size_t size);
/* "SHA1HEX SHA256HEX", newly allocated: what the check below compares with. */
char *ovf_sum_finish(struct ovf_sum *sum);

/* File name to expected digest in lower-case hex (40 or 64 digits). NULL with "SOURCE:LINE: why".
 */
GHashTable *ovf_manifest_read(const char *source, const char *text, GError **error);

/* Whether the files of `sums` (name to ovf_sum_finish()) are those of the manifest, no more and no
 * fewer. */
gboolean ovf_manifest_check(
	const char *source, GHashTable *manifest, GHashTable *sums, GError **error);

/* Whether `name` is a path that stays inside a package: relative, no "..", no control characters.
 */
gboolean ovf_path_ok(const char *name);
