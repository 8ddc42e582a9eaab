#include "host/virt_private.h"

#include "base/xml.h"

#include <string.h>

/* libvirt's capabilities XML -> what the map says of a host. Missing parts stay empty: a host that
 * does not say what it can do is not cleared for anything that needs it. */

static xmlDoc *read_xml(const char *name, char *xml)
{
	g_autofree char *owned = xml; /* libvirt uses malloc, as GLib does */

	return owned ? base_xml_read(name, owned, strlen(owned), &BASE_XML_LIMITS_DEFAULT, NULL)
		     : NULL;
}

static char *host_uuid(const xmlNode *root)
{
	const xmlNode *host = base_xml_find(root, NULL, "host");
	const xmlNode *uuid = host ? base_xml_find(host, NULL, "uuid") : NULL;

	return uuid ? base_xml_text(uuid) : NULL;
}

static gboolean is_x86_hvm(const xmlNode *guest)
{
	const xmlNode *arch = base_xml_find(guest, NULL, "arch");
	g_autofree char *name = arch ? base_xml_attr(arch, NULL, "name") : NULL;

	return g_strcmp0(name, "x86_64") == 0;
}

static void add_machines(const xmlNode *root, GStrvBuilder *builder)
{
	for (const xmlNode *guest = base_xml_first(root); guest; guest = base_xml_next(guest)) {
		if (!base_xml_is(guest, NULL, "guest") || !is_x86_hvm(guest))
			continue;
		for (const xmlNode *m = base_xml_first(base_xml_find(guest, NULL, "arch")); m;
			m = base_xml_next(m)) {
			g_autofree char *text = base_xml_is(m, NULL, "machine") ? base_xml_text(m)
										: NULL;

			if (text)
				g_strv_builder_add(builder, text);
		}
	}
}

/* <cpu><mode name='custom'><model usable='yes'>qemu64</model> */
static void add_models(const xmlNode *root, GStrvBuilder *builder)
{
	const xmlNode *cpu = base_xml_find(root, NULL, "cpu");

	for (const xmlNode *mode = cpu ? base_xml_first(cpu) : NULL; mode;
		mode = base_xml_next(mode)) {
		g_autofree char *name = base_xml_attr(mode, NULL, "name");

		for (const xmlNode *m = g_strcmp0(name, "custom") == 0 ? base_xml_first(mode)
								       : NULL;
			m; m = base_xml_next(m)) {
			g_autofree char *usable = base_xml_attr(m, NULL, "usable");
			g_autofree char *text = base_xml_text(m);

			if (g_strcmp0(usable, "yes") == 0)
				g_strv_builder_add(builder, text);
		}
	}
}

struct virt_host *virt_host_read(virConnect *conn)
{
	struct virt_host *host = g_new0(struct virt_host, 1);
	g_autoptr(GStrvBuilder) machines = g_strv_builder_new();
	g_autoptr(GStrvBuilder) models = g_strv_builder_new();
	g_autoptr(xmlDoc) capabilities = read_xml("capabilities", virConnectGetCapabilities(conn));
	g_autoptr(xmlDoc) domain = read_xml("domain capabilities",
		virConnectGetDomainCapabilities(conn, NULL, "x86_64", NULL, "qemu", 0));
	virNodeInfo info;

	if (virNodeGetInfo(conn, &info) == 0) {
		host->cpus = info.cpus;
		host->memory_mib = info.memory / 1024;
	}
	host->hostname = virConnectGetHostname(conn);
	if (capabilities) {
		host->uuid = host_uuid(xmlDocGetRootElement(capabilities));
		add_machines(xmlDocGetRootElement(capabilities), machines);
	}
	if (domain)
		add_models(xmlDocGetRootElement(domain), models);
	host->cpu_models = g_strv_builder_end(models);
	host->machine_types = g_strv_builder_end(machines);
	return host;
}

void virt_host_free(gpointer data)
{
	struct virt_host *host = data;

	g_free(host->uuid);
	g_free(host->hostname);
	g_strfreev(host->cpu_models);
	g_strfreev(host->machine_types);
	g_free(host);
}
