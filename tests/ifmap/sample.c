#include "sample.h"

#include <string.h>

static const char *cardinality_text(enum ifmap_cardinality cardinality)
{
	return cardinality == IFMAP_SINGLE_VALUE ? "singleValue" : "multiValue";
}

struct ifmap_id *sample_ip(unsigned n)
{
	g_autofree char *address = g_strdup_printf("10.0.%u.%u", n / 256, n % 256);
	g_autoptr(GError) error = NULL;
	struct ifmap_id *id = ifmap_id_new_ip(address, NULL, &error);

	g_assert_no_error(error);
	return id;
}

static struct ifmap_meta *read_meta(const char *xml)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_meta *meta = ifmap_meta_new(xml, -1, &error);

	g_assert_no_error(error);
	return meta;
}

struct ifmap_meta *sample_meta(
	const char *name, enum ifmap_cardinality cardinality, const char *slot, const char *text)
{
	g_autofree char *attribute = slot ? g_markup_printf_escaped(" slot=\"%s\"", slot)
					  : g_strdup("");
	g_autofree char *xml = g_strdup_printf("<t:%s xmlns:t=\"" SAMPLE_NS
					       "\" ifmap-cardinality=\"%s\"%s><v>%s</v></t:%s>",
		name, cardinality_text(cardinality), attribute, text, name);

	return read_meta(xml);
}

struct ifmap_meta *sample_stamped(
	const char *name, enum ifmap_cardinality cardinality, const char *text, unsigned seconds)
{
	g_autofree char *xml = g_strdup_printf(
		"<t:%s xmlns:t=\"" SAMPLE_NS "\" ifmap-cardinality=\"%s\" ifmap-publisher-id=\"p\""
		" ifmap-timestamp=\"2026-01-01T00:%02u:%02uZ\"><v>%s</v></t:%s>",
		name, cardinality_text(cardinality), seconds / 60 % 60, seconds % 60, text, name);

	return read_meta(xml);
}

char *sample_line(const struct ifmap_id *a, const struct ifmap_id *b, const struct ifmap_meta *meta)
{
	const char *first = ifmap_id_key(a);
	const char *second = b ? ifmap_id_key(b) : "";

	if (b && strcmp(first, second) > 0) {
		first = second;
		second = ifmap_id_key(a);
	}
	return g_strdup_printf("%s | %s | %s", first, second, ifmap_meta_xml(meta, NULL));
}

static void add_line(const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, gpointer data)
{
	g_ptr_array_add(data, sample_line(a, b, meta));
}

int sample_compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *sample_mirror_text(const struct ifmap_mirror *mirror)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	ifmap_mirror_foreach(mirror, add_line, lines);
	g_ptr_array_sort(lines, sample_compare_lines);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}
