#pragma once
/* Key pairs for tests: ECDSA P-256, made for this run. */
#include <glib.h>

struct sealkey {
	char *private_pem;
	char *public_pem;
};

void sealkey_init(struct sealkey *key);
void sealkey_clear(struct sealkey *key);
