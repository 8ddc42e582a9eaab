#pragma once
/* From an imported package to the intents that follow from it: membership, label, protection,
 * sealed definition of every machine. Pure but for the clock-free signing; the same package and key
 * give the same protections and memberships.
 */
#include "facts/facts.h"
#include "label/policy.h"
#include "vapp/vapp.h"

struct intents_options {
	const char *seal_key;    /* PEM private key */
	const char *seal_public; /* PEM public key, told to hosts with the protection */
	const char *base;        /* directory that relative hrefs start from */
	const char *serial_path; /* pattern of the serial console's file, "%s" is the domain's name;
				    NULL: a pty */
	const char *devices;     /* XML fragment added to every machine's <devices>, "%s" is the
				    domain's name; NULL: none */
	const char *generation;  /* what tells this import from others */
	const struct label_policy *policy; /* NULL: labels keep their name only */
};

/* Appends to `publish` every intent of the vApp. Errors name the machine; `publish` may then hold
 * half of them and must not be sent. */
gboolean intents_publish(struct ifmap_publish *publish, const struct vapp *vapp,
	const struct intents_options *options, GError **error);

/* Appends the removal of all intents of one machine that left the vApp. */
void intents_retract(struct ifmap_publish *publish, const char *vapp, const char *uuid);
