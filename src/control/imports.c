#include "control/imports.h"

struct imports {
	GHashTable *states; /* vApp -> state */
};

struct imports *imports_new(void)
{
	struct imports *imports = g_new(struct imports, 1);

	imports->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return imports;
}

void imports_free(struct imports *imports)
{
	if (!imports)
		return;
	g_hash_table_unref(imports->states);
	g_free(imports);
}

gboolean imports_noted(const struct imports *imports, const char *vapp, const char *state)
{
	return g_strcmp0(g_hash_table_lookup(imports->states, vapp), state) == 0;
}

gboolean imports_note(struct imports *imports, const char *vapp, const char *state)
{
	if (imports_noted(imports, vapp, state))
		return FALSE;
	g_hash_table_replace(imports->states, g_strdup(vapp), g_strdup(state));
	return TRUE;
}

void imports_forget(struct imports *imports)
{
	g_hash_table_remove_all(imports->states);
}
