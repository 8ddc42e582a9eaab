#pragma once
/* Watches for changes to our tables by somebody else, on the kernel's own notifications
 * (NFNLGRP_NFTABLES).
 *
 * Every transaction ends with a message that names the process; ours is recognised by the kernel's
 * number for us, which enforce_watch_learn() takes from a transaction of our own (in a process
 * namespace getpid() is another number).
 */
#include <glib.h>

struct enforce_watch;

/* Somebody changed our tables. `by`: "nft (pid 312)", or NULL when messages were lost (a
 * transaction of our own may be larger than the kernel keeps for us) so that nothing or anything
 * may have happened: look before repairing; `what`: in words; `objects`: names of the chains
 * and sets concerned, of elements "SET KEY", NULL-terminated, or NULL when everything may be (a
 * table gone, messages lost). `since_us`: monotonic time at which the first message was read. */
typedef void (*enforce_watch_func)(const char *by, const char *what, const char *const *objects,
	gint64 since_us, gpointer data);

struct enforce_watch *enforce_watch_open(enforce_watch_func changed, gpointer data, GError **error);
void enforce_watch_close(struct enforce_watch *watch);

/* Call right after a transaction of our own: reads what is there and takes its process for us.
 * FALSE when there was none. */
gboolean enforce_watch_learn(struct enforce_watch *watch);

int enforce_watch_fd(const struct enforce_watch *watch);

/* Call when the descriptor is readable. May call `changed`, several times. */
void enforce_watch_read(struct enforce_watch *watch);
