#include "host/enforce_interval.h"

#include <string.h>

GArray *enforce_interval_list(void)
{
	return g_array_new(FALSE, TRUE, sizeof(struct enforce_interval));
}

void enforce_interval_add_bytes(GArray *list, const void *bytes, guint8 size)
{
	struct enforce_interval interval = { .size = size };

	memcpy(interval.low, bytes, size);
	memcpy(interval.high, bytes, size);
	g_array_append_val(list, interval);
}

static void put_number(guint8 *bytes, guint64 number, guint8 size)
{
	for (guint8 i = 0; i < size; i++)
		bytes[i] = (guint8)(number >> (8 * (size - 1 - i)));
}

void enforce_interval_add_range(GArray *list, guint64 low, guint64 high, guint8 size)
{
	struct enforce_interval interval = { .size = size };

	put_number(interval.low, low, size);
	put_number(interval.high, high, size);
	g_array_append_val(list, interval);
}

void enforce_interval_add_prefix(GArray *list, const struct rules_prefix *prefix)
{
	struct enforce_interval interval = { .size = prefix->family == 4 ? 4 : 16 };

	memcpy(interval.low, prefix->address, interval.size);
	memcpy(interval.high, prefix->address, interval.size);
	for (guint i = prefix->bits; i < interval.size * 8u; i++)
		interval.high[i / 8] |= (guint8)(0x80 >> (i % 8));
	g_array_append_val(list, interval);
}

void enforce_interval_add_prefixes(GArray *list, const GArray *prefixes, guint8 family)
{
	for (guint i = 0; i < prefixes->len; i++) {
		const struct rules_prefix *prefix = &g_array_index(
			prefixes, struct rules_prefix, i);

		if (prefix->family == family)
			enforce_interval_add_prefix(list, prefix);
	}
}

static int compare(gconstpointer a, gconstpointer b)
{
	return memcmp(((const struct enforce_interval *)a)->low,
		((const struct enforce_interval *)b)->low, ENFORCE_INTERVAL_SIZE);
}

gboolean enforce_interval_after(
	const struct enforce_interval *interval, guint8 after[ENFORCE_INTERVAL_SIZE])
{
	memset(after, 0, ENFORCE_INTERVAL_SIZE);
	memcpy(after, interval->high, interval->size);
	for (guint i = interval->size; i > 0; i--)
		if (++after[i - 1])
			return TRUE;
	return FALSE;
}

/* Whether `next`, which does not begin earlier, begins within `interval` or right after it. */
static gboolean touches(
	const struct enforce_interval *interval, const struct enforce_interval *next)
{
	guint8 after[ENFORCE_INTERVAL_SIZE];

	return !enforce_interval_after(interval, after) ||
	       memcmp(next->low, after, interval->size) <= 0;
}

void enforce_interval_join(GArray *list)
{
	guint n = 0;

	g_array_sort(list, compare);
	for (guint i = 0; i < list->len; i++) {
		const struct enforce_interval next = g_array_index(
			list, struct enforce_interval, i);
		struct enforce_interval *last = n ? &g_array_index(
							    list, struct enforce_interval, n - 1)
						  : NULL;

		if (!last || !touches(last, &next))
			g_array_index(list, struct enforce_interval, n++) = next;
		else if (memcmp(next.high, last->high, next.size) > 0)
			memcpy(last->high, next.high, next.size);
	}
	g_array_set_size(list, n);
}
