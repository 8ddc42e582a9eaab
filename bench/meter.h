#pragma once
/* A stopwatch over one process: wall time, and the CPU time that all its threads took.
 *
 * CPU time is the kernel's own count (clock_getcpuclockid(3)), exact to less than a microsecond
 * where /proc/PID/stat has ticks of 10 ms, so that a short run on a busy machine still tells
 * something. A plain value, any thread.
 */
#include <glib.h>
#include <time.h>

struct meter {
	clockid_t cpu_clock;
	double wall_s; /* at the start; after meter_stop() how long it took */
	double cpu_s;  /* likewise */
};

/* `pid` 0: this process. Aborts when there is no such process. */
void meter_start(struct meter *meter, GPid pid);
/* The process must still be there, be it as a zombie. */
void meter_stop(struct meter *meter);

/* Returns when the process takes no CPU time any more, or after `patience_s`. */
void meter_wait_idle(GPid pid, double patience_s);

/* Monotonic, seconds. */
double meter_now_s(void);
/* What the process holds in memory now, bytes; 0 when that cannot be read. */
gsize meter_memory_size(GPid pid);
unsigned meter_n_threads(GPid pid);
