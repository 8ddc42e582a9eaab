/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The SOAP envelope around everything we write: prefixes `env` and `ifmap`, an XML declaration
 * (ifmap.md 3.3, 18). */
#include <glib.h>

#define IFMAP_NS_SOAP "http://www.w3.org/2003/05/soap-envelope"

/* `prefixes`: prefix, namespace, ..., NULL, declared besides; may be NULL. */
void ifmap_envelope_begin(GString *out, const char *const *prefixes);
void ifmap_envelope_end(GString *out);
