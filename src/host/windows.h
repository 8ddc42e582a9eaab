#pragma once
/* What this host sees of the map: its subscriptions, their mirrors, and the book made of them.
 *
 * The book turns its page only when every window has been filled, and what of the page binds
 * this host is on disk before anybody acts on it (book.h); without a map the last page stays. One
 * thread; pointers into the book are borrowed until the next turn of the main loop.
 */
#include "host/book.h"

/* Bytes that one subscription, and one answer to a poll, may hold. */
#define WINDOWS_SIZE_MAX (64UL * 1024 * 1024)

struct windows;

/* Called when the book says something else than before. */
typedef void (*windows_changed_fn)(gpointer data);

/* Reads the last page from `book_path`. NULL with an error when it is damaged. */
struct windows *windows_new(
	const char *book_path, windows_changed_fn changed, gpointer data, GError **error);
void windows_free(struct windows *windows);

/* Subscribes for the host and starts the client, which is borrowed and must outlive the windows. */
void windows_open(struct windows *windows, struct ifmap_client *client, const char *host_uuid);

const struct book *windows_book(const struct windows *windows);
/* Whether the map has spoken since this program began; until then the book may be of long ago. */
gboolean windows_heard(const struct windows *windows);
/* Whether the book is what the map says now, not what it said last. */
gboolean windows_fresh(const struct windows *windows);
