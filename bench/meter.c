#include "meter.h"

#include <stdio.h>
#include <unistd.h>

/* Idle is who takes so little in so long: a thousandth. */
#define QUIET_US    200000
#define MAX_QUIET_S 0.0002

static double read_clock(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		g_error("the clock of the measured process has gone");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double meter_now_s(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void meter_start(struct meter *meter, GPid pid)
{
	if (clock_getcpuclockid(pid, &meter->cpu_clock) != 0)
		g_error("there is no process %d to measure", pid);
	meter->wall_s = meter_now_s();
	meter->cpu_s = read_clock(meter->cpu_clock);
}

void meter_stop(struct meter *meter)
{
	meter->cpu_s = read_clock(meter->cpu_clock) - meter->cpu_s;
	meter->wall_s = meter_now_s() - meter->wall_s;
}

void meter_wait_idle(GPid pid, double patience_s)
{
	double until_s = meter_now_s() + patience_s;
	struct meter meter;

	do {
		meter_start(&meter, pid);
		g_usleep(QUIET_US);
		meter_stop(&meter);
	} while (meter.cpu_s > MAX_QUIET_S && meter_now_s() < until_s);
}

unsigned meter_n_threads(GPid pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", pid);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	unsigned n = 0;

	while (dir && g_dir_read_name(dir))
		n++;
	return n;
}

gsize meter_memory_size(GPid pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/statm", pid);
	g_autofree char *text = NULL;
	g_auto(GStrv) fields = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	fields = g_strsplit(text, " ", 3); /* proc(5): size resident ..., in pages */
	if (g_strv_length(fields) < 2)
		return 0;
	return (gsize)g_ascii_strtoull(fields[1], NULL, 10) * (gsize)sysconf(_SC_PAGESIZE);
}
