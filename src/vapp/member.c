/* The member element: made, read, and put into and taken from domain XML. */
#include "base/xml.h"
#include "base/xmlout.h"
#include "vapp/resolve.h"
#include "vapp/seal.h"

#include <libxml/tree.h>
#include <stddef.h>
#include <string.h>

#define SOURCE "domain"

/* One row an attribute of the element. */
static const struct {
	const char *name;
	size_t offset; /* of the char * in struct vapp_member */
	gboolean required;
} fields[] = {
	{ "vapp", offsetof(struct vapp_member, vapp), TRUE },
	{ "version", offsetof(struct vapp_member, version), TRUE },
	{ "machine", offsetof(struct vapp_member, machine), TRUE },
	{ "role", offsetof(struct vapp_member, role), FALSE },
	{ "label", offsetof(struct vapp_member, label), FALSE },
	{ "uuid", offsetof(struct vapp_member, uuid), TRUE },
	{ "digest", offsetof(struct vapp_member, digest), TRUE },
	{ "seal", offsetof(struct vapp_member, seal), FALSE },
};

static char **field_of(const struct vapp_member *member, size_t i)
{
	return (char **)(void *)((char *)member + fields[i].offset);
}

struct vapp_member *vapp_member_new(const struct vapp *vapp, const struct vapp_machine *machine)
{
	struct vapp_member *member = g_new0(struct vapp_member, 1);
	g_autoptr(vapp_ruleset) ruleset = vapp_resolve_machine(vapp, machine);

	member->vapp = g_strdup(vapp->name);
	member->version = g_strdup(vapp->version);
	member->machine = g_strdup(machine->name);
	member->role = g_strdup(machine->tier);
	member->label = g_strdup(vapp_machine_label(vapp, machine));
	member->uuid = vapp_machine_uuid(vapp, machine);
	member->digest = vapp_ruleset_digest(ruleset);
	return member;
}

void vapp_member_free(struct vapp_member *member)
{
	if (!member)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		g_free(*field_of(member, i));
	g_free(member);
}

char *vapp_member_to_xml(const struct vapp_member *member)
{
	GString *out = g_string_new("<member");

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		base_xmlout_attr(out, fields[i].name, *field_of(member, i));
	g_string_append(out, "/>");
	return g_string_free(out, FALSE);
}

static struct vapp_member *member_from_node(const xmlNode *node, GError **error)
{
	g_autoptr(vapp_member) member = g_new0(struct vapp_member, 1);

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		*field_of(member, i) = base_xml_attr(node, NULL, fields[i].name);
		if (fields[i].required && !*field_of(member, i)) {
			base_xml_set_error(
				error, SOURCE, node, "attribute '%s' is missing", fields[i].name);
			return NULL;
		}
	}
	return g_steal_pointer(&member);
}

static gboolean is_member(const xmlNode *node)
{
	return base_xml_is(node, VAPP_DOMAIN_NS, "member");
}

struct vapp_member *vapp_member_from_xml(const char *xml, GError **error)
{
	g_autoptr(xmlDoc)
		doc = base_xml_read("member", xml, strlen(xml), &BASE_XML_LIMITS_DEFAULT, error);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

	if (!doc)
		return NULL;
	/* libvirt takes the namespace off what it hands out. */
	if (!is_member(root) && !base_xml_is(root, NULL, "member")) {
		base_xml_set_error(error, "member", root, "this is not a membership");
		return NULL;
	}
	return member_from_node(root, error);
}

/* ---- in a domain ---- */

static xmlDoc *read_domain(const char *domain_xml, GError **error)
{
	g_autoptr(xmlDoc) doc = base_xml_read(
		SOURCE, domain_xml, strlen(domain_xml), &BASE_XML_LIMITS_DEFAULT, error);

	if (!doc)
		return NULL;
	if (!base_xml_is(xmlDocGetRootElement(doc), NULL, "domain")) {
		base_xml_set_error(
			error, SOURCE, xmlDocGetRootElement(doc), "this is not a libvirt domain");
		return NULL;
	}
	return g_steal_pointer(&doc);
}

/* The one member element of all <metadata>, or NULL; FALSE when there are two. */
static gboolean find_member(const xmlNode *domain, xmlNode **ret_node, GError **error)
{
	xmlNode *found = NULL;

	for (const xmlNode *child = base_xml_first(domain); child; child = base_xml_next(child)) {
		if (!base_xml_is(child, NULL, "metadata"))
			continue;
		for (xmlNode *node = base_xml_first(child); node; node = base_xml_next(node)) {
			if (is_member(node) && found) {
				base_xml_set_error(error, SOURCE, node, "a second membership");
				return FALSE;
			}
			if (is_member(node))
				found = node;
		}
	}
	*ret_node = found;
	return TRUE;
}

static gboolean take_from(const xmlDoc *doc, struct vapp_member **ret_member, GError **error)
{
	struct vapp_member *member = NULL;
	xmlNode *node;

	if (!find_member(xmlDocGetRootElement(doc), &node, error))
		return FALSE;
	if (node) {
		member = member_from_node(node, error);
		if (!member)
			return FALSE;
	}
	*ret_member = member;
	return TRUE;
}

gboolean seal_take(const char *domain_xml, struct vapp_member **ret_member, GError **error)
{
	g_autoptr(xmlDoc) doc = read_domain(domain_xml, error);

	return doc && take_from(doc, ret_member, error);
}

static void append_member(xmlNode *domain, const struct vapp_member *member)
{
	xmlNode *metadata = base_xml_find(domain, NULL, "metadata");
	xmlNode *node;

	if (!metadata)
		metadata = xmlNewChild(domain, NULL, (const xmlChar *)"metadata", NULL);
	node = xmlNewChild(metadata, NULL, (const xmlChar *)"member", NULL);
	xmlSetNs(node, xmlNewNs(node, (const xmlChar *)VAPP_DOMAIN_NS, (const xmlChar *)"drover"));
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (*field_of(member, i))
			xmlNewProp(node, (const xmlChar *)fields[i].name,
				(const xmlChar *)*field_of(member, i));
}

char *seal_put(const char *domain_xml, const struct vapp_member *member, GError **error)
{
	g_autoptr(xmlDoc) doc = read_domain(domain_xml, error);
	xmlNode *node;
	xmlChar *raw = NULL;
	char *text;
	int size = 0;

	if (!doc || !find_member(xmlDocGetRootElement(doc), &node, error))
		return NULL;
	if (node) {
		xmlUnlinkNode(node);
		xmlFreeNode(node);
	}
	append_member(xmlDocGetRootElement(doc), member);
	xmlDocDumpMemoryEnc(doc, &raw, &size, "UTF-8");
	text = g_strdup((const char *)raw);
	xmlFree(raw);
	return text;
}

/* Canonical MACs of every interface of the domain; what is not a MAC stands as it is, and so never
 * verifies. */
static GPtrArray *domain_macs(const xmlNode *domain)
{
	GPtrArray *macs = g_ptr_array_new_with_free_func(g_free);
	const xmlNode *devices = base_xml_find(domain, NULL, "devices");

	for (const xmlNode *node = devices ? base_xml_first(devices) : NULL; node;
		node = base_xml_next(node)) {
		const xmlNode *mac = base_xml_find(node, NULL, "mac");
		g_autofree char *address = mac ? base_xml_attr(mac, NULL, "address") : NULL;
		char *canonical = address ? vapp_mac_canonical(address) : NULL;

		if (base_xml_is(node, NULL, "interface") || mac)
			g_ptr_array_add(
				macs, canonical ? canonical : g_strdup(address ? address : "none"));
		else
			g_free(canonical);
	}
	return macs;
}

static gboolean verify_domain(const xmlNode *domain, const struct vapp_member *member,
	const char *public_pem, GError **error)
{
	const xmlNode *node = base_xml_find(domain, NULL, "uuid");
	g_autofree char *text = node ? base_xml_text(node) : g_strdup("");
	g_autofree char *uuid = g_ascii_strdown(text, -1);
	g_autoptr(GPtrArray) macs = domain_macs(domain);

	return seal_verify(member, uuid, macs, public_pem, error);
}

enum vapp_seal_status seal_check_domain(const char *domain_xml, const char *public_pem,
	struct vapp_member **ret_member, GError **error)
{
	g_autoptr(xmlDoc) doc = read_domain(domain_xml, error);
	g_autoptr(vapp_member) member = NULL;
	gboolean good;

	if (ret_member)
		*ret_member = NULL;
	if (!doc || !take_from(doc, &member, error))
		return VAPP_SEAL_BROKEN;
	if (!member)
		return VAPP_SEAL_NONE;
	good = verify_domain(xmlDocGetRootElement(doc), member, public_pem, error);
	if (ret_member)
		*ret_member = g_steal_pointer(&member);
	return good ? VAPP_SEAL_GOOD : VAPP_SEAL_BROKEN;
}
