/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/identifier.h"

#include <string.h>

#include "base/names.h"
#include "base/xmlout.h"
#include "ifmap/extended.h"
#include "ifmap/idcheck.h"

#define SEPARATOR '\x1f'

/* One row an identifier element, in the order of enum ifmap_id_type. */
static const struct {
	const char *element;
	const char *code; /* begins its keys */
} types[] = {
	[IFMAP_ID_ACCESS_REQUEST] = { "access-request", "ar" },
	[IFMAP_ID_DEVICE] = { "device", "dev" },
	[IFMAP_ID_IDENTITY] = { "identity", "id" },
	[IFMAP_ID_IP_ADDRESS] = { "ip-address", "ip" },
	[IFMAP_ID_MAC_ADDRESS] = { "mac-address", "mac" },
};

static const char *const identity_types[] = { "aik-name", "distinguished-name", "dns-name",
	"email-address", "hip-hit", "kerberos-principal", "username", "sip-uri", "tel-uri",
	"other" };

gboolean ifmap_identifier_is_identity_type(const char *type)
{
	unsigned i;

	return BASE_NAMES_FIND(identity_types, type, &i);
}

gboolean ifmap_identifier_type_from_string(const char *local, enum ifmap_id_type *ret_type)
{
	unsigned i;

	if (!BASE_NAMES_FIND(types, local, &i))
		return FALSE;
	*ret_type = (enum ifmap_id_type)i;
	return TRUE;
}

const char *ifmap_identifier_type_to_string(enum ifmap_id_type type)
{
	return types[type].element;
}

/* An identifier while it is being put together: offsets into one block of strings, -1 for none. */
struct draft {
	enum ifmap_id_type type;
	gboolean ip6;
	const char *value; /* canonical */
	const char *name;  /* as first seen */
	const char *domain;
	const char *domain_key; /* as it is compared; NULL: as it is */
	const char *identity_type;
	const char *other_type;
	const struct ifmap_extended *extended;
	const struct ifmap_dialect *dialect;
};

const struct ifmap_dialect IFMAP_DIALECT_DEFAULT = { 0 };

static void append_key(GString *out, const struct draft *draft)
{
	g_string_append(out, types[draft->type].code);
	g_string_append_c(out, SEPARATOR);
	if (draft->type == IFMAP_ID_IP_ADDRESS)
		g_string_append(out, draft->ip6 ? "6\x1f" : "4\x1f");
	if (draft->identity_type) {
		g_string_append(out, draft->identity_type);
		g_string_append_c(out, SEPARATOR);
		g_string_append(out, draft->other_type ? draft->other_type : "");
		/* An opaque name must never meet the canonical text of a real one. */
		g_string_append_c(out, draft->extended ? 'x' : ' ');
		g_string_append_c(out, SEPARATOR);
	}
	g_string_append(out, draft->value);
	g_string_append_c(out, SEPARATOR);
	g_string_append(out, draft->domain_key ? draft->domain_key : draft->domain);
}

static void append_wire(GString *out, const struct draft *draft)
{
	const char *element = types[draft->type].element;
	gboolean twice = draft->extended && !draft->dialect->single_escape;
	g_autofree char *escaped = twice ? ifmap_extended_escape(draft->value) : NULL;
	const char *shown = escaped ? escaped : draft->extended ? draft->value : draft->name;

	g_string_append_c(out, '<');
	g_string_append(out, element);
	if (draft->type == IFMAP_ID_DEVICE) {
		g_string_append(out, "><name>");
		base_xmlout_text(out, shown);
		g_string_append(out, "</name></device>");
		return;
	}
	base_xmlout_attr(out,
		draft->type == IFMAP_ID_ACCESS_REQUEST || draft->identity_type ? "name" : "value",
		shown);
	if (draft->type == IFMAP_ID_IP_ADDRESS)
		base_xmlout_attr(out, "type", draft->ip6 ? "IPv6" : "IPv4");
	base_xmlout_attr(out, "type", draft->identity_type);
	base_xmlout_attr(out, "other-type-definition", draft->other_type);
	base_xmlout_attr(out, "administrative-domain", *draft->domain ? draft->domain : NULL);
	g_string_append(out, "/>");
}

/* ---- the finished one -- */

static const struct ifmap_id_more nothing_more = { .domain = "" };

/* Around the value of the simplest identifiers. */
static void append_plain(GString *out, enum ifmap_id_type type, gboolean ip6, const char *value)
{
	static const struct {
		const char *before, *after, *after_ip6;
	} forms[] = {
		[IFMAP_ID_ACCESS_REQUEST] = { "<access-request name=\"", "\"/>", NULL },
		[IFMAP_ID_DEVICE] = { "<device><name>", "</name></device>", NULL },
		[IFMAP_ID_IDENTITY] = { "", "", NULL }, /* none is simple */
		[IFMAP_ID_IP_ADDRESS] = { "<ip-address value=\"", "\" type=\"IPv4\"/>",
			"\" type=\"IPv6\"/>" },
		[IFMAP_ID_MAC_ADDRESS] = { "<mac-address value=\"", "\"/>", NULL },
	};

	g_string_append(out, forms[type].before);
	g_string_append(out, value);
	g_string_append(out, ip6 ? forms[type].after_ip6 : forms[type].after);
}

void ifmap_identifier_write(GString *out, const struct ifmap_id *id)
{
	if (id->more->wire)
		g_string_append(out, id->more->wire);
	else
		append_plain(out, (enum ifmap_id_type)id->type, id->ip6, id->value);
}

/* Whether value and type say everything. */
static gboolean is_plain(const struct draft *draft, const GString *wire)
{
	g_autoptr(GString) plain = g_string_sized_new(128);

	append_plain(plain, draft->type, draft->ip6, draft->value);
	return !*draft->domain && g_string_equal(plain, wire);
}

/* Copies `text` with its NUL behind *at and moves *at; NULL stays NULL. */
static const char *put(char **at, const char *text, size_t size)
{
	const char *copy = *at;

	if (!text)
		return NULL;
	memcpy(*at, text, size);
	*at += size;
	return copy;
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static size_t attributes_size(const struct draft *draft)
{
	return draft->extended ? draft->extended->attributes->len + 1 : 0;
}

static void put_more(
	struct ifmap_id_more *more, char *at, const struct draft *draft, const GString *wire)
{
	const struct ifmap_extended *extended = draft->extended;

	more->domain = put(&at, draft->domain, size_of(draft->domain));
	more->wire = put(&at, wire->str, wire->len + 1);
	more->identity_type = put(&at, draft->identity_type, size_of(draft->identity_type));
	more->other_type = put(&at, draft->other_type, size_of(draft->other_type));
	if (!extended)
		return;
	more->ns = put(&at, extended->ns, size_of(extended->ns));
	more->local = put(&at, extended->local, size_of(extended->local));
	more->attributes = put(&at, extended->attributes->str, attributes_size(draft));
}

static size_t more_size(const struct draft *draft, const GString *wire)
{
	const struct ifmap_extended *extended = draft->extended;

	return sizeof(struct ifmap_id_more) + size_of(draft->domain) + wire->len + 1 +
	       size_of(draft->identity_type) + size_of(draft->other_type) +
	       (extended ? size_of(extended->ns) + size_of(extended->local) : 0) +
	       attributes_size(draft);
}

/* struct, more if there is any, key, value, strings of more */
static struct ifmap_id *finish(const struct draft *draft)
{
	g_autoptr(GString) key = g_string_sized_new(128);
	g_autoptr(GString) wire = g_string_sized_new(256);
	struct ifmap_id_more *more = NULL;

	append_key(key, draft);
	append_wire(wire, draft);
	gboolean plain = is_plain(draft, wire);
	size_t value_size = size_of(draft->value);
	struct ifmap_id *id = g_malloc0(
		sizeof(*id) + key->len + 1 + value_size + (plain ? 0 : more_size(draft, wire)));
	char *at = (char *)(id + 1);

	id->refs = 1;
	id->type = (guint8)draft->type;
	id->ip6 = draft->ip6 != 0;
	id->more = &nothing_more;
	if (!plain) {
		more = (struct ifmap_id_more *)(id + 1);
		id->more = more;
		at += sizeof(*more);
	}
	put(&at, key->str, key->len + 1);
	id->value = put(&at, draft->value, value_size);
	if (more)
		put_more(more, at, draft, wire);
	return id;
}

static gboolean refuse(GError **error, const struct draft *draft, const char *why)
{
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER, "%s \"%.60s\": %s",
		types[draft->type].element, draft->name ? draft->name : "", why);
	return FALSE;
}

static gboolean check_ip(
	struct draft *draft, const struct ifmap_identifier_parts *parts, GError **error)
{
	/* No type is IPv4 by the schema; a colon then says that the sender forgot it (ifmap.md 18,
	 * ITI client). */
	draft->ip6 = parts->subtype ? strcmp(parts->subtype, "IPv6") == 0
				    : strchr(draft->name, ':') != NULL;
	if (parts->subtype && !draft->ip6 && strcmp(parts->subtype, "IPv4") != 0) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER_TYPE,
			"ip-address: type \"%.40s\" is neither IPv4 nor IPv6", parts->subtype);
		return FALSE;
	}
	if (draft->ip6 && !ifmap_idcheck_ipv6(draft->name))
		return refuse(
			error, draft, "not eight groups of lower-case hex without leading zeros");
	if (!draft->ip6 && !ifmap_idcheck_ipv4(draft->name))
		return refuse(error, draft, "not four decimal octets without leading zeros");
	return TRUE;
}

static gboolean check_mac(struct draft *draft,
	const struct ifmap_identifier_parts *parts G_GNUC_UNUSED, GError **error)
{
	return ifmap_idcheck_mac(draft->name) ||
	       refuse(error, draft, "not six lower-case hex octets joined by ':'");
}

static gboolean check_identity(
	struct draft *draft, const struct ifmap_identifier_parts *parts, GError **error)
{
	if (!parts->subtype)
		return refuse(error, draft, "the attribute type is missing");
	if (!ifmap_identifier_is_identity_type(parts->subtype)) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER_TYPE,
			"identity: there is no type \"%.40s\"", parts->subtype);
		return FALSE;
	}
	draft->identity_type = parts->subtype;
	if (strcmp(parts->subtype, "other") == 0) {
		if (!parts->other_type || !ifmap_idcheck_text(parts->other_type))
			return refuse(error, draft, "type other needs other-type-definition");
		draft->other_type = parts->other_type;
	}
	if (strcmp(parts->subtype, "hip-hit") == 0 && !ifmap_idcheck_ipv6(draft->name))
		return refuse(
			error, draft, "not eight groups of lower-case hex without leading zeros");
	return TRUE;
}

static gboolean check_name(struct draft *draft G_GNUC_UNUSED,
	const struct ifmap_identifier_parts *parts G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
	return TRUE;
}

static gboolean (*const checks[])(
	struct draft *, const struct ifmap_identifier_parts *, GError **) = {
	[IFMAP_ID_ACCESS_REQUEST] = check_name,
	[IFMAP_ID_DEVICE] = check_name,
	[IFMAP_ID_IDENTITY] = check_identity,
	[IFMAP_ID_IP_ADDRESS] = check_ip,
	[IFMAP_ID_MAC_ADDRESS] = check_mac,
};

static gboolean check(struct draft *draft, const struct ifmap_identifier_parts *parts,
	size_t max_size, GError **error)
{
	if (!parts->name || !*parts->name)
		return refuse(error, draft, "the name or value is missing or empty");
	if (strlen(parts->name) > max_size || strlen(draft->domain) > max_size ||
		(parts->other_type && strlen(parts->other_type) > max_size)) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_IDENTIFIER_TOO_LONG,
			"%s: longer than %zu bytes", types[draft->type].element, max_size);
		return FALSE;
	}
	if (!ifmap_idcheck_text(parts->name) ||
		(*draft->domain && !ifmap_idcheck_text(draft->domain)))
		return refuse(error, draft, "not text that XML can carry");
	return checks[draft->type](draft, parts, error);
}

static struct ifmap_id *finish_checked(const struct draft *draft, size_t max_size, GError **error)
{
	struct ifmap_id *id = finish(draft);

	if (strlen(ifmap_id_key(id)) <= max_size)
		return id;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_IDENTIFIER_TOO_LONG,
		"%s: longer than %zu bytes", types[draft->type].element, max_size);
	ifmap_id_unref(id);
	return NULL;
}

/* Strict: the canonical text, escaped the way we do it. */
static gboolean is_canonical(const struct draft *draft, const struct ifmap_extended *extended)
{
	g_autofree char *escaped = ifmap_extended_escape(extended->text);

	return strcmp(draft->name, draft->dialect->single_escape ? extended->text : escaped) == 0;
}

static struct ifmap_id *read_extended(const struct draft *draft, size_t max_size, GError **error)
{
	g_auto(ifmap_extended) extended = { 0 };
	struct draft whole = *draft;

	switch (ifmap_extended_read(draft->name, &extended, error)) {
	case IFMAP_EXTENDED_REFUSED:
		return NULL;
	case IFMAP_EXTENDED_OPAQUE:
		if (!draft->dialect->strict_extended)
			break;
		refuse(error, draft, "an extended identity has XML for a name");
		return NULL;
	case IFMAP_EXTENDED_OK:
		if (draft->dialect->strict_extended && !is_canonical(draft, &extended)) {
			refuse(error, draft, "not canonical");
			return NULL;
		}
		if (*draft->domain) {
			refuse(error, draft,
				"an extended identity has no administrative-domain of its own");
			return NULL;
		}
		whole.extended = &extended;
		whole.value = extended.text;
		break;
	}
	return finish_checked(&whole, max_size, error);
}

struct ifmap_id *ifmap_identifier_read(const struct ifmap_identifier_parts *parts, size_t max_size,
	const struct ifmap_dialect *dialect, GError **error)
{
	struct draft draft = {
		.dialect = dialect ? dialect : &IFMAP_DIALECT_DEFAULT,
		.type = parts->type,
		.name = parts->name,
		.value = parts->name,
		.domain = parts->domain && parts->type != IFMAP_ID_DEVICE ? parts->domain : "",
	};
	g_autofree char *folded = NULL;
	g_autofree char *domain = NULL;

	if (!check(&draft, parts, max_size, error))
		return NULL;
	if (g_strcmp0(draft.other_type, "extended") == 0)
		return read_extended(&draft, max_size, error);
	if (draft.dialect->fold_domain)
		domain = g_utf8_strdown(draft.domain, -1);
	draft.domain_key = domain;
	if (draft.identity_type) {
		folded = ifmap_idcheck_fold(draft.identity_type, draft.name, draft.dialect);
		draft.value = folded;
	}
	return finish_checked(&draft, max_size, error);
}
