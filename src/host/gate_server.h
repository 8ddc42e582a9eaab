#pragma once
/* The socket that libvirt's hook asks at.
 *
 * One connection a question. The hook sends "GATE/1 OPERATION NAME\n", the domain XML, and closes
 * its sending side; the answer is "allow\nOUTPUT" or "refuse CODE\nTEXT". A question is bounded in
 * size and time; whatever breaks these bounds is closed without an answer, which the hook takes as
 * a refusal for machines that a vApp claims. Runs on the thread-default GMainContext.
 */
#include <gio/gio.h>

#define GATE_QUESTION_MAX (4UL * 1024 * 1024)

struct gate_server;
struct gate_ticket;

/* Must lead to exactly one gate_ticket_answer(), now or later. */
typedef void (*gate_ask_fn)(
	const char *operation, const char *xml, struct gate_ticket *ticket, gpointer data);

struct gate_server *gate_server_new(
	const char *path, gate_ask_fn ask, gpointer data, GError **error);
/* Questions that are still being read are hung up on; tickets that were given out may be answered
 * later all the same. */
void gate_server_free(struct gate_server *server);
/* How long a question may take from the first to the last byte; 5 s unless said otherwise. */
void gate_server_set_timeout(struct gate_server *server, unsigned timeout_ms);

/* Answers and releases the ticket. code NULL: allowed; `text` then is what the hook shall print
 * (for "migrate": the domain XML that libvirt takes instead of its own), NULL or empty: nothing. */
void gate_ticket_answer(struct gate_ticket *ticket, const char *code, const char *text);
