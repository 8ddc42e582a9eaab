#pragma once
/* Standing verdicts: for every vApp and every host, published when they come to say something else.
 *
 * The judge is told what the changes of the world touched and judges those pairs again; it compares
 * with the verdict it last published (or, after a restart, with the one in the map) and appends
 * what differs. It knows no clock and no map.
 */
#include "plan/clearance.h"

struct judge;

struct judge *judge_new(void);
void judge_free(struct judge *judge);

/* The world was built anew: whatever was computed about the old one is dropped. `world` is borrowed
 * until the next call. */
void judge_set_world(struct judge *judge, const struct world *world);

/* Judges the touched pairs and appends to `publish` each verdict that says something new. Returns
 * how many were judged. */
unsigned judge_run(struct judge *judge, const struct world_touched *touched, guint64 now_ms,
	struct ifmap_publish *publish);
/* The vApp's verdicts are being taken out of the map: if it comes back they are news again. */
void judge_forget(struct judge *judge, const char *vapp);
/* Of the last world. */
struct plan_judge *judge_plan(struct judge *judge);
