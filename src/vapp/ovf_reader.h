#pragma once
/* What the parts of the OVF reader share; for ovf*.c only. Nodes are borrowed from the document of
 * one ovf_read(). */
#include <libxml/tree.h>

#include "base/xml.h"
#include "vapp/ovf.h"

struct ovf_reader {
	const char *source;
	const char *ns;      /* of this envelope: OVF_NS_1 or OVF_NS_2 */
	struct vapp *vapp;   /* under construction */
	GHashTable *files;   /* File id (char *, owned) to href (char *, owned) */
	GHashTable *disks;   /* Disk id (char *, owned) to its node */
	char *configuration; /* default deployment option, or NULL */
	GPtrArray *startups; /* StartupSection nodes, read when the machines are known */
	const xmlNode *protection;
	GError **error;
};

/* Sets "SOURCE:LINE: <element>: why"; always FALSE. */
gboolean ovf_refuse(const struct ovf_reader *reader, const xmlNode *node, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Attribute of the envelope's namespace, or without one as careless tools write it; newly allocated
 * or NULL. */
char *ovf_attr(const struct ovf_reader *reader, const xmlNode *node, const char *local);
/* The same, an error when absent or empty. */
char *ovf_need_attr(const struct ovf_reader *reader, const xmlNode *node, const char *local);

unsigned ovf_line(const xmlNode *node);

/* Whether an element with ovf:configuration or ovf:bound is part of the default deployment. */
gboolean ovf_is_chosen(const struct ovf_reader *reader, const xmlNode *node);

/* The href behind a File id, newly allocated; NULL with an error. */
char *ovf_file_href(const struct ovf_reader *reader, const xmlNode *node, const char *id);

/* The sections. */
gboolean ovf_read_hardware(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine);
gboolean ovf_read_product(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine);
gboolean ovf_read_boot(
	struct ovf_reader *reader, const xmlNode *node, struct vapp_machine *machine);
gboolean ovf_read_protection(struct ovf_reader *reader, const xmlNode *node);
