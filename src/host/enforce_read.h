#pragma once
/* Reads our tables, or parts of them, from a kernel into a picture. What is missing there adds
 * nothing; FALSE with an error means that the kernel could not be read.
 */
#include "host/enforce_image.h"
#include "host/enforce_kernel.h"

/* The chain with its rules and their sets. */
gboolean enforce_read_chain(struct enforce_kernel *kernel, struct enforce_table table,
	const char *chain, struct enforce_image *image, GError **error);

/* One element of a named map or set of interface names. */
gboolean enforce_read_element(struct enforce_kernel *kernel, struct enforce_table table,
	const char *set, const char *key, struct enforce_image *image, GError **error);

/* Whatever a batch adds, each part by itself. */
gboolean enforce_read_parts(struct enforce_kernel *kernel, const struct enforce_batch *batch,
	struct enforce_image *image, GError **error);

/* All of the table. */
gboolean enforce_read_table(struct enforce_kernel *kernel, struct enforce_table table,
	struct enforce_image *image, GError **error);

/* Hands over each rule of the chain, or (NULL) of the table. */
gboolean enforce_read_rules(struct enforce_kernel *kernel, struct enforce_table table,
	const char *chain, enforce_answer_func answered, gpointer data, GError **error);
