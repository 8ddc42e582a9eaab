#include "map/limit.h"

const struct map_limits map_limits_default = {
	.max_body = 32U << 20,
	.max_identifier = 16U << 10,
	.max_metadata = 1U << 20,
	.max_operations = 100000,
	.max_search_depth = 10000,
	.default_search_size = 100000,
	.max_search_size = 64U << 20,
	.default_poll_size = 5000000,
	.max_poll_size = 64U << 20,
	.max_subscriptions = 1000,
	.max_name = 1024,
	.max_stored = 1U << 30,
	.max_types = 10000,
	.max_connections = 8192,
	.session_timeout_s = 180,
	.handshake_timeout_s = 30,
};
