#include "vapp/capture.h"

#include <string.h>

/* What people declare about a captured vApp, on one line each. */

static gboolean refuse(const char *text, const char *why, GError **error)
{
	g_set_error(error, VAPP_ERROR, VAPP_ERROR_INVALID, "%s: %s", text, why);
	return FALSE;
}

/* "web1-app1", "web1-app1-2": no other flow has it. Newly allocated. */
static char *free_id(const struct vapp *vapp, const char *from, const char *to)
{
	char *id = g_strdup_printf("%s-%s", from, to);

	for (unsigned n = 2; vapp_find_flow(vapp, id); n++) {
		g_free(id);
		id = g_strdup_printf("%s-%s-%u", from, to, n);
	}
	return id;
}

/* "tcp/80,443", "udp/all", "icmp", "any". */
static gboolean set_what(struct vapp_flow *flow, const char *what)
{
	g_auto(GStrv) parts = g_strsplit(what, "/", 2);
	gboolean has_ports;

	if (!vapp_protocol_from_string(parts[0] ? parts[0] : "", &flow->protocol))
		return FALSE;
	has_ports = flow->protocol == VAPP_PROTOCOL_TCP || flow->protocol == VAPP_PROTOCOL_UDP;
	if (has_ports != (parts[0] && parts[1] && *parts[1]))
		return FALSE;
	if (!has_ports)
		return TRUE;
	g_array_unref(flow->ports);
	flow->ports = vapp_ports_from_string(parts[1]);
	if (flow->ports)
		return TRUE;
	flow->ports = g_array_new(FALSE, FALSE, sizeof(struct vapp_ports));
	return FALSE;
}

gboolean vapp_allow(struct vapp *vapp, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", 3);
	g_autofree char *id = NULL;
	struct vapp_flow *flow;

	if (g_strv_length(parts) != 3 || !*parts[0] || !*parts[1])
		return refuse(text, "the form is FROM:TO:PROTOCOL/PORTS, as in web1:app1:tcp/8080",
			error);
	id = free_id(vapp, parts[0], parts[1]);
	flow = vapp_flow_new(id, parts[0], parts[1]);
	g_ptr_array_add(vapp->flows, flow);
	if (set_what(flow, parts[2]))
		return TRUE;
	return refuse(text, "what is allowed is tcp/PORTS, udp/PORTS, icmp or any", error);
}

/* The card that "MACHINE" or "MACHINE.N" names; names may have dots. */
static struct vapp_nic *find_card(struct vapp *vapp, const char *name)
{
	const struct vapp_machine *machine = vapp_find_machine(vapp, name);
	const char *dot = machine ? NULL : strrchr(name, '.');
	g_autofree char *head = dot ? g_strndup(name, (gsize)(dot - name)) : NULL;
	guint64 index = 0;

	if (dot && g_ascii_string_to_unsigned(dot + 1, 10, 0, G_MAXUINT16, &index, NULL))
		machine = vapp_find_machine(vapp, head);
	return machine && index < machine->nics->len ? machine->nics->pdata[index] : NULL;
}

gboolean vapp_address(struct vapp *vapp, const char *text, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(text, "=", 2);
	struct vapp_nic *nic = parts[0] && parts[1] ? find_card(vapp, parts[0]) : NULL;
	g_auto(GStrv) addresses = parts[0] && parts[1] ? g_strsplit(parts[1], ",", -1) : NULL;

	if (!nic || !addresses[0])
		return refuse(text,
			"the form is MACHINE=IP/LEN or MACHINE.CARD=IP/LEN, of a card there is",
			error);
	for (char **address = addresses; *address; address++) {
		struct vapp_prefix ip;

		if (!vapp_prefix_from_string(*address, &ip))
			return refuse(
				text, "an address is written IP/LEN, as in 10.80.0.11/24", error);
		g_array_append_val(nic->ips, ip);
	}
	return TRUE;
}
