/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/idcheck.h"

#include <string.h>

gboolean ifmap_idcheck_ipv4(const char *value)
{
	unsigned n_octets = 0;

	for (const char *p = value;; p++) {
		unsigned octet = 0, digits = 0;

		for (; g_ascii_isdigit(*p) && digits < 4; p++, digits++)
			octet = octet * 10 + (unsigned)(*p - '0');
		if (digits == 0 || digits > 3 || octet > 255 ||
			(digits > 1 && p[-(int)digits] == '0'))
			return FALSE;
		if (++n_octets == 4)
			return *p == '\0';
		if (*p != '.')
			return FALSE;
	}
}

static gboolean is_lower_hex(char c)
{
	return g_ascii_isdigit(c) || (c >= 'a' && c <= 'f');
}

gboolean ifmap_idcheck_ipv6(const char *value)
{
	unsigned n_groups = 0;

	for (const char *p = value;; p++) {
		unsigned digits = 0;

		for (; is_lower_hex(*p) && digits < 5; p++)
			digits++;
		if (digits == 0 || digits > 4 || (digits > 1 && p[-(int)digits] == '0'))
			return FALSE;
		if (++n_groups == 8)
			return *p == '\0';
		if (*p != ':')
			return FALSE;
	}
}

gboolean ifmap_idcheck_mac(const char *value)
{
	if (strlen(value) != 17)
		return FALSE;
	for (unsigned i = 0; i < 17; i++)
		if (i % 3 == 2 ? value[i] != ':' : !is_lower_hex(value[i]))
			return FALSE;
	return TRUE;
}

gboolean ifmap_idcheck_text(const char *value)
{
	if (!*value || !g_utf8_validate(value, -1, NULL))
		return FALSE;
	for (const char *p = value; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff)
			return FALSE;
	}
	return TRUE;
}

static char *fold_lower(const char *name)
{
	return g_utf8_strdown(name, -1);
}

static char *fold_mail(const char *name)
{
	const char *at = strchr(name, '@');
	g_autofree char *domain = NULL;

	if (!at || strchr(at + 1, '@'))
		return g_strdup(name);
	domain = g_utf8_strdown(at + 1, -1);
	return g_strdup_printf("%.*s%s", (int)(at + 1 - name), name, domain);
}

/* Appends text[0..size) without blanks at its ends; a blank that a backslash protects stays. */
static void append_trimmed(GString *out, const char *text, size_t size)
{
	while (size > 0 && *text == ' ') {
		text++;
		size--;
	}
	while (size > 0 && text[size - 1] == ' ' && !(size > 1 && text[size - 2] == '\\'))
		size--;
	g_string_append_len(out, text, (gssize)size);
}

/* Bytes of the part that starts at `p`, up to an unprotected `,`, `;` or `+`, or the end. */
static size_t rdn_size(const char *p)
{
	gboolean quoted = FALSE;
	const char *start = p;

	for (; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			continue;
		}
		if (*p == '"')
			quoted = !quoted;
		else if (!quoted && strchr(",;+", *p))
			break;
	}
	return (size_t)(p - start);
}

/* `type = value` -> `TYPE=value`; FALSE when there is no type. */
static gboolean append_rdn(GString *out, const char *rdn, size_t size)
{
	const char *equals = memchr(rdn, '=', size);
	gsize at = out->len;

	if (!equals)
		return FALSE;
	append_trimmed(out, rdn, (size_t)(equals - rdn));
	if (out->len == at)
		return FALSE;
	for (gsize i = at; i < out->len; i++)
		out->str[i] = g_ascii_toupper(out->str[i]);
	g_string_append_c(out, '=');
	append_trimmed(out, equals + 1, size - (size_t)(equals + 1 - rdn));
	return TRUE;
}

static char *fold_dn(const char *name)
{
	g_autoptr(GString) out = g_string_sized_new(strlen(name));

	for (const char *p = name;;) {
		size_t size = rdn_size(p);

		if (!append_rdn(out, p, size))
			return g_strdup(name); /* no DN: an opaque name (2.3) */
		p += size;
		if (!*p)
			return g_string_free(g_steal_pointer(&out), FALSE);
		g_string_append_c(out, *p == '+' ? '+' : ',');
		p++;
	}
}

static const struct {
	const char *type;
	char *(*fold)(const char *name);
} folds[] = {
	{ "dns-name", fold_lower },
	{ "tel-uri", fold_lower },
	{ "email-address", fold_mail },
	{ "distinguished-name", fold_dn },
};

char *ifmap_idcheck_fold(const char *type, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(folds); i++)
		if (strcmp(folds[i].type, type) == 0)
			return folds[i].fold(name);
	return g_strdup(name);
}
