#include "host/agent.h"

#define OPTION(section, key, type, member, fallback, what)                                     \
	{                                                                                      \
		section, key, BASE_CONF_##type, offsetof(struct agent_conf, member), fallback, \
			what                                                                   \
	}

const struct base_conf_option AGENT_OPTIONS[] = {
	OPTION("host", "name", STRING, name, "",
		"name of this host in the fleet; empty: its host name"),
	OPTION("host", "site", STRING, site, "", "site it stands at"),
	OPTION("host", "libvirt", STRING, libvirt, "qemu:///system", "URI of the local libvirtd"),
	OPTION("host", "libvirt_peer", STRING, libvirt_peer, NULL,
		"URI under which other hosts reach this libvirtd, for migrations"),
	OPTION("host", "user", STRING, user, "", "user to run as; empty: as started"),
	IFMAP_CONF_OPTIONS(struct agent_conf, map, "agent"),
	OPTION("offer", "memory_mib", NUMBER, memory_mib, "0",
		"memory offered to guests, MiB; 0: seven eighths of the host's"),
	OPTION("offer", "cpus", NUMBER, cpus, "0",
		"virtual CPUs offered to guests; 0: eight a core"),
	OPTION("enforce", "socket", STRING, enforcer, "/run/drover/enforcer.sock",
		"socket of drover-enforcer"),
	OPTION("enforce", "routed", STRING, routed, "",
		"bridges, comma separated, through which this host itself routes or translates addresses"),
	OPTION("gate", "socket", STRING, gate, "/run/drover/gate.sock",
		"socket that libvirt's hook asks at"),
	OPTION("gate", "seal_key", STRING, seal_key, "/etc/drover/seal.pub",
		"public key that seals of machines verify against (PEM)"),
	OPTION("gate", "admit_unclaimed", BOOLEAN, admit_unclaimed, "yes",
		"whether machines that no vApp claims may run here"),
	OPTION("gate", "admit_when_down", STRING, admit_when_down, "unclaimed",
		"what the hook lets in while the agent is down: unclaimed, or none"),
	OPTION("paths", "state", STRING, state_dir, "/var/lib/drover",
		"where the last known intents are kept"),
	OPTION("segments", NULL, TABLE, segments, NULL,
		"segment = bridge that carries it on this host"),
	OPTION("uplinks", NULL, TABLE, uplinks, NULL,
		"device = switch it is plugged into, then shared-risk groups, comma separated"),
	{ NULL },
};
