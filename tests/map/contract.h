#pragma once
/* What docs/openapi.json (named by DROVER_OPENAPI) promises, held against what a server answers:
 * method, status, media type, and the body by its schema. What was met is noted. Any thread; a
 * promise that is broken is a GLib test failure. */
#include <jansson.h>

/* One exchange. `path` with its query, `sent` NULL without a body. */
struct contract_exchange {
	const char *method;
	const char *path;
	long status;
	const char *type; /* media type */
	const char *sent;
	const char *body;
};
void contract_check(const struct contract_exchange *exchange);
/* All that has come of a stream. */
void contract_check_events(const char *text);
/* Fails for every answer that is described and was not met, but those of `excused` ("STATUS" or
 * "METHOD PATH STATUS", NULL-terminated). */
void contract_check_met(const char *const *excused);
