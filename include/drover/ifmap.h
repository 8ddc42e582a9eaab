/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* libdrover-ifmap: IF-MAP 2.2 for C. drover-ifmap(3) has the tour, examples/ three programs.
 *
 * Three layers, usable apart:
 *   values   identifiers, metadata, publish requests, search results: no I/O;
 *   client   one session with one MAP server, kept alive: connections, renewal, re-publish,
 *            re-subscribe;
 *   mirror   the graph that a subscription sees, kept by applying its results.
 *
 * Ownership: what `_new`, `_ref`, `_from_string`, `_to_string` and `_sync` return is the caller's,
 * to be given back with `_unref`, `_free` or g_free(); `_unref` and `_free` accept NULL. Arguments
 * are borrowed for the call (kept ones are copied or referenced), but for a `struct ifmap_publish
 * *` given to a client, which is taken. A pointer that a getter returns, or a callback gets, is
 * borrowed: the first lives as long as the object it came from, the second until the callback
 * returns (take an `_ref` to keep it).
 *
 * Units: sizes are bytes, `timeout_ms` and the like milliseconds, timestamps microseconds since
 * 1970 UTC, depths links. Text is UTF-8 and NUL-terminated; a `gssize size` of -1 means up to the
 * NUL. gboolean TRUE is success.
 *
 * Errors: domain IFMAP_ERROR, with a sentence a person can act on. A function with a GError **
 * (which may be NULL) has failed exactly if it returns NULL or FALSE, and then wrote nothing else.
 * What only a bug of the caller can bring about (NULL where a thing is needed) is not checked.
 *
 * Threads: identifiers and metadata are immutable and counted atomically: any thread, at once.
 * Other values, and mirrors, belong to one thread at a time. A client belongs to the thread in
 * whose thread-default GMainContext it was made; every call on it is made there, every callback
 * runs there, none from inside a call of yours. Its network runs in two threads of its own, which
 * never call you.
 *
 * Signals: those threads take none of the program's, and the library changes no disposition. A
 * server that goes away raises no SIGPIPE.
 */
#include <glib.h>

G_BEGIN_DECLS

#define IFMAP_NS      "http://www.trustedcomputinggroup.org/2010/IFMAP/2"
#define IFMAP_NS_META "http://www.trustedcomputinggroup.org/2010/IFMAP-METADATA/2"

#define IFMAP_ERROR (ifmap_error_quark())
GQuark ifmap_error_quark(void);

enum ifmap_error {
	/* Codes of the protocol: the server has read the request and refuses it. Sending it again
	 * unchanged gives the same answer, but for SYSTEM_ERROR. */
	IFMAP_ERROR_ACCESS_DENIED,
	IFMAP_ERROR_FAILURE,
	IFMAP_ERROR_INVALID_IDENTIFIER,
	IFMAP_ERROR_INVALID_IDENTIFIER_TYPE,
	IFMAP_ERROR_IDENTIFIER_TOO_LONG,
	IFMAP_ERROR_INVALID_METADATA,
	IFMAP_ERROR_METADATA_TOO_LONG,
	IFMAP_ERROR_INVALID_SCHEMA_VERSION,
	IFMAP_ERROR_INVALID_SESSION_ID,
	IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG,
	IFMAP_ERROR_POLL_RESULTS_TOO_BIG,
	IFMAP_ERROR_SYSTEM_ERROR,
	/* Ours: there is no answer to the request. */
	IFMAP_ERROR_UNREACHABLE,  /* no connection, TLS handshake failed, time out */
	IFMAP_ERROR_UNAUTHORIZED, /* HTTP 401 or 403; a certificate, theirs or ours, is not trusted
				     or not usable */
	IFMAP_ERROR_PROTOCOL,     /* the peer answered something that is not IF-MAP */
};

/* The protocol's spelling, "InvalidSessionID" and so on; NULL for codes that are ours. Static. */
const char *ifmap_error_code_to_string(enum ifmap_error code);

/* ---- identifiers ---- */

enum ifmap_id_type {
	IFMAP_ID_ACCESS_REQUEST,
	IFMAP_ID_DEVICE,
	IFMAP_ID_IDENTITY,
	IFMAP_ID_IP_ADDRESS,
	IFMAP_ID_MAC_ADDRESS,
};

/* One identifier: immutable, reference counted (atomic). Equal identifiers have equal keys
 * (ifmap.md 2.5). */
struct ifmap_id;

/* Each constructor checks what IF-MAP demands of a canonical form and refuses anything else:
 * INVALID_IDENTIFIER, IDENTIFIER_TOO_LONG (over 16 KiB), INVALID_IDENTIFIER_TYPE for an identity
 * type that IF-MAP does not have. `domain` (administrative-domain) tells apart what bears the same
 * name in two places; NULL and "" are none. */
struct ifmap_id *ifmap_id_new_access_request(const char *name, const char *domain, GError **error);
struct ifmap_id *ifmap_id_new_device(const char *name, GError **error);
/* `type`: "aik-name", "distinguished-name", "dns-name", "email-address", "hip-hit",
 * "kerberos-principal", "username", "sip-uri", "tel-uri" or "other"; `other_type` is needed for
 * "other" (a vendor-qualified name, "36906:badge") and ignored else. */
struct ifmap_id *ifmap_id_new_identity(const char *type, const char *name, const char *domain,
	const char *other_type, GError **error);
/* `value` in any form inet_pton() reads; it is brought into canonical form (full IPv6). */
struct ifmap_id *ifmap_id_new_ip(const char *value, const char *domain, GError **error);
/* `value`: six hex octets with ':' in any case; lower-cased. */
struct ifmap_id *ifmap_id_new_mac(const char *value, const char *domain, GError **error);
/* An extended identifier: one empty element {ns}local with administrative-domain="" and
 * `attributes`, which is name, value, name, value, ..., NULL (sorted by the constructor). */
struct ifmap_id *ifmap_id_new_extended(
	const char *ns, const char *local, const char *const *attributes, GError **error);

struct ifmap_id *ifmap_id_ref(const struct ifmap_id *id);
void ifmap_id_unref(struct ifmap_id *id);
typedef struct ifmap_id ifmap_id;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_id, ifmap_id_unref)

enum ifmap_id_type ifmap_id_type(const struct ifmap_id *id);
/* The name or value in canonical form; for an extended identifier its canonical XML. */
const char *ifmap_id_value(const struct ifmap_id *id);
/* "" when none. */
const char *ifmap_id_domain(const struct ifmap_id *id);
/* Canonical key: two identifiers are equal exactly if their keys are. Printable but for 0x1f
 * separators; good for hash tables (g_str_hash). Not meant to be parsed or stored: later versions
 * may build it otherwise. */
const char *ifmap_id_key(const struct ifmap_id *id);
gboolean ifmap_id_equal(const struct ifmap_id *a, const struct ifmap_id *b);
/* Whether this is the extended identifier {ns}local; local NULL means any name in the namespace. */
gboolean ifmap_id_is_extended(const struct ifmap_id *id, const char *ns, const char *local);
/* Local name of an extended identifier's root element, or NULL if not extended. */
const char *ifmap_id_extended_name(const struct ifmap_id *id);
/* Attribute of an extended identifier's root element, or NULL when it has none of that name or is
 * not extended. */
const char *ifmap_id_attribute(const struct ifmap_id *id, const char *name);
/* A short form for people and logs ("device d20e...", "ip 10.80.0.11", "vapp name=shop"), newly
 * allocated. */
char *ifmap_id_to_string(const struct ifmap_id *id);
/* Reads a short form as a user types it: "device:NAME", "ip:ADDR", "mac:ADDR",
 * "identity:TYPE:NAME", "ar:NAME", "ext:NS#LOCAL,attr=value,..."; without administrative-domain.
 * Errors: those of the constructors, INVALID_IDENTIFIER for another form. */
struct ifmap_id *ifmap_id_from_string(const char *text, GError **error);

/* ---- metadata ---- */

/* Constant for a type of metadata; the server refuses one that contradicts what it knows. */
enum ifmap_cardinality {
	IFMAP_SINGLE_VALUE, /* one of the type on an identifier or link; another replaces it */
	IFMAP_MULTI_VALUE,  /* any number; each update adds one */
};

enum ifmap_lifetime {
	IFMAP_LIFETIME_SESSION, /* goes with the publisher's session */
	IFMAP_LIFETIME_FOREVER, /* until deleted, replaced or purged */
};

/* One metadata element: immutable, reference counted (atomic). */
struct ifmap_meta;

/* Reads one complete XML element that stands alone: in a namespace, with all declarations it needs
 * and the attribute `ifmap-cardinality`. It is kept as it is, white space and order included; a
 * DOCTYPE is refused. Errors: INVALID_METADATA, METADATA_TOO_LONG (over 1 MiB). */
struct ifmap_meta *ifmap_meta_new(const char *xml, gssize size, GError **error);
struct ifmap_meta *ifmap_meta_ref(const struct ifmap_meta *meta);
void ifmap_meta_unref(struct ifmap_meta *meta);
typedef struct ifmap_meta ifmap_meta;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_meta, ifmap_meta_unref)

const char *ifmap_meta_ns(const struct ifmap_meta *meta);
const char *ifmap_meta_name(const struct ifmap_meta *meta);
enum ifmap_cardinality ifmap_meta_cardinality(const struct ifmap_meta *meta);
/* Publisher-id of whoever published it; NULL before it went through a server. */
const char *ifmap_meta_publisher(const struct ifmap_meta *meta);
/* When the server took it, by the server's clock; 0 before it went through one. */
gint64 ifmap_meta_timestamp_us(const struct ifmap_meta *meta);
/* The element as self-contained XML, NUL-terminated; `ret_size` may be NULL. */
const char *ifmap_meta_xml(const struct ifmap_meta *meta, size_t *ret_size);
gboolean ifmap_meta_is(const struct ifmap_meta *meta, const char *ns, const char *name);
/* Text of the child element at `path` ("name" or "a/b" or "a/@b" or "@b"), or NULL. Local names
 * only; the first match wins at each step. */
const char *ifmap_meta_text(const struct ifmap_meta *meta, const char *path);

/* ---- publish requests ---- */

/* A list of operations that the server applies atomically, in order. Plain value, one owner. */
struct ifmap_publish;

struct ifmap_publish *ifmap_publish_new(void);
void ifmap_publish_free(struct ifmap_publish *publish);
typedef struct ifmap_publish ifmap_publish;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_publish, ifmap_publish_free)

/* `b` NULL: on identifier `a`; else on the link a-b, whose direction does not matter. */
void ifmap_publish_update(struct ifmap_publish *publish, const struct ifmap_id *a,
	const struct ifmap_id *b, enum ifmap_lifetime lifetime, const struct ifmap_meta *meta);
/* Told to whoever subscribes there now, never stored. */
void ifmap_publish_notify(struct ifmap_publish *publish, const struct ifmap_id *a,
	const struct ifmap_id *b, const struct ifmap_meta *meta);
/* `filter` NULL: everything there, whoever published it; else what matches it, for example
 * "meta:role[name='admin']" or "[@ifmap-publisher-id='me-1']". Prefixes of the filter: meta, and
 * those of the client's configuration. A filter that cannot be read is refused by the server. */
void ifmap_publish_delete(struct ifmap_publish *publish, const struct ifmap_id *a,
	const struct ifmap_id *b, const char *filter);
unsigned ifmap_publish_n_operations(const struct ifmap_publish *publish);

/* ---- search and results ---- */

/* A search or a subscription's parameters. Filters: NULL is absent, everything; "" is nothing. */
struct ifmap_search {
	const struct ifmap_id *start;
	unsigned max_depth;      /* links to follow; 0: the start alone */
	size_t max_size;         /* bytes of the answer's XML; 0: the server's default of 100,000 */
	const char *match_links; /* filter: follow links that carry such metadata, and of links
				    show only that */
	const char *result_filter;  /* filter: show only such metadata */
	const char *terminal_types; /* "ip-address,device": do not look behind these */
	/* Looking back, in microseconds since 1970; 0: not. Only drover-mapd can (its
	 * server-capability says urn:drover:map-history:1); others answer with the present. */
	gint64 at_us;    /* what the search would have found then */
	gint64 since_us; /* with max_depth 1: all metadata that stood on `start` and its links
			    since then; what is gone has the attributes drover-until
			    (microseconds), drover-ended-by, drover-why */
};

/* One identifier (b NULL) or link with the metadata reported for it. */
struct ifmap_item {
	struct ifmap_id *a;
	struct ifmap_id *b;
	GPtrArray *metas; /* struct ifmap_meta *, may be empty, never NULL */
};

enum ifmap_result_kind {
	IFMAP_RESULT_SEARCH, /* all there is */
	IFMAP_RESULT_UPDATE, /* came, or replaced the singleValue of its type */
	IFMAP_RESULT_DELETE, /* went, or is not reached any more */
	IFMAP_RESULT_NOTIFY, /* was told, is stored nowhere */
};

struct ifmap_result {
	enum ifmap_result_kind kind;
	char *name;       /* subscription, NULL for the answer to a search */
	GPtrArray *items; /* struct ifmap_item * */
};
void ifmap_result_free(struct ifmap_result *result);
typedef struct ifmap_result ifmap_result;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_result, ifmap_result_free)

/* ---- client ---- */

/* Where the server is and who we are: user and password, or certificate and key files, or both.
 * Strings are copied; files are read anew for each connection, so that certificates can be renewed
 * under a running client. */
struct ifmap_client_config {
	const char *url;       /* https://host:port/; TLS 1.2 or later, the host name is checked */
	const char *ca_file;   /* PEM; NULL: the system's store */
	const char *cert_file; /* PEM, a chain if there is one */
	const char *key_file;  /* PEM */
	const char *user;
	const char *password;
	const char *const *
		prefixes; /* prefix, namespace, ..., NULL: declared on every request, for filters */
	size_t max_poll_result_size; /* bytes; 0: the server's default of 5,000,000 */
};

enum ifmap_client_state {
	IFMAP_CLIENT_CONNECTING, /* no session: trying, with back-off from 50 ms to 2 s */
	IFMAP_CLIENT_UP,         /* session stands; kept metadata and subscriptions are (being)
				    re-established */
	IFMAP_CLIENT_STOPPED,    /* not started: no I/O */
};

/* One session, kept for as long as the client lives: renewed every 60 s when nothing is asked, and
 * begun anew when it is lost. All calls return at once but _free and those named `_sync`. Requests
 * are carried out in the order they were made. Several clients may live in one process; with most
 * servers they need different credentials, since a second session ends the first. */
struct ifmap_client;

/* Called when the session comes up (`why` NULL) and whenever there is a new reason why there is
 * none. The connection may break and come back with the session unharmed: then CONNECTING is
 * followed by UP, and nothing was lost. */
typedef void (*ifmap_client_state_fn)(struct ifmap_client *client, enum ifmap_client_state state,
	const GError *why, gpointer data);
/* Outcome of one request; `error` NULL when it was done. */
typedef void (*ifmap_client_done_fn)(
	struct ifmap_client *client, const GError *error, gpointer data);
/* A result of a subscription, whose name is the caller's. Whatever may have been missed, a SEARCH
 * result follows that replaces all before it. result NULL: the server gave the subscription up or
 * refuses it (`error` says why). One that was given up has already been asked for anew; one that is
 * refused is asked for again in the next session. */
typedef void (*ifmap_client_result_fn)(struct ifmap_client *client,
	const struct ifmap_result *result, const GError *error, gpointer data);
/* The server refuses kept metadata (`meta` NULL: to drop it). It stays kept, and is tried again in
 * the next session. */
typedef void (*ifmap_client_refused_fn)(struct ifmap_client *client, const struct ifmap_id *a,
	const struct ifmap_id *b, const struct ifmap_meta *meta, const GError *error,
	gpointer data);

/* Callbacks run in the thread-default GMainContext of the caller. No I/O happens before _start.
 * Errors: FAILURE when the configuration cannot work (no https, half a pair of credentials, a file
 * that cannot be read). */
struct ifmap_client *ifmap_client_new(const struct ifmap_client_config *config, GError **error);
/* Ends the session (best effort, at most one second), joins the client's threads. No callback runs
 * afterwards; requests that still wait are dropped. May be called from a callback. */
void ifmap_client_free(struct ifmap_client *client);
typedef struct ifmap_client ifmap_client;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_client, ifmap_client_free)

/* `on_state` may be NULL. The other calls may be made before; they take effect once a session
 * stands. */
void ifmap_client_start(struct ifmap_client *client, ifmap_client_state_fn on_state, gpointer data);
enum ifmap_client_state ifmap_client_state(const struct ifmap_client *client);
const char *ifmap_client_publisher_id(
	const struct ifmap_client *client); /* NULL before the first session; stays valid */

/* Publishes once; takes ownership of `publish`. While there is no session the request waits. `done`
 * may be NULL. An error of the protocol is final; a lost connection is retried by the client as
 * long as it cannot have been applied twice with a different effect (updates of singleValue,
 * deletes), else reported as UNREACHABLE. */
void ifmap_client_publish(struct ifmap_client *client, struct ifmap_publish *publish,
	ifmap_client_done_fn done, gpointer data);

/* Keeps metadata standing: published now with lifetime session, and again in every later session,
 * until replaced by a _keep of the same (a, b, ns, name, slot) or dropped (meta NULL). Keeping what
 * is kept already, byte for byte, sends nothing. Changes made
 * within one turn of the main loop travel in one publish request; of several changes to one slot
 * only the last is sure to travel. The client must have been made in a thread that runs its
 * GMainContext.
 *
 * `slot` tells instances of one multiValue type on one element apart; NULL: there is only one of
 * ours. Metadata kept with a slot must carry it: an attribute `slot` (no namespace) on the element
 * itself, with exactly that value, which must not hold both ' and ". The client replaces and drops
 * an instance by deleting what matches NAME[@ifmap-publisher-id='US' and @slot='SLOT'], so it never
 * touches what others published. */
void ifmap_client_keep(struct ifmap_client *client, const struct ifmap_id *a,
	const struct ifmap_id *b, const char *ns, const char *name, const char *slot,
	const struct ifmap_meta *meta);
/* Whom to tell that kept metadata is refused. */
void ifmap_client_on_refused(
	struct ifmap_client *client, ifmap_client_refused_fn on_refused, gpointer data);

/* Subscribes under `name` (1 to 20 characters) for as long as the client lives or until
 * _unsubscribe; a name in use is replaced. The first result is a SEARCH. On the server the name is
 * preceded by a number. */
void ifmap_client_subscribe(struct ifmap_client *client, const char *name,
	const struct ifmap_search *search, ifmap_client_result_fn on_result, gpointer data);
void ifmap_client_unsubscribe(struct ifmap_client *client, const char *name);

/* For command lines and tests, which have no main loop running: block until done or `timeout_ms`
 * passed. They may be used without _start; the first one opens the session. Errors as documented at
 * the top; what waiting cannot mend (UNAUTHORIZED, PROTOCOL, codes of the protocol) is returned at
 * once, UNREACHABLE after timeout_ms. publisher_id NULL: our own. */
gboolean ifmap_client_publish_sync(struct ifmap_client *client, struct ifmap_publish *publish,
	unsigned timeout_ms, GError **error);
struct ifmap_result *ifmap_client_search_sync(struct ifmap_client *client,
	const struct ifmap_search *search, unsigned timeout_ms, GError **error);
/* Removes all metadata of a publisher, session and forever. What this client keeps is removed too,
 * and not published again before the next session. Most servers allow only our own. */
gboolean ifmap_client_purge_sync(
	struct ifmap_client *client, const char *publisher_id, unsigned timeout_ms, GError **error);

/* ---- mirror ---- */

/* The graph one subscription sees. Fed with its results in order, it equals a fresh search once
 * nothing is pending (ifmap.md 8.3). */
struct ifmap_mirror;

struct ifmap_mirror *ifmap_mirror_new(void);
void ifmap_mirror_free(struct ifmap_mirror *mirror);
typedef struct ifmap_mirror ifmap_mirror;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_mirror, ifmap_mirror_free)

/* Applies one result; NOTIFY changes nothing. */
void ifmap_mirror_apply(struct ifmap_mirror *mirror, const struct ifmap_result *result);
void ifmap_mirror_clear(struct ifmap_mirror *mirror);

typedef void (*ifmap_mirror_fn)(const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, gpointer data);
/* Every metadata instance; order is not defined. `fn` must not change the mirror. */
void ifmap_mirror_foreach(const struct ifmap_mirror *mirror, ifmap_mirror_fn fn, gpointer data);
/* The first metadata {ns}name on `a` (`b` NULL) or on the link a-b, or NULL; borrowed until the
 * mirror changes. */
const struct ifmap_meta *ifmap_mirror_find(const struct ifmap_mirror *mirror,
	const struct ifmap_id *a, const struct ifmap_id *b, const char *ns, const char *name);
size_t ifmap_mirror_n_metas(const struct ifmap_mirror *mirror);

G_END_DECLS
