/* What programs built against libdrover-ifmap.so.0 have compiled into them: sizes, places and
 * numbers of the public header. Members and constants are added at the end; nothing that stands
 * here changes. Symbols are packaging/libdrover-ifmap.symbols. */
#include <drover/ifmap.h>

#define PLACE(type, member, offset) \
	G_STATIC_ASSERT(sizeof(void *) != 8 || G_STRUCT_OFFSET(struct type, member) == (offset))
#define SIZE(type, size)        G_STATIC_ASSERT(sizeof(void *) != 8 || sizeof(struct type) == (size))
#define NUMBER(constant, value) G_STATIC_ASSERT((constant) == (value))

PLACE(ifmap_search, start, 0);
PLACE(ifmap_search, max_depth, 8);
PLACE(ifmap_search, max_size, 16);
PLACE(ifmap_search, match_links, 24);
PLACE(ifmap_search, result_filter, 32);
PLACE(ifmap_search, terminal_types, 40);
PLACE(ifmap_search, at_us, 48);
PLACE(ifmap_search, since_us, 56);
SIZE(ifmap_search, 64);

PLACE(ifmap_item, a, 0);
PLACE(ifmap_item, b, 8);
PLACE(ifmap_item, metas, 16);

PLACE(ifmap_result, kind, 0);
PLACE(ifmap_result, name, 8);
PLACE(ifmap_result, items, 16);

PLACE(ifmap_client_config, url, 0);
PLACE(ifmap_client_config, ca_file, 8);
PLACE(ifmap_client_config, cert_file, 16);
PLACE(ifmap_client_config, key_file, 24);
PLACE(ifmap_client_config, user, 32);
PLACE(ifmap_client_config, password, 40);
PLACE(ifmap_client_config, prefixes, 48);
PLACE(ifmap_client_config, max_poll_result_size, 56);
SIZE(ifmap_client_config, 64);

NUMBER(IFMAP_ERROR_ACCESS_DENIED, 0);
NUMBER(IFMAP_ERROR_FAILURE, 1);
NUMBER(IFMAP_ERROR_INVALID_IDENTIFIER, 2);
NUMBER(IFMAP_ERROR_INVALID_SESSION_ID, 8);
NUMBER(IFMAP_ERROR_SYSTEM_ERROR, 11);
NUMBER(IFMAP_ERROR_UNREACHABLE, 12);
NUMBER(IFMAP_ERROR_UNAUTHORIZED, 13);
NUMBER(IFMAP_ERROR_PROTOCOL, 14);
NUMBER(IFMAP_ID_ACCESS_REQUEST, 0);
NUMBER(IFMAP_ID_MAC_ADDRESS, 4);
NUMBER(IFMAP_SINGLE_VALUE, 0);
NUMBER(IFMAP_MULTI_VALUE, 1);
NUMBER(IFMAP_LIFETIME_SESSION, 0);
NUMBER(IFMAP_LIFETIME_FOREVER, 1);
NUMBER(IFMAP_RESULT_SEARCH, 0);
NUMBER(IFMAP_RESULT_NOTIFY, 3);
NUMBER(IFMAP_CLIENT_CONNECTING, 0);
NUMBER(IFMAP_CLIENT_UP, 1);
NUMBER(IFMAP_CLIENT_STOPPED, 2);
