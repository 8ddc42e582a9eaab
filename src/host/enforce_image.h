#pragma once
/* A picture of our tables, made either from the commands that build them or from what the kernel
 * lists, so that the two can be compared. Pure.
 *
 * A picture is a set of named parts ("bridge chain from-tap1", "bridge element to tap1", "inet set
 * bridges"), each with a text: handles and counter values are left out, sets are sorted, keys are
 * in order.
 */
#include <glib.h>
#include <jansson.h>

struct enforce_image;

/* From commands ("add" of table, chain, set, map, rule, element; others are passed over). */
struct enforce_image *enforce_image_of_commands(const json_t *commands);

/* From the arrays that `list` returns. Tables other than ours are passed over. */
struct enforce_image *enforce_image_new(void);
void enforce_image_add_listing(struct enforce_image *image, const json_t *listing);

void enforce_image_free(struct enforce_image *image);

/* The parts of the taps (their chains and map elements), compared; "" when they are equal. `taps`
 * NULL: all parts. At most 10 differences are told. Free with g_free(). */
char *enforce_image_difference(const struct enforce_image *wanted,
	const struct enforce_image *found, const char *const *taps);

/* The same of every part of `wanted`; parts that only `found` has do not count. */
char *enforce_image_missing(const struct enforce_image *wanted, const struct enforce_image *found);

/* SHA-256, hexadecimal, of the parts of the taps. Free with g_free(). */
char *enforce_image_digest(const struct enforce_image *image, const char *const *taps);

typedef struct enforce_image enforce_image;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(enforce_image, enforce_image_free)
