#pragma once
/* Configuration: a table of options, one key file and its conf.d, read whole and checked before
 * anything is used.
 *
 * A program describes its options once, as rows; reading, defaults, checks, `--check-config` and
 * the man page's option list come from the rows. A key that no row knows is an error, so that a
 * slip of the pen does not silently mean the default. Values live in a struct of the program's own;
 * strings are owned by it until base_conf_clear().
 */
#include <glib.h>

#define BASE_CONF_ERROR (base_conf_error_quark())
GQuark base_conf_error_quark(void);

enum base_conf_error {
	BASE_CONF_ERROR_READ,    /* the file is no key file; one that cannot be opened keeps its
				    G_FILE_ERROR */
	BASE_CONF_ERROR_UNKNOWN, /* a section or key that no row knows */
	BASE_CONF_ERROR_VALUE,   /* a value that is not of the row's type, or a required one is
				    missing */
};

enum base_conf_type {
	BASE_CONF_STRING,  /* char * */
	BASE_CONF_NUMBER,  /* guint64, decimal, from min to max */
	BASE_CONF_SIZE,    /* size_t, likewise */
	BASE_CONF_COUNT,   /* unsigned, likewise */
	BASE_CONF_BOOLEAN, /* gboolean: yes/no, true/false */
	BASE_CONF_CHOICE,  /* unsigned: which of `choices` */
	BASE_CONF_TABLE,   /* GHashTable * of char * to char *: every key of the section; `key` is
			      NULL */
	BASE_CONF_GROUP,   /* GHashTable * of char * to a struct: sections "SECTION NAME", each read
			      by `members` into a struct of member_size bytes; `key` is NULL */
};

struct base_conf_option {
	const char *section;
	const char *key;
	enum base_conf_type type;
	size_t offset;
	const char *fallback; /* as it would stand in the file; NULL: required (tables and booleans:
				 empty, no) */
	const char *what;     /* one line for people */
	guint64 min, max;     /* of numbers; max 0: what the type holds */
	const char *const *choices;             /* ends with NULL */
	const struct base_conf_option *members; /* their `section` says only that there is a row */
	size_t member_size;
};

/* Reads `path` and then, in order of name, every `*.conf` in the folder `PATH` with its ending
 * replaced by ".conf.d" (hostd.conf -> hostd.conf.d); later values win. `options` ends with a NULL
 * section; *ret is a zeroed struct. */
gboolean base_conf_read(
	const char *path, const struct base_conf_option *options, void *ret, GError **error);
void base_conf_clear(const struct base_conf_option *options, void *conf);

/* The options as a commented example file. */
void base_conf_write_example(GString *out, const struct base_conf_option *options);
