#pragma once
/* The statements that take time: a server with short timeouts, and clients that are busy with it in
 * a thread while the other cases run. */
#include "checks.h"

struct timers;

/* Starts server and thread. */
struct timers *timers_begin(void);
/* Registers the cases; they wait for the thread. `count` is told every name. */
void timers_add(struct timers *timers, void (*count)(const char *name));
void timers_free(struct timers *timers);
