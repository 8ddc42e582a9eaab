/* What ThreadSanitizer must know of GLib, which is not built with it.
 *
 * GLib's locks are futexes of its own, and its queues hide who handed what to whom, so that
 * ThreadSanitizer would call every use of them a race. This library stands before GLib in the
 * programs of a build with b_sanitize=thread (meson.build): each function here tells
 * ThreadSanitizer and then calls GLib's of the same name. Nothing else of GLib is changed, and
 * where a program is not instrumented nothing is told.
 *
 * Handing over is told as narrowly as it happens: one object of ThreadSanitizer's for each thing
 * handed over, so that two threads that merely use the same pool are not ordered by it.
 */
#include <dlfcn.h>
#include <glib.h>

/* Of compiler-rt's sanitizer/tsan_interface.h. */
#define TRY_LOCK        (1U << 4)
#define TRY_LOCK_FAILED (1U << 5)
#define TSAN(name, ...) __attribute__((weak)) void __tsan_##name(__VA_ARGS__)
TSAN(acquire, void *address);
TSAN(release, void *address);
TSAN(mutex_create, void *address, unsigned flags);
TSAN(mutex_destroy, void *address, unsigned flags);
TSAN(mutex_pre_lock, void *address, unsigned flags);
TSAN(mutex_post_lock, void *address, unsigned flags, int recursion);
__attribute__((weak)) int __tsan_mutex_pre_unlock(void *address, unsigned flags);
TSAN(mutex_post_unlock, void *address, unsigned flags);

#define TELL(name, ...)                             \
	do {                                        \
		if (__tsan_##name)                  \
			__tsan_##name(__VA_ARGS__); \
	} while (0)

/* GLib's own `name`. */
#define REAL(name) ((__typeof__(&(name)))find(G_STRINGIFY(name)))

static void *find(const char *name)
{
	void *address = dlsym(RTLD_NEXT, name);

	if (!address)
		__builtin_trap();
	return address;
}

/* ---- locks */

void g_mutex_init(GMutex *mutex)
{
	REAL(g_mutex_init)(mutex);
	TELL(mutex_create, mutex, 0);
}

void g_mutex_clear(GMutex *mutex)
{
	TELL(mutex_destroy, mutex, 0);
	REAL(g_mutex_clear)(mutex);
}

void g_mutex_lock(GMutex *mutex)
{
	TELL(mutex_pre_lock, mutex, 0);
	REAL(g_mutex_lock)(mutex);
	TELL(mutex_post_lock, mutex, 0, 0);
}

gboolean g_mutex_trylock(GMutex *mutex)
{
	gboolean locked;

	TELL(mutex_pre_lock, mutex, TRY_LOCK);
	locked = REAL(g_mutex_trylock)(mutex);
	TELL(mutex_post_lock, mutex, TRY_LOCK | (locked ? 0 : TRY_LOCK_FAILED), 0);
	return locked;
}

void g_mutex_unlock(GMutex *mutex)
{
	TELL(mutex_pre_unlock, mutex, 0);
	REAL(g_mutex_unlock)(mutex);
	TELL(mutex_post_unlock, mutex, 0);
}

static void tell_wait(GMutex *mutex)
{
	TELL(mutex_pre_unlock, mutex, 0);
	TELL(mutex_post_unlock, mutex, 0);
}

static void tell_woken(GMutex *mutex)
{
	TELL(mutex_pre_lock, mutex, 0);
	TELL(mutex_post_lock, mutex, 0, 0);
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
	tell_wait(mutex);
	REAL(g_cond_wait)(cond, mutex);
	tell_woken(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
	gboolean woken;

	tell_wait(mutex);
	woken = REAL(g_cond_wait_until)(cond, mutex, end_time);
	tell_woken(mutex);
	return woken;
}

/* ---- once */

/* The header's macros of these names are for callers. */
#undef g_once_init_enter
#undef g_once_init_leave

gboolean g_once_init_enter(volatile void *location)
{
	gboolean first = REAL(g_once_init_enter)(location);

	if (!first)
		TELL(acquire, (void *)location);
	return first;
}

void g_once_init_leave(volatile void *location, gsize result)
{
	TELL(release, (void *)location);
	REAL(g_once_init_leave)(location, result);
}

/* ---- reference counts: whoever drops the last one comes after all others */

#undef g_atomic_ref_count_dec

gboolean g_atomic_ref_count_dec(gatomicrefcount *count)
{
	gboolean last;

	TELL(release, count);
	last = REAL(g_atomic_ref_count_dec)(count);
	if (last)
		TELL(acquire, count);
	return last;
}

/* ---- thread pools: from _push to the function, and from its end to the end of the pool */

struct pool {
	GFunc function;
	gpointer user_data;
};

struct task {
	gpointer data;
};

static void run_task(gpointer data, gpointer user_data)
{
	struct task *task = data;
	struct pool *pool = user_data;
	gpointer given = task->data;

	TELL(acquire, task);
	g_free(task);
	pool->function(given, pool->user_data);
	TELL(release, pool);
}

GThreadPool *g_thread_pool_new(
	GFunc function, gpointer user_data, gint max_threads, gboolean exclusive, GError **error)
{
	struct pool *pool = g_new(struct pool, 1);

	*pool = (struct pool){ function, user_data };
	return REAL(g_thread_pool_new)(run_task, pool, max_threads, exclusive, error);
}

gboolean g_thread_pool_push(GThreadPool *real, gpointer data, GError **error)
{
	struct task *task = g_new(struct task, 1);

	task->data = data;
	TELL(release, task);
	return REAL(g_thread_pool_push)(real, task, error);
}

/* What never ran, and the pool when nobody waits for its threads, is not given back. */
void g_thread_pool_free(GThreadPool *real, gboolean immediate, gboolean wait)
{
	struct pool *pool = real->user_data;

	REAL(g_thread_pool_free)(real, immediate, wait);
	if (!wait)
		return;
	TELL(acquire, pool);
	g_free(pool);
}

/* ---- main contexts: from g_source_attach() to the source's function */

struct callback {
	GSource *source;
	GSourceFunc function;
	gpointer data;
	GDestroyNotify notify;
};

static gboolean call(gpointer data)
{
	struct callback *callback = data;

	TELL(acquire, callback->source);
	return callback->function(callback->data);
}

static void call_notify(gpointer data)
{
	struct callback *callback = data;

	TELL(acquire, callback->source);
	if (callback->notify)
		callback->notify(callback->data);
	g_free(callback);
}

/* The functions of other sources have other arguments. */
static gboolean is_simple(const GSource *source)
{
	return source->source_funcs == &g_idle_funcs || source->source_funcs == &g_timeout_funcs;
}

void g_source_set_callback(
	GSource *source, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
	struct callback *callback;

	if (!is_simple(source)) {
		REAL(g_source_set_callback)(source, function, data, notify);
		return;
	}
	callback = g_new(struct callback, 1);
	*callback = (struct callback){ source, function, data, notify };
	TELL(release, source);
	REAL(g_source_set_callback)(source, call, callback, call_notify);
}

guint g_source_attach(GSource *source, GMainContext *context)
{
	TELL(release, source);
	return REAL(g_source_attach)(source, context);
}

/* ---- names in reports */

__attribute__((weak)) void __sanitizer_symbolize_pc(
	void *address, const char *format, char *out, size_t out_size);

/* ThreadSanitizer names functions with the help of a program that it starts for its first report.
 * Our daemons may not start any once they serve, so it is started now. */
__attribute__((constructor)) static void begin(void)
{
	char name[64];

	if (__sanitizer_symbolize_pc)
		__sanitizer_symbolize_pc(begin, "%f", name, sizeof(name));
}
