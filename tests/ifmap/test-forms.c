/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stamps as numbers, and what many metadata share. */
#include <string.h>

#include "ifmap/forms.h"
#include "ifmap/metatree.h"
#include "ifmap/reply.h"

#define TIME_US (1714555800 * G_GINT64_CONSTANT(1000000) + 251000)

static struct ifmap_meta *make(const char *xml)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_meta *meta = ifmap_meta_new(xml, -1, &error);

	g_assert_no_error(error);
	return meta;
}

static void check_time(gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
	g_autofree char *expected = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	char text[IFMAP_META_TIME_SIZE];

	ifmap_meta_stamp_time(seconds * G_USEC_PER_SEC, text);
	g_assert_cmpstr(text, ==, expected);
}

static void test_times(void)
{
	static const gint64 special[] = { 0, 951782399, 951782400, 951868800, 1709164799,
		1709164800, 1709251200, 4107542400, 253402300799 };

	for (size_t i = 0; i < G_N_ELEMENTS(special); i++)
		check_time(special[i]);
	for (int i = 0; i < 20000; i++)
		check_time((gint64)g_test_rand_double_range(0, 253402300799.0));
}

/* The size that is charged is that of what is written. */
static void test_sizes(void)
{
	static const char *const publishers[] = { "p", "A-0123456789abcdef", "p<&\"", "" };
	g_autoptr(ifmap_meta)
		plain = make("<x:m xmlns:x='urn:x' ifmap-cardinality='multiValue'>a</x:m>");

	for (size_t i = 0; i < G_N_ELEMENTS(publishers); i++) {
		g_autoptr(ifmap_meta) whole = ifmap_meta_stamp_whole(plain, publishers[i], TIME_US);
		g_autoptr(ifmap_meta) fine = ifmap_meta_stamp(plain, publishers[i], TIME_US);
		g_autoptr(GString) text = g_string_new(NULL);
		ifmap_meta_write(text, fine);
		g_assert_cmpuint(ifmap_meta_size(fine), ==, text->len);
		g_assert_cmpstr(ifmap_meta_xml(fine, NULL), ==, text->str);
		g_assert_cmpuint(ifmap_meta_size(whole), ==, strlen(ifmap_meta_xml(whole, NULL)));
	}
	g_assert_cmpuint(ifmap_meta_size(plain), ==, strlen(ifmap_meta_xml(plain, NULL)));
}

/* Another server's words stay as they are. */
static void test_foreign(void)
{
	g_autoptr(ifmap_meta) meta = make(
		"<x:m xmlns:x=\"urn:x\" ifmap-cardinality=\"multiValue\" ifmap-publisher-id=\"p\""
		" ifmap-timestamp=\"2024-05-01T11:30:00+02:00\""
		" ifmap-timestamp-fraction=\"0.251\"></x:m>");

	g_assert_cmpint(ifmap_meta_timestamp_us(meta), ==, TIME_US);
	g_assert_cmpstr(ifmap_meta_text(meta, "@ifmap-timestamp"), ==, "2024-05-01T11:30:00+02:00");
	g_assert_cmpstr(ifmap_meta_text(meta, "@ifmap-timestamp-fraction"), ==, "0.251");
	g_assert_nonnull(strstr(ifmap_meta_xml(meta, NULL), "11:30:00+02:00"));
	g_assert_cmpuint(ifmap_meta_size(meta), ==, strlen(ifmap_meta_xml(meta, NULL)));
}

static void test_sharing(void)
{
	static const char xml[] = "<x:m xmlns:x='urn:x' ifmap-cardinality='multiValue'>a</x:m>";
	const struct ifmap_dialect dialect = { 0 };
	g_autoptr(ifmap_forms) forms = ifmap_forms_new();
	g_autoptr(ifmap_meta) one = make(xml);
	g_autoptr(ifmap_meta) two = make(xml);
	g_autoptr(ifmap_meta)
		other = make("<x:m xmlns:x='urn:x' ifmap-cardinality='multiValue'>b</x:m>");
	g_autoptr(ifmap_meta) a = ifmap_forms_stamp(forms, one, "p", TIME_US, &dialect);
	g_autoptr(ifmap_meta) b = ifmap_forms_stamp(forms, two, "q", TIME_US + 1, &dialect);
	g_autoptr(ifmap_meta) c = ifmap_forms_stamp(forms, other, "p", TIME_US, &dialect);

	g_assert_true(a->tree == b->tree);
	g_assert_true(a->tree != c->tree);
	g_autoptr(ifmap_meta)
		read = ifmap_forms_read(forms, ifmap_meta_xml(a, NULL), "p", TIME_US, &dialect);
	g_assert_nonnull(read);
	g_assert_true(read->tree == a->tree);
	g_assert_cmpstr(ifmap_meta_xml(read, NULL), ==, ifmap_meta_xml(a, NULL));
	/* What stands elsewhere in the database must be what stands in the XML. */
	g_assert_null(ifmap_forms_read(forms, ifmap_meta_xml(a, NULL), "q", TIME_US, &dialect));
	g_assert_null(ifmap_forms_read(forms, ifmap_meta_xml(a, NULL), "p", TIME_US + 1, &dialect));
}

static void test_forgetting(void)
{
	const struct ifmap_dialect dialect = { 0 };
	g_autoptr(ifmap_forms) forms = ifmap_forms_new();
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_meta_unref);

	for (int i = 0; i < 5000; i++) {
		g_autofree char *xml = g_strdup_printf(
			"<x:m xmlns:x='urn:x' ifmap-cardinality='multiValue'>%d</x:m>", i);
		g_autoptr(ifmap_meta) meta = make(xml);
		g_ptr_array_add(all, ifmap_forms_stamp(forms, meta, "p", TIME_US, &dialect));
	}
	for (guint i = 0; i < all->len; i++) {
		g_autofree char *text = g_strdup_printf(">%u<", i);
		g_assert_nonnull(strstr(ifmap_meta_xml(g_ptr_array_index(all, i), NULL), text));
	}
}

/* Whatever it reads means what the parser says; the simple ones it does read. */
static void test_ids(void)
{
	static const struct {
		const char *id;
		gboolean simple;
	} rows[] = {
		{ "ip:10.0.0.1", TRUE },
		{ "ip:fe80::1", TRUE },
		{ "mac:00:11:22:33:44:55", TRUE },
		{ "device:d 1", TRUE },
		{ "device:a<b", FALSE },
		{ "ar:r&d", FALSE },
		{ "identity:username:joe", TRUE },
		{ "ext:urn:x#thing,name=n", FALSE },
	};
	const struct ifmap_dialect dialect = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(ifmap_id) id = ifmap_id_from_string(rows[i].id, NULL);
		g_autoptr(GString) wire = g_string_new(NULL);
		ifmap_reply_id(wire, id);
		g_autoptr(ifmap_id) read = ifmap_forms_read_id(wire->str, &dialect);
		g_assert_true((read != NULL) == rows[i].simple);
		g_assert_true(!read || ifmap_id_equal(id, read));
	}
	static const char *const bad[] = { "", "<", "<device>", "<device><name>x</name></device> ",
		"<ip-address value=\"10.0.0.1\" type=\"IPv4\">", "<ip-address value=\"10.0.0.1",
		"<ip-address value=\"10.0.0.300\" type=\"IPv4\"/>", "<mac-address/>",
		"<access-request name=\"a\" name=\"b\"/>", "<nothing name=\"a\"/>",
		"<device><name></name></device>" };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_null(ifmap_forms_read_id(bad[i], &dialect));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/forms/timestamps are GLib's", test_times);
	g_test_add_func("/ifmap/forms/size is what is written", test_sizes);
	g_test_add_func("/ifmap/forms/another server's stamps stay", test_foreign);
	g_test_add_func("/ifmap/forms/equal metadata share their tree", test_sharing);
	g_test_add_func("/ifmap/forms/forgetting costs no answer", test_forgetting);
	g_test_add_func("/ifmap/forms/identifiers as they are stored", test_ids);
	return g_test_run();
}
