#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

G_DEFINE_QUARK(base - landlock - error - quark, base_landlock_error)

/* Headers may be older than the kernel. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define FILE_READ  LANDLOCK_ACCESS_FS_READ_FILE
#define FILE_WRITE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define FOLDER_WRITE                                                    \
	(LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR)

/* Rights that the first version knows, and what later ones added. */
#define RIGHTS_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static guint64 known_rights(long version)
{
	guint64 rights = RIGHTS_1;
	if (version >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return rights;
}

static guint64 rights_on(int fd, enum base_landlock_use use)
{
	struct stat info;
	gboolean folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
	guint64 rights = FILE_READ | (folder ? LANDLOCK_ACCESS_FS_READ_DIR : 0);

	if (use == BASE_LANDLOCK_WRITE)
		rights |= FILE_WRITE | (folder ? FOLDER_WRITE : 0);
	return rights;
}

static gboolean fail(GError **error, const char *what)
{
	g_set_error(error, BASE_LANDLOCK_ERROR, errno,
		"cannot confine this process with Landlock: %s: %s", what, g_strerror(errno));
	return FALSE;
}

static gboolean allow(
	int ruleset, const struct base_landlock_path *path, guint64 known, GError **error)
{
	int fd = open(path->path, O_PATH | O_CLOEXEC);
	gboolean good;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ||
		       fail(error, path->path);
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = rights_on(fd, path->use) & known,
		.parent_fd = fd,
	};
	good = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ||
	       fail(error, path->path);
	close(fd);
	return good;
}

static gboolean enter(int ruleset, const struct base_landlock_path *paths, size_t n_paths,
	guint64 known, GError **error)
{
	for (size_t i = 0; i < n_paths; i++)
		if (!allow(ruleset, &paths[i], known, error))
			return FALSE;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail(error, "no new privileges");
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 || fail(error, "restrict");
}

long base_landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

enum base_landlock base_landlock_enter(
	const struct base_landlock_path *paths, size_t n_paths, GError **error)
{
	long version = base_landlock_version();
	const struct landlock_ruleset_attr attributes = { .handled_access_fs = known_rights(
								  version) };
	gboolean good;

	if (version < 1)
		return BASE_LANDLOCK_ABSENT;
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (ruleset < 0) {
		fail(error, "ruleset");
		return BASE_LANDLOCK_FAILED;
	}
	good = enter(ruleset, paths, n_paths, attributes.handled_access_fs, error);
	close(ruleset);
	return good ? BASE_LANDLOCK_ENTERED : BASE_LANDLOCK_FAILED;
}
