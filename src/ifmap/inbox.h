/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Calls that other threads want made in one GMainContext, in the order they were posted.
 *
 * Belongs to the thread that made it: its thread-default context runs the calls. Any thread may
 * post. After _close nothing is run any more, not even when _close comes from inside one of the
 * calls; what was waiting is dropped.
 */
#include <glib.h>

struct ifmap_inbox;

/* Runs `data` in the owner's context. */
typedef void (*ifmap_inbox_fn)(gpointer owner, gpointer data);

struct ifmap_inbox *ifmap_inbox_new(gpointer owner);
/* Drops what waits and lets go of the inbox; NULL is accepted. Owner's thread only. */
void ifmap_inbox_close(struct ifmap_inbox *inbox);

/* `data` is freed with `free_data` (may be NULL) once run or dropped. */
void ifmap_inbox_post(
	struct ifmap_inbox *inbox, ifmap_inbox_fn fn, gpointer data, GDestroyNotify free_data);
