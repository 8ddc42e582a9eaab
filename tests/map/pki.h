#pragma once
/* Certificates for one test run, made with GnuTLS: a CA that signs the server and good clients, and
 * a stranger's CA that signs one bad client. Files in `dir`: ca.crt, server.crt/.key, good.crt/.key
 * (CN "C"), other.crt/.key (CN "D"), bad.crt/.key (CN "C"). */
#include <glib.h>

void pki_make(const char *dir);
/* NAME.crt and NAME.key for `common_name`, signed by that CA; `uri` (may be NULL) is an alternative
 * name. */
void pki_issue(const char *dir, const char *name, const char *common_name, const char *uri);
