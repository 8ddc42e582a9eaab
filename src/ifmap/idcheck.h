/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Canonical forms of identifier values (ifmap.md 2.3): pure functions on strings. */
#include <glib.h>

#include "ifmap/dialect.h"

/* Four decimal octets, no leading zeros. */
gboolean ifmap_idcheck_ipv4(const char *value);
/* Eight groups of lower-case hex, no leading zeros, no "::". Also the form of a hip-hit. */
gboolean ifmap_idcheck_ipv6(const char *value);
/* Six lower-case hex octets joined by ':'. */
gboolean ifmap_idcheck_mac(const char *value);
/* UTF-8 of characters that XML 1.0 can carry, at least one. */
gboolean ifmap_idcheck_text(const char *value);

/* The form in which identity names of `type` are compared; never fails, newly allocated. */
char *ifmap_idcheck_fold(const char *type, const char *name, const struct ifmap_dialect *dialect);
