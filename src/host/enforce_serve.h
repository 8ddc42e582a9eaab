#pragma once
/* The enforcer at work: one engine, the kernel's notifications, and clients on sockets, all on the
 * default main context.
 */
#include "host/enforce_engine.h"

struct enforce_server;

/* Chooses the back end, opens the kernel's sockets, reads the state file (NULL: none), and puts
 * everything in place. NULL with a sentence when the kernel offers no back end or the state cannot
 * be read or loaded: rules that stand in the kernel are then left as they are. */
struct enforce_server *enforce_server_new(const char *state_path, GError **error);
void enforce_server_free(struct enforce_server *server);

/* Serves a connected stream socket, owned from now on. FALSE when there are too many clients. */
gboolean enforce_server_add_client(struct enforce_server *server, int fd);

/* Called when the last client has gone; NULL: nothing. */
void enforce_server_on_idle(struct enforce_server *server, void (*idle)(gpointer), gpointer data);

const char *enforce_server_backend(const struct enforce_server *server);
guint enforce_server_n_machines(const struct enforce_server *server);
