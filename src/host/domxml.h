#pragma once
/* What the gate and the reports need of a domain's XML: who it is, where its interfaces are, and of
 * which arrival it is part. Plain values. */
#include <glib.h>

struct domxml_nic {
	char *mac;    /* canonical lower case; NULL when libvirt has none yet */
	char *tap;    /* NULL until one is chosen */
	char *bridge; /* NULL when it hangs on no bridge */
};

struct domxml {
	char *uuid; /* lower case */
	char *name;
	GPtrArray *nics; /* struct domxml_nic */
	gboolean claims; /* bears a membership element of ours, whatever it says */
	char *arrival;   /* what domxml_mark() put into it last; NULL: never marked */
};

/* NULL with an error when the XML is not a domain. */
struct domxml *domxml_read(const char *xml, GError **error);
void domxml_free(struct domxml *domain);
typedef struct domxml domxml;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(domxml, domxml_free)

/* The domain XML with the name of an arrival in its <metadata>, in place of any that stood there;
 * newly allocated. NULL with an error when the XML is not a domain. */
char *domxml_mark(const char *xml, const char *arrival, GError **error);

/* Its MACs, NULL-terminated; free with g_free(), the strings are borrowed. */
const char **domxml_macs(const struct domxml *domain);
