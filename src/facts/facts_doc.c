#include "facts/facts.h"

/* docs/map.md, written from the table so that it cannot lag behind it. */

static const char *const type_names[] = {
	[FACTS_STRING] = "text",
	[FACTS_NUMBER] = "number",
	[FACTS_BOOLEAN] = "true/false",
	[FACTS_STRINGS] = "text, repeated",
	[FACTS_LIST] = "record, repeated",
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
	g_string_append(out, "| element | type | meaning |\n|---|---|---|\n");
	for (const struct facts_field *f = type->record.fields; f->name; f++) {
		g_string_append_printf(
			out, "| `%s` | %s | %s |\n", f->name, type_names[f->type], f->what);
		if (f->record)
			write_fields(out, f->record, "&nbsp;&nbsp;");
	}
}

void facts_write_doc(GString *out)
{
	g_string_append(out,
		"# The map's vocabulary\n\nGenerated from `src/facts/facts_table.c` by the test `facts/map-doc` with REGENERATE=1; do not edit.\n\n"
		"Namespace `" FACTS_NS
		"`, prefix `d`. Identifiers: VM and host are `device` with the libvirt UUID as name; "
		"`fleet`, `vapp`, `segment` and `switch` are extended identifiers in the namespace with the attribute `name`; "
		"the fleet is the anchor that every subscription can start from.\n");
	for (unsigned kind = 0; kind < FACTS_N_KINDS; kind++)
		write_type(out, facts_type(kind));
}
