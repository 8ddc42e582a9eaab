/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The section [map] of every program that is a client of the map: where the server is and who we
 * are. The rows stand here once; a program puts them into its own table of options.
 *
 * The shared library does not export it. One thread.
 */
#include <drover/ifmap.h>

#include "base/conf.h"

struct ifmap_conf {
	char *url;
	char *ca;
	char *cert;
	char *key;
};

/* Rows for a member of this type in a program's struct. `role` is a string literal: it names the
 * certificate, /etc/drover/pki/ROLE.pem. */
/* NOLINTBEGIN(bugprone-macro-parentheses): the name of a member stands in none */
#define IFMAP_CONF_OPTIONS(type, member, role)                                                 \
	{ "map", "url", BASE_CONF_STRING, offsetof(type, member.url), NULL,                    \
		"URL of drover-mapd, https://host:port/" },                                    \
		{ "map", "ca", BASE_CONF_STRING, offsetof(type, member.ca),                    \
			"/etc/drover/pki/ca.pem", "certificate authority of the map server" }, \
		{ "map", "cert", BASE_CONF_STRING, offsetof(type, member.cert),                \
			"/etc/drover/pki/" role ".pem", "certificate of this " role },         \
	{                                                                                      \
		"map", "key", BASE_CONF_STRING, offsetof(type, member.key),                    \
			"/etc/drover/pki/" role ".key", "and its key"                          \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

/* A client by what was configured; see ifmap_client_new() for `prefixes`, `max_poll_result_size`
 * and errors. */
struct ifmap_client *ifmap_conf_client(const struct ifmap_conf *conf, const char *const *prefixes,
	size_t max_poll_result_size, GError **error);
