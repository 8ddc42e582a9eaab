#pragma once
/* An answer over libmicrohttpd whose body is all there. On its workers. */
#include <glib.h>
#include <microhttpd.h>

/* Queues `body` (taken). `headers`: name, value, ..., NULL. */
enum MHD_Result map_respond(struct MHD_Connection *connection, unsigned status, GString *body,
	const char *const *headers);
