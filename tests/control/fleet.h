#pragma once
/* A fleet without a map server for tests of control/orders: the world of the story, control's judge
 * and orders over it, and hosts that do what docs/moves.md asks of them. Every run of control is
 * given back by the map at once unless a test keeps it. GLib prints the seed of what is random.
 */
#include "control/orders.h"

struct fleet {
	struct world *world;
	struct judge *judge;
	struct orders *orders;
	guint64 now_ms;
};

void fleet_init(struct fleet *fleet);
void fleet_clear(struct fleet *fleet);
/* Control is killed and begins anew. */
void fleet_restart(struct fleet *fleet);

/* One run of control whose result is still on its way to the map; owned by the caller. */
struct ifmap_publish *fleet_run(struct fleet *fleet);
/* One run, given back by the map at once; how many operations it took. */
unsigned fleet_turn(struct fleet *fleet);
/* Runs until nothing more is said, which must come soon. */
void fleet_settle(struct fleet *fleet);
/* Time passes, then as fleet_settle(). */
void fleet_wait(struct fleet *fleet, guint64 ms);

/* An operator asks; `to`: names of hosts with commas, or NULL. */
void fleet_ask(
	struct fleet *fleet, const char *vapp, const char *id, const char *verb, const char *to);
void fleet_ask_at(struct fleet *fleet, const char *vapp, const char *id, const char *verb,
	const char *to, guint64 at_ms);

const struct facts_order *fleet_order(struct fleet *fleet, const char *vapp);
/* Of the reservation: "home", "arrival", or NULL for none. */
const char *fleet_purpose(
	struct fleet *fleet, const char *vapp, const char *machine, const char *host);

/* What a host says; places as "device:UUID". State NULL: the machine is not there. */
void fleet_put_state(struct fleet *fleet, const char *vm, const char *host, const char *state);
void fleet_put_progress(struct fleet *fleet, const struct facts_order *order, const char *vm,
	const char *host, const char *state);

/* Hosts do what the vApp's order asks in its phase: all; each machine's with even odds; one
 * machine's alone. */
void fleet_obey(struct fleet *fleet, const char *vapp);
void fleet_obey_lazily(struct fleet *fleet, const char *vapp);
void fleet_obey_for(struct fleet *fleet, const char *vapp, const char *machine);

/* Asks that `shop` be moved to B, as order "r1", and carries it on into this phase. */
void fleet_move_until(struct fleet *fleet, const char *phase);
/* Control and hosts go on until the order has ended. */
void fleet_carry_out(struct fleet *fleet, const char *vapp);
