#include "control/control.h"

#define OPTION(section, key, type, member, fallback, what)                                       \
	{                                                                                        \
		section, key, BASE_CONF_##type, offsetof(struct control_conf, member), fallback, \
			what                                                                     \
	}

const struct base_conf_option CONTROL_OPTIONS[] = {
	IFMAP_CONF_OPTIONS(struct control_conf, map, "control"),
	OPTION("seal", "key", STRING, seal_key, "/etc/drover/seal.key",
		"private key that machines are sealed with (PEM, ECDSA P-256)"),
	OPTION("seal", "public", STRING, seal_public, "/etc/drover/seal.pub",
		"its public key (PEM)"),
	OPTION("control", "user", STRING, user, "", "user to run as; empty: as started"),
	OPTION("machines", "serial", STRING, serial, "",
		"file of the serial console, %s is the domain's name; empty: a pty"),
	OPTION("machines", "devices", STRING, devices_file, "",
		"file with libvirt XML added to every machine's devices; empty: none"),
	{ NULL },
};
