#pragma once
/* What the files of the server share: enforce_serve.c starts it and has the clients,
 * enforce_requests.c answers them, enforce_mend.c repairs what others change.
 */
#include "host/enforce_engine.h"
#include "host/enforce_log.h"
#include "host/enforce_report.h"
#include "host/enforce_serve.h"
#include "host/enforce_watch.h"

struct enforce_server {
	struct enforce_kernel *kernel;
	const struct enforce_backend *backend;
	struct enforce_engine *engine;
	struct enforce_log *log;
	struct enforce_watch *watch;
	struct enforce_report *report;
	GPtrArray *clients; /* struct client */
	guint log_source;
	guint watch_source;
	guint tick;
	guint retry;    /* of a repair */
	gint64 shut_us; /* how long it took to close what somebody opened; 0: not closed */
	void (*idle)(gpointer data);
	gpointer idle_data;
};

double enforce_server_ms_since(gint64 since_us);

/* Tells all clients; takes the event. */
void enforce_server_broadcast(struct enforce_server *server, json_t *event);

/* Ends the connections of the machines (struct rules_machine) that their rules do not permit. A cut
 * machine keeps none. */
gboolean enforce_server_prune(struct enforce_server *server, GPtrArray *machines, GError **error);

/* Fills the reply to a request; FALSE with an error refuses it. */
gboolean enforce_requests_run(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error);

/* For enforce_watch_open(): puts back what somebody changed, tells, and goes on trying. */
void enforce_mend(const char *by, const char *what, const char *const *objects, gint64 since_us,
	gpointer data);
/* For the same: closes what may be open before the rest of what happened is read. */
void enforce_mend_alarm(gint64 since_us, gpointer data);
/* Packets that came through while the rules were away may have begun connections, which the rules
 * that are back would let go on. `machines` NULL: of all. */
void enforce_mend_connections(struct enforce_server *server, GPtrArray *machines);
