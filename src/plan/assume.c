#include "plan/assume.h"

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

/* One line being carried out. `name` and `value` are the two sides of its '='. */
struct line {
	struct world *world;
	const char *text;
	char *name;
	const char *value;
	GError **error;
};

G_GNUC_PRINTF(2, 3) static char *fail(const struct line *line, const char *format, ...)
{
	g_autofree char *why = NULL;
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(line->error, PLAN_ERROR, PLAN_ERROR_INPUT, "%s: %s", line->text, why);
	return NULL;
}

/* ---- single facts ---- */

/* Field := value, as struct plan_change has it; FALSE with the line's error. */
static gboolean change(const struct line *line, enum facts_kind kind, const char *a, const char *b,
	const char *field, const char *value)
{
	g_autoptr(GPtrArray) changes = plan_changes_new();
	g_autoptr(GError) why = NULL;

	plan_changes_add(changes, kind, a, b, field, value);
	if (plan_change_apply(line->world, changes, NULL, &why))
		return TRUE;
	fail(line, "%s", why->message);
	return FALSE;
}

static gboolean change_number(const struct line *line, enum facts_kind kind, const char *a,
	const char *field, guint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	return change(line, kind, a, NULL, field, text);
}

static char *place_of(const struct world_host *host)
{
	return g_strconcat("device:", host->uuid, NULL);
}

/* "up" or "down", "yes" or "no"; FALSE with the line's error. */
static gboolean read_choice(
	const struct line *line, const char *yes, const char *no, gboolean *ret_yes)
{
	*ret_yes = strcmp(line->value, yes) == 0;
	if (*ret_yes || strcmp(line->value, no) == 0)
		return TRUE;
	fail(line, "the value is %s or %s", yes, no);
	return FALSE;
}

/* ---- amounts ---- */

static guint64 unit_of(const char *letter)
{
	static const struct {
		const char *letter;
		guint64 factor;
	} units[] = { { "", 1 }, { "M", 1 }, { "MiB", 1 }, { "G", 1024 }, { "GiB", 1024 },
		{ "T", 1048576 }, { "TiB", 1048576 } };

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		if (strcmp(units[i].letter, letter) == 0)
			return units[i].factor;
	return 0;
}

/* The new value that "+8G", "-2" or "64" makes of `now`. */
static gboolean read_amount(
	const struct line *line, guint64 now, gboolean has_units, guint64 *ret_amount)
{
	const char *digits = line->value + strcspn(line->value, "0123456789");
	size_t n = strspn(digits, "0123456789");
	g_autofree char *number = g_strndup(digits, n);
	guint64 factor = has_units || !digits[n] ? unit_of(digits + n) : 0;
	gboolean more = line->value[0] == '+';
	gboolean less = line->value[0] == '-';
	guint64 amount;

	if (digits - line->value > (more || less) || !factor ||
		!g_ascii_string_to_unsigned(number, 10, 0, G_MAXUINT32, &amount, NULL)) {
		fail(line, "the value is a number%s, with + or - a difference",
			has_units ? " of MiB, or with G or T behind it" : "");
		return FALSE;
	}
	amount *= factor;
	*ret_amount = more ? now + amount : less ? now - MIN(now, amount) : amount;
	return TRUE;
}

/* ---- properties of a host ---- */

struct property {
	const char *name;
	enum facts_kind kind;
	const char *field; /* NULL: `set` knows */
	size_t offset;     /* of a number in struct facts_capacity */
	const char *what;  /* "MiB of memory" */
	char *(*set)(const struct line *line, const struct world_host *host,
		const struct property *property);
};

static char *set_amount(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = place_of(host);
	guint64 before = host->capacity
				 ? *(const guint64 *)(const void *)((const char *)host->capacity +
								    property->offset)
				 : 0;
	guint64 after;

	if (!read_amount(line, before, strcmp(property->name, "memory") == 0, &after) ||
		!change_number(line, property->kind, place, property->field, after))
		return NULL;
	return g_strdup_printf("%s offers %" G_GUINT64_FORMAT " %s instead of %" G_GUINT64_FORMAT,
		world_host_name(host), after, property->what, before);
}

/* "+X" or "-X" with something behind the sign. */
static gboolean check_member(const struct line *line)
{
	if ((line->value[0] == '+' || line->value[0] == '-') && line->value[1])
		return TRUE;
	fail(line, "the value is + or - and a name");
	return FALSE;
}

static char *set_list(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = place_of(host);

	if (!check_member(line) ||
		!change(line, property->kind, place, NULL, property->field, line->value))
		return NULL;
	return g_strdup_printf("%s %s %s %s", world_host_name(host),
		line->value[0] == '+' ? "has" : "does not have", property->what, line->value + 1);
}

static char *set_history(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = place_of(host);

	if (strcmp(line->value, "none") == 0) {
		world_put(line->world, FACTS_HISTORY, place, NULL, NULL, NULL);
		return g_strdup_printf("nothing ever ran on %s", world_host_name(host));
	}
	if (!check_member(line) ||
		!change(line, property->kind, place, NULL, property->field, line->value))
		return NULL;
	return g_strdup_printf("type %s %s on %s", line->value + 1,
		line->value[0] == '+' ? "has run" : "never ran", world_host_name(host));
}

static char *set_segment(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = place_of(host);
	g_autofree char *segment = NULL;
	gboolean there;

	if (!check_member(line))
		return NULL;
	there = line->value[0] == '+';
	segment = g_strconcat("segment:", line->value + 1, NULL);
	if (!change(line, property->kind, place, segment, there ? "up" : NULL,
		    there ? "true" : NULL))
		return NULL;
	return g_strdup_printf("segment %s is %s on %s", line->value + 1,
		there ? "present" : "missing", world_host_name(host));
}

static char *set_site(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = place_of(host);

	if (!change(line, property->kind, place, NULL, property->field, line->value))
		return NULL;
	return g_strdup_printf("%s is at site %s", world_host_name(host), line->value);
}

static char *set_enforcing(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = place_of(host);
	gboolean yes;

	if (!read_choice(line, "yes", "no", &yes) ||
		!change(line, property->kind, place, NULL, property->field, yes ? "true" : "false"))
		return NULL;
	return g_strdup_printf("%s %s what it was told", world_host_name(host),
		yes ? "enforces" : "does not enforce");
}

/* ---- cables ---- */

static gboolean ends_at(const struct world_cable *cable, const char *place)
{
	return strcmp(cable->a, place) == 0 || strcmp(cable->b, place) == 0;
}

/* All cables of a host or switch. FALSE with the line's error. */
static gboolean set_cables(const struct line *line, const char *place, gboolean up)
{
	g_autoptr(GArray) cables = world_cables(line->world);
	unsigned n = 0;

	for (unsigned i = 0; i < cables->len; i++) {
		const struct world_cable *cable = &g_array_index(cables, struct world_cable, i);
		g_autofree char *a = g_strdup(cable->a); /* they change under us */
		g_autofree char *b = g_strdup(cable->b);

		if (!ends_at(cable, place))
			continue;
		n++;
		if (!change(line, FACTS_FABRIC_LINK, a, b, "up", up ? "true" : "false"))
			return FALSE;
	}
	if (n > 0)
		return TRUE;
	fail(line, "no cable of it is known");
	return FALSE;
}

static char *set_uplinks(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = place_of(host);
	gboolean up;

	if (!read_choice(line, "up", "down", &up) || !set_cables(line, place, up))
		return NULL;
	return g_strdup_printf(
		"all cables of %s %s", world_host_name(host), up ? "are up" : "carry nothing");
}

static char *assume_switch(const struct line *line)
{
	g_autofree char *place = g_strconcat("switch:", line->name, NULL);
	gboolean up;

	if (!read_choice(line, "up", "down", &up) || !set_cables(line, place, up))
		return NULL;
	return g_strdup_printf(
		"switch %s %s", line->name, up ? "has all its cables up" : "carries nothing");
}

/* The place of one end of a cable; NULL: nobody knows it. */
static char *end_of(const struct line *line, const char *name)
{
	const struct world_host *host = world_find_host(line->world, name);

	if (host)
		return place_of(host);
	return world_has_switch(line->world, name) ? g_strconcat("switch:", name, NULL) : NULL;
}

static char *assume_cable(const struct line *line, const char *one, const char *other)
{
	g_autofree char *a = end_of(line, one);
	g_autofree char *b = end_of(line, other);
	gboolean up;

	if (!a || !b)
		return fail(line, "no host and no switch is called %s", a ? other : one);
	if (!read_choice(line, "up", "down", &up))
		return NULL;
	if (!up && !world_get(line->world, FACTS_FABRIC_LINK, a, b))
		return fail(line, "there is no such cable");
	if (!change(line, FACTS_FABRIC_LINK, a, b, "up", up ? "true" : "false"))
		return NULL;
	return g_strdup_printf(
		"the cable from %s to %s %s", one, other, up ? "is up" : "carries nothing");
}

/* ---- hosts ---- */

static const struct property properties[] = {
	{ "memory", FACTS_CAPACITY, "memory-mib", offsetof(struct facts_capacity, memory_mib),
		"MiB of memory", set_amount },
	{ "cpus", FACTS_CAPACITY, "cpus", offsetof(struct facts_capacity, cpus), "virtual CPUs",
		set_amount },
	{ "cpu-model", FACTS_CAPACITY, "cpu-model", 0, "the CPU model", set_list },
	{ "machine-type", FACTS_CAPACITY, "machine-type", 0, "the machine type", set_list },
	{ "segment", FACTS_SEGMENT_PRESENT, NULL, 0, NULL, set_segment },
	{ "site", FACTS_HOST, "site", 0, NULL, set_site },
	{ "enforcing", FACTS_HOST, "enforcing", 0, NULL, set_enforcing },
	{ "history", FACTS_HISTORY, "chw", 0, NULL, set_history },
	{ "uplinks", FACTS_FABRIC_LINK, NULL, 0, NULL, set_uplinks },
};

static const struct property *find_property(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
		if (strcmp(properties[i].name, name) == 0)
			return &properties[i];
	return NULL;
}

static char *property_names(void)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
		g_string_append_printf(names, "%s%s", i ? ", " : "", properties[i].name);
	return g_string_free(names, FALSE);
}

/* What runs there runs no more, and its agent does not stand. What it offers stays written down,
 * for when somebody supposes it back. */
static void forget_host(const struct line *line, const struct world_host *host)
{
	static const enum facts_kind of_copy[] = { FACTS_RUNS_ON, FACTS_ENFORCED, FACTS_PROGRESS };
	g_autofree char *place = place_of(host);
	g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < host->copies->len; i++)
		g_ptr_array_add(gone,
			g_strconcat("device:",
				((const struct world_copy *)host->copies->pdata[i])->machine->uuid,
				NULL));
	if (host->capacity) {
		change_number(line, FACTS_CAPACITY, place, "memory-used-mib", 0);
		change_number(line, FACTS_CAPACITY, place, "cpus-used", 0);
	}
	for (unsigned i = 0; i < gone->len; i++)
		for (size_t k = 0; k < G_N_ELEMENTS(of_copy); k++)
			world_put(line->world, of_copy[k], gone->pdata[i], place, NULL, NULL);
	world_put(line->world, FACTS_IN_FLEET, "fleet:default", place, NULL, NULL);
}

static char *assume_host(const struct line *line, const struct world_host *host)
{
	g_autofree char *place = place_of(host);
	g_autofree char *name = g_strdup(world_host_name(host));
	g_autoptr(GError) ignored = NULL;
	struct line quiet = *line;
	gboolean up;

	quiet.error = &ignored;
	if (!read_choice(line, "up", "down", &up))
		return NULL;
	if (up) {
		struct facts_in_fleet in_fleet = { .kind = (char *)"host" };

		if (!world_host_alive(host) &&
			!change(line, FACTS_HOST, place, NULL, "enforcing", "true"))
			return NULL;
		world_put(line->world, FACTS_IN_FLEET, "fleet:default", place, &in_fleet, NULL);
		return g_strdup_printf("the agent of %s is there", name);
	}
	set_cables(&quiet, place, FALSE); /* it may have none */
	forget_host(&quiet, host);
	return g_strdup_printf("%s is off, with all that runs there", name);
}

/* ---- machines ---- */

/* What the host says is taken follows the machines that come and go. */
static gboolean shift_use(const struct line *line, const struct world_host *host,
	const struct vapp_machine *machine, int by)
{
	g_autofree char *place = place_of(host);
	guint64 memory = host->capacity ? host->capacity->memory_used_mib : 0;
	guint64 cpus = host->capacity ? host->capacity->cpus_used : 0;

	if (!host->capacity)
		return TRUE;
	memory = by > 0 ? memory + machine->memory_mib : memory - MIN(memory, machine->memory_mib);
	cpus = by > 0 ? cpus + machine->n_vcpus : cpus - MIN(cpus, machine->n_vcpus);
	return change_number(line, FACTS_CAPACITY, place, "memory-used-mib", memory) &&
	       change_number(line, FACTS_CAPACITY, place, "cpus-used", cpus);
}

static gboolean take_off(
	const struct line *line, const char *uuid, const struct vapp_machine *machine)
{
	g_autofree char *place = g_strconcat("device:", uuid, NULL);
	g_autoptr(GPtrArray) hosts = world_hosts(line->world);

	for (unsigned i = 0; i < hosts->len; i++) {
		const struct world_host *host = hosts->pdata[i];
		const struct world_copy *copy = world_find_copy(line->world, uuid, host->uuid);
		g_autofree char *there = place_of(host);

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
	g_autofree char *place = g_strconcat("device:", uuid, NULL);
	g_autofree char *there = host ? place_of(host) : NULL;
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
		return fail(line, "there is no application %s", name);
	one = only ? vapp_find_machine(object->vapp, only) : NULL;
	if (only && !one)
		return fail(line, "%s has no machine %s", name, only);
	if (strcmp(line->value, "off") != 0) {
		host = world_find_host(line->world, line->value);
		if (!host)
			return fail(line, "the value is off or a host; no host is called %s",
				line->value);
		if (!world_host_alive(host))
			return fail(line, "the agent of %s is not there", world_host_name(host));
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
		return fail(line, "there is no kind of fact called %s", parts[0]);
	if (!parts[1] || (!gone && !dot))
		return fail(line, "the form is KIND@PLACE[@PLACE].FIELD=VALUE, or =gone");
	if (!change(line, kind, parts[1], parts[2], dot ? dot + 1 : NULL, dot ? line->value : NULL))
		return NULL;
	return gone ? g_strdup_printf("%s does not stand", head)
		    : g_strdup_printf("%s of %s is %s", dot + 1, head, line->value);
}

/* ---- which of them ---- */

/* "HOST.PROPERTY", where host names may have dots themselves. */
static char *assume_property(const struct line *line)
{
	const char *dot = strrchr(line->name, '.');
	g_autofree char *name = g_strndup(line->name, (gsize)(dot - line->name));
	const struct world_host *host = world_find_host(line->world, name);
	const struct property *property = find_property(dot + 1);
	g_autofree char *known = property_names();

	if (!host)
		return fail(line, "no host is called %s", name);
	if (!property)
		return fail(line, "a host has no %s, but: %s", dot + 1, known);
	return property->set(line, host, property);
}

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
		return assume_host(line, host);
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
		return assume_property(line);
	return fail(line, "no host, application, switch or cable is called %s", line->name);
}

char *plan_assume(struct world *world, const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *name = equals ? g_strndup(text, (gsize)(equals - text)) : NULL;
	struct line line = { world, text, name, equals ? equals + 1 : "", error };

	if (!equals || !*name || !equals[1])
		return fail(&line, "the form is NAME=VALUE");
	g_strstrip(name);
	return assume_named(&line);
}
