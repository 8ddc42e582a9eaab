#pragma once
/* What commands print: tables with stable columns for people, JSON for programs. */
#include <glib.h>
#include <jansson.h>
#include <stdio.h>

/* A table: headings once, then rows of the same number of cells. Cells are UTF-8 and copied; NULL
 * prints as "-". */
struct out_table;

struct out_table *out_table_new(const char *const *headings);
void out_table_add(struct out_table *table, const char *const *cells);
/* Prints (columns as wide as their widest cell, the last one open) and frees. Nothing but the
 * headings when empty. */
void out_table_print(struct out_table *table, FILE *out);

/* Prints the one that is wanted and releases both. */
void out_either(gboolean json_wanted, struct out_table *table, json_t *json);

/* Prints and releases. */
void out_json(json_t *json);

/* "3 s", "5 min", "2 h", "4 d" since then; "-" for 0. Newly allocated. */
char *out_age(guint64 then_ms, guint64 now_ms);
/* "2026-11-22 21:03:11" local time; newly allocated. */
char *out_time(guint64 ms);
/* `text` in a terminal colour, or as it is; newly allocated. */
enum out_colour { OUT_GOOD, OUT_BAD, OUT_DIM };
char *out_colour(gboolean wanted, enum out_colour colour, const char *text);
