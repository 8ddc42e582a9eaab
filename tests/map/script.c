#include "script.h"

#include <string.h>

#include "ifmap/answer.h"
#include "summary.h"

#define MAX_CLIENTS 26
/* Longer than anything but a hang takes, on a loaded machine and under a sanitizer. */
#define ANSWER_MS   20000

struct play {
	const struct script_carrier *carrier;
	const struct script_case *what;
	unsigned step;
	GHashTable *channels; /* "A", "Ap", ... -> channel */
	char *session_ids[MAX_CLIENTS];
	char *old_ids[MAX_CLIENTS];
	char *publisher_ids[MAX_CLIENTS];
};

static void complain(const struct play *play, const char *expected, const char *body)
{
	const struct script_step *step = &play->what->steps[play->step];
	g_autofree char *summary = body ? summary_of_body(body) : g_strdup("(no answer)");
	g_test_message("%s, step %u (%s: %s)\n  expected: %s\n  short:    %s\n  answer:   %s",
		play->what->name, play->step, step->who, step->send ? step->send : "-", expected,
		summary, body ? body : "-");
	g_test_fail();
}

static void replace(GString *text, const char *kind, char client, const char *value)
{
	g_autofree char *name = g_strdup_printf("{%s%c}", kind, client);
	if (value)
		g_string_replace(text, name, value, 0);
}

static char *fill_in(const struct play *play, const char *text)
{
	GString *filled = g_string_new(text);
	for (char c = 'A'; c <= 'Z'; c++) {
		replace(filled, "", c, play->publisher_ids[c - 'A']);
		replace(filled, "s", c, play->session_ids[c - 'A']);
		replace(filled, "o", c, play->old_ids[c - 'A']);
	}
	return g_string_free(filled, FALSE);
}

static char *make_body(const struct play *play, char client, const char *send)
{
	static const char HEAD[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		"<env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:ifmap=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\""
		" xmlns:meta=\"http://www.trustedcomputinggroup.org/2010/IFMAP-METADATA/2\""
		" xmlns:x=\"urn:example:x\"><env:Body>";
	GString *text = g_string_new(send);
	size_t name_size = strcspn(send + 1, " />");
	g_autofree char *name = g_strndup(send + 1, name_size);
	const char *id = play->session_ids[client - 'A'];
	const char *close = strchr(send, '>');
	gboolean has_id = close && g_strstr_len(send, close - send, " session-id=");

	if (!has_id && id && !g_str_equal(name, "newSession")) {
		g_autofree char *attribute = g_strdup_printf(" session-id=\"%s\"", id);
		g_string_insert(text, (gssize)name_size + 1, attribute);
	}
	g_string_insert(text, 1, "ifmap:");
	g_autofree char *end = g_strdup_printf("</%s>", name);
	if (g_str_has_suffix(text->str, end))
		g_string_insert(text, (gssize)(text->len - strlen(end) + 2), "ifmap:");
	g_autofree char *filled = fill_in(play, text->str);
	g_string_free(text, TRUE);
	return g_strconcat(HEAD, filled, "</env:Body></env:Envelope>", NULL);
}

/* Whether every attribute written `name` (with its "=") has the value of the first. */
static gboolean all_same(const char *name, const char *body)
{
	const char *first = strstr(body, name);
	const char *value = first ? first + strlen(name) : NULL;
	size_t size = value ? strcspn(value + 1, "\"") + 2 : 0;

	for (const char *at = value; at && (at = strstr(at, name));)
		if (strncmp(at += strlen(name), value, size) != 0)
			return FALSE;
	return value != NULL;
}

static gboolean check_part(const char *part, const char *body)
{
	char *rest = NULL;
	guint64 n = g_ascii_strtoull(part, &rest, 10);

	if (*part == '!')
		return strstr(body, part + 1) == NULL;
	if (g_str_has_prefix(part, "same "))
		return all_same(part + strlen("same "), body);
	if (g_str_has_prefix(part, "starts "))
		return g_str_has_prefix(body, part + strlen("starts "));
	if (rest == part || *rest != '*')
		return strstr(body, part) != NULL;
	guint64 seen = 0;
	for (const char *at = body; (at = strstr(at, rest + 1)); at++)
		seen++;
	return seen == n;
}

static void check(struct play *play, const char *expect_raw, const char *body)
{
	if (!expect_raw)
		return;
	g_autofree char *expect = fill_in(play, expect_raw);
	if (!body) {
		complain(play, expect, body);
		return;
	}
	if (*expect == '=') {
		g_autofree char *summary = summary_of_body(body);
		if (!g_str_equal(summary, expect + 1))
			complain(play, expect, body);
		return;
	}
	g_auto(GStrv) parts = g_strsplit(expect, "|", -1);
	for (unsigned i = 0; parts[i]; i++)
		if (!check_part(parts[i], body))
			complain(play, parts[i], body);
}

static void learn_session(struct play *play, char client, const char *body)
{
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(body, strlen(body), NULL);
	unsigned at = (unsigned)(client - 'A');

	if (!answer || answer->type != IFMAP_ANSWER_NEW_SESSION)
		return;
	g_free(play->old_ids[at]);
	play->old_ids[at] = g_steal_pointer(&play->session_ids[at]);
	play->session_ids[at] = g_steal_pointer(&answer->session_id);
	g_free(play->publisher_ids[at]);
	play->publisher_ids[at] = g_steal_pointer(&answer->publisher_id);
}

static gpointer channel(struct play *play, const char *who)
{
	gpointer found = g_hash_table_lookup(play->channels, who);
	if (!found) {
		found = play->carrier->open(play->carrier->self, *who);
		g_hash_table_insert(play->channels, g_strdup(who), found);
	}
	return found;
}

static void run_step(struct play *play, const struct script_step *step)
{
	const char *send = step->send;

	if (g_strcmp0(send, "close") == 0) {
		g_hash_table_remove(play->channels, step->who);
		return;
	}
	gpointer on = channel(play, step->who);
	if (send) {
		send = g_str_equal(send, "new") ? "<newSession/>" : send;
		send = g_str_equal(send, "poll") ? "<poll/>" : send;
		g_autofree char *body = make_body(play, *step->who, send);
		play->carrier->post(on, body);
	}
	if (g_strcmp0(step->expect, "hang") == 0) {
		g_autofree char *early = play->carrier->wait(on, play->carrier->patience_ms);
		if (early)
			complain(play, "hang", early);
		return;
	}
	g_autofree char *answer = play->carrier->wait(on, ANSWER_MS);
	/* Ids in the expectation are those from before this answer. */
	check(play, step->expect, answer);
	if (answer)
		learn_session(play, *step->who, answer);
}

/* Leaves nothing of the case behind on the server: an open session of each client is ended, forever
 * metadata purged. */
static void clean_up(struct play *play)
{
	for (char client = 'A'; client <= 'Z'; client++) {
		if (!play->publisher_ids[client - 'A'])
			continue;
		gpointer on = play->carrier->open(play->carrier->self, client);
		static const char *const STEPS[] = { "<newSession/>",
			"<purgePublisher ifmap-publisher-id=\"{*}\"/>", "<endSession/>" };
		for (size_t i = 0; i < G_N_ELEMENTS(STEPS); i++) {
			g_autofree char *name = g_strdup_printf("{%c}", client);
			GString *send = g_string_new(STEPS[i]);
			g_string_replace(send, "{*}", name, 0);
			g_autofree char *body = make_body(play, client, send->str);
			play->carrier->post(on, body);
			g_autofree char *answer = play->carrier->wait(on, ANSWER_MS);
			if (answer)
				learn_session(play, client, answer);
			g_string_free(send, TRUE);
		}
		play->carrier->close(on);
	}
}

void script_run(const struct script_carrier *carrier, const struct script_case *what)
{
	struct play play = { .carrier = carrier, .what = what };
	play.channels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, carrier->close);
	for (; play.step < G_N_ELEMENTS(what->steps) && what->steps[play.step].who; play.step++)
		run_step(&play, &what->steps[play.step]);
	g_hash_table_unref(play.channels);
	clean_up(&play);
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		g_free(play.session_ids[i]);
		g_free(play.old_ids[i]);
		g_free(play.publisher_ids[i]);
	}
}

struct registered {
	const struct script_carrier *carrier;
	const struct script_case *what;
};

static void run_registered(gconstpointer data)
{
	const struct registered *registered = data;
	script_run(registered->carrier, registered->what);
}

void script_add_all(const char *prefix, const struct script_carrier *carrier,
	const struct script_case *cases, size_t n_cases)
{
	for (size_t i = 0; i < n_cases; i++) {
		struct registered *registered = g_new(struct registered, 1);
		g_autofree char *path = g_strdup_printf("%s/%s", prefix, cases[i].name);
		registered->carrier = carrier;
		registered->what = &cases[i];
		g_test_add_data_func_full(path, registered, run_registered, g_free);
	}
}
