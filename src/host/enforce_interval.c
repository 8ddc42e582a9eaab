#include "host/enforce_interval.h"

#include "host/rules.h"

#include <string.h>

#define SIZE 16 /* bytes of a bound, most significant first */

struct interval {
	guint8 kind; /* 4, 6: addresses; 0: numbers */
	guint8 low[SIZE];
	guint8 high[SIZE];
};

static gboolean read_hex(const char *text, guint8 bytes[SIZE])
{
	gsize n = strlen(text);

	if (!n || n > (gsize)2 * SIZE)
		return FALSE;
	memset(bytes, 0, SIZE);
	for (gsize i = 0; i < n; i++) {
		int digit = g_ascii_xdigit_value(text[n - 1 - i]);

		if (digit < 0)
			return FALSE;
		bytes[SIZE - 1 - i / 2] |= (guint8)(i % 2 ? digit << 4 : digit);
	}
	return TRUE;
}

/* An address keeps its family's place: four bytes for IPv4, at the end. */
static void write_prefix(const struct rules_prefix *prefix, struct interval *interval)
{
	guint size = prefix->family == 4 ? 4 : 16;

	memset(interval, 0, sizeof *interval);
	interval->kind = prefix->family;
	memcpy(interval->low + SIZE - size, prefix->address, size);
	memcpy(interval->high, interval->low, SIZE);
	for (guint i = prefix->bits; i < size * 8; i++)
		interval->high[SIZE - size + i / 8] |= (guint8)(0x80 >> (i % 8));
}

static gboolean read_text(const char *text, struct interval *interval)
{
	struct rules_prefix prefix;

	if (g_str_has_prefix(text, "0x")) {
		interval->kind = 0;
		if (!read_hex(text + 2, interval->low))
			return FALSE;
		memcpy(interval->high, interval->low, SIZE);
		return TRUE;
	}
	if (strchr(text, '/') || !rules_prefix_parse(text, &prefix, NULL))
		return FALSE;
	write_prefix(&prefix, interval);
	return TRUE;
}

static gboolean read_prefix(const json_t *value, struct interval *interval)
{
	const char *address = json_string_value(json_object_get(value, "addr"));
	g_autofree char *text = g_strdup_printf("%s/%d", address ? address : "",
		(int)json_integer_value(json_object_get(value, "len")));
	struct rules_prefix prefix;

	if (!rules_prefix_parse(text, &prefix, NULL))
		return FALSE;
	write_prefix(&prefix, interval);
	return TRUE;
}

static gboolean read_scalar(const json_t *value, struct interval *interval)
{
	guint64 number;

	if (json_is_string(value))
		return read_text(json_string_value(value), interval);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return FALSE;
	memset(interval, 0, sizeof *interval);
	number = GUINT64_TO_BE((guint64)json_integer_value(value));
	memcpy(interval->low + SIZE - sizeof number, &number, sizeof number);
	memcpy(interval->high, interval->low, SIZE);
	return TRUE;
}

static gboolean read_element(const json_t *value, struct interval *interval)
{
	const json_t *range = json_object_get(value, "range");
	const json_t *prefix = json_object_get(value, "prefix");
	struct interval high;

	if (prefix)
		return read_prefix(prefix, interval);
	if (!range)
		return read_scalar(value, interval);
	if (!read_scalar(json_array_get(range, 0), interval) ||
		!read_scalar(json_array_get(range, 1), &high) || high.kind != interval->kind)
		return FALSE;
	memcpy(interval->high, high.high, SIZE);
	return TRUE;
}

static int compare(gconstpointer a, gconstpointer b)
{
	const struct interval *left = a;
	const struct interval *right = b;
	int order = (int)left->kind - (int)right->kind;

	return order ? order : memcmp(left->low, right->low, SIZE);
}

/* Whether `next`, which does not begin earlier, begins within `interval` or right after it. */
static gboolean touches(const struct interval *interval, const struct interval *next)
{
	guint8 after[SIZE];

	memcpy(after, interval->high, SIZE);
	for (int i = SIZE - 1; i >= 0 && ++after[i] == 0; i--)
		;
	return interval->kind == next->kind &&
	       (memcmp(next->low, interval->high, SIZE) <= 0 || !memcmp(next->low, after, SIZE));
}

static void append(json_t *texts, const struct interval *interval)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%u ", (guint)interval->kind);
	for (guint i = 0; i < SIZE; i++)
		g_string_append_printf(text, "%02x", (guint)interval->low[i]);
	g_string_append_c(text, '-');
	for (guint i = 0; i < SIZE; i++)
		g_string_append_printf(text, "%02x", (guint)interval->high[i]);
	json_array_append_new(texts, json_string(text->str));
	g_string_free(text, TRUE);
}

static json_t *join(GArray *intervals)
{
	json_t *texts = json_array();
	struct interval current;

	if (!intervals->len)
		return texts;
	g_array_sort(intervals, compare);
	current = g_array_index(intervals, struct interval, 0);
	for (guint i = 1; i < intervals->len; i++) {
		const struct interval *next = &g_array_index(intervals, struct interval, i);

		if (!touches(&current, next)) {
			append(texts, &current);
			current = *next;
		} else if (memcmp(next->high, current.high, SIZE) > 0) {
			memcpy(current.high, next->high, SIZE);
		}
	}
	append(texts, &current);
	return texts;
}

json_t *enforce_interval_normalise(const json_t *value)
{
	g_autoptr(GArray) intervals = g_array_new(FALSE, FALSE, sizeof(struct interval));
	const json_t *set = json_object_get(value, "set");
	gsize n = set ? json_array_size(set) : 1;

	for (gsize i = 0; i < n; i++) {
		struct interval interval;

		if (!read_element(set ? json_array_get(set, i) : value, &interval))
			return NULL;
		g_array_append_val(intervals, interval);
	}
	return join(intervals);
}
