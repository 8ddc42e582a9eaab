#pragma once
/* From a machine of a vApp to libvirt's domain XML.
 *
 * Pure: text out. Files named by relative hrefs are looked for where the caller says; nothing is
 * opened.
 */
#include "vapp/seal.h"
#include "vapp/vapp.h"

/* The bridge that stands for `network` on the host, borrowed for the call; NULL: the host has none,
 * an error. */
typedef const char *(*vapp_bridge_fn)(const char *network, gpointer data);

/* What the host adds to the machine. All but file_dir may be NULL or zero. */
struct vapp_domain_options {
	const char *domain_name; /* NULL: vapp_domain_name() */
	const char *type;        /* "qemu" (default) or "kvm" */
	const char *file_dir;    /* absolute: relative hrefs lie below it; NULL: machines with such
				    files are refused */
	const char *serial_path; /* file for the serial console; NULL: a pty */
	const char *devices;     /* XML put into <devices> as it is: what the site gives every
				    machine; NULL: nothing */
	const char *emulator;    /* NULL: libvirt's choice */
	vapp_bridge_fn bridge;   /* NULL: the bridge is called as the network */
	gpointer bridge_data;
	const struct vapp_member *member; /* goes into <metadata>; NULL: none */
};

/* "VAPP-MACHINE", newly allocated: domain names are unique on a host, machine names only in their
 * vApp. */
char *vapp_domain_name(const struct vapp *vapp, const struct vapp_machine *machine);

/* Name of the tap of the card with this canonical MAC: "dv" and its last eight hex digits; newly
 * allocated. */
char *vapp_tap_name(const char *mac);

/* The domain XML, newly allocated. Errors (VAPP_ERROR_INVALID, _UNSUPPORTED): a network without a
 * bridge, a file that is not below file_dir or on this host, a disk format that QEMU is not told to
 * take, a property missing. */
char *vapp_machine_to_domain(const struct vapp *vapp, const struct vapp_machine *machine,
	const struct vapp_domain_options *options, GError **error);
