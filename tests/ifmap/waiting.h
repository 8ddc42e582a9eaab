#pragma once
/* Running the default main context until something has come true, with an end to patience. */
#include <glib.h>

#define WAIT_UNTIL(condition) \
	while (!(condition))  \
	wait_a_moment(__FILE__, __LINE__, #condition)

/* Dispatches what is ready or sleeps half a millisecond; aborts when the same line has waited for
 * 20 s. */
void wait_a_moment(const char *file, int line, const char *condition);
