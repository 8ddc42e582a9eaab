/* C164 and the rest: on random sequences of requests by several clients the engine answers as the
 * model does (oracle.h).
 *
 * The environment sets: MAP_SEQUENCES, how many (10,000; 3,000 under a sanitizer); MAP_SEED, the
 * first seed, each sequence has the next; MAP_STEPS, how long each is (40); MAP_SCRIPT, a file to
 * replay instead.
 *
 * A sequence that fails, or kills the process, is made smaller and printed as such a script. The
 * sequences run in processes of their own, one per processor. */
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle.h"

/* Sanitizers make it five times as slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEQUENCES 3000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEQUENCES 3000
#endif
#endif
#ifndef SEQUENCES
#define SEQUENCES 10000
#endif
#define STEPS       40
#define MAX_WORKERS 8

static guint32 setting(const char *name, guint32 otherwise)
{
	const char *text = g_getenv(name);
	return text ? (guint32)g_ascii_strtoull(text, NULL, 10) : otherwise;
}

static GArray *draw(guint32 seed)
{
	struct sequence_source source = { .rand = g_rand_new_with_seed(seed) };
	GArray *steps = sequence_draw(&source, setting("MAP_STEPS", STEPS));
	g_rand_free(source.rand);
	return steps;
}

/* ---- processes: a sequence may abort the one it runs in */

static gboolean ended_well(pid_t child)
{
	int status = 0;
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* As sequence_shrink() wants it. */
static gboolean fails(const GArray *steps, gpointer data)
{
	(void)data;
	pid_t child = fork();
	g_assert(child >= 0);
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		_exit(oracle_run(steps) != NULL);
	}
	return !ended_well(child);
}

static void report(GArray *steps)
{
	steps = sequence_shrink(steps, fails, NULL);
	g_autofree char *script = sequence_to_script(steps);
	g_test_message("the smallest that fails; replay it with MAP_SCRIPT=FILE:\n%s", script);
	g_autofree char *difference = oracle_run(steps);
	g_test_message("%s", difference ? difference : "but it does not fail in this process");
	g_array_unref(steps);
	g_test_fail();
}

/* Shared with the process that works. */
struct worker {
	guint32 seed; /* of the sequence under way, or that failed */
	guint32 n_done;
	char difference[1 << 16]; /* what it found; empty when it died */
};

static _Noreturn void work(struct worker *self, guint32 first, guint32 n, guint32 stride)
{
	for (guint32 i = 0; i < n; i += stride) {
		self->seed = first + i;
		g_autoptr(GArray) steps = draw(self->seed);
		g_autofree char *difference = oracle_run(steps);
		if (difference) {
			g_strlcpy(self->difference, difference, sizeof(self->difference));
			_exit(1);
		}
		self->n_done++;
	}
	_exit(0);
}

static void test_sequences(void)
{
	guint32 n = setting("MAP_SEQUENCES", SEQUENCES);
	guint32 first = setting("MAP_SEED", (guint32)g_test_rand_int());
	pid_t processes[MAX_WORKERS];
	guint32 n_workers = MIN(g_get_num_processors(), MAX_WORKERS);
	size_t size = n_workers * sizeof(struct worker);
	struct worker *workers = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	guint32 n_done = 0;
	gint64 begin = g_get_monotonic_time();

	g_assert(workers != MAP_FAILED);
	g_test_message("%u sequences, seeds %u and following", n, first);
	for (guint32 i = 0; i < n_workers; i++) {
		processes[i] = fork();
		g_assert(processes[i] >= 0);
		if (processes[i] == 0)
			work(&workers[i], first + i, n - i, n_workers);
	}
	for (guint32 i = 0; i < n_workers; i++) {
		if (!ended_well(processes[i])) {
			g_test_message("seed %u %s\n%s", workers[i].seed,
				*workers[i].difference ? "fails" : "kills the process",
				workers[i].difference);
			report(draw(workers[i].seed));
		}
		n_done += workers[i].n_done;
	}
	g_test_message("%u sequences in %.1f s", n_done,
		(double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC);
	g_assert_true(g_test_failed() || n_done == n);
	munmap(workers, size);
}

#define DURABLE_SEQUENCES 100

/* History and restarts; files in memory where there is such a place, since only order matters. */
static void test_past(void)
{
	guint32 first = setting("MAP_SEED", (guint32)g_test_rand_int());
	const char *root = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm"
								       : g_get_tmp_dir();
	g_autofree char *folder = g_build_filename(root, "drover-history-XXXXXX", NULL);
	g_assert_nonnull(g_mkdtemp(folder));
	g_autofree char *path = g_build_filename(folder, "map.sqlite", NULL);
	g_autofree char *lock = g_strconcat(path, ".lock", NULL);

	for (guint32 i = 0; i < setting("MAP_DURABLE", DURABLE_SEQUENCES) && !g_test_failed();
		i++) {
		g_autoptr(GArray) steps = draw(first + i);
		g_autofree char *difference = oracle_run_durably(steps, path, first + i);
		g_unlink(path);
		if (difference) {
			g_test_message("seed %u: %s", first + i, difference);
			g_test_fail();
		}
	}
	g_unlink(lock);
	g_assert_cmpint(g_rmdir(folder), ==, 0);
}

static void test_script(gconstpointer data)
{
	g_autofree char *script = NULL;
	g_autoptr(GError) error = NULL;

	g_file_get_contents(data, &script, NULL, &error);
	g_autoptr(GArray) steps = script ? sequence_from_script(script, &error) : NULL;
	g_assert_no_error(error);
	g_autofree char *difference = oracle_run(steps);
	if (difference)
		g_test_message("%s", difference);
	g_assert_null(difference);
}

/* What fuzz/fuzz-sequence.c has found worth keeping. */
static void test_corpus(void)
{
	const char *folder = g_getenv("CORPUS");
	unsigned n = 0;
	g_assert_nonnull(folder);
	g_autoptr(GDir) open = g_dir_open(folder, 0, NULL);
	g_assert_nonnull(open);
	for (const char *name; (name = g_dir_read_name(open)); n++) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *data = NULL;
		struct sequence_source source = { 0 };
		g_assert_true(g_file_get_contents(path, &data, &source.size, NULL));
		source.data = (const guint8 *)data;
		g_autoptr(GArray) steps = sequence_draw(&source, 60);
		g_autofree char *difference = oracle_run(steps);
		if (difference)
			g_test_message("%s: %s", name, difference);
		g_assert_null(difference);
	}
	g_assert_cmpuint(n, >, 50);
}

/* What is printed can be read back. */
static void test_scripts_are_whole(void)
{
	for (guint32 seed = 0; seed < 50; seed++) {
		g_autoptr(GArray) steps = draw(seed);
		g_autofree char *script = sequence_to_script(steps);
		g_autoptr(GArray) again = sequence_from_script(script, NULL);
		g_assert_nonnull(again);
		g_assert_cmpuint(steps->len, ==, again->len);
		g_assert_true(memcmp(steps->data, again->data,
				      steps->len * sizeof(struct sequence_step)) == 0);
	}
	g_assert_null(sequence_from_script("publish client=9\n", NULL));
	g_assert_null(sequence_from_script("  update a=1\n", NULL));
	g_assert_null(sequence_from_script("publsh\n", NULL));
}

/* Fails while some purge and some delete far from the start are left. */
static gboolean has_both(const GArray *steps, gpointer data)
{
	gboolean purge = FALSE;
	gboolean far = FALSE;
	(void)data;
	for (guint i = 0; i < steps->len; i++) {
		const struct sequence_step *step = &g_array_index(steps, struct sequence_step, i);
		purge = purge || step->verb == SEQUENCE_PURGE;
		for (int k = 0; k < step->n_ops; k++)
			far = far || (step->ops[k].kind == SEQUENCE_DELETE && step->ops[k].a > 1);
	}
	return purge && far;
}

static void test_shrinking(void)
{
	unsigned n = 0;
	for (guint32 seed = 0; seed < 50; seed++) {
		GArray *steps = draw(seed);
		if (has_both(steps, NULL)) {
			steps = sequence_shrink(steps, has_both, NULL);
			g_assert_cmpuint(steps->len, ==, 2);
			n++;
		}
		g_array_unref(steps);
	}
	g_assert_cmpuint(n, >, 5);
}

int main(int argc, char **argv)
{
	const char *script = g_getenv("MAP_SCRIPT");
	g_test_init(&argc, &argv, NULL);
	if (script) {
		g_test_add_data_func("/map/property/script", script, test_script);
		return g_test_run();
	}
	g_test_add_func(
		"/map/property/scripts are read as they were written", test_scripts_are_whole);
	g_test_add_func("/map/property/shrinking leaves what is needed", test_shrinking);
	g_test_add_func("/map/property/corpus of the fuzz target", test_corpus);
	g_test_add_func("/map/property/what was on the map at a moment", test_past);
	g_test_add_func("/map/property/C164 engine and model agree", test_sequences);
	return g_test_run();
}
