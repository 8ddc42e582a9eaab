/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/idcheck.h"

#include <string.h>

#include "ifmap/dn.h"

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

static char *fold_dn(const char *name)
{
	char *folded = ifmap_dn_fold(name);

	return folded ? folded : g_strdup(name); /* an opaque name (2.3) */
}

#define ALWAYS          G_MAXSIZE
#define ONLY_IF(member) offsetof(struct ifmap_dialect, member)

static const struct {
	const char *type;
	char *(*fold)(const char *name);
	size_t only_if; /* this switch is on */
} folds[] = {
	{ "dns-name", fold_lower, ALWAYS },
	{ "tel-uri", fold_lower, ALWAYS },
	{ "email-address", fold_mail, ALWAYS },
	{ "distinguished-name", fold_dn, ALWAYS },
	{ "username", fold_lower, ONLY_IF(fold_username) },
	{ "kerberos-principal", fold_lower, ONLY_IF(fold_kerberos) },
	{ "sip-uri", fold_lower, ONLY_IF(fold_sip) },
	{ "aik-name", fold_lower, ONLY_IF(fold_aik) },
	{ "other", fold_lower, ONLY_IF(fold_other) },
};

static gboolean is_on(const struct ifmap_dialect *dialect, size_t offset)
{
	return offset == ALWAYS ||
	       *(const unsigned *)(const void *)((const char *)dialect + offset) != 0;
}

char *ifmap_idcheck_fold(const char *type, const char *name, const struct ifmap_dialect *dialect)
{
	for (size_t i = 0; i < G_N_ELEMENTS(folds); i++)
		if (strcmp(folds[i].type, type) == 0 && is_on(dialect, folds[i].only_if))
			return folds[i].fold(name);
	return g_strdup(name);
}
