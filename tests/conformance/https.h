#pragma once
/* The carrier of script.h that is the real thing: a drover-mapd over HTTPS, each channel a TCP
 * connection of its own. */
#include "script.h"
#include "server.h"

/* `server` points to where the server will stand when a case runs. */
struct script_carrier https_carrier(struct server **server);
