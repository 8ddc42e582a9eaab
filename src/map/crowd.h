#pragma once
/* How many connections each client has, so that one cannot take the places of all. Any thread. */
#include <glib.h>

struct map_crowd;

struct map_crowd *map_crowd_new(unsigned most);
/* Accepts NULL. */
void map_crowd_free(struct map_crowd *crowd);

/* One more of the client's; FALSE: it has as many as it may. */
gboolean map_crowd_enter(struct map_crowd *crowd, const char *client);
/* After enter said yes. */
void map_crowd_leave(struct map_crowd *crowd, const char *client);
