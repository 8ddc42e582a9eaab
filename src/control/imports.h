#pragma once
/* Which state of each vApp's package has been dealt with, so that intents and alerts of one import
 * are published once and those of the next one again, whatever it is like. One thread.
 */
#include <glib.h>

struct imports;

struct imports *imports_new(void);
void imports_free(struct imports *imports);

/* Notes that this state of the package has been dealt with. FALSE: it is the one noted last. */
gboolean imports_note(struct imports *imports, const char *vapp, const char *state);
gboolean imports_noted(const struct imports *imports, const char *vapp, const char *state);
void imports_forget(struct imports *imports);
