/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/conf.h"

struct ifmap_client *ifmap_conf_client(const struct ifmap_conf *conf, const char *const *prefixes,
	size_t max_poll_result_size, GError **error)
{
	const struct ifmap_client_config config = {
		.url = conf->url,
		.ca_file = conf->ca,
		.cert_file = conf->cert,
		.key_file = conf->key,
		.prefixes = prefixes,
		.max_poll_result_size = max_poll_result_size,
	};

	return ifmap_client_new(&config, error);
}
