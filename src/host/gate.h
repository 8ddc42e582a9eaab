#pragma once
/* The gate: may this domain start here, or arrive here by migration? A pure decision.
 *
 * libvirt's qemu hook asks before a domain starts (prepare, start) and before an incoming migration
 * (migrate), whoever caused it. The answer rests on the host's book and on the domain's own XML.
 * Order of checks: does anything claim the machine (its UUID, one of its MACs, its own metadata)?
 * does its seal hold? is it reserved for this host? does an order forbid it? If it is not reserved,
 * the standing verdict of its vApp for this host is the reason, word for word as `drover plan`
 * shows it.
 */
#include "host/book.h"

enum gate_answer {
	GATE_ALLOW,   /* nothing to do with us, or an operation that is always allowed */
	GATE_ENFORCE, /* cleared: allow it as soon as its rules stand and are read back */
	GATE_REFUSE,
};

struct gate_request {
	const char *operation;    /* as libvirt calls it: prepare, start, migrate, ... */
	gboolean arrival;         /* an incoming migration, not a start */
	const char *xml;          /* the whole domain XML */
	const char *seal_key;     /* PEM of the public key, NULL: no seal can hold */
	const char *host_name;    /* for sentences */
	gboolean admit_unclaimed; /* whether machines that no vApp claims may run here */
};

struct gate_verdict {
	enum gate_answer answer;
	char *uuid;
	char *code; /* stable reason code, NULL unless refused */
	char *text; /* one or more sentences, one a line */
};

void gate_judge(const struct book *book, const struct gate_request *request,
	struct gate_verdict *ret_verdict);
void gate_verdict_clear(struct gate_verdict *verdict);
