#pragma once
/* The map as naively as it can be written: a list of facts, searched by trying everything. What a
 * subscriber must be told is computed from ifmap.md 8.3 by comparing two complete answers. */
#include <glib.h>

#define MODEL_IDS   7 /* 0 to 4: access-requests "a" to "e"; 5 and 6: devices "y" and "z" */
#define MODEL_FACTS 1024

enum model_type {
	MODEL_S, /* singleValue */
	MODEL_T, /* singleValue */
	MODEL_M, /* multiValue */
	MODEL_TYPES,
};

struct model_fact {
	int a, b; /* ids, a < b; b -1: on the identifier */
	enum model_type type;
	unsigned number; /* its place in the list, and its <v> */
	unsigned kind;   /* its attribute k: 0 or 1 */
	int publisher;
	gboolean forever;
	gboolean present;
};

struct model {
	struct model_fact facts[MODEL_FACTS];
	unsigned n_facts; /* that ever were, in this sequence */
};

/* Filters both sides know. */
enum model_filter {
	MODEL_ALL, /* absent */
	MODEL_NONE,
	MODEL_ONLY_S,
	MODEL_T_OR_M,
	MODEL_KIND_1,
	MODEL_FILTERS,
};
/* The filter's text, NULL when absent. */
const char *model_filter_text(enum model_filter filter);
gboolean model_filter_matches(enum model_filter filter, const struct model_fact *fact);

struct model_query {
	int start;
	unsigned depth;
	enum model_filter links;
	enum model_filter result;
	gboolean stop_at_devices;
};

/* The complete answer to a query: which elements, which facts. */
struct model_answer {
	int depth[MODEL_IDS];                /* -1: not met */
	gboolean link[MODEL_IDS][MODEL_IDS]; /* [a][b], a < b */
	gboolean fact[MODEL_FACTS];
};
void model_search(
	const struct model *model, const struct model_query *query, struct model_answer *ret);
/* In the short form of script_summary(). */
char *model_answer_text(const struct model *model, const struct model_answer *answer);

/* The difference of two answers; texts are NULL where there is none. */
struct model_delta {
	char *deleted;
	char *updated;
};
void model_compare(const struct model *model, const struct model_answer *before,
	const struct model_answer *after, struct model_delta *ret);

/* Operations. */
struct model_fact *model_add(
	struct model *model, int a, int b, enum model_type type, unsigned kind);
void model_delete(struct model *model, int a, int b, enum model_filter filter);
void model_end_session(struct model *model, int publisher, gboolean forever_too);

const char *model_id_name(int id);
