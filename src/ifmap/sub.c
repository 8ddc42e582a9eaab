/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/sub.h"

#include <string.h>

void ifmap_search_copy(struct ifmap_search *to, const struct ifmap_search *from)
{
	*to = *from;
	to->start = ifmap_id_ref(from->start);
	to->match_links = g_strdup(from->match_links);
	to->result_filter = g_strdup(from->result_filter);
	to->terminal_types = g_strdup(from->terminal_types);
}

void ifmap_search_clear(struct ifmap_search *search)
{
	ifmap_id_unref((struct ifmap_id *)search->start);
	g_free((char *)search->match_links);
	g_free((char *)search->result_filter);
	g_free((char *)search->terminal_types);
	*search = (struct ifmap_search){ 0 };
}

struct ifmap_sub *ifmap_sub_new(const char *name, const struct ifmap_search *search,
	ifmap_client_result_fn on_result, gpointer data)
{
	struct ifmap_sub *sub = g_new0(struct ifmap_sub, 1);

	sub->refs = 1;
	sub->name = g_strdup(name);
	ifmap_search_copy(&sub->search, search);
	ifmap_backoff_init(&sub->backoff, g_random_int());
	sub->on_result = on_result;
	sub->data = data;
	sub->wanted_by_caller = TRUE;
	return sub;
}

struct ifmap_sub *ifmap_sub_ref(struct ifmap_sub *sub)
{
	g_atomic_int_inc(&sub->refs);
	return sub;
}

void ifmap_sub_unref(struct ifmap_sub *sub)
{
	if (!sub || !g_atomic_int_dec_and_test(&sub->refs))
		return;
	ifmap_search_clear(&sub->search);
	g_free(sub->name);
	g_free(sub);
}

void ifmap_sub_set_wire_name(struct ifmap_sub *sub, unsigned number)
{
	g_autofree char *whole = g_strdup_printf("%u.%s", number, sub->name);
	const char *end = whole + strlen(whole);

	if (end - whole >
		(ptrdiff_t)IFMAP_SUB_NAME_MAX) /* never through the middle of a character */
		end = g_utf8_find_prev_char(whole, whole + IFMAP_SUB_NAME_MAX + 1);
	memset(sub->wire_name, 0, sizeof sub->wire_name);
	memcpy(sub->wire_name, whole, (size_t)(end - whole));
}

void ifmap_sub_fail(struct ifmap_sub *sub, gint64 now_us)
{
	if (sub->state == IFMAP_SUB_STANDING &&
		now_us - sub->standing_us > IFMAP_BACKOFF_LAST_MS * G_GINT64_CONSTANT(1000))
		ifmap_backoff_reset(&sub->backoff);
	sub->state = IFMAP_SUB_DUE;
	sub->due_us = now_us + ifmap_backoff_next(&sub->backoff) * G_GINT64_CONSTANT(1000);
}
