/* The program inside every lab guest: it is the application under test, the prober and the witness.
 *
 * Application: HTTP on each served port (GET /id, GET /chain), UDP echo on the same ports, and long
 * TCP sessions that are relayed from tier to tier and echoed by the last one. Prober: connections,
 * pings, raw frames at a rate. Witness: counts every frame that arrives, so that "nothing forbidden
 * was delivered" is measured where it would be received.
 *
 * Control comes over a virtio-serial port, which migrates with the guest and needs no network. A
 * request is one line `ID VERB ARGUMENT...`, the answer one JSON object on one line with the same
 * id. lab/drover_lab/control.py is the other end.
 *
 * One process runs a poll loop and owns all state. What may block runs in a forked child that
 * writes its whole answer, at most PIPE_BUF bytes, to a pipe of the loop. Static, no library but
 * libc; everything it reads comes from the test.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	MAX_WORDS = 64,    /* of a request */
	LINE_SIZE = 32768, /* of a request or answer, with its newline */
	MAX_PORTS = 8,     /* served */
	MAX_HTTP = 64,     /* connections that have not sent their request yet */
	MAX_SLOTS = 8,     /* long running jobs: floods and held sessions */
	MAX_FLOWS = 512,   /* kinds of frame that the witness tells apart */
};

/* What the kernel command line asked for; strings live as long as the process. */
struct settings {
	const char *name;
	uint16_t ports[MAX_PORTS];
	unsigned n_ports;
	uint16_t relay;     /* port of long sessions, 0: none */
	const char *next;   /* address of the next tier, NULL: this is the last */
	uint16_t next_port; /* its HTTP port */
};

struct request {
	char *words[MAX_WORDS]; /* [0] id, [1] verb, then arguments; borrowed from the line */
	unsigned n_words;
};

/* net.c: addresses and connections, each with a deadline. All return a descriptor or -1 with errno.
 */
int net_listen(int type, uint16_t port);
int net_connect(const char *ip, uint16_t port, int timeout_ms);
int net_datagram(const char *ip, uint16_t port);
bool net_wait(int fd, short events, int timeout_ms);
long net_fetch(const char *ip, uint16_t port, const char *path, int timeout_ms, char *ret_body,
	size_t body_size);
int64_t now_us(void);

/* serve.c: the application. */
struct server;
struct server *serve_new(const struct settings *settings);
unsigned serve_poll(struct server *server, struct pollfd *fds, unsigned max);
void serve_dispatch(struct server *server, const struct pollfd *fds, unsigned n);

/* probe.c: what runs in children. Each fills ANSWER with the members of a JSON object after the id.
 */
void probe_tcp(const struct request *request, FILE *answer);
void probe_udp(const struct request *request, FILE *answer);
void probe_ping(const struct request *request, FILE *answer);
void probe_get(const struct request *request, FILE *answer);
void probe_run(const struct request *request, FILE *answer);

/* slots.c: long running jobs, named by a slot number, whose figures can be asked at any time. */
void slot_flood(const struct request *request, FILE *answer);
void slot_hold(const struct request *request, FILE *answer);
void slot_stat(const struct request *request, FILE *answer);
void slot_stop(const struct request *request, FILE *answer);
void slot_raw(const struct request *request, FILE *answer);

/* witness.c: counts arriving frames by interface, addresses, protocol and port. */
int witness_open(void);
void witness_read(int fd);
void witness_seen(const struct request *request, FILE *answer);
void witness_forget(const struct request *request, FILE *answer);

/* json.c */
void json_string(FILE *out, const char *text, size_t size);
void json_result(FILE *answer, bool ok, int error);
