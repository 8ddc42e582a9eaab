#pragma once
/* The kernel's log of refused packets (NFLOG), one group. */
#include "host/enforce_packet.h"

struct enforce_log;

/* `prefix` is what the log rule wrote. */
typedef void (*enforce_log_func)(
	const char *prefix, const struct enforce_packet *packet, gpointer data);

/* Binds the first free group of a few that are ours by habit. NULL when none is. */
struct enforce_log *enforce_log_open(enforce_log_func seen, gpointer data, GError **error);
void enforce_log_close(struct enforce_log *log);

guint16 enforce_log_group(const struct enforce_log *log);
int enforce_log_fd(const struct enforce_log *log);

/* Call when the descriptor is readable. */
void enforce_log_read(struct enforce_log *log);
