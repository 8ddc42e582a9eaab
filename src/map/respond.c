#include "map/respond.h"

enum MHD_Result map_respond(struct MHD_Connection *connection, unsigned status, GString *body,
	const char *const *headers)
{
	size_t size = body->len;
	char *data = g_string_free(body, FALSE);
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
		size, data, g_free);
	enum MHD_Result result;

	if (!response) {
		g_free(data);
		return MHD_NO;
	}
	for (; headers[0]; headers += 2)
		(void)MHD_add_response_header(response, headers[0], headers[1]);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}
