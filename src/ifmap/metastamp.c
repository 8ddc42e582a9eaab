/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/xmlout.h"
#include "ifmap/metatree.h"

#define PUBLISHER " ifmap-publisher-id=\""
#define TIMESTAMP " ifmap-timestamp=\""
#define FRACTION  " ifmap-timestamp-fraction=\""
#define DAY_S     86400

/* Digits of `number`, exactly n of them. */
static char *put_digits(char *at, unsigned number, unsigned n)
{
	for (unsigned i = n; i > 0; i--, number /= 10)
		at[i - 1] = (char)('0' + number % 10);
	return at + n;
}

struct civil {
	unsigned year, month, day;
};

/* Of a day since 1970, by the Gregorian calendar: years begin in March here, so that the leap day
 * is the last one, and repeat every 146,097 days. Before 1970 nobody stamps. */
static struct civil civil_of_day(guint64 days)
{
	guint64 since = days + 719468; /* 0000-03-01 */
	guint64 era = since / 146097;
	unsigned in_era = (unsigned)(since % 146097);
	unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * in_year + 2) / 153;
	struct civil civil = {
		.year = (unsigned)(era * 400) + year + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = in_year - (153 * month + 2) / 5 + 1,
	};
	return civil;
}

void ifmap_meta_stamp_time(gint64 timestamp_us, char timestamp[static IFMAP_META_TIME_SIZE])
{
	guint64 seconds = (guint64)MAX(timestamp_us, 0) / G_USEC_PER_SEC;
	unsigned in_day = (unsigned)(seconds % DAY_S);
	struct civil civil = civil_of_day(seconds / DAY_S);
	const struct {
		unsigned number, n_digits;
		char behind;
	} parts[] = {
		{ civil.year % 10000, 4, '-' },
		{ civil.month, 2, '-' },
		{ civil.day, 2, 'T' },
		{ in_day / 3600, 2, ':' },
		{ in_day / 60 % 60, 2, ':' },
		{ in_day % 60, 2, 'Z' },
	};
	char *at = timestamp;

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		at = put_digits(at, parts[i].number, parts[i].n_digits);
		*at++ = parts[i].behind;
	}
	*at = '\0';
}

void ifmap_meta_stamp_fraction(gint64 timestamp_us, char fraction[static IFMAP_META_TIME_SIZE])
{
	unsigned us = (unsigned)((guint64)MAX(timestamp_us, 0) % G_USEC_PER_SEC);

	fraction[0] = '0';
	fraction[1] = '.';
	*put_digits(fraction + 2, us, 6) = '\0';
}

/* What no attribute has to escape; publisher-ids are made of it. */
static gboolean is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!g_ascii_isalnum(*p) && *p != '-' && *p != '.' && *p != '_')
			return FALSE;
	return TRUE;
}

static void write_own(GString *out, const struct ifmap_meta *meta)
{
	char text[IFMAP_META_TIME_SIZE];

	if (is_plain(meta->publisher)) {
		g_string_append_len(out, PUBLISHER, sizeof(PUBLISHER) - 1);
		g_string_append(out, meta->publisher);
		g_string_append_c(out, '"');
	} else {
		base_xmlout_attr(out, "ifmap-publisher-id", meta->publisher);
	}
	ifmap_meta_stamp_time(meta->timestamp_us, text);
	g_string_append_len(out, TIMESTAMP, sizeof(TIMESTAMP) - 1);
	g_string_append(out, text);
	g_string_append_c(out, '"');
	if (meta->stamping == IFMAP_META_STAMPED_WHOLE)
		return;
	ifmap_meta_stamp_fraction(meta->timestamp_us, text);
	g_string_append_len(out, FRACTION, sizeof(FRACTION) - 1);
	g_string_append(out, text);
	g_string_append_c(out, '"');
}

void ifmap_meta_stamp_write(GString *out, const struct ifmap_meta *meta)
{
	switch (meta->stamping) {
	case IFMAP_META_UNSTAMPED:
		return;
	case IFMAP_META_STAMPED:
	case IFMAP_META_STAMPED_WHOLE:
		write_own(out, meta);
		return;
	case IFMAP_META_STAMPED_OTHER:
		base_xmlout_attr(out, "ifmap-publisher-id", meta->publisher);
		base_xmlout_attr(out, "ifmap-timestamp", meta->text->timestamp);
		base_xmlout_attr(out, "ifmap-timestamp-fraction", meta->text->fraction);
		return;
	}
}

size_t ifmap_meta_stamp_size(const struct ifmap_meta *meta)
{
	size_t size = sizeof(PUBLISHER) + sizeof(TIMESTAMP) + sizeof("2024-05-01T09:30:00Z") - 1;

	if (meta->stamping == IFMAP_META_UNSTAMPED)
		return 0;
	if (meta->stamping == IFMAP_META_STAMPED_OTHER || !is_plain(meta->publisher)) {
		g_autoptr(GString) text = g_string_new(NULL);
		ifmap_meta_stamp_write(text, meta);
		return text->len;
	}
	if (meta->stamping == IFMAP_META_STAMPED)
		size += sizeof(FRACTION) + sizeof("0.251000") - 1;
	return size + strlen(meta->publisher);
}
