#pragma once
/* What this host was last told: the intents and verdicts that concern it, kept on disk (fail
 * static).
 *
 * The book is rebuilt from the map's mirrors whenever they change, and what binds this host is
 * written to its file before anything acts on it; on start it is read from the file, so that a host
 * without a map goes on enforcing. The libvirt hook reads the claims out of the same file when the
 * agent is down (book_file_claims()). One owner, one thread; pointers returned are borrowed until
 * the book is freed.
 */
#include "facts/facts.h"

struct book;

struct book *book_new(void);
void book_free(struct book *book);

/* ---- filling: begin, add what the mirrors hold, replace ---- */

/* An empty book to fill. book_add() takes any metadata and keeps what it knows: MEMBER_OF,
 * PROTECTION, DEFINITION, LABEL, RESERVATION, CONNTRACK, ORDER, CLEARANCE. `host` is this host's
 * UUID: reservations of other hosts are left out, and so are connections that this host itself
 * published. */
void book_add(struct book *book, const char *host, const struct ifmap_id *a,
	const struct ifmap_id *b, const struct ifmap_meta *meta);
/* How much one differs from the other. */
enum book_change {
	BOOK_SAME,
	BOOK_NEWS,    /* in verdicts and connections only, to which nobody is held */
	BOOK_INTENTS, /* to be on disk before anything acts on it */
};
enum book_change book_compare(const struct book *a, const struct book *b);

/* ---- reading ---- */

/* vApp that claims the machine, NULL when none does. By UUID, or by any of its MAC addresses. */
const char *book_claim(const struct book *book, const char *uuid);
const char *book_claim_by_mac(const struct book *book, const char *mac);

const struct facts_protection *book_protection(const struct book *book, const char *uuid);
const struct facts_definition *book_definition(const struct book *book, const char *uuid);
const struct facts_reservation *book_reservation(const struct book *book, const char *uuid);
const struct facts_label *book_label(const struct book *book, const char *uuid);
const struct facts_member_of *book_member(const struct book *book, const char *uuid);
const struct facts_order *book_order(const struct book *book, const char *vapp);
const struct facts_clearance *book_clearance(const struct book *book, const char *vapp);
/* Connections that the machine had at the host it comes from, for the order. */
const struct facts_conntrack *book_conntrack(
	const struct book *book, const char *uuid, const char *order);

/* UUIDs of the machines this host holds a reservation for; free the array, strings are borrowed. */
GPtrArray *book_reserved(const struct book *book);
/* Names of the vApps whose orders are known. */
GPtrArray *book_orders(const struct book *book);

/* ---- the file ---- */

/* Writes atomically and durably. */
gboolean book_save(const struct book *book, const char *path, GError **error);
/* A missing file is an empty book; a damaged one is an error, and so is one of another version or
 * with a fact that cannot be decoded: half a book would let machines out of their protection. */
struct book *book_load(const char *path, const char *host, GError **error);

/* For the hook: whether the book in the file claims this UUID or one of the MACs (NULL-terminated).
 * A file that is missing claims nothing; one that cannot be read claims everything (fail closed).
 */
gboolean book_file_claims(const char *path, const char *uuid, const char *const *macs);
