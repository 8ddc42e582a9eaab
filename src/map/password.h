#pragma once
/* Passwords as they are kept: one line per client, "NAME:HASH", the hash as crypt(5) writes it.
 *
 * The hash is yescrypt, which costs an attacker memory (16 MiB a guess) as much as time. Empty
 * lines and lines that start with '#' are skipped. Threads: any.
 */
#include <glib.h>

#define MAP_PASSWORD_ERROR (map_password_error_quark())
GQuark map_password_error_quark(void);

/* How hard a new hash is, 1 to 11; each step doubles it. 5 takes about 25 ms. */
#define MAP_PASSWORD_COST 5

/* A line for the file. */
char *map_password_line(const char *name, const char *password, unsigned cost, GError **error);
/* name -> hash (char *, both owned by the table). Errors name file and line. */
GHashTable *map_password_load(const char *file, GError **error);
/* Slow on purpose; the result is compared in constant time. `hash` NULL: takes as long and is
 * FALSE, so that time does not tell which names there are. */
gboolean map_password_matches(const char *hash, const char *password);

gboolean map_equal_in_constant_time(gconstpointer a, gconstpointer b, size_t size);
