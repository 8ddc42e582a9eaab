#pragma once
/* A request that is written once and then only gets other addresses, so that the client's own work
 * stays small beside the server's.
 *
 * Addresses are numbered from 0; each number has an IPv4 and a MAC address of its own, all of one
 * length. One thread.
 */
#include <drover/ifmap.h>

#define FORM_N_ADDRESSES 100000000U

struct ifmap_id *form_ip(unsigned number);
struct ifmap_id *form_mac(unsigned number);

struct form;
/* `http` (taken) is a request with addresses below `n_addresses`, wherever they stand. */
struct form *form_new(char *http, unsigned n_addresses);
void form_free(struct form *form);
/* The request with `ip` added to the number of each IP address and `mac` to that of each MAC
 * address; lives until the next call. */
const char *form_fill(struct form *form, unsigned ip, unsigned mac);
