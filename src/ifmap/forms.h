/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What many metadata say alike, kept once: a cache of trees (metatree.h).
 *
 * Most metadata of a kind differ in nothing but the server's stamps. A metadata that is stamped
 * through the forms shares the tree of an equal one that was seen lately, and stored XML of a known
 * form is read without parsing it. Forgetting costs memory, never an answer. Any thread.
 */
#include "ifmap/dialect.h"
#include "ifmap/request.h"

struct ifmap_forms;

struct ifmap_forms *ifmap_forms_new(void);
void ifmap_forms_free(struct ifmap_forms *forms);
typedef struct ifmap_forms ifmap_forms;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_forms, ifmap_forms_free)

/* As ifmap_meta_stamp() and, if the dialect wants it, ifmap_meta_stamp_whole(). */
struct ifmap_meta *ifmap_forms_stamp(struct ifmap_forms *forms, const struct ifmap_meta *meta,
	const char *publisher_id, gint64 timestamp_us, const struct ifmap_dialect *dialect);
/* The metadata that was written as this XML with these stamps, stamped as ifmap_forms_stamp() does;
 * NULL when it has to be parsed: its form is not known. */
struct ifmap_meta *ifmap_forms_read(struct ifmap_forms *forms, const char *xml,
	const char *publisher_id, gint64 timestamp_us, const struct ifmap_dialect *dialect);

/* The identifier in the XML that ifmap_reply_id() writes; NULL when it has to be parsed: it is not
 * of the simple kind. */
struct ifmap_id *ifmap_forms_read_id(const char *xml, const struct ifmap_dialect *dialect);
