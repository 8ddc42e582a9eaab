/* drover-control: decides. See control/control.h. */
#include "control/control.h"
#include "base/daemon.h"

static const char *user_of(const void *conf)
{
	return ((const struct control_conf *)conf)->user;
}

static void *begin(const void *conf, GError **error)
{
	return control_new(conf, error);
}

static void end(void *control)
{
	control_free(control);
}

int main(int argc, char **argv)
{
	const struct base_daemon daemon = {
		.name = "drover-control",
		.what = "Judges where applications may run, and carries out what operators ask.",
		.default_config = "/etc/drover/control.conf",
		.options = CONTROL_OPTIONS,
		.conf_size = sizeof(struct control_conf),
		.user = user_of,
		.begin = begin,
		.end = end,
	};

	return base_daemon_main(&daemon, argc, argv);
}
