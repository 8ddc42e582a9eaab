/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/inbox.h"

#define CALLS_PER_TURN 256U

struct call {
	ifmap_inbox_fn fn;
	gpointer data;
	GDestroyNotify free_data;
};

/* Shared by the owner and its source, which may be in the middle of a call when the owner closes.
 */
struct ifmap_inbox {
	gint refs;
	gpointer owner;
	GMainContext *context;
	GMutex lock; /* guards the rest */
	GQueue calls;
	GSource *source; /* attached while calls wait, else NULL */
	gboolean closed;
};

static void call_free(struct call *call)
{
	if (call->free_data)
		call->free_data(call->data);
	g_free(call);
}

static void inbox_unref(gpointer data)
{
	struct ifmap_inbox *inbox = data;

	if (!g_atomic_int_dec_and_test(&inbox->refs))
		return;
	g_queue_clear_full(&inbox->calls, (GDestroyNotify)call_free);
	g_main_context_unref(inbox->context);
	g_mutex_clear(&inbox->lock);
	g_free(inbox);
}

struct ifmap_inbox *ifmap_inbox_new(gpointer owner)
{
	struct ifmap_inbox *inbox = g_new0(struct ifmap_inbox, 1);

	inbox->refs = 1;
	inbox->owner = owner;
	inbox->context = g_main_context_ref_thread_default();
	g_mutex_init(&inbox->lock);
	g_queue_init(&inbox->calls);
	return inbox;
}

static struct call *pop(struct ifmap_inbox *inbox)
{
	struct call *call;

	g_mutex_lock(&inbox->lock);
	call = g_queue_pop_head(&inbox->calls);
	if (!call && inbox->source) {
		g_source_unref(inbox->source);
		inbox->source = NULL;
	}
	g_mutex_unlock(&inbox->lock);
	return call;
}

/* `closed` is only ever set by the thread that runs this. A flood leaves other sources their turn.
 */
static gboolean on_ready(gpointer data)
{
	struct ifmap_inbox *inbox = data;

	for (unsigned n = 0; n < CALLS_PER_TURN; n++) {
		struct call *call = inbox->closed ? NULL : pop(inbox);

		if (!call)
			return G_SOURCE_REMOVE;
		call->fn(inbox->owner, call->data);
		call_free(call);
	}
	return G_SOURCE_CONTINUE;
}

static void attach(struct ifmap_inbox *inbox)
{
	g_atomic_int_inc(&inbox->refs);
	inbox->source = g_idle_source_new();
	g_source_set_priority(inbox->source, G_PRIORITY_DEFAULT);
	g_source_set_can_recurse(inbox->source, TRUE);
	g_source_set_static_name(inbox->source, "ifmap-inbox");
	g_source_set_callback(inbox->source, on_ready, inbox, inbox_unref);
	g_source_attach(inbox->source, inbox->context);
}

void ifmap_inbox_post(
	struct ifmap_inbox *inbox, ifmap_inbox_fn fn, gpointer data, GDestroyNotify free_data)
{
	struct call *call = g_new0(struct call, 1);

	*call = (struct call){ .fn = fn, .data = data, .free_data = free_data };
	g_mutex_lock(&inbox->lock);
	g_queue_push_tail(&inbox->calls, call);
	if (!inbox->source && !inbox->closed)
		attach(inbox);
	g_mutex_unlock(&inbox->lock);
}

void ifmap_inbox_close(struct ifmap_inbox *inbox)
{
	GSource *source;

	if (!inbox)
		return;
	g_mutex_lock(&inbox->lock);
	inbox->closed = TRUE;
	source = g_steal_pointer(&inbox->source);
	g_mutex_unlock(&inbox->lock);
	if (source) {
		g_source_destroy(source);
		g_source_unref(source);
	}
	inbox_unref(inbox);
}
