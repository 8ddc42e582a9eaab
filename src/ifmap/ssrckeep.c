/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/ask.h"
#include "ifmap/keeppub.h"
#include "ifmap/ssrc.h"

typedef void (*add_fn)(
	struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept, const char *publisher_id);

static void add_fresh(struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept,
	const char *publisher_id G_GNUC_UNUSED)
{
	ifmap_keeppub_add_fresh(keeppub, kept);
}

static enum ifmap_ssrc_outcome publish_some(
	struct ifmap_ssrc *ssrc, GPtrArray *kept, guint from, guint n, add_fn add, GError **error)
{
	struct ifmap_keeppub *keeppub = ifmap_keeppub_new(
		(const char *const *)ssrc->engine->prefixes);
	enum ifmap_ssrc_outcome outcome = IFMAP_SSRC_DONE;

	for (guint i = from; i < from + n; i++)
		add(keeppub, g_ptr_array_index(kept, i), ssrc->engine->publisher_id);
	if (ifmap_publish_n_operations(keeppub->publish) > 0) {
		g_string_truncate(ssrc->body, 0);
		ifmap_ask_publish(ssrc->body, ssrc->engine->session_id,
			ifmap_keeppub_prefixes(keeppub), keeppub->publish);
		outcome = ifmap_ssrc_ask(ssrc, IFMAP_ANSWER_PUBLISH,
			add == add_fresh ? IFMAP_SSRC_ONCE : IFMAP_SSRC_REPEATABLE, NULL, error);
	}
	ifmap_keeppub_free(keeppub);
	return outcome;
}

/* Publishes all in one request; when the server refuses that, each alone, so that one bad apple is
 * all that is missing. IFMAP_SSRC_DONE, or the trouble that stopped it. */
static enum ifmap_ssrc_outcome publish_all(
	struct ifmap_ssrc *ssrc, GPtrArray *kept, add_fn add, GError **error)
{
	g_autoptr(GError) why = NULL;
	enum ifmap_ssrc_outcome outcome = publish_some(ssrc, kept, 0, kept->len, add, &why);

	for (guint i = 0; outcome == IFMAP_SSRC_REFUSED && i < kept->len; i++) {
		if (kept->len > 1) {
			g_clear_error(&why);
			outcome = publish_some(ssrc, kept, i, 1, add, &why);
		}
		if (outcome == IFMAP_SSRC_REFUSED) {
			g_mutex_lock(&ssrc->engine->lock);
			ifmap_engine_report_refused(ssrc->engine, g_ptr_array_index(kept, i), why);
			g_mutex_unlock(&ssrc->engine->lock);
		}
		if (outcome == IFMAP_SSRC_DONE)
			outcome = IFMAP_SSRC_REFUSED; /* go on with the rest */
	}
	if (outcome == IFMAP_SSRC_REFUSED)
		return IFMAP_SSRC_DONE;
	if (why)
		g_propagate_error(error, g_steal_pointer(&why));
	return outcome;
}

enum ifmap_ssrc_outcome ifmap_ssrc_publish_fresh(
	struct ifmap_ssrc *ssrc, GPtrArray *kept, GError **error)
{
	return publish_all(ssrc, kept, add_fresh, error);
}

enum ifmap_ssrc_outcome ifmap_ssrc_publish_kept(
	struct ifmap_ssrc *ssrc, GPtrArray *kept, GError **error)
{
	return publish_all(ssrc, kept, ifmap_keeppub_add, error);
}
