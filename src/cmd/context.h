#pragma once
/* What every subcommand works with: options, the map, and a way to report failure.
 *
 * The map is reached on first use. Errors are one line "drover: what: why" and, where there is one,
 * a line with the way out; context_fail() prints them and picks the exit code.
 */
#include "base/conf.h"
#include "plan/clearance.h"
#include "world/world.h"

#include <stdio.h>

struct context {
	/* options, as given */
	char *config;
	char *to;            /* --to, comma separated host names */
	char *name;          /* --name */
	char *output;        /* -o */
	char *connect;       /* -c */
	char *snapshot;      /* --snapshot: a world file instead of the map */
	char *server_config; /* --server-config */
	char *risk;
	char *reason;  /* --reason */
	char **assume; /* --assume, in order */
	char **allow;
	char **address;
	gboolean json;
	gboolean quiet;
	gboolean dry_run;
	gboolean status;
	gboolean abort;
	gboolean wait; /* orders: as without it, for scripts that say so */
	gboolean no_wait;
	gboolean explain;
	gboolean down;
	gboolean confirmed; /* --confirm-powered-off */
	gboolean xml;
	gboolean dot;
	gboolean all;
	gboolean notify;
	int depth;
	int timeout_s; /* 0: not given */
	char *links;
	char *filter;

	/* reached on first use */
	struct ifmap_client *client;
	struct world *world;
	gboolean colour; /* standard output wants colour */
	gboolean terminal;
};

/* Keys of drover.conf. */
extern const struct base_conf_option CONTEXT_OPTIONS[];

/* The client, its session not opened yet; NULL after having said why not (*ret_exit is the exit
 * code). */
struct ifmap_client *context_client(struct context *context, int *ret_exit);
/* A bare connection to the server, for what is not IF-MAP; the caller's. NULL as above. */
struct ifmap_transport *context_transport(struct context *context, int *ret_exit);
/* The world as the map (or --snapshot) has it now; NULL as above. Owned by the
 * context. */
struct world *context_world(struct context *context, int *ret_exit);
/* Forgets the world, so that the next context_world() asks again. */
void context_forget_world(struct context *context);
/* Publishes and waits; TRUE, or FALSE after having said why not. Takes `publish`. */
gboolean context_publish(struct context *context, struct ifmap_publish *publish, int *ret_exit);

/* "drover: what: error", an exit code that fits the error. Frees the error. */
int context_fail(const char *what, GError *error);
int context_say(int code, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* How long to wait for an answer of the map. */
unsigned context_answer_ms(const struct context *context);
/* Milliseconds since 1970. */
guint64 context_now_ms(void);
/* The time at which to look at the world: now, or of a snapshot the time when it was taken. */
guint64 context_world_ms(const struct context *context);
/* Who asks: the login name. */
const char *context_who(void);
void context_clear(struct context *context);
