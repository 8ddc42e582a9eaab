/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Distinguished names as X.500 compares them (ifmap.md 2.3). Pure; any thread. */
#include <glib.h>

/* The form in which two spellings of one name are equal: attribute types in upper case; values
 * unescaped, case folded, blanks at the ends dropped and others made one; attributes of one
 * relative name sorted, relative names in their order. Reads RFC 4514 and, beyond it, blanks around
 * the separators, ';', quoted values. NULL when `name` is no distinguished name. */
char *ifmap_dn_fold(const char *name);
