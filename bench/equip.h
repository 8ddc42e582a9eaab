#pragma once
/* What the actors of each scenario write and ask: facts of Drover's own vocabulary, as its agents
 * and its control publish them. An actor writes about a host and machines of its own. One thread.
 */
#include "actor.h"

void equip_publish(struct actor *worker);         /* `runs-on` of one machine */
void equip_publish_forever(struct actor *worker); /* `reservation` of one machine */
void equip_batch(struct actor *worker);           /* `runs-on` of 100 machines */
void equip_search(struct actor *worker); /* around its host, where 20 machines run, depth 1 */
void equip_hub(struct actor *worker);    /* `capacity` of the host that readers look at */
/* Subscribes to the hub. */
void equip_reader(struct actor *reader);
