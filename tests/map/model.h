#pragma once
/* What stands on the map, as naively as it can be written: a list of facts, searched by trying
 * everything. What a subscriber must be told is computed from ifmap.md 8.3 by comparing two
 * complete answers. Nothing is shared with the server but the wording of the standard. */
#include "sequence.h"

#define MODEL_FACTS 512

struct model_fact {
	int a, b; /* ids, a < b; b -1: on the identifier */
	int type;
	gboolean single;
	unsigned number; /* its place in the list, and its <v> */
	int attribute;
	int publisher; /* a client */
	gboolean forever;
	gboolean present;
};

struct model {
	struct model_fact facts[MODEL_FACTS];
	unsigned n_facts; /* that ever were, in this sequence */
	int cardinality[SEQUENCE_TYPES];
};

enum {
	MODEL_UNKNOWN, /* no such type yet */
	MODEL_SINGLE,
	MODEL_MULTI,
};

/* The cardinality an operation's metadata claims. */
int model_claim(const struct sequence_op *op);

/* The filter's text, NULL when absent. */
const char *model_filter_text(int filter);
gboolean model_filter_matches(int filter, int type, int attribute);

/* The complete answer to a query: which elements, which facts. */
struct model_answer {
	int depth[SEQUENCE_IDS];                   /* -1: not met */
	gboolean link[SEQUENCE_IDS][SEQUENCE_IDS]; /* [a][b], a < b */
	gboolean fact[MODEL_FACTS];
};
void model_search(
	const struct model *model, const struct sequence_op *query, struct model_answer *ret);
/* Whether the links of an identifier that was met are followed. */
gboolean model_expands(const struct sequence_op *query, const struct model_answer *answer, int id);

/* resultItems: a text each, "a-b{m=1@A,s=2@B}", and the bytes all of them have on the wire. */
struct model_items {
	GPtrArray *texts;
	size_t size;
};
struct model_items *model_items_new(void);
void model_items_free(struct model_items *items);
typedef struct model_items model_items;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(model_items, model_items_free)
/* Sorted, joined by blanks. */
char *model_items_text(const struct model_items *items);

/* Appends the whole answer; and what is to be told of the difference of two. */
void model_add_answer(
	const struct model *model, const struct model_answer *answer, struct model_items *ret);
void model_add_deleted(const struct model *model, const struct model_answer *before,
	const struct model_answer *after, struct model_items *ret);
void model_add_updated(const struct model *model, const struct model_answer *before,
	const struct model_answer *after, struct model_items *ret);
/* One notify that is not a fact. */
void model_add_notice(const struct model_fact *notice, struct model_items *ret);

/* Operations (ifmap.md 2.7, 9). */
void model_add(struct model *model, const struct sequence_op *op, int publisher);
void model_delete(struct model *model, const struct sequence_op *op);
gboolean model_would_delete(const struct model *model, const struct sequence_op *op);
enum model_extent { MODEL_SESSION_ONLY, MODEL_EVERYTHING };
void model_remove_all(struct model *model, int publisher, enum model_extent extent);

/* Bytes of what stands in the publisher's name. */
size_t model_stored(const struct model *model, int publisher);
unsigned model_n_present(const struct model *model);
unsigned model_n_links(const struct model *model);

const char *model_id_name(int id);
extern const char *const MODEL_TYPE_NAMES[SEQUENCE_TYPES];
