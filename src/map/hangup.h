#pragma once
/* Watching parked connections for their peer to hang up, which libmicrohttpd does not do while they
 * are suspended.
 *
 * One epoll of its own and one thread. A connection is watched under its number, never under a
 * pointer, so that a report that comes late means nothing. Any thread may add and remove.
 */
#include <glib.h>

struct map_hangup;

/* On the watching thread; the connection is not watched any more. */
typedef void (*map_hangup_fn)(guint64 connection, gpointer data);

struct map_hangup *map_hangup_new(map_hangup_fn on_hangup, gpointer data, GError **error);
void map_hangup_free(struct map_hangup *hangup);

void map_hangup_add(struct map_hangup *hangup, int fd, guint64 connection);
/* Before the descriptor can be closed. */
void map_hangup_remove(struct map_hangup *hangup, int fd);
