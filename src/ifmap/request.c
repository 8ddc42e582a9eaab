/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/request.h"

const struct ifmap_request_limits IFMAP_REQUEST_LIMITS_DEFAULT = {
	.max_identifier = 16384,
	.max_metadata = 1024 * 1024,
	.max_depth = 64,
	.max_operations = 100000,
};
