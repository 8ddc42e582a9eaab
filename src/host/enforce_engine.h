#pragma once
/* What the enforcer was asked for, and the one place that turns it into kernel transactions.
 *
 * Invariants:
 *   E1  A machine that was ever set and not removed is in the kernel with its rules, or cut. Never
 * neither. E2  The state file is written (fsync) before the kernel is changed: after a crash at any
 * point, starting again leads to what was last asked for. E3  Each change is one kernel
 * transaction: no instant without rules. E4  What a change of one machine costs here does not
 * depend on the number of the others. One thread. The kernel is borrowed.
 */
#include "host/enforce_base.h"
#include "host/enforce_client.h"
#include "host/enforce_kernel.h"

#include <jansson.h>

struct enforce_engine;

/* `state_path` NULL: nothing is remembered. */
struct enforce_engine *enforce_engine_new(struct enforce_kernel *kernel,
	const struct enforce_backend *backend, guint16 log_group, const char *state_path);
void enforce_engine_free(struct enforce_engine *engine);

/* Reads the state file; a missing one is empty. A broken one is an error, and nothing is known
 * then. */
gboolean enforce_engine_load(struct enforce_engine *engine, GError **error);

/* Puts everything in place in one transaction, whatever was there. */
gboolean enforce_engine_rebuild(struct enforce_engine *engine, GError **error);

/* Nothing passes to or from any machine until the next rebuild. Takes well under a millisecond more
 * than the kernel needs to begin. */
gboolean enforce_engine_shut(struct enforce_engine *engine, GError **error);

/* Somebody has changed our tables. With `uuids` (NULL-terminated) only the parts of these machines,
 * which are put back in one transaction. With NULL whatever may be open is closed first, and then
 * everything put in place: with many machines that takes a while, in which nothing at all passes.
 * *ret_open_us is how long it took until nothing was open; it is written even when the function
 * fails, in which case the machines stay closed or are as they were found. */
gboolean enforce_engine_repair(struct enforce_engine *engine, const char *const *uuids,
	gint64 *ret_open_us, GError **error);

/* The operations of enforce_client.h. Machines are struct rules_machine, copied. The zone of a
 * machine's bridge is from then on that of all machines on it.
 * ENFORCE_ERROR_REFUSED when they contradict each other or what is there: nothing is changed then.
 * When the kernel takes them not, they are cut, the function succeeds and *ret_note says why (free
 * with g_free()). */
gboolean enforce_engine_set(
	struct enforce_engine *engine, GPtrArray *machines, char **ret_note, GError **error);
gboolean enforce_engine_remove(struct enforce_engine *engine, const char *uuid, GError **error);
gboolean enforce_engine_cut(struct enforce_engine *engine, const char *uuid, GError **error);

/* Appends {"uuid", "state", "intent", "kernel", "difference"} of the machines, or (NULL) of all,
 * after reading back. */
gboolean enforce_engine_verify(
	struct enforce_engine *engine, const char *const *uuids, json_t *verdicts, GError **error);

/* The same without reading back: states "conforms" or "cut" as intended, no kernel digest. */
void enforce_engine_list(struct enforce_engine *engine, json_t *verdicts);

/* All that differs between both tables and the intent, in words; "" when nothing does. Free with
 * g_free(). */
char *enforce_engine_difference(struct enforce_engine *engine, GError **error);

/* Appends {"uuid", "tap", "direction", "rule", "packets", "bytes"} of the machine, or (NULL) of
 * all. */
gboolean enforce_engine_counters(
	struct enforce_engine *engine, const char *uuid, json_t *counters, GError **error);

/* All machines (struct rules_machine), borrowed until the next change; free the array. */
GPtrArray *enforce_engine_machines(const struct enforce_engine *engine);

/* Borrowed until the next change; NULL when unknown. */
const struct rules_machine *enforce_engine_find(
	const struct enforce_engine *engine, const char *uuid);
const struct rules_machine *enforce_engine_find_tap(
	const struct enforce_engine *engine, const char *tap);
gboolean enforce_engine_is_cut(const struct enforce_engine *engine, const char *uuid);
