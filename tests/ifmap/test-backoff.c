#include "ifmap/backoff.h"

static void test_steps(void)
{
	static const unsigned nominal[] = { 50, 100, 200, 400, 800, 1600, 2000, 2000, 2000 };

	for (guint32 seed = 0; seed < 200; seed++) {
		struct ifmap_backoff backoff;

		ifmap_backoff_init(&backoff, seed);
		for (size_t i = 0; i < G_N_ELEMENTS(nominal); i++) {
			unsigned wait_ms = ifmap_backoff_next(&backoff);

			g_assert_cmpuint(wait_ms, >=, nominal[i] / 2);
			g_assert_cmpuint(wait_ms, <=, nominal[i]);
		}
		ifmap_backoff_reset(&backoff);
		g_assert_cmpuint(ifmap_backoff_next(&backoff), <=, 50);
	}
}

/* Many clients that lost the same server must not come back in one moment. */
static void test_jitter(void)
{
	gboolean seen[2001] = { FALSE };
	unsigned n_different = 0;

	for (guint32 seed = 1; seed <= 1000; seed++) {
		struct ifmap_backoff backoff = { .n_failed = 10, .random = seed * 2654435761U };
		unsigned wait_ms = ifmap_backoff_next(&backoff);

		n_different += !seen[wait_ms];
		seen[wait_ms] = TRUE;
	}
	g_assert_cmpuint(n_different, >, 300);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/backoff/steps", test_steps);
	g_test_add_func("/ifmap/backoff/jitter", test_jitter);
	return g_test_run();
}
