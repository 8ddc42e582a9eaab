#include "vapp/addr.h"

#include <arpa/inet.h>
#include <string.h>

static unsigned family_bits(enum vapp_family family)
{
	return family == VAPP_IPV4 ? 32 : 128;
}

static gboolean parse_length(const char *text, unsigned max, unsigned *ret_length)
{
	guint64 value;

	if (!g_ascii_string_to_unsigned(text, 10, 0, max, &value, NULL) ||
		(text[0] == '0' && text[1]))
		return FALSE;
	*ret_length = (unsigned)value;
	return TRUE;
}

gboolean vapp_prefix_from_string(const char *text, struct vapp_prefix *ret_prefix)
{
	struct vapp_prefix prefix = { .family = strchr(text, ':') ? VAPP_IPV6 : VAPP_IPV4 };
	const char *slash = strchr(text, '/');
	g_autofree char *address = slash ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);

	if (inet_pton(prefix.family == VAPP_IPV4 ? AF_INET : AF_INET6, address, prefix.bytes) != 1)
		return FALSE;
	prefix.length = family_bits(prefix.family);
	if (slash && !parse_length(slash + 1, prefix.length, &prefix.length))
		return FALSE;
	*ret_prefix = prefix;
	return TRUE;
}

char *vapp_prefix_address(const struct vapp_prefix *prefix)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(prefix->family == VAPP_IPV4 ? AF_INET : AF_INET6, prefix->bytes, text,
		sizeof(text));
	return g_strdup(text);
}

char *vapp_prefix_to_string(const struct vapp_prefix *prefix)
{
	g_autofree char *address = vapp_prefix_address(prefix);

	return g_strdup_printf("%s/%u", address, prefix->length);
}

struct vapp_prefix vapp_prefix_mask(const struct vapp_prefix *prefix)
{
	struct vapp_prefix network = *prefix;

	for (unsigned i = 0; i < sizeof(network.bytes); i++) {
		unsigned kept = prefix->length > i * 8 ? MIN(prefix->length - i * 8, 8) : 0;

		network.bytes[i] = (guint8)(network.bytes[i] & (0xff00u >> kept));
	}
	return network;
}

struct vapp_prefix vapp_prefix_host(const struct vapp_prefix *prefix)
{
	struct vapp_prefix host = *prefix;

	host.length = family_bits(prefix->family);
	return host;
}

int vapp_prefix_compare(const struct vapp_prefix *a, const struct vapp_prefix *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	if (order)
		return order;
	return (a->length > b->length) - (a->length < b->length);
}

gboolean vapp_prefix_equal(const struct vapp_prefix *a, const struct vapp_prefix *b)
{
	return vapp_prefix_compare(a, b) == 0;
}

gboolean vapp_prefix_contains(const struct vapp_prefix *outer, const struct vapp_prefix *inner)
{
	struct vapp_prefix cut = *inner;
	struct vapp_prefix network = vapp_prefix_mask(outer);

	if (outer->family != inner->family || outer->length > inner->length)
		return FALSE;
	cut.length = outer->length;
	cut = vapp_prefix_mask(&cut);
	return memcmp(cut.bytes, network.bytes, sizeof(cut.bytes)) == 0;
}

char *vapp_mac_canonical(const char *text)
{
	static const char zero[] = "00:00:00:00:00:00";
	g_autofree char *mac = NULL;

	if (strlen(text) != sizeof(zero) - 1)
		return NULL;
	mac = g_ascii_strdown(text, -1);
	for (unsigned i = 0; mac[i]; i++) {
		if (i % 3 == 2 && mac[i] == '-' && text[2] == '-')
			mac[i] = ':';
		if (i % 3 == 2 ? mac[i] != ':' : !g_ascii_isxdigit(mac[i]))
			return NULL;
	}
	if (g_ascii_xdigit_value(mac[1]) & 1 || strcmp(mac, zero) == 0)
		return NULL;
	return g_steal_pointer(&mac);
}
