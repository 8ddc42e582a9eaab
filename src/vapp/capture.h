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
