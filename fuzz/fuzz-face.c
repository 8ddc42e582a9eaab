/* What is asked of the JSON face: whatever it is, a refusal or one well-formed request of the kind
 * that was asked for, with the operations and identifiers of the JSON; nothing in it gets out of
 * its place in the XML.
 *
 * Input that begins with '?' is the arguments of a URL, everything else the body of a publish. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "ifmap/json.h"
#include "ifmap/request.h"
#include "map/facequery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The engine's reading of a body; NULL: refused for what it says. */
static struct ifmap_request *read_body(const GString *body, const char *session_id)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *id = NULL;
	struct ifmap_request *request = NULL;
	enum ifmap_parse_status status = ifmap_request_parse(
		body->str, body->len, &IFMAP_REQUEST_LIMITS_DEFAULT, &request, &id, &error);

	g_assert_true(status == IFMAP_PARSE_OK || status == IFMAP_PARSE_REFUSED);
	if (status == IFMAP_PARSE_OK)
		g_assert_cmpstr(request->session_id, ==, session_id);
	return request;
}

/* ---- publish ---- */

static void check_end(const struct ifmap_id *end, const json_t *json)
{
	g_autoptr(ifmap_id) id = json ? ifmap_json_read_id(json, NULL) : NULL;

	g_assert_true((end != NULL) == (id != NULL));
	g_assert_true(!id || ifmap_id_equal(id, end));
}

static void check_publish(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) body = map_facequery_publish((const char *)data, size, &error);

	g_assert_true((body == NULL) == (error != NULL));
	struct ifmap_request *request = body ? read_body(body, MAP_FACEQUERY_NO_SESSION) : NULL;
	if (!request)
		return;
	json_t *json = json_loadb((const char *)data, size, 0, NULL);
	const json_t *operations = json_object_get(json, "operations");
	g_assert_cmpint(request->type, ==, IFMAP_REQUEST_PUBLISH);
	/* One of several metadata is several operations. */
	g_assert_cmpuint(request->operations->len, >=, json_array_size(operations));
	for (size_t i = 0; request->operations->len == json_array_size(operations) &&
			   i < json_array_size(operations);
		i++) {
		const struct ifmap_operation *operation = g_ptr_array_index(request->operations, i);
		const json_t *one = json_array_get(operations, i);
		const json_t *link = json_object_get(one, "link");
		check_end(operation->a,
			link ? json_array_get(link, 0) : json_object_get(one, "identifier"));
		check_end(operation->b, json_array_get(link, 1));
	}
	json_decref(json);
	ifmap_request_free(request);
}

/* ---- arguments of a URL ---- */

static void set_arguments(struct map_facequery *query, char **arguments)
{
	for (; *arguments; arguments++) {
		char *value = strchr(*arguments, '=');
		if (value)
			*value++ = 0;
		if (!map_facequery_set(query, *arguments, value))
			return;
	}
}

static void check_query(const char *text, const char *session_id, enum ifmap_request_type type)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) arguments = g_strsplit(text, "&", 100);
	struct map_facequery query;
	struct ifmap_request *request;

	map_facequery_init(&query);
	set_arguments(&query, arguments);
	g_autoptr(GString) body = map_facequery_body(&query, session_id, &error);
	g_assert_true((body == NULL) == (error != NULL));
	request = body ? read_body(body, session_id ? session_id : MAP_FACEQUERY_NO_SESSION) : NULL;
	if (request) {
		g_assert_cmpint(request->type, ==, type);
		g_assert_true(!request->subscribes || request->subscribes->len == 1);
	}
	ifmap_request_free(request);
	map_facequery_clear(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || *data != '?') {
		g_autofree uint8_t *copy = g_memdup2(data, size); /* a read past the end is seen */
		check_publish(copy ? copy : (const uint8_t *)"", size);
		return 0;
	}
	g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
	check_query(text, NULL, IFMAP_REQUEST_SEARCH);
	check_query(text, "0123456789abcdef", IFMAP_REQUEST_SUBSCRIBE);
	return 0;
}
