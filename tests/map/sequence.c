#include "sequence.h"

#include <gio/gio.h>
#include <string.h>

/* ---- drawing */

static int pick(struct sequence_source *source, int n)
{
	if (source->rand)
		return g_rand_int_range(source->rand, 0, n);
	if (source->size == 0)
		return 0;
	source->size--;
	return *source->data++ % n;
}

/* Index into weights that add up to `sum`. */
static int pick_weighted(struct sequence_source *source, const int *weights, int n, int sum)
{
	int at = pick(source, sum);
	for (int i = 0; i < n; i++) {
		if (at < weights[i])
			return i;
		at -= weights[i];
	}
	return 0;
}

static void draw_place(struct sequence_source *source, struct sequence_op *op)
{
	int a = pick(source, SEQUENCE_IDS);
	int b = pick(source, SEQUENCE_IDS);

	op->a = MIN(a, b);
	op->b = MAX(a, b);
	op->swap = pick(source, 2);
	/* A link to itself is refused: seldom. */
	if (pick(source, 4) == 0 || (a == b && pick(source, 8) != 0))
		op->b = -1;
}

static void draw_query(struct sequence_source *source, struct sequence_op *op)
{
	/* Nothing that matches nothing too often: 0 is the absent filter. */
	static const int FILTERS[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5 };
	op->a = pick(source, SEQUENCE_IDS);
	op->b = -1;
	op->depth = pick(source, 6);
	op->links = FILTERS[pick(source, G_N_ELEMENTS(FILTERS))];
	op->result = FILTERS[pick(source, G_N_ELEMENTS(FILTERS))];
	op->stop = pick(source, 3) == 0;
	op->size = pick(source, 6) == 0 ? 100 + 8 * pick(source, 256) : 0;
}

static void draw_publish(struct sequence_source *source, struct sequence_step *step)
{
	step->n_ops = pick(source, SEQUENCE_OPS + 1);
	for (int i = 0; i < step->n_ops; i++) {
		static const int WEIGHTS[] = { 6, 3, 1 };
		struct sequence_op *op = &step->ops[i];
		op->kind = pick_weighted(source, WEIGHTS, G_N_ELEMENTS(WEIGHTS), 10);
		draw_place(source, op);
		op->type = pick(source, SEQUENCE_TYPES);
		op->attribute = pick(source, 2);
		op->wrong = pick(source, 40) == 1;
		op->forever = pick(source, 4) == 1;
		op->filter = pick(source, SEQUENCE_FILTERS);
	}
}

static void draw_subscribe(struct sequence_source *source, struct sequence_step *step)
{
	step->n_ops = 1 + pick(source, 3);
	for (int i = 0; i < step->n_ops; i++) {
		struct sequence_op *op = &step->ops[i];
		op->kind = pick(source, 4) == 3 ? SEQUENCE_UNWATCH : SEQUENCE_WATCH;
		op->name = pick(source, SEQUENCE_NAMES);
		op->b = -1;
		if (op->kind == SEQUENCE_WATCH)
			draw_query(source, op);
	}
}

static void draw_search(struct sequence_source *source, struct sequence_step *step)
{
	step->n_ops = 1;
	step->ops[0].kind = SEQUENCE_WATCH;
	draw_query(source, &step->ops[0]);
}

static void draw_new(struct sequence_source *source, struct sequence_step *step)
{
	step->size = pick(source, 3) == 2 ? 100 + 16 * pick(source, 256) : 0;
}

static void draw_purge(struct sequence_source *source, struct sequence_step *step)
{
	step->target = pick(source, 2) ? pick(source, SEQUENCE_CLIENTS + 1) : step->client;
}

struct sequence_op sequence_draw_query(struct sequence_source *source)
{
	struct sequence_op op = { .kind = SEQUENCE_WATCH };
	draw_query(source, &op);
	return op;
}

static const struct verb {
	const char *name;
	int weight;  /* of 100 */
	int channel; /* the usual one */
	void (*draw)(struct sequence_source *source, struct sequence_step *step);
} VERBS[SEQUENCE_VERBS] = {
	[SEQUENCE_PUBLISH] = { "publish", 40, 0, draw_publish },
	[SEQUENCE_SUBSCRIBE] = { "subscribe", 13, 0, draw_subscribe },
	[SEQUENCE_SEARCH] = { "search", 8, 0, draw_search },
	[SEQUENCE_POLL] = { "poll", 20, 1, NULL },
	[SEQUENCE_NEW] = { "new", 5, 0, draw_new },
	[SEQUENCE_END] = { "end", 2, 0, NULL },
	[SEQUENCE_RENEW] = { "renew", 1, 0, NULL },
	[SEQUENCE_PURGE] = { "purge", 4, 0, draw_purge },
	[SEQUENCE_GARBLED] = { "garbled", 1, 0, NULL },
	[SEQUENCE_CLOSE] = { "close", 3, 1, NULL },
	[SEQUENCE_BREAK] = { "break", 1, 1, NULL },
	[SEQUENCE_TICK] = { "tick", 2, 0, NULL },
};

static struct sequence_step draw_step(struct sequence_source *source)
{
	int weights[SEQUENCE_VERBS];
	struct sequence_step step = { 0 };

	for (int i = 0; i < SEQUENCE_VERBS; i++)
		weights[i] = VERBS[i].weight;
	step.verb = pick_weighted(source, weights, SEQUENCE_VERBS, 100);
	step.client = pick(source, SEQUENCE_CLIENTS);
	step.channel = pick(source, 16) == 15 ? pick(source, SEQUENCE_CHANNELS)
					      : VERBS[step.verb].channel;
	step.id = pick(source, 40) == 39 ? pick(source, SEQUENCE_SESSION_IDS) : SEQUENCE_OWN;
	if (VERBS[step.verb].draw)
		VERBS[step.verb].draw(source, &step);
	return step;
}

GArray *sequence_draw(struct sequence_source *source, unsigned n_steps)
{
	GArray *steps = g_array_new(FALSE, FALSE, sizeof(struct sequence_step));
	/* Most begin with sessions, so that there is somebody to refuse nothing. */
	int n_sessions = pick(source, 8) == 7 ? 0 : SEQUENCE_CLIENTS;

	for (int i = 0; i < n_sessions; i++) {
		const struct sequence_step begin = { .verb = SEQUENCE_NEW, .client = i };
		g_array_append_val(steps, begin);
	}
	while (steps->len < n_steps && (source->rand || source->size > 0)) {
		const struct sequence_step step = draw_step(source);
		g_array_append_val(steps, step);
	}
	return steps;
}

/* ---- scripts */

struct field {
	const char *name;
	size_t offset;
	int low, high; /* what makes sense */
};

#define STEP(field) offsetof(struct sequence_step, field)
static const struct field STEP_FIELDS[] = {
	{ "client", STEP(client), 0, SEQUENCE_CLIENTS - 1 },
	{ "channel", STEP(channel), 0, SEQUENCE_CHANNELS - 1 },
	{ "id", STEP(id), 0, SEQUENCE_SESSION_IDS - 1 },
	{ "target", STEP(target), 0, SEQUENCE_CLIENTS },
	{ "size", STEP(size), 0, G_MAXINT },
};

#define OP(field) offsetof(struct sequence_op, field)
static const struct field OP_FIELDS[] = {
	{ "a", OP(a), 0, SEQUENCE_IDS - 1 },
	{ "b", OP(b), -1, SEQUENCE_IDS - 1 },
	{ "swap", OP(swap), 0, 1 },
	{ "type", OP(type), 0, SEQUENCE_TYPES - 1 },
	{ "attribute", OP(attribute), 0, 1 },
	{ "wrong", OP(wrong), 0, 1 },
	{ "forever", OP(forever), 0, 1 },
	{ "filter", OP(filter), 0, SEQUENCE_FILTERS - 1 },
	{ "name", OP(name), 0, SEQUENCE_NAMES - 1 },
	{ "depth", OP(depth), 0, 1000000 },
	{ "links", OP(links), 0, SEQUENCE_FILTERS - 1 },
	{ "result", OP(result), 0, SEQUENCE_FILTERS - 1 },
	{ "stop", OP(stop), 0, 1 },
	{ "size", OP(size), 0, G_MAXINT },
};

static const char *const OP_NAMES[SEQUENCE_OP_KINDS] = { "update", "delete", "notify", "watch",
	"unwatch" };

static int *field_of(gpointer thing, const struct field *field)
{
	return &G_STRUCT_MEMBER(int, thing, field->offset);
}

static void write_fields(GString *out, gconstpointer thing, const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int value = *field_of((gpointer)thing, &fields[i]);
		if (value != 0)
			g_string_append_printf(out, " %s=%d", fields[i].name, value);
	}
	g_string_append_c(out, '\n');
}

char *sequence_to_script(const GArray *steps)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < steps->len; i++) {
		const struct sequence_step *step = &g_array_index(steps, struct sequence_step, i);
		g_string_append(out, VERBS[step->verb].name);
		write_fields(out, step, STEP_FIELDS, G_N_ELEMENTS(STEP_FIELDS));
		for (int k = 0; k < step->n_ops; k++) {
			g_string_append_printf(out, "  %s", OP_NAMES[step->ops[k].kind]);
			write_fields(out, &step->ops[k], OP_FIELDS, G_N_ELEMENTS(OP_FIELDS));
		}
	}
	return g_string_free(out, FALSE);
}

static gboolean refuse(GError **error, const char *line)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "not a step: %s", line);
	return FALSE;
}

static gboolean read_fields(gpointer thing, char **words, const struct field *fields, size_t n)
{
	for (; *words; words++) {
		gboolean known = FALSE;
		for (size_t i = 0; i < n && !known; i++) {
			size_t size = strlen(fields[i].name);
			gint64 value = 0;
			if (strncmp(*words, fields[i].name, size) != 0 || (*words)[size] != '=')
				continue;
			if (!g_ascii_string_to_signed(*words + size + 1, 10, fields[i].low,
				    fields[i].high, &value, NULL))
				return FALSE;
			*field_of(thing, &fields[i]) = (int)value;
			known = TRUE;
		}
		if (!known)
			return FALSE;
	}
	return TRUE;
}

static gboolean read_op(GArray *steps, char **words)
{
	struct sequence_op op = { 0 };
	struct sequence_step *step;

	if (steps->len == 0)
		return FALSE;
	step = &g_array_index(steps, struct sequence_step, steps->len - 1);
	while (op.kind < SEQUENCE_OP_KINDS && strcmp(OP_NAMES[op.kind], words[0]) != 0)
		op.kind++;
	if (op.kind == SEQUENCE_OP_KINDS || step->n_ops == SEQUENCE_OPS ||
		!read_fields(&op, words + 1, OP_FIELDS, G_N_ELEMENTS(OP_FIELDS)))
		return FALSE;
	step->ops[step->n_ops++] = op;
	return TRUE;
}

static gboolean read_step(GArray *steps, char **words)
{
	struct sequence_step step = { 0 };
	while (step.verb < SEQUENCE_VERBS && strcmp(VERBS[step.verb].name, words[0]) != 0)
		step.verb++;
	if (step.verb == SEQUENCE_VERBS ||
		!read_fields(&step, words + 1, STEP_FIELDS, G_N_ELEMENTS(STEP_FIELDS)))
		return FALSE;
	g_array_append_val(steps, step);
	return TRUE;
}

GArray *sequence_from_script(const char *script, GError **error)
{
	g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(struct sequence_step));
	g_auto(GStrv) lines = g_strsplit(script, "\n", -1);

	for (char **line = lines; *line; line++) {
		gboolean indented = g_str_has_prefix(*line, "  ");
		g_auto(GStrv) words = g_strsplit(g_strstrip(*line), " ", -1);
		if (!words[0] || **line == '#' || **line == '\0')
			continue;
		if (!(indented ? read_op(steps, words) : read_step(steps, words))) {
			refuse(error, *line);
			return NULL;
		}
	}
	return g_steal_pointer(&steps);
}

/* ---- shrinking */

static GArray *copy_of(const GArray *steps)
{
	GArray *copy = g_array_sized_new(FALSE, FALSE, sizeof(struct sequence_step), steps->len);
	if (steps->len > 0)
		g_array_append_vals(copy, steps->data, steps->len);
	return copy;
}

/* Puts `smaller` (taken) in the place of *steps if it still fails. */
static gboolean keep_if_fails(
	GArray **steps, GArray *smaller, sequence_fails_fn fails, gpointer data)
{
	if (!fails(smaller, data)) {
		g_array_unref(smaller);
		return FALSE;
	}
	g_array_unref(*steps);
	*steps = smaller;
	return TRUE;
}

/* Runs of steps, long ones first. */
static gboolean drop_steps(GArray **steps, sequence_fails_fn fails, gpointer data)
{
	gboolean any = FALSE;
	for (guint size = MAX(1, (*steps)->len / 2); size > 0; size /= 2)
		for (guint at = 0; at + size <= (*steps)->len;) {
			GArray *smaller = copy_of(*steps);
			g_array_remove_range(smaller, at, size);
			if (keep_if_fails(steps, smaller, fails, data))
				any = TRUE;
			else
				at += size;
		}
	return any;
}

static gboolean drop_ops(GArray **steps, sequence_fails_fn fails, gpointer data)
{
	gboolean any = FALSE;
	for (guint i = 0; i < (*steps)->len; i++)
		for (int k = 0; k < g_array_index(*steps, struct sequence_step, i).n_ops;) {
			GArray *smaller = copy_of(*steps);
			struct sequence_step *step = &g_array_index(
				smaller, struct sequence_step, i);
			step->n_ops--;
			memmove(&step->ops[k], &step->ops[k + 1],
				(size_t)(step->n_ops - k) * sizeof(step->ops[0]));
			if (keep_if_fails(steps, smaller, fails, data))
				any = TRUE;
			else
				k++;
		}
	return any;
}

/* Numbers to zero, places to one identifier. */
static gboolean plainer_ops(GArray **steps, sequence_fails_fn fails, gpointer data)
{
	gboolean any = FALSE;
	for (guint i = 0; i < (*steps)->len; i++)
		for (int k = 0; k < g_array_index(*steps, struct sequence_step, i).n_ops; k++)
			for (size_t f = 0; f < G_N_ELEMENTS(OP_FIELDS); f++) {
				GArray *smaller = copy_of(*steps);
				struct sequence_step *step = &g_array_index(
					smaller, struct sequence_step, i);
				int *value = field_of(&step->ops[k], &OP_FIELDS[f]);
				int plain = MIN(OP_FIELDS[f].low, 0);
				if (*value <= plain) {
					g_array_unref(smaller);
					continue;
				}
				*value = plain;
				any = keep_if_fails(steps, smaller, fails, data) || any;
			}
	return any;
}

GArray *sequence_shrink(GArray *steps, sequence_fails_fn fails, gpointer data)
{
	gboolean smaller = TRUE;
	while (smaller) {
		smaller = drop_steps(&steps, fails, data);
		smaller = drop_ops(&steps, fails, data) || smaller;
		smaller = plainer_ops(&steps, fails, data) || smaller;
	}
	return steps;
}
