#pragma once
/* A real drover-mapd on loopback, in a directory of its own, for as long as the test runs. It dies
 * with the test. The clients it knows are "alice", "bob" and "carol"; each one's password is the
 * name. It keeps its port over restarts.
 */
#include <drover/ifmap.h>

struct mapd_proc;

/* Starts it and waits until it listens; aborts when it does not. */
struct mapd_proc *mapd_proc_new(const char *program);
/* Kills it and removes all it wrote. */
void mapd_proc_free(struct mapd_proc *proc);
/* SIGKILL, and nothing listens when this returns. */
void mapd_proc_kill(struct mapd_proc *proc);
void mapd_proc_start(struct mapd_proc *proc);

/* How to reach it as `user`; borrows from `proc` and `user`. */
struct ifmap_client_config mapd_proc_config(const struct mapd_proc *proc, const char *user);
