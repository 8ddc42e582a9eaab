#include "plan/line.h"

#include <string.h>

/* What one may suppose of a host: each property is a row; and that it is off or on. */

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
		line_fail(line, "the value is a number%s, with + or - a difference",
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
	g_autofree char *place = judge_device(host->uuid);
	guint64 before = host->capacity
				 ? *(const guint64 *)(const void *)((const char *)host->capacity +
								    property->offset)
				 : 0;
	guint64 after;

	if (!read_amount(line, before, strcmp(property->name, "memory") == 0, &after) ||
		!line_change_number(line, property->kind, place, property->field, after))
		return NULL;
	return g_strdup_printf("%s offers %" G_GUINT64_FORMAT " %s instead of %" G_GUINT64_FORMAT,
		world_host_name(host), after, property->what, before);
}

/* "+X" or "-X" with something behind the sign. */
static gboolean check_member(const struct line *line)
{
	if ((line->value[0] == '+' || line->value[0] == '-') && line->value[1])
		return TRUE;
	line_fail(line, "the value is + or - and a name");
	return FALSE;
}

static char *set_list(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = judge_device(host->uuid);

	if (!check_member(line) ||
		!line_change(line, property->kind, place, NULL, property->field, line->value))
		return NULL;
	return g_strdup_printf("%s %s %s %s", world_host_name(host),
		line->value[0] == '+' ? "has" : "does not have", property->what, line->value + 1);
}

static char *set_history(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = judge_device(host->uuid);

	if (strcmp(line->value, "none") == 0) {
		world_put(line->world, FACTS_HISTORY, place, NULL, NULL, NULL);
		return g_strdup_printf("nothing ever ran on %s", world_host_name(host));
	}
	if (!check_member(line) ||
		!line_change(line, property->kind, place, NULL, property->field, line->value))
		return NULL;
	return g_strdup_printf("type %s %s on %s", line->value + 1,
		line->value[0] == '+' ? "has run" : "never ran", world_host_name(host));
}

static char *set_segment(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = judge_device(host->uuid);
	g_autofree char *segment = NULL;
	gboolean there;

	if (!check_member(line))
		return NULL;
	there = line->value[0] == '+';
	segment = g_strconcat("segment:", line->value + 1, NULL);
	if (!line_change(line, property->kind, place, segment, there ? "up" : NULL,
		    there ? "true" : NULL))
		return NULL;
	return g_strdup_printf("segment %s is %s on %s", line->value + 1,
		there ? "present" : "missing", world_host_name(host));
}

static char *set_site(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = judge_device(host->uuid);

	if (!line_change(line, property->kind, place, NULL, property->field, line->value))
		return NULL;
	return g_strdup_printf("%s is at site %s", world_host_name(host), line->value);
}

static char *set_enforcing(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = judge_device(host->uuid);
	gboolean yes;

	if (!line_choice(line, "yes", "no", &yes) ||
		!line_change(
			line, property->kind, place, NULL, property->field, yes ? "true" : "false"))
		return NULL;
	return g_strdup_printf("%s %s what it was told", world_host_name(host),
		yes ? "enforces" : "does not enforce");
}

static char *set_uplinks(
	const struct line *line, const struct world_host *host, const struct property *property)
{
	g_autofree char *place = judge_device(host->uuid);
	gboolean up;

	if (!line_choice(line, "up", "down", &up) || !line_set_cables(line, place, up))
		return NULL;
	return g_strdup_printf(
		"all cables of %s %s", world_host_name(host), up ? "are up" : "carry nothing");
}

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

/* ---- off and on ---- */

/* What runs there runs no more, and its agent does not stand. What it offers stays written down,
 * for when somebody supposes it back. */
static void forget_host(const struct line *line, const struct world_host *host)
{
	static const enum facts_kind of_copy[] = { FACTS_RUNS_ON, FACTS_ENFORCED, FACTS_PROGRESS };
	g_autofree char *place = judge_device(host->uuid);
	g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < host->copies->len; i++)
		g_ptr_array_add(
			gone, judge_device(((const struct world_copy *)host->copies->pdata[i])
						   ->machine->uuid));
	if (host->capacity) {
		line_change_number(line, FACTS_CAPACITY, place, "memory-used-mib", 0);
		line_change_number(line, FACTS_CAPACITY, place, "cpus-used", 0);
	}
	for (unsigned i = 0; i < gone->len; i++)
		for (size_t k = 0; k < G_N_ELEMENTS(of_copy); k++)
			world_put(line->world, of_copy[k], gone->pdata[i], place, NULL, NULL);
	world_put(line->world, FACTS_IN_FLEET, "fleet:default", place, NULL, NULL);
}

char *line_host(const struct line *line, const struct world_host *host)
{
	g_autofree char *place = judge_device(host->uuid);
	g_autofree char *name = g_strdup(world_host_name(host));
	g_autoptr(GError) ignored = NULL;
	struct line quiet = *line;
	gboolean up;

	quiet.error = &ignored;
	if (!line_choice(line, "up", "down", &up))
		return NULL;
	if (up) {
		struct facts_in_fleet in_fleet = { .kind = (char *)"host" };

		if (!world_host_alive(host) &&
			!line_change(line, FACTS_HOST, place, NULL, "enforcing", "true"))
			return NULL;
		world_put(line->world, FACTS_IN_FLEET, "fleet:default", place, &in_fleet, NULL);
		return g_strdup_printf("the agent of %s is there", name);
	}
	line_set_cables(&quiet, place, FALSE); /* it may have none */
	forget_host(&quiet, host);
	return g_strdup_printf("%s is off, with all that runs there", name);
}

char *line_property(const struct line *line)
{
	const char *dot = strrchr(line->name, '.');
	g_autofree char *name = g_strndup(line->name, (gsize)(dot - line->name));
	const struct world_host *host = world_find_host(line->world, name);
	const struct property *property = find_property(dot + 1);
	g_autofree char *known = property_names();

	if (!host)
		return line_fail(line, "no host is called %s", name);
	if (!property)
		return line_fail(line, "a host has no %s, but: %s", dot + 1, known);
	return property->set(line, host, property);
}
