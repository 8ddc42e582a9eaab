#include "waiting.h"

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)
#define PAUSE_US    500UL
/* Two waits at one line are two when so much lies between them. */
#define NEW_WAIT_US (G_TIME_SPAN_SECOND)

void wait_a_moment(const char *file, int line, const char *condition)
{
	static int last_line;
	static gint64 start_us;
	static gint64 last_us;
	gint64 now_us = g_get_monotonic_time();

	if (line != last_line || now_us - last_us > NEW_WAIT_US)
		start_us = now_us;
	last_line = line;
	last_us = now_us;
	if (now_us - start_us > PATIENCE_US)
		g_error("%s:%d: %s never came true", file, line, condition);
	if (!g_main_context_iteration(NULL, FALSE))
		g_usleep(PAUSE_US);
}
