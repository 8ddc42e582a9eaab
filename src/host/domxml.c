#include "host/domxml.h"

#include "base/xml.h"

#include <string.h>

#define MEMBER_NS  "urn:drover:domain:1"
#define ARRIVAL_NS "urn:drover:arrival:1"

static void nic_free(gpointer data)
{
	struct domxml_nic *nic = data;

	g_free(nic->mac);
	g_free(nic->tap);
	g_free(nic->bridge);
	g_free(nic);
}

static char *attr_of(const xmlNode *node, const char *child, const char *attribute)
{
	const xmlNode *found = base_xml_find(node, NULL, child);

	return found ? base_xml_attr(found, NULL, attribute) : NULL;
}

static struct domxml_nic *nic_read(const xmlNode *node)
{
	struct domxml_nic *nic = g_new0(struct domxml_nic, 1);
	g_autofree char *mac = attr_of(node, "mac", "address");

	nic->mac = mac ? g_ascii_strdown(mac, -1) : NULL;
	nic->tap = attr_of(node, "target", "dev");
	nic->bridge = attr_of(node, "source", "bridge");
	return nic;
}

static char *child_text(const xmlNode *root, const char *name)
{
	const xmlNode *child = base_xml_find(root, NULL, name);

	return child ? base_xml_text(child) : NULL;
}

static xmlDoc *read_domain(const char *xml, GError **error)
{
	g_autoptr(xmlDoc) doc = base_xml_read(
		"domain XML", xml, strlen(xml), &BASE_XML_LIMITS_DEFAULT, error);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

	if (root && base_xml_is(root, NULL, "domain"))
		return g_steal_pointer(&doc);
	if (root)
		base_xml_set_error(error, "domain XML", root, "the root element is not <domain>");
	return NULL;
}

static xmlNode *find_mark(const xmlNode *metadata)
{
	return metadata ? (xmlNode *)base_xml_find(metadata, ARRIVAL_NS, "arrival") : NULL;
}

struct domxml *domxml_read(const char *xml, GError **error)
{
	g_autoptr(xmlDoc) doc = read_domain(xml, error);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	const xmlNode *part;
	struct domxml *domain;
	g_autofree char *uuid = NULL;

	if (!doc)
		return NULL;
	domain = g_new0(struct domxml, 1);
	uuid = child_text(root, "uuid");
	domain->uuid = uuid ? g_ascii_strdown(uuid, -1) : NULL;
	domain->name = child_text(root, "name");
	domain->nics = g_ptr_array_new_with_free_func(nic_free);
	part = base_xml_find(root, NULL, "devices");
	for (const xmlNode *device = part ? base_xml_first(part) : NULL; device;
		device = base_xml_next(device))
		if (base_xml_is(device, NULL, "interface"))
			g_ptr_array_add(domain->nics, nic_read(device));
	part = base_xml_find(root, NULL, "metadata");
	domain->claims = part && base_xml_find(part, MEMBER_NS, "member") != NULL;
	part = find_mark(part);
	domain->arrival = part ? base_xml_attr(part, NULL, "name") : NULL;
	return domain;
}

/* The root's <metadata>, made if there is none. */
static xmlNode *metadata_of(xmlNode *root)
{
	xmlNode *metadata = (xmlNode *)base_xml_find(root, NULL, "metadata");

	return metadata ? metadata : xmlNewChild(root, NULL, BAD_CAST "metadata", NULL);
}

char *domxml_mark(const char *xml, const char *arrival, GError **error)
{
	g_autoptr(xmlDoc) doc = read_domain(xml, error);
	xmlNode *metadata = doc ? metadata_of(xmlDocGetRootElement(doc)) : NULL;
	xmlNode *mark;
	xmlChar *raw = NULL;
	int size = 0;
	char *text;

	if (!metadata)
		return NULL;
	while ((mark = find_mark(metadata)) != NULL) {
		xmlUnlinkNode(mark);
		xmlFreeNode(mark);
	}
	mark = xmlNewChild(metadata, NULL, BAD_CAST "arrival", NULL);
	xmlSetNs(mark, xmlNewNs(mark, BAD_CAST ARRIVAL_NS, BAD_CAST "arrival"));
	xmlNewProp(mark, BAD_CAST "name", BAD_CAST arrival);
	xmlDocDumpMemoryEnc(doc, &raw, &size, "UTF-8");
	text = g_strdup((const char *)raw);
	xmlFree(raw);
	return text;
}

void domxml_free(struct domxml *domain)
{
	if (!domain)
		return;
	g_free(domain->uuid);
	g_free(domain->name);
	g_free(domain->arrival);
	g_ptr_array_unref(domain->nics);
	g_free(domain);
}

const char **domxml_macs(const struct domxml *domain)
{
	const char **macs = g_new0(const char *, domain->nics->len + 1);
	unsigned n = 0;

	for (unsigned i = 0; i < domain->nics->len; i++) {
		const struct domxml_nic *nic = domain->nics->pdata[i];

		if (nic->mac)
			macs[n++] = nic->mac;
	}
	return macs;
}
