/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public face of identifiers: constructors for callers, getters, short forms for people. */
#include <arpa/inet.h>
#include <string.h>

#include "ifmap/extended.h"
#include "ifmap/idcheck.h"
#include "ifmap/identifier.h"

static struct ifmap_id *build(const struct ifmap_identifier_parts *parts, GError **error)
{
	return ifmap_identifier_read(parts, IFMAP_IDENTIFIER_MAX_DEFAULT, NULL, error);
}

struct ifmap_id *ifmap_id_new_access_request(const char *name, const char *domain, GError **error)
{
	return build(&(struct ifmap_identifier_parts){ IFMAP_ID_ACCESS_REQUEST, .name = name,
			     .domain = domain },
		error);
}

struct ifmap_id *ifmap_id_new_device(const char *name, GError **error)
{
	return build(&(struct ifmap_identifier_parts){ IFMAP_ID_DEVICE, .name = name }, error);
}

struct ifmap_id *ifmap_id_new_identity(const char *type, const char *name, const char *domain,
	const char *other_type, GError **error)
{
	return build(&(struct ifmap_identifier_parts){ IFMAP_ID_IDENTITY, name, domain, type,
			     other_type },
		error);
}

struct ifmap_id *ifmap_id_new_ip(const char *value, const char *domain, GError **error)
{
	guint8 bytes[16];
	char text[48];

	if (inet_pton(AF_INET, value, bytes) == 1) {
		g_snprintf(
			text, sizeof(text), "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
		return build(&(struct ifmap_identifier_parts){ IFMAP_ID_IP_ADDRESS, text, domain,
				     "IPv4" },
			error);
	}
	if (inet_pton(AF_INET6, value, bytes) == 1) {
		unsigned group[8];

		for (unsigned i = 0; i < 8; i++)
			group[i] = (unsigned)bytes[(size_t)2 * i] << 8 | bytes[(size_t)2 * i + 1];
		g_snprintf(text, sizeof(text), "%x:%x:%x:%x:%x:%x:%x:%x", group[0], group[1],
			group[2], group[3], group[4], group[5], group[6], group[7]);
		return build(&(struct ifmap_identifier_parts){ IFMAP_ID_IP_ADDRESS, text, domain,
				     "IPv6" },
			error);
	}
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
		"\"%.60s\" is no IP address", value);
	return NULL;
}

struct ifmap_id *ifmap_id_new_mac(const char *value, const char *domain, GError **error)
{
	g_autofree char *lower = g_ascii_strdown(value, -1);

	return build(
		&(struct ifmap_identifier_parts){ IFMAP_ID_MAC_ADDRESS, lower, domain }, error);
}

struct ifmap_id *ifmap_id_new_extended(
	const char *ns, const char *local, const char *const *attributes, GError **error)
{
	g_auto(ifmap_extended) extended = { 0 };

	if (!ifmap_extended_compose(ns, local, attributes, &extended, error))
		return NULL;
	return ifmap_id_new_identity("other", extended.text, NULL, "extended", error);
}

struct ifmap_id *ifmap_id_ref(const struct ifmap_id *id)
{
	struct ifmap_id *counted = (struct ifmap_id *)
		id; /* only the count of an identifier ever changes */

	g_atomic_int_inc(&counted->refs);
	return counted;
}

void ifmap_id_unref(struct ifmap_id *id)
{
	if (id && g_atomic_int_dec_and_test(&id->refs))
		g_free(id);
}

enum ifmap_id_type ifmap_id_type(const struct ifmap_id *id)
{
	return (enum ifmap_id_type)id->type;
}

const char *ifmap_id_value(const struct ifmap_id *id)
{
	return id->value;
}

const char *ifmap_id_domain(const struct ifmap_id *id)
{
	return id->more->domain;
}

const char *ifmap_id_key(const struct ifmap_id *id)
{
	return id->more->wire ? (const char *)(id->more + 1) : (const char *)(id + 1);
}

gboolean ifmap_id_equal(const struct ifmap_id *a, const struct ifmap_id *b)
{
	return a == b || strcmp(ifmap_id_key(a), ifmap_id_key(b)) == 0;
}

gboolean ifmap_id_is_extended(const struct ifmap_id *id, const char *ns, const char *local)
{
	return id->more->ns && strcmp(id->more->ns, ns) == 0 &&
	       (!local || strcmp(id->more->local, local) == 0);
}

const char *ifmap_id_extended_name(const struct ifmap_id *id)
{
	return id->more->local;
}

const char *ifmap_id_attribute(const struct ifmap_id *id, const char *name)
{
	const char *p = id->more->attributes;

	while (p && *p) {
		const char *value = p + strlen(p) + 1;

		if (strcmp(p, name) == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

/* " name=value" of each attribute that says something. */
static void append_attributes(GString *out, const struct ifmap_id *id)
{
	for (const char *p = id->more->attributes; *p;) {
		const char *value = p + strlen(p) + 1;

		if (*value)
			g_string_append_printf(out, " %s=%s", p, value);
		p = value + strlen(value) + 1;
	}
}

static const char *const short_names[] = {
	[IFMAP_ID_ACCESS_REQUEST] = "access-request",
	[IFMAP_ID_DEVICE] = "device",
	[IFMAP_ID_IDENTITY] = "identity",
	[IFMAP_ID_IP_ADDRESS] = "ip",
	[IFMAP_ID_MAC_ADDRESS] = "mac",
};

char *ifmap_id_to_string(const struct ifmap_id *id)
{
	GString *out = g_string_new(id->more->local ? id->more->local : short_names[id->type]);

	if (id->more->attributes) {
		append_attributes(out, id);
		return g_string_free(out, FALSE);
	}
	if (id->more->identity_type)
		g_string_append_printf(out, " %s",
			id->more->other_type ? id->more->other_type : id->more->identity_type);
	g_string_append_printf(out, " %s", id->value);
	if (*id->more->domain)
		g_string_append_printf(out, " (%s)", id->more->domain);
	return g_string_free(out, FALSE);
}

static struct ifmap_id *parse_ar(const char *rest, GError **error)
{
	return ifmap_id_new_access_request(rest, NULL, error);
}

static struct ifmap_id *parse_ip(const char *rest, GError **error)
{
	return ifmap_id_new_ip(rest, NULL, error);
}

static struct ifmap_id *parse_mac(const char *rest, GError **error)
{
	return ifmap_id_new_mac(rest, NULL, error);
}

/* TYPE:NAME */
static struct ifmap_id *parse_identity(const char *rest, GError **error)
{
	const char *colon = strchr(rest, ':');
	g_autofree char *type = colon ? g_strndup(rest, (gsize)(colon - rest)) : NULL;

	if (!type) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
			"identity:%s: expected identity:TYPE:NAME", rest);
		return NULL;
	}
	return ifmap_id_new_identity(type, colon + 1, NULL, NULL, error);
}

/* NS#LOCAL,attr=value,... */
static struct ifmap_id *parse_extended(const char *rest, GError **error)
{
	g_auto(GStrv) fields = g_strsplit(rest, ",", 64);
	g_autoptr(GPtrArray) pairs = g_ptr_array_new();
	char *hash = fields[0] ? strrchr(fields[0], '#') : NULL;

	if (!hash) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
			"ext:%s: expected ext:NS#LOCAL,attr=value,...", rest);
		return NULL;
	}
	*hash = '\0';
	for (char **field = fields + 1; *field; field++) {
		char *equals = strchr(*field, '=');

		if (!equals) {
			g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
				"ext: \"%s\" is not attr=value", *field);
			return NULL;
		}
		*equals = '\0';
		g_ptr_array_add(pairs, *field);
		g_ptr_array_add(pairs, equals + 1);
	}
	g_ptr_array_add(pairs, NULL);
	return ifmap_id_new_extended(fields[0], hash + 1, (const char *const *)pairs->pdata, error);
}

static const struct {
	const char *prefix;
	struct ifmap_id *(*parse)(const char *rest, GError **error);
} short_forms[] = {
	{ "device:", ifmap_id_new_device },
	{ "ip:", parse_ip },
	{ "mac:", parse_mac },
	{ "identity:", parse_identity },
	{ "ar:", parse_ar },
	{ "access-request:", parse_ar },
	{ "ext:", parse_extended },
};

struct ifmap_id *ifmap_id_from_string(const char *text, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(short_forms); i++)
		if (g_str_has_prefix(text, short_forms[i].prefix))
			return short_forms[i].parse(text + strlen(short_forms[i].prefix), error);
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
		"\"%.60s\": an identifier is device:NAME, ip:ADDRESS, mac:ADDRESS, identity:TYPE:NAME, ar:NAME or "
		"ext:NS#LOCAL,attr=value,...",
		text);
	return NULL;
}
