#include "map/identity.h"

#include <gnutls/x509.h>
#include <string.h>

/* Longer names of a certificate are not looked at. */
#define MAX_MARK         1024
/* Alternative names of one certificate that are looked at. */
#define MAX_ALTERNATIVES 64

struct map_identity *map_identity_new(const char *name, unsigned rights, const char *const *marks)
{
	static const char *const none[] = { NULL };
	struct map_identity *identity = g_new0(struct map_identity, 1);

	g_atomic_ref_count_init(&identity->n_refs);
	identity->name = g_strdup(name);
	identity->rights = rights;
	identity->marks = g_strdupv((char **)(marks ? marks : none));
	return identity;
}

struct map_identity *map_identity_new_basic(const char *name, unsigned rights)
{
	g_autofree char *mark = g_strconcat("basic:", name, NULL);
	return map_identity_new(name, rights, (const char *const[]){ mark, NULL });
}

struct map_identity *map_identity_ref(struct map_identity *identity)
{
	g_atomic_ref_count_inc(&identity->n_refs);
	return identity;
}

void map_identity_unref(struct map_identity *identity)
{
	if (!identity || !g_atomic_ref_count_dec(&identity->n_refs))
		return;
	g_free(identity->name);
	g_strfreev(identity->marks);
	g_free(identity);
}

gboolean map_identity_equal(const struct map_identity *a, const struct map_identity *b)
{
	if (a == b)
		return TRUE;
	return a && b && a->rights == b->rights && g_str_equal(a->name, b->name) &&
	       g_strv_equal((const char *const *)a->marks, (const char *const *)b->marks);
}

gboolean map_identity_is_name(const char *name)
{
	if (!*name || !g_utf8_validate(name, -1, NULL))
		return FALSE;
	for (const char *at = name; *at; at = g_utf8_next_char(at))
		if (g_unichar_iscntrl(g_utf8_get_char(at)))
			return FALSE;
	return TRUE;
}

/* ---- certificates */

static void add_mark(GStrvBuilder *marks, const char *kind, const char *text)
{
	g_autofree char *mark = g_strconcat(kind, ":", text, NULL);
	g_strv_builder_add(marks, mark);
}

static char *common_name(gnutls_x509_crt_t certificate)
{
	char name[MAX_MARK];
	size_t size = sizeof(name);

	if (gnutls_x509_crt_get_dn_by_oid(
		    certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size) < 0 ||
		strlen(name) != size || !map_identity_is_name(name))
		return NULL;
	return g_strdup(name);
}

static void add_subject(GStrvBuilder *marks, gnutls_x509_crt_t certificate)
{
	gnutls_datum_t dn = { NULL, 0 };

	if (gnutls_x509_crt_get_dn3(certificate, &dn, 0) < 0)
		return;
	if (strlen((const char *)dn.data) == dn.size && map_identity_is_name((const char *)dn.data))
		add_mark(marks, "dn", (const char *)dn.data);
	gnutls_free(dn.data);
}

/* Text of the kinds of alternative names that are text; NULL for others. */
static const char *alternative_kind(int type)
{
	static const struct {
		int type;
		const char *kind;
	} kinds[] = {
		{ GNUTLS_SAN_DNSNAME, "dns" },
		{ GNUTLS_SAN_URI, "uri" },
		{ GNUTLS_SAN_RFC822NAME, "email" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].type == type)
			return kinds[i].kind;
	return NULL;
}

static void add_alternatives(GStrvBuilder *marks, gnutls_x509_crt_t certificate)
{
	for (unsigned i = 0; i < MAX_ALTERNATIVES; i++) {
		char name[MAX_MARK + 1];
		size_t size = MAX_MARK;
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
		const char *kind = type < 0 ? NULL : alternative_kind(type);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return;
		if (!kind)
			continue;
		name[size] = 0;
		if (strlen(name) == size && map_identity_is_name(name))
			add_mark(marks, kind, name);
	}
}

static void add_fingerprint(GStrvBuilder *marks, const gnutls_datum_t *der)
{
	g_autofree char *digest = g_compute_checksum_for_data(
		G_CHECKSUM_SHA256, der->data, der->size);
	add_mark(marks, "sha256", digest);
}

struct map_identity *map_identity_new_certificate(const gnutls_datum_t *der)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	gnutls_x509_crt_t certificate;
	struct map_identity *identity = NULL;
	g_autofree char *name = NULL;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return NULL;
	if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) >= 0)
		name = common_name(certificate);
	if (name) {
		add_mark(builder, "cn", name);
		add_subject(builder, certificate);
		add_alternatives(builder, certificate);
		add_fingerprint(builder, der);
		g_auto(GStrv) marks = g_strv_builder_end(builder);
		identity = map_identity_new(name, 0, (const char *const *)marks);
	}
	gnutls_x509_crt_deinit(certificate);
	return identity;
}
