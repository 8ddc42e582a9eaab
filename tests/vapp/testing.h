#pragma once
/* Shared by the tests of vapp: example packages, golden files. Everything returned is the caller's.
 */
#include <glib.h>
#include <string.h>

#include "vapp/ovf.h"

/* Path below tests/vapp; "../../examples/..." reaches the examples. */
static inline char *test_path(const char *relative)
{
	return g_test_build_filename(G_TEST_DIST, relative, NULL);
}

static inline char *test_file(const char *relative)
{
	g_autofree char *path = test_path(relative);
	g_autoptr(GError) error = NULL;
	char *text;

	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	return text;
}

static inline struct vapp *test_package(const char *relative)
{
	g_autofree char *text = test_file(relative);
	g_autoptr(GError) error = NULL;
	struct vapp *vapp = ovf_read(relative, text, strlen(text), &error);

	g_assert_no_error(error);
	return vapp;
}

static inline struct vapp *test_shop(void)
{
	return test_package("../../examples/shop/shop.ovf");
}

/* `text` must equal the golden file; REGENERATE=1 writes it. */
static inline void test_golden(const char *relative, const char *text)
{
	g_autofree char *path = test_path(relative);
	g_autofree char *want = NULL;
	g_autoptr(GError) error = NULL;

	if (g_getenv("REGENERATE"))
		g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
	want = test_file(relative);
	g_assert_cmpstr(text, ==, want);
}
