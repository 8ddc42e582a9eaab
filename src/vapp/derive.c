/* What follows from a vApp for one machine: label, UUID, MACs, command line. */
#include "vapp/vapp.h"

#include <string.h>

const char *vapp_machine_label(const struct vapp *vapp, const struct vapp_machine *machine)
{
	return machine->label ? machine->label : vapp->label;
}

/* ---- UUID ---- */

/* Drover's name space for UUIDv5: drawn once at random, never to change. */
static const guint8 uuid_space[16] = { 0x6b, 0x1f, 0xd2, 0x0e, 0x5a, 0x83, 0x4c, 0x97, 0xa1, 0x3c,
	0x0d, 0x74, 0xe2, 0x58, 0x9b, 0x46 };

/* Digit by digit: every verdict about a vApp asks for the UUIDs of its machines. */
static char *uuid_to_string(const guint8 *bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *text = g_malloc(37);
	char *end = text;

	for (unsigned i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*end++ = '-';
		*end++ = digits[bytes[i] >> 4];
		*end++ = digits[bytes[i] & 0x0f];
	}
	*end = '\0';
	return text;
}

char *vapp_machine_uuid(const struct vapp *vapp, const struct vapp_machine *machine)
{
	g_autoptr(GChecksum) sha1 = NULL;
	guint8 d[20];
	gsize d_size = sizeof(d);

	if (machine->uuid)
		return g_strdup(machine->uuid);
	sha1 = g_checksum_new(G_CHECKSUM_SHA1);
	g_checksum_update(sha1, uuid_space, sizeof(uuid_space));
	g_checksum_update(sha1, (const guint8 *)vapp->name, -1);
	g_checksum_update(sha1, (const guint8 *)"/", 1);
	g_checksum_update(sha1, (const guint8 *)machine->name, -1);
	g_checksum_get_digest(sha1, d, &d_size);
	d[6] = (guint8)((d[6] & 0x0f) | 0x50); /* version 5 */
	d[8] = (guint8)((d[8] & 0x3f) | 0x80); /* RFC 4122 variant */
	return uuid_to_string(d);
}

/* ---- MACs ---- */

static char *derived_mac(const struct vapp *vapp, const struct vapp_machine *machine, unsigned n)
{
	g_autofree char *name = g_strdup_printf("%s/%s/nic%u", vapp->name, machine->name, n);
	g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);

	/* 52: locally administered, unicast. Taps are named after the last four octets, so these
	 * are the hash. */
	return g_strdup_printf("52:54:%.2s:%.2s:%.2s:%.2s", hex, hex + 2, hex + 4, hex + 6);
}

void vapp_assign_macs(struct vapp *vapp)
{
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];

		for (unsigned j = 0; j < machine->nics->len; j++) {
			struct vapp_nic *nic = machine->nics->pdata[j];

			if (!nic->mac)
				nic->mac = derived_mac(vapp, machine, j);
		}
	}
}

/* ---- command line ---- */

static const char *property_value(const GPtrArray *properties, const char *key)
{
	for (unsigned i = 0; i < properties->len; i++) {
		const struct vapp_property *property = properties->pdata[i];

		if (strcmp(property->key, key) == 0)
			return property->value;
	}
	return NULL;
}

static char *net_value(const struct vapp_machine *machine)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < machine->nics->len; i++) {
		const struct vapp_nic *nic = machine->nics->pdata[i];

		if (!nic->mac)
			continue;
		g_string_append_printf(text, "%s%s", text->len ? ";" : "", nic->mac);
		for (unsigned j = 0; j < nic->ips->len; j++) {
			g_autofree char *ip = vapp_prefix_to_string(
				&g_array_index(nic->ips, struct vapp_prefix, j));

			g_string_append_printf(text, ",%s", ip);
		}
	}
	return g_string_free(text, FALSE);
}

/* Value of ${key}, newly allocated, or NULL. */
static char *lookup(const struct vapp *vapp, const struct vapp_machine *machine, const char *key)
{
	const char *value = property_value(machine->properties, key);

	if (!value)
		value = property_value(vapp->properties, key);
	if (value)
		return g_strdup(value);
	if (strcmp(key, "drover.name") == 0)
		return g_strdup(machine->name);
	if (strcmp(key, "drover.net") == 0)
		return net_value(machine);
	return NULL;
}

/* `at` stands on "${"; appends the value and returns what follows "}", or NULL with an error. */
static const char *expand_one(const struct vapp *vapp, const struct vapp_machine *machine,
	const char *at, GString *out, GError **error)
{
	const char *end = strchr(at, '}');
	g_autofree char *key = end ? g_strndup(at + 2, (gsize)(end - at - 2)) : NULL;
	g_autofree char *value = key ? lookup(vapp, machine, key) : NULL;

	if (!key) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_INVALID,
			"command line of machine '%s': '${' without '}'", machine->name);
		return NULL;
	}
	if (!value) {
		g_set_error(error, VAPP_ERROR, VAPP_ERROR_INVALID,
			"command line of machine '%s': there is no property '%s'", machine->name,
			key);
		return NULL;
	}
	g_string_append(out, value);
	return end + 1;
}

char *vapp_machine_cmdline(
	const struct vapp *vapp, const struct vapp_machine *machine, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *at = machine->boot.cmdline ? machine->boot.cmdline : "";

	while (*at) {
		if (at[0] == '$' && at[1] == '{') {
			at = expand_one(vapp, machine, at, out, error);
			if (!at)
				return NULL;
			continue;
		}
		if (at[0] == '$' && at[1] == '$')
			at++;
		g_string_append_c(out, *at++);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}
