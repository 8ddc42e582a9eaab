/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Streams a SOAP body, without a tree, to whoever knows what its elements mean (requests, answers).
 *
 * The reader owns the XML parser and its bounds: depth, attributes of a tag, no DOCTYPE, UTF-8 or
 * UTF-16 only. It checks the envelope and knows how to read the two things that both sides carry:
 * identifiers and metadata. Everything handed to a callback is borrowed and lives until it returns,
 * unless it is said to be given away. Any thread; one run at a time per reader, which lives only
 * during ifmap_reader_run().
 */
#include "ifmap/dialect.h"
#include "ifmap/filter.h"

struct ifmap_reader;

/* A start tag. */
struct ifmap_tag {
	const char *ns; /* "" for none */
	const char *local;
	const char *prefix; /* NULL for none */
	unsigned n_attributes;
	const unsigned char **attributes; /* five a piece, as libxml2's SAX2 has them */
	unsigned n_declarations;
	const unsigned char **declarations; /* prefix, namespace */
};

/* Value of the attribute `name` in no namespace, newly allocated, or NULL. */
char *ifmap_tag_attribute(const struct ifmap_tag *tag, const char *name);

/* Namespace declarations in scope, innermost last; strings of the parser's dictionary, equal when
 * their pointers are. */
struct ifmap_binding {
	const char *prefix; /* NULL: default namespace */
	const char *ns;     /* "" : taken back */
};
struct ifmap_scope {
	GArray *bindings; /* struct ifmap_binding */
};

/* Who wrote the metadata: a client's own stamps are dropped, a server's are read. */
enum ifmap_meta_origin {
	IFMAP_META_FROM_CLIENT,
	IFMAP_META_FROM_SERVER,
};

struct ifmap_reader_ops {
	/* An element inside the Body; depth 1 is the Body's child. Not called for what is captured
	 * or skipped. */
	void (*start)(gpointer self, struct ifmap_reader *reader, unsigned depth,
		const struct ifmap_tag *tag);
	/* Its end; `text` is the character data since the last tag. */
	void (*end)(gpointer self, struct ifmap_reader *reader, unsigned depth, const char *text);
	/* The end of a captured identifier or metadata element: a value given away, or `error`
	 * (given away too). */
	void (*identifier)(gpointer self, struct ifmap_id *id, GError *error);
	void (*meta)(gpointer self, struct ifmap_meta *meta, GError *error);
};

struct ifmap_reader_limits {
	size_t max_identifier;
	size_t max_metadata;
	unsigned max_depth;
	const struct ifmap_dialect *dialect; /* NULL: defaults */
};

/* What the outermost element is. */
enum ifmap_reader_frame {
	IFMAP_READER_ENVELOPE, /* a SOAP 1.2 envelope */
	IFMAP_READER_BARE,     /* the content itself: depth 1 is the root */
};

enum ifmap_reader_status {
	IFMAP_READER_OK,
	IFMAP_READER_MALFORMED,      /* not well-formed, a limit, or no envelope */
	IFMAP_READER_NOT_UNDERSTOOD, /* a header block that must be understood */
	IFMAP_READER_OLD_SOAP,       /* an envelope of SOAP 1.1 */
};

/* One run: lives as long as it does. */
struct ifmap_reader_setup {
	enum ifmap_reader_frame frame;
	struct ifmap_reader_limits limits;
	const struct ifmap_reader_ops *ops;
	gpointer self; /* handed to each of ops */
};

/* Reads a whole document. `error` (IFMAP_ERROR_FAILURE with line and reason) is set unless OK. */
enum ifmap_reader_status ifmap_reader_run(
	const char *data, size_t size, const struct ifmap_reader_setup *setup, GError **error);

/* To be called from `start`, at most one of them: what becomes of the element just started. */
void ifmap_reader_skip(struct ifmap_reader *reader);
void ifmap_reader_take_identifier(
	struct ifmap_reader *reader, const struct ifmap_tag *tag, enum ifmap_id_type type);
void ifmap_reader_take_meta(
	struct ifmap_reader *reader, const struct ifmap_tag *tag, enum ifmap_meta_origin origin);

/* The prefixes in scope at the element just started; a new reference. Elements with the same scope
 * share one. */
struct ifmap_prefixes *ifmap_reader_prefixes(struct ifmap_reader *reader);
