#include "facts/facts.h"

/* docs/map.md, written from the table so that it cannot lag behind it. */

static const char *const type_names[] = {
	[FACTS_STRING] = "text",
	[FACTS_NUMBER] = "number",
	[FACTS_BOOLEAN] = "true/false",
	[FACTS_STRINGS] = "text, repeated",
	[FACTS_LIST] = "record, repeated",
	[FACTS_TIME] = "dateTime",
};

static void write_fields(GString *out, const struct facts_record *record, const char *indent)
{
	for (const struct facts_field *f = record->fields; f->name; f++)
		g_string_append_printf(out, "| %s`%s` | %s | %s |\n", indent, f->name,
			type_names[f->type], f->what);
}

static void write_type(GString *out, const struct facts_type *type)
{
	g_string_append_printf(out, "\n## `%s`\n\n%s.\n\n", type->name, type->what);
	g_string_append_printf(out,
		"On: %s. Cardinality: %s. Lifetime: %s. Published by: %s. Read by: %s.\n\n",
		type->on, type->cardinality == IFMAP_SINGLE_VALUE ? "singleValue" : "multiValue",
		type->lifetime == IFMAP_LIFETIME_SESSION ? "session" : "forever", type->publishers,
		type->readers);
	if (!type->record.fields->name) {
		g_string_append(out, "Empty: it says all by standing there.\n");
		return;
	}
	g_string_append(out, "| element | type | meaning |\n|---|---|---|\n");
	for (const struct facts_field *f = type->record.fields; f->name; f++) {
		g_string_append_printf(
			out, "| `%s` | %s | %s |\n", f->name, type_names[f->type], f->what);
		if (f->record)
			write_fields(out, f->record, "&nbsp;&nbsp;");
	}
}

static void write_standard(GString *out)
{
	g_string_append(out,
		"\n# Standard metadata\n\n"
		"For tools that know IF-MAP and nothing of Drover: Metadata for Network Security, namespace `" IFMAP_NS_META
		"`, prefix `meta`. AR is the access-request `HOST:MAC`, one for each card of a machine that is on the host; "
		"from an address one finds its card, its machine and its host. `session` lifetime, but for `event`, "
		"which is only sent with notify.\n");
}

void facts_write_doc(GString *out)
{
	g_string_append(out,
		"# The map's vocabulary\n\nGenerated from `src/facts/facts_table.c` by the test `facts/map-doc` with REGENERATE=1; do not edit.\n\n"
		"Namespace `" FACTS_NS
		"`, prefix `d`. Identifiers: VM and host are `device` with the libvirt UUID as name; "
		"`fleet`, `vapp`, `segment` and `switch` are extended identifiers in the namespace with the attribute `name`; "
		"the fleet is the anchor that every subscription can start from.\n");
	for (unsigned kind = 0; kind < FACTS_N_KINDS; kind++) {
		if (kind == FACTS_FIRST_STANDARD)
			write_standard(out);
		write_type(out, facts_type(kind));
	}
}
