#pragma once
/* Watches for changes to our tables by somebody else, on the kernel's own notifications
 * (NFNLGRP_NFTABLES).
 *
 * Each bears the port of the socket that it comes from, so ours are passed over unread. Every
 * transaction ends with a message that names the process.
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

/* A foreign transaction is so large that reading it all takes a while: called before that, once in
 * the transaction. */
typedef void (*enforce_alarm_func)(gint64 since_us, gpointer data);

struct enforce_watch *enforce_watch_open(
	enforce_watch_func changed, enforce_alarm_func alarmed, gpointer data, GError **error);
void enforce_watch_close(struct enforce_watch *watch);

/* The port of our own changes. */
void enforce_watch_ignore(struct enforce_watch *watch, guint32 port);

int enforce_watch_fd(const struct enforce_watch *watch);

/* Call when the descriptor is readable. May call `changed`, several times. */
void enforce_watch_read(struct enforce_watch *watch);
