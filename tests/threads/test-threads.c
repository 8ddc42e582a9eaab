/* ThreadSanitizer as our builds use it: it finds races, also beside GLib's hand-over, and finds
 * none where GLib keeps order. Each toy runs in a process of its own, which fails by its report.
 */
#include <glib.h>

#define TURNS 1000

static int number;
static gboolean there;
static GMutex lock;
static GCond cond;

static void with_thread(GThreadFunc function, void (*meanwhile)(void))
{
	GThread *thread = g_thread_new("toy", function, NULL);

	meanwhile();
	g_thread_join(thread);
}

/* ---- locks */

static void add_bare(void)
{
	for (int i = 0; i < TURNS; i++)
		number++;
}

static gpointer run_bare(gpointer data)
{
	add_bare();
	return data;
}

static void bare(void)
{
	with_thread(run_bare, add_bare);
}

static void add_locked(void)
{
	for (int i = 0; i < TURNS; i++) {
		g_mutex_lock(&lock);
		number++;
		g_mutex_unlock(&lock);
	}
}

static void add_tried(void)
{
	for (int i = 0; i < TURNS; i++) {
		if (!g_mutex_trylock(&lock))
			continue;
		number++;
		g_mutex_unlock(&lock);
	}
}

static gpointer run_locked(gpointer data)
{
	add_locked();
	return data;
}

static void locked(void)
{
	with_thread(run_locked, add_locked);
}

static void tried(void)
{
	with_thread(run_locked, add_tried);
}

/* One side takes the lock and the other does not. */
static void half_locked(void)
{
	with_thread(run_locked, add_bare);
}

static gpointer run_waiting(gpointer data)
{
	g_mutex_lock(&lock);
	while (!there)
		if (!g_cond_wait_until(&cond, &lock, g_get_monotonic_time() + 1000))
			g_cond_wait(&cond, &lock);
	g_mutex_unlock(&lock);
	number++;
	return data;
}

static void signal_it(void)
{
	number = 1;
	g_usleep(2000);
	g_mutex_lock(&lock);
	there = TRUE;
	g_mutex_unlock(&lock);
	g_cond_signal(&cond);
}

static void signalled(void)
{
	with_thread(run_waiting, signal_it);
}

/* ---- once */

static void once(void)
{
	static gsize ready;

	if (g_once_init_enter(&ready)) {
		number = 1;
		g_once_init_leave(&ready, 1);
	}
	g_assert_cmpint(number, ==, 1);
}

static gpointer run_once(gpointer data)
{
	once();
	return data;
}

static void once_each(void)
{
	with_thread(run_once, once);
}

/* ---- thread pools */

static void add_to(gpointer data, gpointer user_data)
{
	int *given = data;
	int *done = user_data;

	(*given)++;
	*done += *given;
}

static void pooled(void)
{
	int given[2] = { 1, 2 };
	GThreadPool *pool = g_thread_pool_new(add_to, &number, 1, TRUE, NULL);

	g_thread_pool_push(pool, &given[0], NULL);
	given[1]++;
	g_thread_pool_push(pool, &given[1], NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	g_assert_cmpint(number, ==, 6);
}

/* Touches again what it has handed over. */
static void pooled_and_kept(void)
{
	static int given;
	GThreadPool *pool = g_thread_pool_new(add_to, &number, 1, TRUE, NULL);

	g_thread_pool_push(pool, &given, NULL);
	given++;
	g_thread_pool_free(pool, FALSE, TRUE);
}

/* ---- main contexts */

static gboolean on_attached(gpointer data)
{
	int *given = data;

	(*given)++;
	there = TRUE;
	return G_SOURCE_REMOVE;
}

static void attach(int *given)
{
	GSource *source = g_idle_source_new();

	g_source_set_callback(source, on_attached, given, NULL);
	*given = 1;
	g_source_attach(source, NULL);
	g_source_unref(source);
}

static gpointer run_attaching(gpointer data)
{
	attach(&number);
	return data;
}

static gpointer run_attaching_and_keeping(gpointer data)
{
	attach(&number);
	number++;
	return data;
}

static void dispatch(void)
{
	while (!there)
		g_main_context_iteration(NULL, TRUE);
}

static void dispatched(void)
{
	with_thread(run_attaching, dispatch);
}

static void dispatched_and_kept(void)
{
	with_thread(run_attaching_and_keeping, dispatch);
}

/* ---- the toys */

static const struct toy {
	const char *name;
	void (*run)(void);
	gboolean is_race;
} toys[] = {
	{ "bare", bare, TRUE },
	{ "half-locked", half_locked, TRUE },
	{ "pooled-and-kept", pooled_and_kept, TRUE },
	{ "dispatched-and-kept", dispatched_and_kept, TRUE },
	{ "locked", locked, FALSE },
	{ "tried", tried, FALSE },
	{ "signalled", signalled, FALSE },
	{ "once", once_each, FALSE },
	{ "pooled", pooled, FALSE },
	{ "dispatched", dispatched, FALSE },
};

static void test_toy(gconstpointer data)
{
	const struct toy *toy = data;

	if (g_test_subprocess()) {
		toy->run();
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	if (toy->is_race) {
		g_test_trap_assert_failed();
		g_test_trap_assert_stderr("*WARNING: ThreadSanitizer: data race*");
	} else {
		g_test_trap_assert_passed();
		g_test_trap_assert_stderr_unmatched("*ThreadSanitizer*");
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(toys); i++) {
		g_autofree char *path = g_strconcat("/threads/", toys[i].name, NULL);

		g_test_add_data_func(path, &toys[i], test_toy);
	}
	return g_test_run();
}
