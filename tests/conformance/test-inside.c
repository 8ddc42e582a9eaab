/* The same conversations against an engine in this process: no sockets, no store, no waiting. */
#include "groups.h"
#include "inside.h"

int main(int argc, char **argv)
{
	static const struct script_group *const groups[] = { CONFORMANCE_GROUPS };

	g_test_init(&argc, &argv, NULL);
	struct map_engine *engine = inside_engine_new();
	const struct script_carrier carrier = inside_carrier(&engine);

	for (size_t i = 0; i < G_N_ELEMENTS(groups); i++) {
		g_autofree char *prefix = g_strconcat("/", groups[i]->name, NULL);
		script_add_all(prefix, &carrier, groups[i]->cases, groups[i]->n_cases);
	}
	int status = g_test_run();
	map_engine_drain(engine);
	map_engine_free(engine);
	return status;
}
