#pragma once
/* Books for tests, filled through metadata as the agent does it. Host is PAGES_HOST, the machine
 * PAGES_VM of vApp shop with the MACs PAGES_MAC and PAGES_MAC2. */
#include "host/book.h"

#define PAGES_HOST  "aaaaaaaa-0000-4000-8000-000000000000"
#define PAGES_OTHER "bbbbbbbb-0000-4000-8000-000000000000"
#define PAGES_VM    "11111111-2222-4333-8444-555555555555"
#define PAGES_MAC   "52:54:00:00:00:01"
#define PAGES_MAC2  "52:54:00:00:00:02"

/* Adds one fact on device `a` (a UUID), or vApp `a` when it begins with "vapp:", or the link to
 * `b`. */
void pages_add(
	struct book *book, enum facts_kind kind, const char *a, const char *b, const void *fact);

void pages_member(struct book *book, const char *vm, const char *vapp, const char *const *macs);
void pages_reservation(struct book *book, const char *vm, const char *host, const char *purpose);
/* One nic with PAGES_MAC on segment front, one flow in on TCP port 80. */
void pages_protection(struct book *book, const char *vm);
/* The same on any tap, with a MAC, on a segment: always with the address 10.80.0.11. */
void pages_protection_on(
	struct book *book, const char *vm, const char *tap, const char *mac, const char *segment);
/* vApp shop; `state` and `phase` as the order has them. */
void pages_order(struct book *book, const char *verb, const char *phase, const char *state);
/* codes: NULL-terminated; a clear verdict when there is none. */
void pages_clearance(struct book *book, const char *host, const char *const *codes);
/* The whole of what makes PAGES_VM run here: member, protection, reservation. */
void pages_home(struct book *book, const char *purpose);
