#pragma once
/* Small identifiers and metadata for tests. What is returned belongs to the caller. */
#include <drover/ifmap.h>

#define SAMPLE_NS "urn:drover:test:1"

/* ip 10.0.0.`n` */
struct ifmap_id *sample_ip(unsigned n);
/* {SAMPLE_NS}`name` with the attribute slot (NULL: none) and `text` inside, not stamped. */
struct ifmap_meta *sample_meta(
	const char *name, enum ifmap_cardinality cardinality, const char *slot, const char *text);
/* The same as a server would hand it out: publisher "p", time stamp `seconds` into 2026. */
struct ifmap_meta *sample_stamped(
	const char *name, enum ifmap_cardinality cardinality, const char *text, unsigned seconds);
/* A line that tells two facts apart: element, ends of a link in either order, and metadata. */
char *sample_line(
	const struct ifmap_id *a, const struct ifmap_id *b, const struct ifmap_meta *meta);
/* For g_ptr_array_sort over such lines. */
int sample_compare_lines(gconstpointer a, gconstpointer b);
/* Everything the mirror holds, sorted, one line each. */
char *sample_mirror_text(const struct ifmap_mirror *mirror);
