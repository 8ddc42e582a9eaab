#pragma once
/* The part of the file system that a daemon of ours still reaches, by Landlock.
 *
 * For this thread and those that it begins: to be called while there is one. What is not named is
 * out of reach, whatever its permissions; nothing can be run at all. Files that are open stay so.
 * It comes on top of an account of its own and base/sandbox.h.
 */
#include <glib.h>

#define BASE_LANDLOCK_ERROR (base_landlock_error_quark())
GQuark base_landlock_error_quark(void);

enum base_landlock_use {
	BASE_LANDLOCK_READ,
	BASE_LANDLOCK_WRITE, /* read, write, make and remove files */
};

struct base_landlock_path {
	const char *
		path; /* a file, or a folder with all below it; one that is not there is left out */
	enum base_landlock_use use;
};

enum base_landlock {
	BASE_LANDLOCK_ENTERED,
	BASE_LANDLOCK_ABSENT, /* this kernel has none: nothing was changed */
	BASE_LANDLOCK_FAILED, /* the caller must not go on; `error` is set */
};

/* Of the kernel's Landlock; below 1 it has none. */
long base_landlock_version(void);

/* Also sets PR_SET_NO_NEW_PRIVS, without which the kernel refuses. */
enum base_landlock base_landlock_enter(
	const struct base_landlock_path *paths, size_t n_paths, GError **error);
