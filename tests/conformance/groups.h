#pragma once
/* The tables of conversations, one a section of ifmap.md 20. */
#include "script.h"

struct script_group {
	const char *name;
	const struct script_case *cases;
	size_t n_cases;
};

extern const struct script_group CONFORMANCE_PUBLISH;
extern const struct script_group CONFORMANCE_STANDARD;
extern const struct script_group CONFORMANCE_IDENTIFIER;
extern const struct script_group CONFORMANCE_SEARCH;
extern const struct script_group CONFORMANCE_SUBSCRIBE;
extern const struct script_group CONFORMANCE_SESSION;
extern const struct script_group CONFORMANCE_ACCESS;
/* For a server with these rules. */
extern const struct script_group CONFORMANCE_RULED;
extern const char CONFORMANCE_RULES[];
/* For a server whose switches are all in their second position. */
extern const struct script_group CONFORMANCE_SWITCHED;

#define CONFORMANCE_GROUPS                                                                         \
	&CONFORMANCE_PUBLISH, &CONFORMANCE_STANDARD, &CONFORMANCE_IDENTIFIER, &CONFORMANCE_SEARCH, \
		&CONFORMANCE_SUBSCRIBE, &CONFORMANCE_SESSION, &CONFORMANCE_ACCESS
