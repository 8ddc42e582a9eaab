#pragma once
/* The kernel's links, watched through rtnetlink: which exist, which carry, how large their frames
 * may be.
 *
 * Needs no privilege. Events make it read the whole table again (hundreds of links cost well under
 * a millisecond), so that a lost event is healed by the next one. Runs on the thread-default
 * GMainContext.
 */
#include <glib.h>

struct netwatch;

struct netwatch_link {
	char name[16];
	unsigned index;
	gboolean up; /* administratively up and with carrier */
	unsigned mtu;
};

typedef void (*netwatch_fn)(gpointer data);

/* `changed` is called after every difference, and once soon after the start. */
struct netwatch *netwatch_new(netwatch_fn changed, gpointer data, GError **error);
void netwatch_free(struct netwatch *watch);
/* NULL: no such link. Borrowed until the next turn of the main loop. */
const struct netwatch_link *netwatch_find(const struct netwatch *watch, const char *name);
