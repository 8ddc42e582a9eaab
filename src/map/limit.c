#include "map/limit.h"

#define DEFAULT(type, member, key, initial, ...) .member = initial,

#define QUOTA(member, key, initial, ...) .member = initial,

const struct map_limits map_limits_default = { MAP_LIMITS(DEFAULT).quota = { MAP_QUOTAS(QUOTA) } };
