/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/error.h"

#include "base/names.h"

G_DEFINE_QUARK(ifmap - error - quark, ifmap_error)

/* Spelling is law (ifmap.md 10). */
static const char *const codes[] = {
	[IFMAP_ERROR_ACCESS_DENIED] = "AccessDenied",
	[IFMAP_ERROR_FAILURE] = "Failure",
	[IFMAP_ERROR_INVALID_IDENTIFIER] = "InvalidIdentifier",
	[IFMAP_ERROR_INVALID_IDENTIFIER_TYPE] = "InvalidIdentifierType",
	[IFMAP_ERROR_IDENTIFIER_TOO_LONG] = "IdentifierTooLong",
	[IFMAP_ERROR_INVALID_METADATA] = "InvalidMetadata",
	[IFMAP_ERROR_METADATA_TOO_LONG] = "MetadataTooLong",
	[IFMAP_ERROR_INVALID_SCHEMA_VERSION] = "InvalidSchemaVersion",
	[IFMAP_ERROR_INVALID_SESSION_ID] = "InvalidSessionID",
	[IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG] = "SearchResultsTooBig",
	[IFMAP_ERROR_POLL_RESULTS_TOO_BIG] = "PollResultsTooBig",
	[IFMAP_ERROR_SYSTEM_ERROR] = "SystemError",
};

const char *ifmap_error_code_to_string(enum ifmap_error code)
{
	return (size_t)code < G_N_ELEMENTS(codes) ? codes[code] : NULL;
}

gboolean ifmap_error_code_from_string(const char *text, enum ifmap_error *ret_code)
{
	unsigned i;

	if (!BASE_NAMES_FIND(codes, text, &i))
		return FALSE;
	*ret_code = (enum ifmap_error)i;
	return TRUE;
}
