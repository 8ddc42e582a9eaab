#include "map/bucket.h"

gboolean map_bucket_has(struct map_bucket *bucket, double per_second, double most, gint64 now_us)
{
	gint64 passed_us = now_us - bucket->filled_us;

	bucket->tokens = bucket->filled_us
				 ? bucket->tokens + per_second * (double)passed_us / G_USEC_PER_SEC
				 : most;
	bucket->tokens = MIN(bucket->tokens, most);
	bucket->filled_us = now_us;
	return bucket->tokens >= 1;
}

gboolean map_bucket_take(struct map_bucket *bucket, double per_second, double most, gint64 now_us)
{
	if (!map_bucket_has(bucket, per_second, most, now_us))
		return FALSE;
	bucket->tokens -= 1;
	return TRUE;
}
