#pragma once
/* From libvirt domains that exist to a vApp: the reverse of domain.h.
 *
 * Machines, cards, disks, direct boot and, where a domain is already a member of a vApp, its
 * machine name, tier and label. Every bridge or libvirt network becomes one network of the vApp.
 * Flows cannot be seen in a domain's XML: the result has none, which means that nothing may talk
 * until somebody declares it. Addresses are known only from the kernel command line (drover.net=).
 * Pure: text in, value out.
 */
#include "vapp/vapp.h"

/* Domain XMLs as virDomainGetXMLDesc() gives them (inactive form preferred). NULL with an error
 * "domain N:LINE: <element>: why"; the result has passed vapp_validate(). */
struct vapp *vapp_capture(const char *name, const char *version, const char *const *domain_xmls,
	unsigned n_domains, GError **error);

/* What a domain cannot tell, as people write it; the vApp must pass vapp_validate() afterwards.
 *   flow:    "FROM:TO:PROTOCOL[/PORTS]", web1:app1:tcp/8080,8443; machines, tiers or "outside"
 *   address: "MACHINE=IP/LEN[,IP/LEN...]" of its first card, "MACHINE.N=..." of card N from 0
 * FALSE with an error that names the text. */
gboolean vapp_allow(struct vapp *vapp, const char *text, GError **error);
gboolean vapp_address(struct vapp *vapp, const char *text, GError **error);
