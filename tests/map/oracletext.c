/* The steps of a sequence as requests. */
#include "oraclerun.h"

static void append_id(GString *text, int id)
{
	if (id < 5)
		g_string_append_printf(text, "<access-request name=\"%s\"/>", model_id_name(id));
	else
		g_string_append_printf(text, "<device><name>%s</name></device>", model_id_name(id));
}

static void append_filter(GString *text, const char *name, int filter)
{
	if (model_filter_text(filter))
		g_string_append_printf(text, " %s=\"%s\"", name, model_filter_text(filter));
}

static void append_meta(GString *text, const struct sequence_op *op, unsigned number)
{
	g_string_append_printf(text,
		"<metadata><x:%s ifmap-cardinality=\"%s\" k=\"%d\"><v>%u</v></x:%s></metadata>",
		MODEL_TYPE_NAMES[op->type],
		model_claim(op) == MODEL_SINGLE ? "singleValue" : "multiValue", op->attribute,
		number, MODEL_TYPE_NAMES[op->type]);
}

static void append_operation(GString *text, const struct sequence_op *op, unsigned number)
{
	static const char *const TAGS[] = { "update", "delete", "notify" };
	g_string_append_printf(text, "<%s", TAGS[op->kind]);
	if (op->kind == SEQUENCE_UPDATE && op->forever)
		g_string_append(text, " lifetime=\"forever\"");
	if (op->kind == SEQUENCE_DELETE)
		append_filter(text, "filter", op->filter);
	g_string_append_c(text, '>');
	append_id(text, op->swap && op->b >= 0 ? op->b : op->a);
	if (op->b >= 0)
		append_id(text, op->swap ? op->a : op->b);
	if (op->kind != SEQUENCE_DELETE)
		append_meta(text, op, number);
	g_string_append_printf(text, "</%s>", TAGS[op->kind]);
}

static void append_query(GString *text, const struct sequence_op *op)
{
	g_string_append_printf(text, " max-depth=\"%d\" max-size=\"%d\"", op->depth,
		op->size ? op->size : MODEL_LARGE);
	append_filter(text, "match-links", op->links);
	append_filter(text, "result-filter", op->result);
	if (op->stop)
		g_string_append(text, " terminal-identifier-type=\"device\"");
	g_string_append_c(text, '>');
	append_id(text, op->a);
}

static void write_publish(struct oracle_run *run, const struct sequence_step *step, GString *text)
{
	unsigned n_updates = run->model->map.n_facts;
	unsigned n_notices = 0;

	g_string_append_c(text, '>');
	for (int i = 0; i < step->n_ops; i++) {
		const struct sequence_op *op = &step->ops[i];
		unsigned number = 0;
		if (op->kind == SEQUENCE_UPDATE)
			number = n_updates++;
		else if (op->kind == SEQUENCE_NOTIFY)
			number = 5000 + n_notices++;
		append_operation(text, op, number);
	}
}

static void write_subscribe(struct oracle_run *run, const struct sequence_step *step, GString *text)
{
	(void)run;
	g_string_append_c(text, '>');
	for (int i = 0; i < step->n_ops; i++) {
		const struct sequence_op *op = &step->ops[i];
		gboolean watch = op->kind == SEQUENCE_WATCH;
		g_string_append_printf(
			text, "<%s name=\"w%d\"", watch ? "update" : "delete", op->name);
		if (watch)
			append_query(text, op);
		g_string_append(text, watch ? "</update>" : "/>");
	}
}

static void write_search(struct oracle_run *run, const struct sequence_step *step, GString *text)
{
	if (run->at_us)
		g_string_append_printf(text, " drover-at=\"%" G_GINT64_FORMAT "\"", run->at_us);
	if (run->since_us)
		g_string_append_printf(
			text, " drover-since=\"%" G_GINT64_FORMAT "\"", run->since_us);
	append_query(text, &step->ops[0]);
}

static void write_garbled(struct oracle_run *run, const struct sequence_step *step, GString *text)
{
	(void)run, (void)step;
	g_string_append(text, " match-links=\"x:s[\">");
	append_id(text, 0);
}

static void write_new(struct oracle_run *run, const struct sequence_step *step, GString *text)
{
	(void)run;
	if (step->size)
		g_string_append_printf(text, " max-poll-result-size=\"%d\"", step->size);
	g_string_append_c(text, '>');
}

static void write_purge(struct oracle_run *run, const struct sequence_step *step, GString *text)
{
	const char *id = step->target < SEQUENCE_CLIENTS ? run->ends[step->target].publisher_id
							 : NULL;
	g_string_append_printf(text, " ifmap-publisher-id=\"%s\">", id ? id : "nobody");
}

static void write_plain(struct oracle_run *run, const struct sequence_step *step, GString *text)
{
	(void)run, (void)step;
	g_string_append_c(text, '>');
}

static const struct {
	const char *tag; /* NULL: no request */
	void (*write)(struct oracle_run *run, const struct sequence_step *step, GString *text);
} VERBS[SEQUENCE_VERBS] = {
	[SEQUENCE_PUBLISH] = { "publish", write_publish },
	[SEQUENCE_SUBSCRIBE] = { "subscribe", write_subscribe },
	[SEQUENCE_SEARCH] = { "search", write_search },
	[SEQUENCE_POLL] = { "poll", write_plain },
	[SEQUENCE_NEW] = { "newSession", write_new },
	[SEQUENCE_END] = { "endSession", write_plain },
	[SEQUENCE_RENEW] = { "renewSession", write_plain },
	[SEQUENCE_PURGE] = { "purgePublisher", write_purge },
	[SEQUENCE_GARBLED] = { "search", write_garbled },
	[SEQUENCE_TICK] = { NULL, NULL },
};

gboolean oracle_is_request(const struct sequence_step *step)
{
	return VERBS[step->verb].tag != NULL;
}

static const char *session_id(struct oracle_run *run, const struct sequence_step *step)
{
	const struct oracle_end *end = &run->ends[step->client];
	switch ((enum sequence_session_id)step->id) {
	case SEQUENCE_OWN:
		return end->session_id ? end->session_id : "none";
	case SEQUENCE_FORMER:
		return end->former_id ? end->former_id : "none";
	case SEQUENCE_FOREIGN:
		end = &run->ends[(step->client + 1) % SEQUENCE_CLIENTS];
		return end->session_id ? end->session_id : "none";
	case SEQUENCE_ABSENT:
	case SEQUENCE_SESSION_IDS:
		break;
	}
	return NULL;
}

GString *oracle_request_text(struct oracle_run *run, const struct sequence_step *step)
{
	GString *text = g_string_new(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:x=\"urn:example:x\"><e:Body>");
	gsize begin = text->len;
	const char *id = step->verb == SEQUENCE_NEW ? NULL : session_id(run, step);

	g_string_append_printf(text,
		"<i:%s xmlns:i=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\"",
		VERBS[step->verb].tag);
	if (id)
		g_string_append_printf(text, " session-id=\"%s\"", id);
	VERBS[step->verb].write(run, step, text);
	g_string_append_printf(text, "</i:%s>", VERBS[step->verb].tag);
	g_string_append_printf(run->history, "%3u %s%d: %s\n", run->step,
		ORACLE_CLIENTS[step->client], step->channel, text->str + begin);
	return g_string_append(text, "</e:Body></e:Envelope>");
}
