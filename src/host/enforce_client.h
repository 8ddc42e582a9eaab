#pragma once
/* The client side of `drover-enforcer`, the privileged process that alone touches nftables, NFLOG
 * and conntrack.
 *
 * Asynchronous: each request takes a callback, called exactly once from the GMainContext given at
 * creation: with the reply, or with an error when the enforcer is gone. Nothing here blocks.
 * Replies come in the order of the requests. What a callback receives is borrowed and dies when it
 * returns. One thread: the one that runs the context. Links no netfilter library.
 *
 * When the enforcer dies the kernel keeps the rules; `events->closed` is called once, pending
 * requests fail, and the owner makes a new client. The enforcer remembers its machines across a
 * restart: ask `list` and compare digests.
 */
#include "host/rules.h"

#define ENFORCE_ERROR enforce_error_quark()

enum enforce_error {
	ENFORCE_ERROR_CLOSED,   /* the enforcer is gone */
	ENFORCE_ERROR_PROTOCOL, /* it sent what this client does not understand */
	ENFORCE_ERROR_REFUSED,  /* it answered no: the message says why */
};

enum enforce_state {
	ENFORCE_CONFORMS, /* the kernel's rules, read back, equal the intent */
	ENFORCE_DIFFERS,  /* they do not: see difference */
	ENFORCE_CUT,      /* quarantined, and the kernel says so too */
	ENFORCE_ABSENT,   /* the enforcer knows no such machine */
};

/* What is true of one machine. On ENFORCE_CONFORMS kernel_digest equals intent_digest. */
struct enforce_verdict {
	const char *uuid;
	enum enforce_state state;
	const char *intent_digest; /* rules_machine_digest() of what was asked; "" when absent */
	const char *kernel_digest; /* of what is there */
	const char *difference;    /* in words; "" when there is none */
};

/* Packets a tap's rule has met since the machine's rules were last loaded. `rule` is a flow id, or
 * the name of a refusal (see struct enforce_refused). */
struct enforce_counter {
	const char *uuid;
	const char *tap;
	enum rules_direction direction;
	const char *rule;
	guint64 packets;
	guint64 bytes;
};

/* The connections of one machine. */
struct enforce_dump {
	const char *uuid;
	char *entries; /* JSON text */
	guint n;       /* of them */
};

/* Only the fields of the request that was made are set; the rest are NULL or 0. */
struct enforce_reply {
	GArray *verdicts;    /* struct enforce_verdict: set, cut, list, verify */
	GArray *counters;    /* struct enforce_counter: counters */
	GArray *dumps;       /* struct enforce_dump: conntrack_dump */
	guint n;             /* entries loaded or flushed; machines removed */
	guint n_failed;      /* conntrack_load: entries the kernel did not take (reason in note) */
	const char *note;    /* something a person should know, or NULL */
	const char *backend; /* hello: "bridge-ct" or "br-netfilter" */
	double took_ms;      /* in the enforcer, reading back included */
};

/* Packets that were refused. Rules of refusal: "default-deny", "spoof-mac", "spoof-ip",
 * "undeclared-ipv6", "foreign-ethertype", "invalid" (belongs to no connection), "no-state"
 * (conntrack did not see it), "cut". Counts are of the packets the kernel reported, which is rate
 * limited; the exact numbers are in enforce_client_counters(). */
struct enforce_refused {
	const char *uuid;
	const char *tap;
	enum rules_direction direction; /* of the packet, seen from the machine */
	const char *rule;
	const char *peer;     /* the far end's address, or its MAC when the packet is not IP */
	const char *local;    /* the address (or MAC) at the machine's end, as the packet has it */
	const char *protocol; /* "tcp", "udp", "icmp", "icmpv6", "arp", "ip-47", "ether-88cc" */
	guint16 port;         /* destination port, ICMP type, ARP operation */
	guint count;          /* packets like this one since the last report */
};

/* Somebody else changed our rules, and they were put back. `machines` lists the uuids concerned,
 * NULL-terminated; empty means all. open_ms is from the notification to the repairing commit. */
struct enforce_tampered {
	const char *by;         /* "nft (pid 312)" as the kernel names it */
	const char *difference; /* in words */
	const char *const *machines;
	double open_ms;
};

/* After the repair: read back and compared. */
struct enforce_repaired {
	gboolean conforms;
	const char *difference; /* "" when it conforms */
	double open_ms;
	double verified_ms; /* from the notification to the end of reading back */
};

/* Any may be NULL. */
struct enforce_events {
	void (*refused)(const struct enforce_refused *refused, gpointer data);
	void (*tampered)(const struct enforce_tampered *tampered, gpointer data);
	void (*repaired)(const struct enforce_repaired *repaired, gpointer data);
	void (*closed)(const GError *error, gpointer data);
};

struct enforce_client;

/* `reply` is NULL exactly when `error` is not. */
typedef void (*enforce_reply_func)(
	const struct enforce_reply *reply, const GError *error, gpointer data);

GQuark enforce_error_quark(void);

/* A client on a connected stream socket, which it owns from now on. `events` is copied; `data` goes
 * to its functions. `context` NULL: the default one. */
struct enforce_client *enforce_client_new(
	int fd, GMainContext *context, const struct enforce_events *events, gpointer data);

/* The same on the enforcer's socket, "/run/drover/enforcer.sock". NULL with a GIO error when nobody
 * listens. */
struct enforce_client *enforce_client_open(const char *path, GMainContext *context,
	const struct enforce_events *events, gpointer data, GError **error);

/* Pending callbacks are not called any more. NULL is fine. Not from within a callback. */
void enforce_client_free(struct enforce_client *client);

/* Puts the machines' rules in place, all in one kernel transaction, reads them back and says what
 * is there. Machines already known are replaced (a cut is lifted), others stay. Established flows
 * that the new rules do not permit are ended. A machine whose rules the kernel refuses is cut and
 * the reply says so. `machines`: struct rules_machine. */
void enforce_client_set(
	struct enforce_client *client, GPtrArray *machines, enforce_reply_func done, gpointer data);

/* Takes every rule of the machine away: its taps are then as unprotected as a foreign one. */
void enforce_client_remove(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data);

/* What the enforcer was last asked for, without looking at the kernel. */
void enforce_client_list(struct enforce_client *client, enforce_reply_func done, gpointer data);

/* Reads the kernel's rules back and compares. `uuid` NULL: of all machines. */
void enforce_client_verify(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data);

/* Quarantine: nothing to and from the machine from now on, established flows included, until it is
 * set again. */
void enforce_client_cut(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data);

/* The connections of each of the machines (its addresses, its zones) as JSON text for
 * enforce_client_conntrack_load() on another host; a machine must be set on both, there with any
 * zones. One pass over the kernel's table serves all of them. The reply has a row for each machine
 * that is set here, and at most 65536 entries in all. `uuids`: NULL-terminated. */
void enforce_client_conntrack_dump(struct enforce_client *client, const char *const *uuids,
	enforce_reply_func done, gpointer data);

/* Loads those entries that the machine's rules permit; the others are counted in n_failed. */
void enforce_client_conntrack_load(struct enforce_client *client, const char *uuid,
	const char *entries, enforce_reply_func done, gpointer data);

/* Forgets the machine's connections. */
void enforce_client_conntrack_flush(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data);

/* Exact packet counts, of one machine or (NULL) of all. */
void enforce_client_counters(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data);

/* Which back end is in use: reply->backend. */
void enforce_client_hello(struct enforce_client *client, enforce_reply_func done, gpointer data);

typedef struct enforce_client enforce_client;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(enforce_client, enforce_client_free)
