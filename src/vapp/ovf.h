#pragma once
/* Reading and writing OVF envelopes, versions 1.x and 2.x, with Drover's ProtectionSection and
 * BootSection.
 *
 * docs/vapp.md is the package format's home. Reading is bounded (base/xml.h), all or nothing, and
 * strict where a lost word would be a lost protection: an unknown element or attribute in our
 * sections, or an unknown section that the package calls required, is an error "SOURCE:LINE:
 * <element>: why" (domain BASE_XML_ERROR or VAPP_ERROR). ovf_read and ovf_write are pure; what
 * touches files stands at the end. Values are the caller's.
 */
#include "vapp/vapp.h"

#define OVF_NS_1      "http://schemas.dmtf.org/ovf/envelope/1"
#define OVF_NS_2      "http://schemas.dmtf.org/ovf/envelope/2"
#define OVF_NS_DROVER "urn:drover:ovf:1"

/* One envelope in memory; `source` is what errors call it. The result has passed vapp_validate().
 */
struct vapp *ovf_read(const char *source, const char *data, size_t size, GError **error);

/* An OVF 1.x envelope, newly allocated; ovf_read() of it gives an equal vApp. */
char *ovf_write(const struct vapp *vapp);

/* A package on disk, told apart by content: an .ovf, checked against a manifest (NAME.mf) beside it
 * when there is one, or an .ova. `extract_dir` NULL: only read; else the files of an .ova are put
 * there (it must exist; nothing in it is overwritten) and hrefs stay relative to it. */
struct vapp *ovf_read_file(const char *path, const char *extract_dir, GError **error);

/* An .ova at `path` (must not exist): envelope, manifest, and the files that hrefs name, taken from
 * `file_dir`, or from where a file:// URL says; those travel under their own name. http and https
 * URLs stay references. */
gboolean ovf_write_ova(
	const struct vapp *vapp, const char *file_dir, const char *path, GError **error);
