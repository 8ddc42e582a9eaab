#include "contract.h"

#include <glib.h>
#include <string.h>

#include "schema.h"

static struct {
	GMutex lock;
	json_t *description;
	GHashTable *met; /* set of "METHOD PATH STATUS" */
} contract;

static json_t *description(void)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&contract.lock);
	json_error_t why;

	if (!contract.description) {
		contract.description = json_load_file(g_getenv("DROVER_OPENAPI"), 0, &why);
		if (!contract.description)
			g_error("DROVER_OPENAPI: %s", why.text);
		contract.met = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	}
	return contract.description;
}

static void note(const char *method, const char *path, long status)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&contract.lock);

	g_hash_table_add(contract.met, g_strdup_printf("%s %s %ld", method, path, status));
}

static void complain(const struct contract_exchange *exchange, const char *what)
{
	g_test_message("%s %s: %ld %s: %s\n%.1000s", exchange->method, exchange->path,
		exchange->status, exchange->type, what, exchange->body);
	g_test_fail();
}

static json_t *component(const char *name)
{
	return json_object_get(
		json_object_get(json_object_get(description(), "components"), "schemas"), name);
}

static void check_json(
	const struct contract_exchange *exchange, const json_t *schema, const char *text)
{
	json_t *value = json_loads(text, 0, NULL);
	g_autofree char *wrong = value ? schema_check(description(), schema, value)
				       : g_strdup("is no JSON");

	if (wrong)
		complain(exchange, wrong);
	json_decref(value);
}

/* The description of a media type, whatever its parameters are. */
static const json_t *find_type(const json_t *content, const char *type)
{
	g_autofree char *plain = g_strndup(type, strcspn(type, ";"));

	return json_object_get(content, plain);
}

static void check_described(const struct contract_exchange *exchange, const json_t *operation)
{
	g_autofree char *status = g_strdup_printf("%ld", exchange->status);
	const json_t *answer = json_object_get(json_object_get(operation, "responses"), status);
	const json_t *content = find_type(json_object_get(answer, "content"), exchange->type);
	const json_t *request = json_object_get(
		json_object_get(operation, "requestBody"), "content");

	if (!answer || !content) {
		complain(exchange,
			answer ? "the media type is not described" : "the status is not described");
		return;
	}
	if (strstr(exchange->type, "json"))
		check_json(exchange, json_object_get(content, "schema"), exchange->body);
	if (exchange->status == 200 && exchange->sent)
		check_json(exchange,
			json_object_get(json_object_get(request, "application/json"), "schema"),
			exchange->sent);
}

void contract_check(const struct contract_exchange *exchange)
{
	g_autofree char *path = g_strdup_printf(
		"/%.*s", (int)strcspn(exchange->path, "?"), exchange->path);
	g_autofree char *method = g_ascii_strdown(exchange->method, -1);
	const json_t *methods = json_object_get(json_object_get(description(), "paths"), path);
	const json_t *operation = json_object_get(methods, method);

	if (exchange->status == 0)
		return;
	if (operation) {
		check_described(exchange, operation);
		note(exchange->method, path, exchange->status);
		return;
	}
	if (exchange->status != (methods ? 405 : 404) && exchange->status != 401)
		complain(exchange, "there is no such path or method");
	check_json(exchange, component("Problem"), exchange->body);
}

void contract_check_events(const char *text)
{
	const struct contract_exchange exchange = { "GET", "v1/stream", 200, "event", NULL, text };
	g_auto(GStrv) events = g_strsplit(text, "\n\n", -1);
	unsigned n = g_strv_length(events);

	/* What follows the last empty line is not whole. */
	for (unsigned i = 0; i + 1 < n; i++) {
		const char *data = strstr(events[i], "\ndata: ");
		if (g_str_equal(events[i], ":") || g_str_has_prefix(events[i], "retry: "))
			continue;
		if (!g_str_has_prefix(events[i], "event: ") || !data)
			complain(&exchange, "is no event");
		else
			check_json(&exchange,
				component(g_str_has_prefix(events[i], "event: error\n") ? "Problem"
											: "Result"),
				data + strlen("\ndata: "));
	}
	if (n > 1)
		note("GET", "/v1/stream", 200);
}

static gboolean is_excused(const char *const *excused, const char *answer)
{
	return g_strv_contains(excused, answer) ||
	       g_strv_contains(excused, strrchr(answer, ' ') + 1);
}

static void check_operation_met(
	const char *path, const char *method, json_t *operation, const char *const *excused)
{
	g_autofree char *upper = g_ascii_strup(method, -1);
	const char *status;
	json_t *ignored;

	json_object_foreach(json_object_get(operation, "responses"), status, ignored)
	{
		g_autofree char *answer = g_strdup_printf("%s %s %s", upper, path, status);
		if (g_hash_table_contains(contract.met, answer) || is_excused(excused, answer))
			continue;
		g_test_message("%s is described, and no test met it", answer);
		g_test_fail();
	}
}

void contract_check_met(const char *const *excused)
{
	const char *path, *method;
	json_t *methods, *operation;

	json_object_foreach(json_object_get(description(), "paths"), path, methods)
	{
		json_object_foreach(methods, method, operation)
			check_operation_met(path, method, operation, excused);
	}
}
