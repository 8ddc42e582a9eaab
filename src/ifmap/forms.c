/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/forms.h"

#include <string.h>

#include "ifmap/identifier.h"
#include "ifmap/metatree.h"

/* A newer form takes the place of the one in its slot, so nobody can make a search long. */
#define N_SLOTS 1024

struct slot {
	guint64 hash;
	struct ifmap_meta_tree *tree; /* referenced, or NULL */
};

struct ifmap_forms {
	GMutex lock;
	struct slot slots[N_SLOTS];
};

struct ifmap_forms *ifmap_forms_new(void)
{
	struct ifmap_forms *forms = g_new0(struct ifmap_forms, 1);

	g_mutex_init(&forms->lock);
	return forms;
}

void ifmap_forms_free(struct ifmap_forms *forms)
{
	if (!forms)
		return;
	for (size_t i = 0; i < N_SLOTS; i++)
		ifmap_meta_tree_unref(forms->slots[i].tree);
	g_mutex_clear(&forms->lock);
	g_free(forms);
}

/* ---- trees -- */

static guint64 mix(guint64 hash, const char *bytes, size_t size)
{
	guint64 word;

	for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	}
	word = size;
	memcpy(&word, bytes, size);
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

/* The bytes of an element around its stamps. */
struct around {
	const char *before, *after;
	size_t before_size, after_size;
};

static gboolean is_of(const struct ifmap_meta_tree *tree, const struct around *around)
{
	return tree->before_size == around->before_size && tree->after_size == around->after_size &&
	       memcmp(tree->before, around->before, around->before_size) == 0 &&
	       memcmp(tree->after, around->after, around->after_size) == 0;
}

/* A reference to the tree of these bytes: the one that is known, else `otherwise`, which is then
 * known. */
static struct ifmap_meta_tree *find(
	struct ifmap_forms *forms, const struct around *around, struct ifmap_meta_tree *otherwise)
{
	guint64 hash = mix(mix(around->before_size, around->before, around->before_size),
		around->after, around->after_size);
	struct slot *slot = &forms->slots[hash % N_SLOTS];
	struct ifmap_meta_tree *old = NULL;

	g_mutex_lock(&forms->lock);
	gboolean known = slot->tree && slot->hash == hash && is_of(slot->tree, around);
	if (!known && otherwise) {
		old = slot->tree;
		*slot = (struct slot){ hash, ifmap_meta_tree_ref(otherwise) };
	}
	struct ifmap_meta_tree *tree = known       ? ifmap_meta_tree_ref(slot->tree)
				       : otherwise ? ifmap_meta_tree_ref(otherwise)
						   : NULL;
	g_mutex_unlock(&forms->lock);
	ifmap_meta_tree_unref(old);
	return tree;
}

static enum ifmap_meta_stamping stamping_of(const struct ifmap_dialect *dialect)
{
	return dialect->whole_seconds ? IFMAP_META_STAMPED_WHOLE : IFMAP_META_STAMPED;
}

struct ifmap_meta *ifmap_forms_stamp(struct ifmap_forms *forms, const struct ifmap_meta *meta,
	const char *publisher_id, gint64 timestamp_us, const struct ifmap_dialect *dialect)
{
	const struct around around = { meta->tree->before, meta->tree->after,
		meta->tree->before_size, meta->tree->after_size };
	struct ifmap_meta_tree *tree = find(forms, &around, meta->tree);
	struct ifmap_meta *stamped = ifmap_meta_assemble_stamped(
		tree, stamping_of(dialect), publisher_id, timestamp_us);

	ifmap_meta_tree_unref(tree);
	return stamped;
}

/* Where the stamps stand in the XML; FALSE when they are not there in our words. They are
 * attributes of the first tag, and no attribute's value can contain a quotation mark. */
static gboolean cut_out_stamps(
	const char *xml, const char *publisher_id, gint64 timestamp_us, struct around *ret_around)
{
	const enum ifmap_meta_stamping either[] = { IFMAP_META_STAMPED, IFMAP_META_STAMPED_WHOLE };

	for (size_t i = 0; i < G_N_ELEMENTS(either); i++) {
		const struct ifmap_meta stamps = { .stamping = either[i],
			.publisher = publisher_id,
			.timestamp_us = timestamp_us };
		g_autoptr(GString) text = g_string_sized_new(256);
		ifmap_meta_stamp_write(text, &stamps);
		const char *at = strstr(xml, text->str);
		if (!at)
			continue;
		const char *after = at + text->len;
		*ret_around = (struct around){ xml, after, (size_t)(at - xml), strlen(after) };
		return TRUE;
	}
	return FALSE;
}

struct ifmap_meta *ifmap_forms_read(struct ifmap_forms *forms, const char *xml,
	const char *publisher_id, gint64 timestamp_us, const struct ifmap_dialect *dialect)
{
	struct around around;

	if (!cut_out_stamps(xml, publisher_id, timestamp_us, &around))
		return NULL;
	struct ifmap_meta_tree *tree = find(forms, &around, NULL);
	struct ifmap_meta *meta = tree ? ifmap_meta_assemble_stamped(tree, stamping_of(dialect),
						 publisher_id, timestamp_us)
				       : NULL;
	ifmap_meta_tree_unref(tree);
	return meta;
}

/* ---- identifiers -- */

/* Identifiers that are longer are parsed. */
#define MAX_ID_SIZE 512

static gboolean skip(char **at, const char *text)
{
	size_t size = strlen(text);

	if (strncmp(*at, text, size) != 0)
		return FALSE;
	*at += size;
	return TRUE;
}

/* The text up to `end`, which becomes its NUL; NULL when it is not there or an escape comes first.
 */
static const char *take(char **at, char end)
{
	const char stops[] = { end, '&', '\0' };
	char *begin = *at;

	*at += strcspn(begin, stops);
	if (**at != end)
		return NULL;
	*(*at)++ = '\0';
	return begin;
}

static gboolean read_attributes(char *at, struct ifmap_identifier_parts *parts)
{
	const struct {
		const char *name;
		const char **into;
	} attributes[] = {
		{ " name=\"", &parts->name },
		{ " value=\"", &parts->name },
		{ " type=\"", &parts->subtype },
		{ " other-type-definition=\"", &parts->other_type },
		{ " administrative-domain=\"", &parts->domain },
	};

	while (strcmp(at, "/>") != 0) {
		size_t i = 0;
		while (i < G_N_ELEMENTS(attributes) && !skip(&at, attributes[i].name))
			i++;
		if (i == G_N_ELEMENTS(attributes) || *attributes[i].into)
			return FALSE;
		*attributes[i].into = take(&at, '"');
		if (!*attributes[i].into)
			return FALSE;
	}
	return TRUE;
}

static gboolean read_device(char *at, struct ifmap_identifier_parts *parts)
{
	if (!skip(&at, "<name>"))
		return FALSE;
	parts->name = take(&at, '<');
	return parts->name && strcmp(at, "/name></device>") == 0;
}

struct ifmap_id *ifmap_forms_read_id(const char *xml, const struct ifmap_dialect *dialect)
{
	char copy[MAX_ID_SIZE];
	struct ifmap_identifier_parts parts = { 0 };
	char *at = copy;

	if (g_strlcpy(copy, xml, sizeof(copy)) >= sizeof(copy) || !skip(&at, "<"))
		return NULL;
	char *name = at;
	at += strcspn(at, " >");
	char behind = *at;
	*at = '\0';
	if (!behind || !ifmap_identifier_type_from_string(name, &parts.type))
		return NULL;
	*at = behind;
	gboolean good = parts.type == IFMAP_ID_DEVICE ? skip(&at, ">") && read_device(at, &parts)
						      : read_attributes(at, &parts);
	return good ? ifmap_identifier_read(&parts, MAX_ID_SIZE, dialect, NULL) : NULL;
}
