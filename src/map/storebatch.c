#include "map/storebatch.h"

static void row_clear(gpointer data)
{
	struct map_row *row = data;
	map_entry_clear(&row->entry);
	for (size_t i = 0; i < G_N_ELEMENTS(row->text); i++)
		g_free(row->text[i]);
}

struct map_batch *map_batch_new(void)
{
	struct map_batch *batch = g_new0(struct map_batch, 1);
	batch->rows = g_array_new(FALSE, TRUE, sizeof(struct map_row));
	g_array_set_clear_func(batch->rows, row_clear);
	return batch;
}

void map_batch_free(struct map_batch *batch)
{
	if (!batch)
		return;
	g_array_unref(batch->rows);
	g_free(batch);
}

gboolean map_batch_is_empty(const struct map_batch *batch)
{
	return batch->rows->len == 0;
}

gboolean map_batch_is_durable(const struct map_batch *batch)
{
	return batch->n_durable > 0;
}

static void add_row(struct map_batch *batch, const struct map_row *row)
{
	g_array_append_vals(batch->rows, row, 1);
	batch->n_durable += row->kind < MAP_ROW_BEGIN_HISTORY;
}

void map_batch_add_fact(struct map_batch *batch, struct map_entry *entry)
{
	if (entry->lifetime == IFMAP_LIFETIME_FOREVER) {
		struct map_row row = { .kind = MAP_ROW_ADD_FACT, .entry = *entry };
		row.entry.a = ifmap_id_ref(entry->a);
		row.entry.b = entry->b ? ifmap_id_ref(entry->b) : NULL;
		row.entry.meta = ifmap_meta_ref(entry->meta);
		add_row(batch, &row);
	}
	const struct map_row row = { .kind = MAP_ROW_BEGIN_HISTORY, .entry = *entry };
	add_row(batch, &row);
	*entry = (struct map_entry){ 0 };
}

void map_batch_remove_fact(struct map_batch *batch, const struct map_ending *ending)
{
	struct map_row row = {
		.kind = MAP_ROW_END_HISTORY,
		.number = (gint64)ending->serial,
		.by = ending->by,
		.timestamp_us = ending->at_us,
		.why = ending->why,
	};
	add_row(batch, &row);
	row.kind = MAP_ROW_REMOVE_FACT;
	if (ending->lifetime == IFMAP_LIFETIME_FOREVER)
		add_row(batch, &row);
}

void map_batch_add_publisher(struct map_batch *batch, const char *client, const char *publisher_id)
{
	const struct map_row row = {
		.kind = MAP_ROW_ADD_PUBLISHER,
		.text = { g_strdup(client), g_strdup(publisher_id) },
	};
	add_row(batch, &row);
}

void map_batch_add_type(struct map_batch *batch, const char *ns, const char *name,
	enum ifmap_cardinality cardinality)
{
	const struct map_row row = {
		.kind = MAP_ROW_ADD_TYPE,
		.number = cardinality,
		.text = { g_strdup(ns), g_strdup(name) },
	};
	add_row(batch, &row);
}

void map_batch_add_withdrawal(struct map_batch *batch, const struct map_withdrawal *withdrawal)
{
	const struct map_row row = {
		.kind = MAP_ROW_ADD_WITHDRAWAL,
		.entry = { .publisher = withdrawal->publisher, .lifetime = withdrawal->lifetime },
		.number = (gint64)withdrawal->below,
		.by = withdrawal->by,
		.timestamp_us = withdrawal->at_us,
		.why = withdrawal->why,
	};
	add_row(batch, &row);
}
