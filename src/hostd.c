/* drover-hostd: the agent of one hypervisor. See host/agent.h. */
#include "base/daemon.h"
#include "host/agent.h"

static const char *user_of(const void *conf)
{
	return ((const struct agent_conf *)conf)->user;
}

static void *begin(const void *conf, GError **error)
{
	return agent_new(conf, error);
}

static void end(void *agent)
{
	agent_free(agent);
}

int main(int argc, char **argv)
{
	const struct base_daemon daemon = {
		.name = "drover-hostd",
		.what = "Observes this hypervisor, tells the map, and enforces what the map says.",
		.default_config = "/etc/drover/hostd.conf",
		.options = AGENT_OPTIONS,
		.conf_size = sizeof(struct agent_conf),
		.user = user_of,
		.begin = begin,
		.end = end,
	};

	return base_daemon_main(&daemon, argc, argv);
}
