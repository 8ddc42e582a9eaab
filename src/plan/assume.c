#include "plan/assume.h"

#include "plan/line.h"

#include <string.h>

const struct plan_assume_form PLAN_ASSUME_FORMS[] = {
	{ "B.memory=+8G", "host B offers 8 GiB more; also =64G, =-512M (MiB without a letter)" },
	{ "B.cpus=+4", "host B offers 4 virtual CPUs more; also =32, =-2" },
	{ "B.cpu-model=+EPYC", "host B can give this CPU model; - takes it away" },
	{ "B.machine-type=+pc-q35-8.0", "host B's QEMU has this machine type; - takes it away" },
	{ "B.segment=+back", "guests on host B can attach to the segment; - takes it away" },
	{ "B.site=paris", "host B stands at this site" },
	{ "B.enforcing=yes", "host B enforces what it was told; no: it does not" },
	{ "B.history=-red",
		"the Chinese Wall type never ran on host B; + : it did; none: nothing did" },
	{ "B.uplinks=down", "all cables of host B (or switch s1) carry nothing; up: they do" },
	{ "B=down", "host B is off, with all that runs there; up: its agent is there" },
	{ "B--s1=down", "the cable from B to s1 carries nothing; up: it does, drawn if need be" },
	{ "s1=down", "switch s1 carries nothing; up: all its cables do" },
	{ "shop/web1=C", "the machine runs on host C; off: nowhere" },
	{ "bank=off", "the application runs nowhere; a host: all of it runs there" },
	{ "capacity@device:UUID.cpus=9", "any field of any fact: KIND@PLACE[@PLACE].FIELD=VALUE" },
	{ "label@device:UUID=gone", "the fact does not stand" },
	{ NULL, NULL },
};

static char *assume_switch(const struct line *line)
{
	g_autofree char *place = g_strconcat("switch:", line->name, NULL);
	gboolean up;

	if (!line_choice(line, "up", "down", &up) || !line_set_cables(line, place, up))
		return NULL;
	return g_strdup_printf(
		"switch %s %s", line->name, up ? "has all its cables up" : "carries nothing");
}

/* The place of one end of a cable; NULL: nobody knows it. */
static char *end_of(const struct line *line, const char *name)
{
	const struct world_host *host = world_find_host(line->world, name);

	if (host)
		return judge_device(host->uuid);
	return world_has_switch(line->world, name) ? g_strconcat("switch:", name, NULL) : NULL;
}

static char *assume_cable(const struct line *line, const char *one, const char *other)
{
	g_autofree char *a = end_of(line, one);
	g_autofree char *b = end_of(line, other);
	gboolean up;

	if (!a || !b)
		return line_fail(line, "no host and no switch is called %s", a ? other : one);
	if (!line_choice(line, "up", "down", &up))
		return NULL;
	if (!up && !world_get(line->world, FACTS_FABRIC_LINK, a, b))
		return line_fail(line, "there is no such cable");
	if (!line_change(line, FACTS_FABRIC_LINK, a, b, "up", up ? "true" : "false"))
		return NULL;
	return g_strdup_printf(
		"the cable from %s to %s %s", one, other, up ? "is up" : "carries nothing");
}

/* ---- machines ---- */

/* What the host says is taken follows the machines that come and go. */
static gboolean shift_use(const struct line *line, const struct world_host *host,
	const struct vapp_machine *machine, int by)
{
	g_autofree char *place = judge_device(host->uuid);
	guint64 memory = host->capacity ? host->capacity->memory_used_mib : 0;
	guint64 cpus = host->capacity ? host->capacity->cpus_used : 0;

	if (!host->capacity)
		return TRUE;
	memory = by > 0 ? memory + machine->memory_mib : memory - MIN(memory, machine->memory_mib);
	cpus = by > 0 ? cpus + machine->n_vcpus : cpus - MIN(cpus, machine->n_vcpus);
	return line_change_number(line, FACTS_CAPACITY, place, "memory-used-mib", memory) &&
	       line_change_number(line, FACTS_CAPACITY, place, "cpus-used", cpus);
}

static gboolean take_off(
	const struct line *line, const char *uuid, const struct vapp_machine *machine)
{
	g_autofree char *place = judge_device(uuid);
	g_autoptr(GPtrArray) hosts = world_hosts(line->world);

	for (unsigned i = 0; i < hosts->len; i++) {
		const struct world_host *host = hosts->pdata[i];
		const struct world_copy *copy = world_find_copy(line->world, uuid, host->uuid);
		g_autofree char *there = judge_device(host->uuid);

		if (!copy)
			continue;
		if (world_copy_active(copy) && !shift_use(line, host, machine, -1))
			return FALSE;
		world_put(line->world, FACTS_RESERVATION, place, there, NULL, NULL);
		world_put(line->world, FACTS_RUNS_ON, place, there, NULL, NULL);
	}
	return TRUE;
}

static gboolean put_on(const struct line *line, const struct vapp *vapp,
	const struct vapp_machine *machine, const struct world_host *host)
{
	g_autofree char *uuid = vapp_machine_uuid(vapp, machine);
	g_autofree char *place = judge_device(uuid);
	g_autofree char *there = host ? judge_device(host->uuid) : NULL;
	struct facts_runs_on fact = { .name = machine->name,
		.state = (char *)"running",
		.vcpus = machine->n_vcpus,
		.memory_mib = machine->memory_mib,
		.vapp = vapp->name,
		.seal = (char *)"valid" };

	if (!take_off(line, uuid, machine))
		return FALSE;
	if (!host)
		return TRUE;
	world_put(line->world, FACTS_RUNS_ON, place, there, &fact, NULL);
	return shift_use(line, host, machine, 1);
}

/* `only` NULL: the whole application. */
static char *assume_machines(const struct line *line, const char *name, const char *only)
{
	const struct world_vapp *object = world_find_vapp(line->world, name);
	const struct world_host *host = NULL;
	const struct vapp_machine *one = NULL;

	if (!object || !object->vapp)
		return line_fail(line, "there is no application %s", name);
	one = only ? vapp_find_machine(object->vapp, only) : NULL;
	if (only && !one)
		return line_fail(line, "%s has no machine %s", name, only);
	if (strcmp(line->value, "off") != 0) {
		host = world_find_host(line->world, line->value);
		if (!host)
			return line_fail(line, "the value is off or a host; no host is called %s",
				line->value);
		if (!world_host_alive(host))
			return line_fail(
				line, "the agent of %s is not there", world_host_name(host));
	}
	for (unsigned i = 0; i < object->vapp->machines->len; i++) {
		const struct vapp_machine *machine = object->vapp->machines->pdata[i];

		if ((!one || machine == one) && !put_on(line, object->vapp, machine, host))
			return NULL;
	}
	return host ? g_strdup_printf("%s runs on %s", line->name, world_host_name(host))
		    : g_strdup_printf("%s runs nowhere", line->name);
}

/* ---- any fact ---- */

static char *assume_fact(const struct line *line)
{
	gboolean gone = strcmp(line->value, "gone") == 0;
	char *dot = gone ? NULL : strrchr(line->name, '.');
	g_autofree char *head = dot ? g_strndup(line->name, (gsize)(dot - line->name))
				    : g_strdup(line->name);
	g_auto(GStrv) parts = g_strsplit(head, "@", 3);
	enum facts_kind kind = parts[0] ? facts_kind_from_name(parts[0]) : FACTS_N_KINDS;

	if (kind == FACTS_N_KINDS)
		return line_fail(line, "there is no kind of fact called %s", parts[0]);
	if (!parts[1] || (!gone && !dot))
		return line_fail(line, "the form is KIND@PLACE[@PLACE].FIELD=VALUE, or =gone");
	if (!line_change(
		    line, kind, parts[1], parts[2], dot ? dot + 1 : NULL, dot ? line->value : NULL))
		return NULL;
	return gone ? g_strdup_printf("%s does not stand", head)
		    : g_strdup_printf("%s of %s is %s", dot + 1, head, line->value);
}

/* ---- which of them ---- */

static char *assume_named(const struct line *line)
{
	const struct world_host *host = world_find_host(line->world, line->name);
	const char *slash = strchr(line->name, '/');
	g_autofree char *vapp = slash ? g_strndup(line->name, (gsize)(slash - line->name)) : NULL;
	g_auto(GStrv) ends = g_strsplit(line->name, "--", 2);
	g_auto(GStrv) dashed = g_strsplit(line->name, "–", 2); /* as reasons write cables */

	if (strchr(line->name, '@'))
		return assume_fact(line);
	if (host)
		return line_host(line, host);
	if (world_find_vapp(line->world, line->name))
		return assume_machines(line, line->name, NULL);
	if (world_has_switch(line->world, line->name))
		return assume_switch(line);
	if (vapp)
		return assume_machines(line, vapp, slash + 1);
	if (ends[0] && ends[1])
		return assume_cable(line, ends[0], ends[1]);
	if (dashed[0] && dashed[1])
		return assume_cable(line, dashed[0], dashed[1]);
	if (strchr(line->name, '.'))
		return line_property(line);
	return line_fail(line, "no host, application, switch or cable is called %s", line->name);
}

char *plan_assume(struct world *world, const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *name = equals ? g_strndup(text, (gsize)(equals - text)) : NULL;
	struct line line = { world, text, name, equals ? equals + 1 : "", error };

	if (!equals || !*name || !equals[1])
		return line_fail(&line, "the form is NAME=VALUE");
	g_strstrip(name);
	return assume_named(&line);
}
