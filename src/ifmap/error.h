/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Error codes as the protocol spells them, read back. */
#include <drover/ifmap.h>

/* FALSE when the protocol knows no such code. */
gboolean ifmap_error_code_from_string(const char *text, enum ifmap_error *ret_code);
