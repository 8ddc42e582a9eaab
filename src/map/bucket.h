#pragma once
/* A token bucket: so many at once, so many a second on average. Pure: the caller brings the clock
 * (monotonic microseconds). A zeroed bucket is full.
 */
#include <glib.h>

struct map_bucket {
	double tokens;
	gint64 filled_us; /* when `tokens` was right; 0: never used */
};

/* Whether a token is there. */
gboolean map_bucket_has(struct map_bucket *bucket, double per_second, double most, gint64 now_us);
/* Takes one if it is there. */
gboolean map_bucket_take(struct map_bucket *bucket, double per_second, double most, gint64 now_us);
