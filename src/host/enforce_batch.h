#pragma once
/* A transaction for nftables, as the kernel's own messages. Pure: a batch is bytes until somebody
 * sends it (enforce_kernel.h), so it can be prepared long before.
 *
 * The order of calls is the order in the kernel. Names are checked by whoever made them (rules.h).
 */
#include "host/enforce_rule.h"

#include <libmnl/libmnl.h>

struct enforce_table {
	guint8 family; /* NFPROTO_BRIDGE, NFPROTO_INET */
	const char *name;
};

struct enforce_base_chain {
	const char *name;
	guint32 hook; /* NF_BR_PRE_ROUTING and so on */
	gint32 priority;
};

struct enforce_batch {
	GByteArray *bytes; /* messages without the batch's begin and end, sequence numbers 0 */
	guint32 last_set;  /* the number of the last set, by which rules name theirs */
};

/* Sets are numbered after `last_set`: in batches that shall be joined no number may come twice. */
struct enforce_batch *enforce_batch_new(guint32 last_set);
void enforce_batch_free(struct enforce_batch *batch);
void enforce_batch_append(struct enforce_batch *batch, const struct enforce_batch *other);

/* Gives back the room that is not used: for batches that are kept. */
void enforce_batch_trim(struct enforce_batch *batch);

void enforce_batch_add_table(struct enforce_batch *batch, struct enforce_table table);
/* Whether it is there or not. */
void enforce_batch_delete_table(struct enforce_batch *batch, struct enforce_table table);

/* The chain is there then, and empty. */
void enforce_batch_add_chain(
	struct enforce_batch *batch, struct enforce_table table, const char *name);
void enforce_batch_add_base_chain(struct enforce_batch *batch, struct enforce_table table,
	const struct enforce_base_chain *chain);
void enforce_batch_delete_chain(
	struct enforce_batch *batch, struct enforce_table table, const char *name);

/* Takes the rule. */
void enforce_batch_add_rule(struct enforce_batch *batch, struct enforce_table table,
	const char *chain, struct enforce_rule *rule);

/* A set of interface names; a map from them to jumps. */
void enforce_batch_add_set(
	struct enforce_batch *batch, struct enforce_table table, const char *name);
void enforce_batch_add_map(
	struct enforce_batch *batch, struct enforce_table table, const char *name);
/* `chain` NULL: an element of a set. */
void enforce_batch_add_element(struct enforce_batch *batch, struct enforce_table table,
	const char *set, const char *key, const char *chain);
void enforce_batch_delete_element(
	struct enforce_batch *batch, struct enforce_table table, const char *set, const char *key);

/* The message after `message`, or (NULL) the first; NULL at the end. */
struct nlmsghdr *enforce_batch_next(const GByteArray *bytes, struct nlmsghdr *message);
/* A text attribute of a message, borrowed; NULL when it has none. */
const char *enforce_batch_text(const struct nlmsghdr *message, guint16 attribute);
/* What one message is about, for people: "rule 3 of chain from-tap1" is not known, "a rule of chain
 * from-tap1" is. Free with g_free(). */
char *enforce_batch_describe(const struct nlmsghdr *message);

typedef struct enforce_batch enforce_batch;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(enforce_batch, enforce_batch_free)
