#pragma once
/* The world of the story (issue 2): hosts A, B, C, switches s1 and s2, segments front and back;
 * `shop` (web1, web2, app1, db1; label blue) runs on A, `bank` (b1, b2; label red, in a conflict
 * set with blue) runs on C. C is bad for shop in four ways: red runs there, one uplink, too little
 * memory, segment back missing. */
#include "world/world.h"

#define STORY_FLOW "orders" /* outside → web, wants two disjoint paths */

struct world *story_world(void);
struct vapp *story_shop(void);
struct vapp *story_bank(void);

/* "device:UUID" of the host or of shop's or bank's machine of that name; owned by the caller. */
char *story_host(const char *name);
char *story_machine(const char *vapp, const char *machine);
void story_put_package(struct world *world, const struct vapp *vapp);
void story_run(struct world *world, const struct vapp *vapp, const char *host);
void story_cable(struct world *world, const char *host, const char *network_switch, gboolean up);
void story_segment(struct world *world, const char *host, const char *segment);
void story_policy(struct world *world, const char *text);
#define STORY_POLICY                                                                \
	"[policy]\nname=test\nversion=1.0\n[type blue]\n[type red]\n[type green]\n" \
	"[conflict money]\ntypes=blue;red\n[label blue]\nste=blue\nchw=blue\n"      \
	"[label red]\nste=red\nchw=red\n[label green]\nste=green\nchw=green\n"
