#include "label/decide.h"

#include "label/draft.h"

#include <stdlib.h>
#include <string.h>

/* One row a code, in the order of enum label_code. The sentence's arguments are, in this order: the
 * label, the other label, the conflict set, the own types, the other types. */
static const struct {
	const char *name;
	const char *sentence;
} codes[] = {
	[LABEL_NO_COMMON_TYPE] = { "no-common-type",
		"%1$s (types: %4$s) and %2$s (types: %5$s) have no type in common" },
	[LABEL_CONFLICT_RUNNING] = { "conflict-running",
		"%1$s is %4$s and may not run beside %2$s, which is %5$s: conflict set %3$s" },
	[LABEL_CONFLICT_HISTORY] = { "conflict-history",
		"%1$s is %4$s and may not run where %5$s has run: lasting conflict set %3$s" },
	[LABEL_UNKNOWN] = { "unknown-label", "%1$s is not a label of the policy" },
	[LABEL_UNKNOWN_OTHER] = { "unknown-other",
		"%2$s, beside which %1$s would be, is not a label of the policy" },
};

const char *label_code_to_string(enum label_code code)
{
	return codes[code].name;
}

void label_reason_free(struct label_reason *reason)
{
	if (!reason)
		return;
	g_free(reason->label);
	g_free(reason->other);
	g_free(reason->conflict);
	g_strfreev(reason->own_types);
	g_strfreev(reason->other_types);
	g_free(reason);
}

static char *list_types(char *const *types)
{
	return *types ? g_strjoinv(", ", (char **)types) : g_strdup("none");
}

char *label_reason_to_string(const struct label_reason *reason)
{
	g_autofree char *own = list_types(reason->own_types);
	g_autofree char *others = list_types(reason->other_types);
	const char *parts[] = { reason->label, reason->other ? reason->other : "",
		reason->conflict ? reason->conflict : "", own, others };
	GString *out = g_string_new(NULL);

	for (const char *p = codes[reason->code].sentence; *p; p++) {
		if (p[0] == '%' && p[1] >= '1' && p[1] <= '5' && p[2] == '$') {
			g_string_append(out, parts[p[1] - '1']);
			p += 3;
		} else {
			g_string_append_c(out, *p);
		}
	}
	return g_string_free(out, FALSE);
}

static struct label_reason *reason_new(enum label_code code, const char *label, const char *other)
{
	struct label_reason *reason = g_new0(struct label_reason, 1);

	reason->code = code;
	reason->label = g_strdup(label);
	reason->other = g_strdup(other);
	reason->own_types = g_new0(char *, 1);
	reason->other_types = g_new0(char *, 1);
	return reason;
}

static void set_types(char ***types, char *const *names)
{
	g_strfreev(*types);
	*types = g_strdupv((char **)names);
}

static void set_type(char ***types, const char *name)
{
	const char *one[] = { name, NULL };

	set_types(types, (char *const *)one);
}

/* Both sorted: walk them together. */
static gboolean share_type(char *const *a, char *const *b)
{
	while (*a && *b) {
		int order = strcmp(*a, *b);

		if (order == 0)
			return TRUE;
		if (order < 0)
			a++;
		else
			b++;
	}
	return FALSE;
}

static gboolean may_share(const struct label_policy *policy, const char *a, enum label_kind kind,
	const char *b, struct label_reason **ret_reason)
{
	const struct label *label = label_policy_find(policy, LABEL_WORKLOAD, a);
	const struct label *other = label_policy_find(policy, kind, b);
	struct label_reason *reason = NULL;

	if (label && other && share_type(label->ste, other->ste))
		return TRUE;
	if (!ret_reason)
		return FALSE;
	if (!label) {
		reason = reason_new(LABEL_UNKNOWN, a, b);
	} else if (!other) {
		reason = reason_new(LABEL_UNKNOWN_OTHER, a, b);
	} else {
		reason = reason_new(LABEL_NO_COMMON_TYPE, a, b);
		set_types(&reason->own_types, label->ste);
		set_types(&reason->other_types, other->ste);
	}
	*ret_reason = reason;
	return FALSE;
}

gboolean label_may_communicate(const struct label_policy *policy, const char *a, const char *b,
	struct label_reason **ret_reason)
{
	return may_share(policy, a, LABEL_WORKLOAD, b, ret_reason);
}

gboolean label_may_use(const struct label_policy *policy, const char *label, const char *resource,
	struct label_reason **ret_reason)
{
	return may_share(policy, label, LABEL_RESOURCE, resource, ret_reason);
}

/* One question under way. Without `reasons` the first no ends it. */
struct question {
	const struct label_policy *policy;
	const struct label *label;
	const struct label_conflict *conflicts;
	size_t n_conflicts;
	gboolean refused;
	GPtrArray *reasons; /* or NULL */
};

static gboolean is_settled(const struct question *question)
{
	return question->refused && !question->reasons;
}

/* Against one label that is running: rule 1 of the header. */
static void ask_running(struct question *question, const struct label *other)
{
	for (size_t i = 0; i < question->n_conflicts; i++) {
		const struct label_conflict *conflict = &question->conflicts[i];
		unsigned own = label_policy_side(question->policy, question->label, i);
		unsigned theirs = label_policy_side(question->policy, other, i);
		struct label_reason *reason = NULL;

		if (!own || !theirs || own == theirs)
			continue;
		question->refused = TRUE;
		if (!question->reasons)
			return;
		reason = reason_new(LABEL_CONFLICT_RUNNING, question->label->name, other->name);
		reason->conflict = g_strdup(conflict->name);
		set_type(&reason->own_types, conflict->types[own - 1]);
		set_type(&reason->other_types, conflict->types[theirs - 1]);
		g_ptr_array_add(question->reasons, reason);
	}
}

static void ask_running_name(struct question *question, const char *name)
{
	const struct label *other = label_policy_find(question->policy, LABEL_WORKLOAD, name);

	if (other) {
		ask_running(question, other);
		return;
	}
	question->refused = TRUE;
	if (question->reasons)
		g_ptr_array_add(question->reasons,
			reason_new(LABEL_UNKNOWN_OTHER, question->label->name, name));
}

/* A type of the history on the other side of a lasting conflict set. */
struct hit {
	size_t conflict;
	const char *type;
};

/* Adds what a type of the history is in the way of: rule 2 of the header. */
static void ask_history(struct question *question, const char *type, GArray *hits)
{
	size_t n;
	const struct label_wall *walls = label_policy_walls(question->policy, type, &n);

	for (size_t i = 0; i < n; i++) {
		struct hit hit = { walls[i].conflict, type };
		unsigned own = label_policy_side(question->policy, question->label, hit.conflict);

		if (!question->conflicts[hit.conflict].lasting || !own || own == walls[i].side)
			continue;
		question->refused = TRUE;
		g_array_append_val(hits, hit);
	}
}

static gint compare_hits(gconstpointer a, gconstpointer b)
{
	const struct hit *x = a;
	const struct hit *y = b;

	if (x->conflict != y->conflict)
		return x->conflict < y->conflict ? -1 : 1;
	return strcmp(x->type, y->type);
}

/* One reason for the hits from `first` on that are of one conflict set. Returns where the next
 * set's begin. */
static guint tell_history(struct question *question, const GArray *hits, guint first)
{
	g_autoptr(GStrvBuilder) types = g_strv_builder_new();
	size_t number = g_array_index(hits, struct hit, first).conflict;
	const struct label_conflict *conflict = &question->conflicts[number];
	unsigned own = label_policy_side(question->policy, question->label, number);
	struct label_reason *reason = reason_new(
		LABEL_CONFLICT_HISTORY, question->label->name, NULL);
	guint i = first;

	for (; i < hits->len && g_array_index(hits, struct hit, i).conflict == number; i++)
		g_strv_builder_add(types, g_array_index(hits, struct hit, i).type);
	reason->conflict = g_strdup(conflict->name);
	set_type(&reason->own_types, conflict->types[own - 1]);
	g_strfreev(reason->other_types);
	reason->other_types = g_strv_builder_end(types);
	g_ptr_array_add(question->reasons, reason);
	return i;
}

static void ask_all_history(struct question *question, char *const *history)
{
	g_autoptr(GArray) hits = g_array_new(FALSE, FALSE, sizeof(struct hit));

	for (; *history; history++)
		ask_history(question, *history, hits);
	g_array_sort(hits, compare_hits);
	for (guint i = 0; i < hits->len && question->reasons;)
		i = tell_history(question, hits, i);
}

static gint compare_reasons(gconstpointer a, gconstpointer b)
{
	const struct label_reason *x = *(const struct label_reason *const *)a;
	const struct label_reason *y = *(const struct label_reason *const *)b;
	int order = (int)x->code - (int)y->code;

	if (order == 0)
		order = g_strcmp0(x->conflict, y->conflict);
	return order ? order : g_strcmp0(x->other, y->other);
}

gboolean label_may_run(const struct label_policy *policy, const char *label,
	const struct label_host *host, GPtrArray **ret_reasons)
{
	g_autoptr(GPtrArray) reasons = NULL;
	g_auto(GStrv) running = label_strv_sorted(host->running);
	g_auto(GStrv) history = label_strv_sorted(host->history);
	struct question question = { .policy = policy };

	if (ret_reasons)
		reasons = g_ptr_array_new_with_free_func((GDestroyNotify)label_reason_free);
	question.reasons = reasons;
	question.label = label_policy_find(policy, LABEL_WORKLOAD, label);
	question.conflicts = label_policy_conflicts(policy, &question.n_conflicts);
	if (!question.label) {
		question.refused = TRUE;
		if (reasons)
			g_ptr_array_add(reasons, reason_new(LABEL_UNKNOWN, label, NULL));
	}
	for (char **name = running; question.label && *name && !is_settled(&question); name++)
		ask_running_name(&question, *name);
	if (question.label && *history && !is_settled(&question))
		ask_all_history(&question, history);
	if (!question.refused)
		return TRUE;
	if (reasons) {
		g_ptr_array_sort(reasons, compare_reasons);
		*ret_reasons = g_steal_pointer(&reasons);
	}
	return FALSE;
}

char **label_history_add(
	const struct label_policy *policy, const char *const *history, const char *label)
{
	const struct label *added = label_policy_find(policy, LABEL_WORKLOAD, label);
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();
	g_auto(GStrv) names = NULL;

	if (history)
		g_strv_builder_addv(all, (const char **)history);
	if (added)
		g_strv_builder_addv(all, (const char **)added->chw);
	names = g_strv_builder_end(all);
	return label_strv_sorted((const char *const *)names);
}

char **label_history_forget(const char *const *history, const char *const *types)
{
	g_autoptr(GStrvBuilder) left = g_strv_builder_new();
	g_auto(GStrv) names = NULL;

	for (; history && types && *history; history++)
		if (!g_strv_contains(types, *history))
			g_strv_builder_add(left, *history);
	names = g_strv_builder_end(left);
	return label_strv_sorted((const char *const *)names);
}
