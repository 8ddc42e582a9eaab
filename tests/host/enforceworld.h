#pragma once
/* The enforcer in a small world of guests on two bridges, for tests that send real packets. Needs
 * root; DROVER_ENFORCER names the program. Functions that cannot fail in a sound test abort.
 */
#include "enforcer_run.h"
#include "netlab.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"
#define UUID_D "dddddddd-0000-4000-8000-000000000004"
#define UUID_E "eeeeeeee-0000-4000-8000-000000000005"
#define MAC_A  "52:54:00:00:00:0a"
#define MAC_B  "52:54:00:00:00:0b"
#define MAC_C  "52:54:00:00:00:0c"
#define MAC_D  "52:54:00:00:00:0d"
#define MAC_E  "52:54:00:00:00:0e"
#define MAC_F  "52:54:00:00:00:0f"

/* A and B are protected and C and F are foreign, all on br0; D and E are protected on br1, with A's
 * and B's addresses. */
struct world {
	int host;
	int a, b, c, d, e, f;
	char *directory;
	char *state;
	struct enforcer_run *run;
};

/* A machine with one nic: on br1 in conntrack zone 2, elsewhere in 1. NULL-terminated addresses. */
struct rules_machine *world_machine(const char *uuid, const char *tap, const char *mac,
	const char *bridge, const char *const *addresses);
extern const char *const world_addresses_a[];
extern const char *const world_addresses_b[];
/* `port` 0: all; `peer` NULL: anyone. */
void world_allow(struct rules_machine *machine, const char *id, enum rules_direction direction,
	enum rules_protocol protocol, guint16 port, const char *peer);
/* A calls B on TCP 80 and UDP 53 and pings it, in both families. */
struct rules_machine *world_machine_a(void);
struct rules_machine *world_machine_b(void);

void world_up(struct world *world);
void world_down(struct world *world);

/* Sets the machines, which it takes (NULL-terminated), and expects them to conform. The
 * milliseconds that it took. */
double world_set(struct world *world, struct rules_machine *first, ...) G_GNUC_NULL_TERMINATED;

/* Whether a connection can be made and carries bytes both ways. */
gboolean world_tcp(int from, int to, const char *address, guint16 port);

/* Waits for the report of a refusal, and forgets all. */
void world_expect_refused(
	struct world *world, const char *tap, const char *direction, const char *rule);

/* Writes an Ethernet header; its size. */
void world_put_mac(guint8 *at, const char *mac);
gsize world_put_ethernet(guint8 *frame, const char *to, const char *from, guint16 type);
/* Neighbour advertisement from fd00:9::1 to fd00:9::2 for fd00:9::TARGET, with its checksum. */
gsize world_put_advert(guint8 *frame, guint8 target);

/* Why such tests cannot run here; NULL when they can. Free with g_free(). */
char *world_why_not(void);
