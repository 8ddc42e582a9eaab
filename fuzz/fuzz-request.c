/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bodies as both sides read them: nothing crashes; what a request holds can be written and read
 * again with the same meaning; metadata's bytes stand alone. */
#include <stdint.h>
#include <string.h>

#include "ifmap/answer.h"
#include "ifmap/reply.h"
#include "ifmap/request.h"
#include "ifmap/standard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ifmap_request_limits small = {
	.max_identifier = 1024, .max_metadata = 8192, .max_depth = 16, .max_operations = 16
};

static void check_meta(const struct ifmap_meta *meta)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_meta) stamped = ifmap_meta_stamp(meta, "p", 1714555800251000);
	g_autoptr(ifmap_meta) again = ifmap_meta_new(ifmap_meta_xml(stamped, NULL), -1, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(ifmap_meta_xml(again, NULL), ==, ifmap_meta_xml(stamped, NULL));
	g_assert_cmpstr(ifmap_meta_ns(again), ==, ifmap_meta_ns(meta));
	g_assert_true(ifmap_standard_check(again, NULL) == ifmap_standard_check(meta, NULL));
}

/* An identifier written as the server writes it is read as the same one. */
static void check_id(const struct ifmap_id *id)
{
	g_autoptr(GString) xml = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_answer) answer = NULL;
	const struct ifmap_member *member;

	ifmap_reply_begin(xml);
	ifmap_reply_result_begin(xml, IFMAP_RESULT_SEARCH, NULL);
	ifmap_reply_item(xml, id, NULL, NULL, 0);
	ifmap_reply_result_end(xml, IFMAP_RESULT_SEARCH);
	ifmap_reply_end(xml);
	answer = ifmap_answer_parse(xml->str, xml->len, &error);
	g_assert_no_error(error);
	member = answer->members->pdata[0];
	g_assert_cmpstr(ifmap_id_key(((struct ifmap_item *)member->result->items->pdata[0])->a), ==,
		ifmap_id_key(id));
}

static void check_operation(const struct ifmap_operation *operation)
{
	check_id(operation->a);
	if (operation->b)
		check_id(operation->b);
	for (guint i = 0; operation->metas && i < operation->metas->len; i++) {
		check_meta(operation->metas->pdata[i]);
		ifmap_filter_matches(operation->filter, operation->metas->pdata[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *copy = g_memdup2(data, size); /* so that a read past the end is seen */
	const char *text = copy ? copy : "";
	g_autoptr(GError) error = NULL;
	g_autofree char *session_id = NULL;
	struct ifmap_request *request = NULL;
	gboolean good = ifmap_request_parse(text, size, &small, &request, &session_id, &error) ==
			IFMAP_PARSE_OK;

	g_assert_true(good == (request != NULL));
	g_assert_true(good == (error == NULL));
	for (guint i = 0; good && request->operations && i < request->operations->len; i++)
		check_operation(request->operations->pdata[i]);
	if (good && request->query)
		check_id(request->query->start);
	ifmap_request_free(request);
	ifmap_answer_free(ifmap_answer_parse(text, size, NULL));
	return 0;
}
