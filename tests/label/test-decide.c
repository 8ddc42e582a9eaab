/* Decisions: examples that explain themselves, then random policies against set algebra on bit
 * masks. */
#include "label/decide.h"
#include "label/read.h"

#include <string.h>

static const char floor_text[] =
	"[policy]\nname=floor\nversion=1.0\n"
	"[type blue]\n[type red]\n[type green]\n"
	"[conflict banks]\ntypes=blue;red;green\nlasting=true\n"
	"[conflict today]\ntypes=blue;red\n"
	"[label shop]\nste=blue\nchw=blue\n[label bank]\nste=red;green\nchw=red\n"
	"[label till]\nste=blue;red\nchw=blue\n[label lone]\n"
	"[label fund]\nste=green\nchw=green\n[resource disk]\nste=blue\n";

static struct label_policy *read_text(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct label_policy *policy = label_policy_read("text", text, strlen(text), &error);

	g_assert_no_error(error);
	return policy;
}

static void test_communicate(void)
{
	g_autoptr(label_policy) policy = read_text(floor_text);
	g_autoptr(label_reason) reason = NULL;
	g_autoptr(label_reason) unknown = NULL;
	g_autoptr(label_reason) alone = NULL;
	g_autofree char *text = NULL;

	g_assert_true(label_may_communicate(policy, "shop", "till", NULL));
	g_assert_true(label_may_communicate(policy, "bank", "till", &reason));
	g_assert_null(reason);
	g_assert_true(label_may_use(policy, "shop", "disk", NULL));
	g_assert_false(label_may_use(policy, "bank", "disk", NULL));
	g_assert_false(label_may_communicate(policy, "shop", "bank", &reason));
	g_assert_cmpint(reason->code, ==, LABEL_NO_COMMON_TYPE);
	text = label_reason_to_string(reason);
	g_assert_cmpstr(
		text, ==, "shop (types: blue) and bank (types: green, red) have no type in common");
	g_assert_false(label_may_communicate(policy, "shop", "disk", &unknown));
	g_assert_cmpint(unknown->code, ==, LABEL_UNKNOWN_OTHER);
	g_assert_false(label_may_communicate(policy, "lone", "lone", &alone));
	g_assert_cmpint(alone->code, ==, LABEL_NO_COMMON_TYPE);
}

static void check_reason(const GPtrArray *reasons, guint i, const char *code, const char *sentence)
{
	const struct label_reason *reason = g_ptr_array_index(reasons, i);
	g_autofree char *text = label_reason_to_string(reason);

	g_assert_cmpstr(label_code_to_string(reason->code), ==, code);
	g_assert_cmpstr(text, ==, sentence);
}

static void test_run(void)
{
	g_autoptr(label_policy) policy = read_text(floor_text);
	g_autoptr(GPtrArray) reasons = NULL;
	const char *running[] = { "lone", "bank", "till", "gone", "bank", NULL };
	const char *history[] = { "red", "green", "blue", "unheard", NULL };
	struct label_host host = { running, history };

	g_assert_false(label_may_run(policy, "shop", &host, NULL));
	g_assert_false(label_may_run(policy, "shop", &host, &reasons));
	g_assert_cmpuint(reasons->len, ==, 4);
	check_reason(reasons, 0, "conflict-running",
		"shop is blue and may not run beside bank, which is red: conflict set banks");
	check_reason(reasons, 1, "conflict-running",
		"shop is blue and may not run beside bank, which is red: conflict set today");
	check_reason(reasons, 2, "conflict-history",
		"shop is blue and may not run where green, red has run: lasting conflict set "
		"banks");
	check_reason(reasons, 3, "unknown-other",
		"gone, beside which shop would be, is not a label of the policy");
}

static void test_run_unknown(void)
{
	g_autoptr(label_policy) policy = read_text(floor_text);
	g_autoptr(GPtrArray) reasons = NULL;
	struct label_host host = { NULL, NULL };

	g_assert_true(label_may_run(policy, "shop", &host, &reasons));
	g_assert_null(reasons);
	g_assert_false(label_may_run(policy, "shoq", &host, &reasons));
	g_assert_cmpuint(reasons->len, ==, 1);
	check_reason(reasons, 0, "unknown-label", "shoq is not a label of the policy");
}

static void test_history(void)
{
	g_autoptr(label_policy) policy = read_text(floor_text);
	g_auto(GStrv) first = label_history_add(policy, NULL, "shop");
	g_auto(GStrv) second = label_history_add(policy, (const char *const *)first, "till");
	g_auto(GStrv) third = label_history_add(policy, (const char *const *)second, "stranger");
	const char *cleaned[] = { "blue", NULL };
	g_auto(GStrv) fourth = label_history_forget((const char *const *)third, cleaned);
	g_auto(GStrv) fifth = label_history_forget((const char *const *)third, NULL);
	struct label_host host = { NULL, (const char *const *)third };

	g_assert_cmpuint(g_strv_length(third), ==, 1);
	g_assert_cmpstr(third[0], ==, "blue");
	g_assert_false(label_may_run(policy, "bank", &host, NULL)); /* banks lasts */
	g_assert_true(label_may_run(policy, "shop", &host, NULL));
	g_assert_cmpuint(g_strv_length(fourth), ==, 0);
	g_assert_cmpuint(g_strv_length(fifth), ==, 0);
	host.history = (const char *const *)fourth;
	g_assert_true(label_may_run(policy, "bank", &host, NULL));
}

/* The naive model: types are bits. */
#define MAX_TYPES     8
#define MAX_CONFLICTS 4
#define MAX_LABELS    6

struct model {
	unsigned n_types, n_conflicts, n_labels;
	unsigned conflicts[MAX_CONFLICTS];
	gboolean lasting[MAX_CONFLICTS];
	unsigned ste[MAX_LABELS], chw[MAX_LABELS];
};

static unsigned random_mask(GRand *rand, unsigned n_bits)
{
	return g_rand_int(rand) & g_rand_int(rand) & ((1u << n_bits) - 1);
}

static gboolean is_walled(const struct model *model, unsigned a, unsigned b, unsigned conflict)
{
	unsigned mine = a & model->conflicts[conflict];
	unsigned theirs = b & model->conflicts[conflict];

	for (unsigned x = 0; x < model->n_types; x++)
		for (unsigned y = 0; y < model->n_types; y++)
			if (x != y && (mine >> x & 1) && (theirs >> y & 1))
				return TRUE;
	return FALSE;
}

static void model_make(struct model *model, GRand *rand)
{
	model->n_types = (unsigned)g_rand_int_range(rand, 2, MAX_TYPES + 1);
	model->n_conflicts = (unsigned)g_rand_int_range(rand, 0, MAX_CONFLICTS + 1);
	model->n_labels = (unsigned)g_rand_int_range(rand, 1, MAX_LABELS + 1);
	for (unsigned i = 0; i < model->n_conflicts; i++) {
		model->conflicts[i] = 3u << g_rand_int_range(rand, 0, (gint)model->n_types - 1) |
				      random_mask(rand, model->n_types);
		model->lasting[i] = g_rand_boolean(rand);
	}
	for (unsigned i = 0; i < model->n_labels; i++) {
		model->ste[i] = random_mask(rand, model->n_types);
		model->chw[i] = random_mask(rand, model->n_types);
	}
}

/* The first label that conflicts with itself, or -1. */
static int model_self_conflict(const struct model *model)
{
	for (unsigned i = 0; i < model->n_labels; i++)
		for (unsigned c = 0; c < model->n_conflicts; c++)
			if (is_walled(model, model->chw[i], model->chw[i], c))
				return (int)i;
	return -1;
}

static void append_mask(GString *text, const char *key, unsigned mask)
{
	g_string_append(text, key);
	for (unsigned i = 0; i < MAX_TYPES; i++)
		if (mask >> i & 1)
			g_string_append_printf(text, "t%u;", i);
	g_string_append_c(text, '\n');
}

static char *model_write(const struct model *model)
{
	GString *text = g_string_new("[policy]\nname=random\nversion=1.0\n");

	for (unsigned i = 0; i < model->n_labels; i++) {
		g_string_append_printf(text, "[label l%u]\n", i);
		append_mask(text, "ste=", model->ste[i]);
		append_mask(text, "chw=", model->chw[i]);
	}
	for (unsigned i = 0; i < model->n_conflicts; i++) {
		g_string_append_printf(text, "[conflict c%u]\nlasting=%s\n", i,
			model->lasting[i] ? "true" : "false");
		append_mask(text, "types=", model->conflicts[i]);
	}
	for (unsigned i = 0; i < model->n_types; i++)
		g_string_append_printf(text, "[type t%u]\n", i);
	return g_string_free(text, FALSE);
}

static void check_ste(const struct model *model, const struct label_policy *policy)
{
	for (unsigned i = 0; i < model->n_labels; i++) {
		for (unsigned k = 0; k < model->n_labels; k++) {
			char a[8], b[8];

			g_snprintf(a, sizeof a, "l%u", i);
			g_snprintf(b, sizeof b, "l%u", k);
			g_assert_cmpint(label_may_communicate(policy, a, b, NULL), ==,
				(model->ste[i] & model->ste[k]) != 0);
		}
	}
}

static unsigned parse_mask(char *const *types)
{
	unsigned mask = 0;

	for (; *types; types++)
		mask |= 1u << g_ascii_strtoull(*types + 1, NULL, 10);
	return mask;
}

/* Every reason must be true; as many as expected, and sorted strictly, so none twice. */
static void check_reasons(const struct model *model, unsigned label, unsigned history,
	const GPtrArray *reasons, guint n_expected)
{
	g_assert_cmpuint(reasons->len, ==, n_expected);
	for (guint i = 0; i < reasons->len; i++) {
		const struct label_reason *reason = g_ptr_array_index(reasons, i);
		unsigned conflict = (unsigned)(reason->conflict[1] - '0');
		unsigned set = model->conflicts[conflict];

		g_assert_cmpuint(parse_mask(reason->own_types), ==, model->chw[label] & set);
		if (reason->code == LABEL_CONFLICT_HISTORY)
			g_assert_cmpuint(parse_mask(reason->other_types), ==,
				history & set & ~model->chw[label]);
		else
			g_assert_cmpuint(parse_mask(reason->other_types), ==,
				model->chw[reason->other[1] - '0'] & set);
		if (i > 0) {
			const struct label_reason *last = g_ptr_array_index(reasons, i - 1);

			g_assert_true(last->code < reason->code ||
				      strcmp(last->conflict, reason->conflict) < 0 ||
				      strcmp(last->other, reason->other) < 0);
		}
	}
}

/* Which labels run (a mask of labels), and what ran (a mask of types). */
static guint model_count(
	const struct model *model, unsigned label, unsigned running, unsigned history)
{
	guint n = 0;

	for (unsigned c = 0; c < model->n_conflicts; c++) {
		for (unsigned k = 0; k < model->n_labels; k++)
			n += (running >> k & 1) &&
			     is_walled(model, model->chw[label], model->chw[k], c);
		n += model->lasting[c] && is_walled(model, model->chw[label], history, c);
	}
	return n;
}

static char **mask_names(char letter, unsigned mask)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (unsigned i = 0; i < 32; i++) {
		g_autofree char *name = g_strdup_printf("%c%u", letter, i);

		if (mask >> i & 1)
			g_strv_builder_add(names, name);
	}
	return g_strv_builder_end(names);
}

static gboolean check_run(const struct model *model, const struct label_policy *policy,
	unsigned label, unsigned running, unsigned history)
{
	g_auto(GStrv) running_names = mask_names('l', running);
	g_auto(GStrv) history_names = mask_names('t', history);
	struct label_host host = { (const char *const *)running_names,
		(const char *const *)history_names };
	g_autofree char *name = g_strdup_printf("l%u", label);
	g_autoptr(GPtrArray) reasons = NULL;
	guint n_expected = model_count(model, label, running, history);
	gboolean may = label_may_run(policy, name, &host, &reasons);

	g_assert_cmpint(may, ==, n_expected == 0);
	g_assert_cmpint(label_may_run(policy, name, &host, NULL), ==, may);
	if (!may)
		check_reasons(model, label, history, reasons, n_expected);
	return may;
}

/* A life of a host: labels start when they may and leave at random. However it goes, no lasting set
 * ever has two of its types in the history, no set two of its types running. */
static void check_life(const struct model *model, const struct label_policy *policy, GRand *rand)
{
	g_auto(GStrv) history = g_new0(char *, 1);
	unsigned running = 0;

	for (unsigned step = 0; step < 20; step++) {
		unsigned label = (unsigned)g_rand_int_range(rand, 0, (gint)model->n_labels);
		unsigned types = 0;

		running &= g_rand_int(rand) | g_rand_int(rand);
		if (check_run(model, policy, label, running, parse_mask(history))) {
			g_autofree char *name = g_strdup_printf("l%u", label);
			char **longer = label_history_add(
				policy, (const char *const *)history, name);

			g_strfreev(history);
			history = longer;
			running |= 1u << label;
		}
		for (unsigned k = 0; k < model->n_labels; k++)
			types |= running >> k & 1 ? model->chw[k] : 0;
		for (unsigned c = 0; c < model->n_conflicts; c++) {
			g_assert_false(is_walled(model, types, types, c));
			g_assert_false(model->lasting[c] && is_walled(model, parse_mask(history),
								    parse_mask(history), c));
		}
	}
}

static void check_round_trips(const struct label_policy *policy)
{
	g_autofree char *xml = label_acm_write(policy);
	g_autofree char *keys = label_keyfile_write(policy);
	g_autoptr(label_policy) from_xml = label_acm_read("xml", xml, strlen(xml), NULL);
	g_autoptr(label_policy) from_keys = label_keyfile_read("keys", keys, strlen(keys), NULL);

	g_assert_true(label_policy_equal(policy, from_xml));
	g_assert_true(label_policy_equal(policy, from_keys));
}

static void check_model(const struct model *model, GRand *rand)
{
	g_autofree char *text = model_write(model);
	g_autoptr(GError) error = NULL;
	g_autoptr(label_policy) policy = label_policy_read("random", text, strlen(text), &error);

	if (model_self_conflict(model) >= 0) {
		g_assert_error(error, LABEL_ERROR, LABEL_ERROR_CONTENT);
		g_assert_nonnull(strstr(error->message, "keeps apart"));
		return;
	}
	g_assert_no_error(error);
	check_ste(model, policy);
	check_life(model, policy, rand);
	for (unsigned i = 0; i < 10; i++)
		check_run(model, policy, (unsigned)g_rand_int_range(rand, 0, (gint)model->n_labels),
			random_mask(rand, model->n_labels), random_mask(rand, model->n_types));
	check_round_trips(policy);
}

static void test_random(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	unsigned n_good = 0;

	g_test_message("seed %u", seed);
	for (unsigned round = 0; round < 3000; round++) {
		struct model model = { 0 };

		model_make(&model, rand);
		n_good += model_self_conflict(&model) < 0;
		check_model(&model, rand);
	}
	g_test_message("%u of 3000 policies were good", n_good);
	g_assert_cmpuint(n_good, >, 500);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/label/decide/communicate", test_communicate);
	g_test_add_func("/label/decide/run", test_run);
	g_test_add_func("/label/decide/run-unknown", test_run_unknown);
	g_test_add_func("/label/decide/history", test_history);
	g_test_add_func("/label/decide/random", test_random);
	return g_test_run();
}
