#pragma once
/* Cases that are functions, because they look at bytes, time or the client library. */
#include "peer.h"

struct check {
	const char *name;               /* "C009 ..." */
	void (*run)(struct peer *peer); /* as client A, with a session */
};

struct check_group {
	const char *name;
	const struct check *checks;
	size_t n_checks;
};

extern const struct check_group CHECKS_CLIENT;
extern const struct check_group CHECKS_DEATHS;
extern const struct check_group CHECKS_FORMS;
extern const struct check_group CHECKS_HTTP;
