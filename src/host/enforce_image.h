#pragma once
/* A picture of our tables, made either from the batches that build them or from what the kernel
 * answers, so that the two can be compared. Pure.
 *
 * A picture is a set of named parts ("bridge chain from-tap1", "bridge element to tap1", "inet set
 * bridges"), each with a text: handles and counter values are left out, a rule's own sets are
 * written into it in order.
 */
#include "host/enforce_batch.h"

struct enforce_image;

struct enforce_image *enforce_image_new(void);
struct enforce_image *enforce_image_of_batch(const struct enforce_batch *batch);
void enforce_image_free(struct enforce_image *image);

/* A message that adds something to our tables; others are passed over. The elements of a rule's own
 * set must come before the rule. */
void enforce_image_add(struct enforce_image *image, const struct nlmsghdr *message);
void enforce_image_add_batch(struct enforce_image *image, const struct enforce_batch *batch);

/* The parts of the taps (their chains and map elements), compared; "" when they are equal. `taps`
 * NULL: all parts. At most 10 differences are told. Free with g_free(). */
char *enforce_image_difference(const struct enforce_image *wanted,
	const struct enforce_image *found, const char *const *taps);

/* The same of every part of `wanted`; parts that only `found` has do not count. */
char *enforce_image_missing(const struct enforce_image *wanted, const struct enforce_image *found);

/* SHA-256, hexadecimal, of the parts of the taps. Free with g_free(). */
char *enforce_image_digest(const struct enforce_image *image, const char *const *taps);

/* All parts in order, for people and tests. Free with g_free(). */
char *enforce_image_to_string(const struct enforce_image *image);

typedef struct enforce_image enforce_image;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(enforce_image, enforce_image_free)
