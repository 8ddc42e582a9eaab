#include "cmd/mapid.h"

#include <string.h>

#include "cmd/command.h"
#include "cmd/names.h"

const struct world_machine *mapid_find_machine(const struct world *world, const char *name)
{
	g_autoptr(GPtrArray) machines = world_machines(world);
	g_auto(GStrv) parts = g_strsplit(name, "/", 2);

	if (parts[0] && parts[1])
		return world_find_member(world, parts[0], parts[1]);
	for (unsigned i = 0; i < machines->len; i++) {
		const struct world_machine *machine = machines->pdata[i];
		const struct facts_member_of *member = machine->member_of;

		if (strcmp(machine->uuid, name) == 0 ||
			strcmp(world_machine_name(machine), name) == 0)
			return machine;
		if (member && (g_strcmp0(member->machine, name) == 0 ||
				      g_strcmp0(member->domain, name) == 0))
			return machine;
	}
	return NULL;
}

static struct ifmap_id *read_machine(struct context *context, const char *name, int *ret_exit)
{
	const struct world *world = context_world(context, ret_exit);
	const struct world_machine *machine = world ? mapid_find_machine(world, name) : NULL;

	if (world && !machine)
		*ret_exit = context_say(COMMAND_REFUSED,
			"%s: no machine of that name is in the fleet; `drover vapp list` shows them",
			name);
	return machine ? facts_id_device(machine->uuid, NULL) : NULL;
}

static struct ifmap_id *read_host(struct context *context, const char *name, int *ret_exit)
{
	const struct world *world = context_world(context, ret_exit);
	const struct world_host *host = world ? names_host(world, name) : NULL;

	if (world && !host)
		*ret_exit = COMMAND_REFUSED;
	return host ? facts_id_device(host->uuid, NULL) : NULL;
}

/* What asks the map; and what is only another name. */
static const struct {
	const char *prefix;
	struct ifmap_id *(*find)(struct context *context, const char *name, int *ret_exit);
	struct ifmap_id *(*make)(const char *name, GError **error);
} forms[] = {
	{ "vm:", read_machine, NULL },
	{ "host:", read_host, NULL },
	{ "vapp:", NULL, facts_id_vapp },
	{ "segment:", NULL, facts_id_segment },
	{ "switch:", NULL, facts_id_switch },
	{ "", NULL, ifmap_id_from_string },
};

struct ifmap_id *mapid_read(struct context *context, const char *text, int *ret_exit)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_id *id;
	const char *name;
	size_t i = 0;

	if (strcmp(text, "fleet") == 0)
		return facts_id_fleet();
	while (!g_str_has_prefix(text, forms[i].prefix))
		i++;
	name = text + strlen(forms[i].prefix);
	if (forms[i].find)
		return forms[i].find(context, name, ret_exit);
	id = forms[i].make(name, &error);
	if (id)
		return id;
	context_fail(text, g_steal_pointer(&error));
	*ret_exit = COMMAND_USAGE;
	return NULL;
}
