#pragma once
/* Policies in and out: Xen's ACM form (XML) and ours (a key file). Pure: bytes in, a policy or one
 * error out.
 *
 * Every reader returns a whole policy, owned by the caller, or NULL with an error "NAME:LINE:
 * element: why" (LABEL_ERROR or BASE_XML_ERROR); never half of one. `name` is what errors call the
 * document, `size` is in bytes; at most 1 MiB is read. Writers return a new string that the
 * matching reader turns into an equal policy (label_policy_equal).
 *
 * Our form:
 *   [policy]          name=shop-floor, version=1.0, optional url=, date=, bootstrap=,
 * primary=ste|chw [type blue]       optional colour=#3366cc, uses=ste;chw (both, when absent)
 *   [conflict banks]  types=blue;red, optional lasting=true
 *   [label shop]      optional ste=blue;green, chw=blue, colour=#3366cc
 *   [resource disk]   ste=blue, optional colour=
 * An unknown group or key, and any group or key given twice, is an error.
 *
 * The ACM form: SecurityPolicyDefinition as Xen 3.x/4.0 had it, in its namespace, in another or in
 * none; comments and PolicyHeader's NameSpaceUrl, Reference and FromPolicy are read over. An empty
 * <Type/> stands for "none", as Xen wrote it; a Name's `from` (a label's former name) is not kept.
 * Colours and `lasting`, for which ACM has no place, are attributes in our own namespace
 * urn:drover:label:1.
 */
#include "label/policy.h"

/* Either form: XML when the first character that is not white space is '<'. */
struct label_policy *label_policy_read(
	const char *name, const char *data, size_t size, GError **error);

struct label_policy *label_acm_read(
	const char *name, const char *data, size_t size, GError **error);
char *label_acm_write(const struct label_policy *policy);

struct label_policy *label_keyfile_read(
	const char *name, const char *data, size_t size, GError **error);
char *label_keyfile_write(const struct label_policy *policy);
