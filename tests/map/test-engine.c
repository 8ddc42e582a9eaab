/* The conversations of cases.c against an engine in this process: no sockets, no store. */
#include "inside.h"

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	struct map_engine *engine = inside_engine_new();
	const struct script_carrier carrier = inside_carrier(&engine);

	script_add_all("/engine", &carrier, MAP_CASES, N_MAP_CASES);
	int status = g_test_run();
	map_engine_drain(engine);
	map_engine_free(engine);
	return status;
}
