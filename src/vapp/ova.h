#pragma once
/* OVA: the tar that carries an envelope, its manifest and its files. For ovf_file.c.
 *
 * Whatever is odd is refused: members that are not plain files, names that leave the package,
 * doubles, an envelope that does not come first, files that differ from the manifest. Bounded in
 * members and in the size of what is kept in memory.
 */
#include "vapp/vapp.h"

/* Reads the archive at `path` and checks every byte of it. */
struct vapp *ova_read(const char *path, GError **error);

/* Puts every file of an archive below `dir`, which must exist; nothing there is overwritten. On an
 * error, what was written is removed again. */
gboolean ova_extract(const char *path, const char *dir, GError **error);

/* Writes an archive; see ovf_write_ova(). */
gboolean ova_write(const struct vapp *vapp, const char *file_dir, const char *path, GError **error);
