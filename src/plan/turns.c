#include "plan/turns.h"

#include <string.h>

gboolean turns_matter(const struct facts_order *order)
{
	return g_strcmp0(order->phase, "start") == 0 || g_strcmp0(order->phase, "stop") == 0;
}

static const struct facts_order_member *member_of(const struct facts_order *order, unsigned i)
{
	return order->members->pdata[i];
}

static unsigned n_members(const struct facts_order *order)
{
	return order->members ? order->members->len : 0;
}

static guint64 delay_ms(const struct facts_order_member *member)
{
	return MIN(member->turn_delay_s, G_MAXUINT32) * 1000;
}

/* When those before this one have been over for long enough; 0: not all of them are. */
static guint64 ready_ms(const struct facts_order *order, const struct facts_order_member *member)
{
	guint64 ready = 1;

	for (unsigned i = 0; i < n_members(order); i++) {
		const struct facts_order_member *other = member_of(order, i);

		if (!other->turn || other->turn >= member->turn)
			continue;
		if (!other->over_ms)
			return 0;
		ready = MAX(ready, other->over_ms + delay_ms(other));
	}
	return ready;
}

static gboolean is_over(
	const struct facts_order *order, const struct plan_observed *observed, unsigned i)
{
	const struct plan_side *from = &observed->from[i];
	const struct plan_side *to = &observed->to[i];

	if (strcmp(order->phase, "start") == 0)
		return to->running && to->conforming;
	return from->fenced || (!from->active && from->progress &&
				       g_strcmp0(from->progress->phase, order->phase) == 0 &&
				       g_strcmp0(from->progress->state, "done") == 0);
}

void turns_give(struct facts_order *order, const struct plan_observed *observed, guint64 now_ms)
{
	if (!turns_matter(order))
		return;
	for (unsigned i = 0; observed && i < observed->n_members; i++) {
		struct facts_order_member *member = order->members->pdata[i];

		if (!member->over_ms && is_over(order, observed, i))
			member->over_ms = now_ms;
	}
	for (unsigned i = 0; i < n_members(order); i++) {
		struct facts_order_member *member = order->members->pdata[i];
		guint64 ready = ready_ms(order, member);

		if (!member->go_ms && ready && ready <= now_ms)
			member->go_ms = now_ms;
	}
}

guint64 turns_began_ms(const struct facts_order *order)
{
	guint64 began = 0;

	for (unsigned i = 0; turns_matter(order) && i < n_members(order); i++)
		began = MAX(began, member_of(order, i)->go_ms);
	return MAX(began, turns_next_ms(order));
}

guint64 turns_next_ms(const struct facts_order *order)
{
	guint64 next = 0;

	for (unsigned i = 0; turns_matter(order) && i < n_members(order); i++) {
		const struct facts_order_member *member = member_of(order, i);
		guint64 ready = member->go_ms ? 0 : ready_ms(order, member);

		if (ready && (!next || ready < next))
			next = ready;
	}
	return next;
}
