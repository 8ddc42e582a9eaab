/* OVF reader: any bytes give a valid vApp or one error; what is valid survives writing and reading.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vapp/ovf.h"
#include "vapp/resolve.h"

/* libFuzzer chose the name. NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct vapp *vapp)
{
	g_autofree char *xml = ovf_write(vapp);
	g_autoptr(GError) error = NULL;
	g_autoptr(vapp_value) again = ovf_read("again", xml, strlen(xml), &error);

	if (!again || !vapp_equal(vapp, again)) {
		g_printerr("%s\n%s\n", error ? error->message : "not equal", xml);
		abort();
	}
}

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(vapp_value) vapp = ovf_read("fuzz", (const char *)data, size, &error);

	if ((vapp == NULL) == (error == NULL))
		abort();
	if (vapp) {
		g_ptr_array_unref(vapp_resolve(vapp));
		check_round_trip(vapp);
	}
	return 0;
}
