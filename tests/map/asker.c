#include "asker.h"

#include <string.h>

#include "contract.h"

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)

void asker_init(struct asker *asker, const struct server *server, const char *client)
{
	asker->answer = g_string_new(NULL);
	asker->url = server->url;
	asker->curl = server_curl(server, client, asker->answer);
	asker->headers = curl_slist_append(NULL, "Content-Type: application/json");
	asker->headers = curl_slist_append(asker->headers, "Expect:");
	curl_easy_setopt(asker->curl, CURLOPT_HTTPHEADER, asker->headers);
}

void asker_clear(struct asker *asker)
{
	curl_easy_cleanup(asker->curl);
	curl_slist_free_all(asker->headers);
	g_string_free(asker->answer, TRUE);
}

const char *asker_type(const struct asker *asker)
{
	char *type = NULL;

	curl_easy_getinfo(asker->curl, CURLINFO_CONTENT_TYPE, &type);
	return type ? type : "";
}

/* `body` NULL: GET. The status, 0 when nothing came back. */
long asker_ask(struct asker *asker, const char *path, const char *body)
{
	g_autofree char *url = g_strconcat(asker->url, path, NULL);
	long status = 0;

	g_string_truncate(asker->answer, 0);
	curl_easy_setopt(asker->curl, CURLOPT_URL, url);
	if (body) {
		curl_easy_setopt(asker->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(asker->curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(asker->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	} else {
		curl_easy_setopt(asker->curl, CURLOPT_HTTPGET, 1L);
	}
	if (curl_easy_perform(asker->curl) == CURLE_OK)
		curl_easy_getinfo(asker->curl, CURLINFO_RESPONSE_CODE, &status);
	g_test_message("%s %s: %ld %.300s", path, body ? body : "", status, asker->answer->str);
	const struct contract_exchange exchange = { body ? "POST" : "GET", path, status,
		asker_type(asker), body, asker->answer->str };
	contract_check(&exchange);
	return status;
}

json_t *asker_json(const struct asker *asker)
{
	json_t *json = json_loadb(asker->answer->str, asker->answer->len, 0, NULL);

	g_assert_nonnull(json);
	return json;
}

/* What is refused says why, as a problem. */
void asker_expect_problem(
	struct asker *asker, const char *path, const char *body, long status, const char *title)
{
	json_t *json;

	g_assert_cmpint(asker_ask(asker, path, body), ==, status);
	g_assert_cmpstr(asker_type(asker), ==, "application/problem+json");
	json = asker_json(asker);
	g_assert_cmpstr(json_string_value(json_object_get(json, "title")), ==, title);
	g_assert_cmpint(json_integer_value(json_object_get(json, "status")), ==, status);
	g_assert_cmpuint(json_string_length(json_object_get(json, "detail")), >, 0);
	json_decref(json);
}

/* ---- streams ---- */

static size_t on_data(char *data, size_t size, size_t n, void *into)
{
	struct listener *listener = into;

	g_mutex_lock(&listener->lock);
	g_string_append_len(listener->text, data, (gssize)(size * n));
	g_mutex_unlock(&listener->lock);
	return size * n;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct listener *listener = data;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return g_atomic_int_get(&listener->stop);
}

static gpointer listen_on(gpointer data)
{
	struct listener *listener = data;

	curl_easy_perform(listener->asker.curl);
	return NULL;
}

void listener_init(struct listener *listener, const struct server *server, const char *client,
	const char *path)
{
	*listener = (struct listener){ .text = g_string_new(NULL) };
	g_mutex_init(&listener->lock);
	asker_init(&listener->asker, server, client);
	listener->path = g_strconcat(server->url, path, NULL);
	curl_easy_setopt(listener->asker.curl, CURLOPT_URL, listener->path);
	curl_easy_setopt(listener->asker.curl, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(listener->asker.curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(listener->asker.curl, CURLOPT_WRITEDATA, listener);
	curl_easy_setopt(listener->asker.curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(listener->asker.curl, CURLOPT_XFERINFODATA, listener);
	curl_easy_setopt(listener->asker.curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(listener->asker.curl, CURLOPT_TIMEOUT_MS, 60000L);
	listener->thread = g_thread_new("listener", listen_on, listener);
}

void listener_clear(struct listener *listener)
{
	g_atomic_int_set(&listener->stop, 1);
	g_thread_join(listener->thread);
	contract_check_events(listener->text->str);
	asker_clear(&listener->asker);
	g_string_free(listener->text, TRUE);
	g_mutex_clear(&listener->lock);
	g_free(listener->path);
}

unsigned listener_count(struct listener *listener, const char *text)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&listener->lock);
	unsigned n = 0;

	for (const char *at = listener->text->str; (at = strstr(at, text)); at++)
		n++;
	return n;
}

void listener_wait(struct listener *listener, const char *text, unsigned n)
{
	gint64 end_us = g_get_monotonic_time() + PATIENCE_US;

	while (listener_count(listener, text) < n) {
		if (g_get_monotonic_time() > end_us)
			g_error("%u times '%s' did not come: %s", n, text, listener->text->str);
		g_usleep(5000);
	}
}

void listener_wait_event(struct listener *listener, const char *event, unsigned n)
{
	g_autofree char *line = g_strdup_printf("event: %s\ndata: {", event);

	listener_wait(listener, line, n);
}
