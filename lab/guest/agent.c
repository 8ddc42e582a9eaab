/* The poll loop: requests from the control port, answers of children, the application, the witness.
 *
 * Usage: agent CONTROL-PORT NAME PORT[,PORT...]|- RELAY-PORT|- NEXT-IP:PORT|-
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIXED_FDS = 3, HUNG_UP_MS = 20, WRITE_MS = 500 };

struct agent {
	int control;  /* the virtio-serial port, non-blocking */
	int results;  /* read end of the pipe that children write to */
	int children; /* its write end */
	int witness;
	struct server *server;
	size_t used;
	char line[LINE_SIZE];
};

typedef void (*verb_fn)(const struct request *request, FILE *answer);

static void verb_id(const struct request *request, FILE *answer);

static const struct verb {
	const char *name;
	unsigned n_words; /* at least, with id and verb */
	bool child;       /* may block */
	verb_fn run;
} verbs[] = {
	{ "id", 2, false, verb_id },
	{ "tcp", 5, true, probe_tcp },
	{ "udp", 5, true, probe_udp },
	{ "ping", 4, true, probe_ping },
	{ "get", 6, true, probe_get },
	{ "run", 3, true, probe_run },
	{ "raw", 4, false, slot_raw },
	{ "flood", 6, false, slot_flood },
	{ "hold", 6, false, slot_hold },
	{ "stat", 3, false, slot_stat },
	{ "stop", 3, false, slot_stop },
	{ "seen", 2, false, witness_seen },
	{ "forget", 2, false, witness_forget },
};

static void verb_id(const struct request *request, FILE *answer)
{
	(void)request;
	char host[64] = "";
	gethostname(host, sizeof host - 1);
	fputs(",\"ok\":true,\"name\":", answer);
	json_string(answer, host, strlen(host));
}

/* Wait briefly for a reader: while the guest moves, the port may have none for a moment. */
static void write_all(int fd, const char *data, size_t size)
{
	int64_t deadline = now_us() + WRITE_MS * 1000LL;
	while (size > 0 && now_us() < deadline) {
		ssize_t n = write(fd, data, size);
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		} else {
			usleep(1000);
		}
	}
}

/* Run a verb and send its answer to FD. */
static void perform(const struct verb *verb, const struct request *request, int fd)
{
	char *text = NULL;
	size_t size = 0;
	FILE *answer = open_memstream(&text, &size);
	if (answer == NULL)
		abort();
	fputs("{\"id\":", answer);
	json_string(answer, request->words[0], strlen(request->words[0]));
	if (verb != NULL && request->n_words >= verb->n_words)
		verb->run(request, answer);
	else
		json_result(answer, false, verb ? EINVAL : ENOSYS);
	fputs("}\n", answer);
	fclose(answer);
	write_all(fd, text, size);
	free(text);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static void obey(struct agent *agent, char *line)
{
	struct request request = { 0 };
	char *rest = NULL;
	for (char *w = strtok_r(line, " ", &rest); w && request.n_words < MAX_WORDS;
		w = strtok_r(NULL, " ", &rest))
		request.words[request.n_words++] = w;
	if (request.n_words < 2)
		return;
	const struct verb *verb = find_verb(request.words[1]);
	if (verb == NULL || !verb->child) {
		perform(verb, &request, agent->control);
		return;
	}
	if (fork() == 0) {
		signal(SIGCHLD, SIG_DFL); /* popen() wants to wait */
		perform(verb, &request, agent->children);
		_exit(0);
	}
}

static void read_control(struct agent *agent)
{
	ssize_t n = read(
		agent->control, agent->line + agent->used, sizeof agent->line - 1 - agent->used);
	if (n <= 0)
		return;
	agent->used += (size_t)n;
	agent->line[agent->used] = '\0';
	char *begin = agent->line;
	for (char *end; (end = strchr(begin, '\n')) != NULL; begin = end + 1) {
		*end = '\0';
		obey(agent, begin);
	}
	agent->used -= (size_t)(begin - agent->line);
	memmove(agent->line, begin, agent->used);
	if (agent->used == sizeof agent->line - 1)
		agent->used = 0; /* a line without end: not one of ours */
}

static void pass_results(struct agent *agent)
{
	char text[PIPE_BUF];
	ssize_t n = read(agent->results, text, sizeof text);
	if (n > 0)
		write_all(agent->control, text, (size_t)n);
}

static void loop(struct agent *agent)
{
	struct pollfd fds[FIXED_FDS + MAX_PORTS * 2 + 1 + MAX_HTTP];
	bool hung_up = false; /* nobody at the host's end: the port would wake us without pause */
	for (;;) {
		fds[0] = (struct pollfd){ .fd = hung_up ? -1 : agent->control, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = agent->results, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = agent->witness, .events = POLLIN };
		unsigned n = serve_poll(
			agent->server, fds + FIXED_FDS, sizeof fds / sizeof *fds - FIXED_FDS);
		if (poll(fds, n + FIXED_FDS, hung_up ? HUNG_UP_MS : -1) < 0 && errno != EINTR)
			abort();
		hung_up = (fds[0].revents & (POLLHUP | POLLIN)) == POLLHUP;
		if (fds[0].revents & POLLIN)
			read_control(agent);
		if (fds[1].revents)
			pass_results(agent);
		if (fds[2].revents)
			witness_read(agent->witness);
		serve_dispatch(agent->server, fds + FIXED_FDS, n);
	}
}

static uint16_t parse_port(const char *text)
{
	return strcmp(text, "-") == 0 ? 0 : (uint16_t)strtoul(text, NULL, 10);
}

static void parse_settings(char **argv, struct settings *ret_settings)
{
	ret_settings->name = argv[2];
	char *rest = NULL;
	for (char *p = strtok_r(argv[3], ",", &rest); p && ret_settings->n_ports < MAX_PORTS;
		p = strtok_r(NULL, ",", &rest))
		if (parse_port(p))
			ret_settings->ports[ret_settings->n_ports++] = parse_port(p);
	ret_settings->relay = parse_port(argv[4]);
	char *colon = strrchr(argv[5], ':');
	if (colon != NULL) {
		*colon = '\0';
		ret_settings->next = argv[5];
		ret_settings->next_port = parse_port(colon + 1);
	}
}

int main(int argc, char **argv)
{
	static struct agent agent;
	static struct settings settings;
	int ends[2];
	if (argc != 6 || pipe2(ends, O_CLOEXEC) < 0) {
		fprintf(stderr, "usage: agent CONTROL NAME PORTS|- RELAY|- NEXT|-\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* children are reaped by the kernel */
	parse_settings(argv, &settings);
	agent.control = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	agent.results = ends[0];
	agent.children = ends[1];
	agent.witness = witness_open();
	agent.server = serve_new(&settings);
	if (agent.control < 0)
		fprintf(stderr, "agent: %s: %s\n", argv[1], strerror(errno));
	printf("READY %s\n", settings.name);
	fflush(stdout);
	loop(&agent);
}
