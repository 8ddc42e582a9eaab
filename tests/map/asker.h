#pragma once
/* Clients of a server's JSON face (server.h), which hold every answer against its description
 * (contract.h): one that asks and is answered, and one that listens to
 * a stream in a thread of its own. One thread uses each. */
#include <jansson.h>

#include "server.h"

/* A publish request of one update: NOTE is a metadata, UPDATE the request. */
#define NOTE(name, text)                                                                  \
	"{\"namespace\":\"urn:x\",\"name\":\"" name "\",\"cardinality\":\"singleValue\"," \
	"\"content\":\"" text "\"}"
#define UPDATE(place, metadata) \
	"{\"operations\":[{\"operation\":\"update\"," place ",\"metadata\":[" metadata "]}]}"

/* One client's way to the face. */
struct asker {
	const char *url; /* the server's */
	CURL *curl;
	GString *answer;
	struct curl_slist *headers;
};

/* `client` NULL: nobody. */
void asker_init(struct asker *asker, const struct server *server, const char *client);
void asker_clear(struct asker *asker);

/* `body` NULL: GET. The status, 0 when nothing came back. */
long asker_ask(struct asker *asker, const char *path, const char *body);
/* The last answer. */
json_t *asker_json(const struct asker *asker);
const char *asker_type(const struct asker *asker);
/* Asserts that it is refused, and why, as a problem. */
void asker_expect_problem(
	struct asker *asker, const char *path, const char *body, long status, const char *title);

/* A stream; `text`, all that has come of it, is guarded. */
struct listener {
	struct asker asker;
	char *path;
	GThread *thread;
	GMutex lock;
	GString *text;
	gint stop;
};

void listener_init(struct listener *listener, const struct server *server, const char *client,
	const char *path);
/* Hangs up. */
void listener_clear(struct listener *listener);
/* How often this has come. */
unsigned listener_count(struct listener *listener, const char *text);
/* Waits until it has come `n` times, or that many events of a name. */
void listener_wait(struct listener *listener, const char *text, unsigned n);
void listener_wait_event(struct listener *listener, const char *event, unsigned n);
