/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One thing a client is to ask of its server, waiting its turn.
 *
 * Made by the client's thread, carried out by the SSRC's, finished once. A job is shared by whoever
 * waits for it and the queue (atomic references); what is written when it finishes is guarded by
 * the engine's lock.
 */
#include "ifmap/ledger.h"
#include "ifmap/sub.h"

enum ifmap_job_type {
	IFMAP_JOB_PUBLISH,
	IFMAP_JOB_FLUSH, /* the changes of the ledger up to `limit` */
	IFMAP_JOB_SUBSCRIBE,
	IFMAP_JOB_UNSUBSCRIBE,
	IFMAP_JOB_SEARCH,
	IFMAP_JOB_PURGE,
};

struct ifmap_job {
	gint refs;
	enum ifmap_job_type type;
	struct ifmap_publish *publish; /* PUBLISH */
	guint64 limit;                 /* FLUSH */
	GPtrArray *kept;               /* FLUSH, once taken from the ledger: struct ifmap_kept * */
	struct ifmap_sub *sub;         /* SUBSCRIBE, UNSUBSCRIBE */
	struct ifmap_search search;    /* SEARCH; owns what it points to */
	char *publisher_id;            /* PURGE */
	ifmap_client_done_fn done;     /* may be NULL */
	gpointer data;

	gboolean finished;
	GError *error;
	struct ifmap_result *result; /* SEARCH */
};

struct ifmap_job *ifmap_job_new(enum ifmap_job_type type);
struct ifmap_job *ifmap_job_ref(struct ifmap_job *job);
void ifmap_job_unref(struct ifmap_job *job);
