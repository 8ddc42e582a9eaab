/* Whole sequences of requests by several clients, drawn from the bytes: the map engine answers as
 * the naive model of a MAP server does (tests/map/oracle.h). */
#include <stdint.h>

#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 60

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sequence_source source = { .data = data, .size = size };
	g_autoptr(GArray) steps = sequence_draw(&source, MAX_STEPS);
	g_autofree char *difference = oracle_run(steps);

	if (difference) {
		g_autofree char *script = sequence_to_script(steps);
		g_error("%s\nas a script (MAP_SCRIPT=FILE test-map-property):\n%s", difference,
			script);
	}
	return 0;
}
