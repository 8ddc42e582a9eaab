/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One subscription as the client keeps it over sessions.
 *
 *   WAITING --(subscribe job reached: engine)--> DUE --(request written)--> ASKED --(answer)-->
 * STANDING DUE <--(lost, error in a poll, new session)-- ASKED, STANDING REFUSED <--(the server
 * refused the request)-- ASKED;  REFUSED --(new session)--> DUE
 *
 * Every time it is asked for it travels under a new wire name, so that results of an earlier
 * incarnation, still on their way, cannot be taken for the new one's. Shared by two threads:
 * references are atomic, the rest is guarded by the engine's lock, except `on_result`, `data` and
 * `wanted_by_caller`, which belong to the client's own thread.
 */
#include "ifmap/backoff.h"

#include <drover/ifmap.h>

#define IFMAP_SUB_NAME_MAX 20U /* characters some servers allow (ifmap.md 2.8) */

enum ifmap_sub_state {
	IFMAP_SUB_WAITING,
	IFMAP_SUB_DUE,
	IFMAP_SUB_ASKED,
	IFMAP_SUB_STANDING,
	IFMAP_SUB_REFUSED,
};

struct ifmap_sub {
	gint refs;
	char *name;
	char wire_name[IFMAP_SUB_NAME_MAX + 1];
	struct ifmap_search search; /* owns what it points to */
	enum ifmap_sub_state state;
	gint64 due_us;      /* monotonic; when to ask, in state DUE */
	gint64 standing_us; /* monotonic; since when, in state STANDING */
	struct ifmap_backoff backoff;
	ifmap_client_result_fn on_result;
	gpointer data;
	gboolean wanted_by_caller;
};

struct ifmap_sub *ifmap_sub_new(const char *name, const struct ifmap_search *search,
	ifmap_client_result_fn on_result, gpointer data);
struct ifmap_sub *ifmap_sub_ref(struct ifmap_sub *sub);
void ifmap_sub_unref(struct ifmap_sub *sub);

/* Gives it the wire name "NUMBER.NAME", cut to what servers allow. */
void ifmap_sub_set_wire_name(struct ifmap_sub *sub, unsigned number);
/* The server gave it up: due again after a back-off. */
void ifmap_sub_fail(struct ifmap_sub *sub, gint64 now_us);

/* Copies a search, and frees what such a copy owns. */
void ifmap_search_copy(struct ifmap_search *to, const struct ifmap_search *from);
void ifmap_search_clear(struct ifmap_search *search);
