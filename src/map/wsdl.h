#pragma once
/* The description of the service for tools that ask for it: GET with ?wsdl (ifmap.md 3.4). Pure. */
#include <glib.h>

/* A WSDL 1.1 document; `host` is the Host header of who asked, or NULL. */
GString *map_wsdl(const char *host);
