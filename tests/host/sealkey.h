#pragma once
/* Key pairs for tests: ECDSA P-256, made for this run; and what control does with one. */
#include <glib.h>

struct sealkey {
	char *private_pem;
	char *public_pem;
};

void sealkey_init(struct sealkey *key);
void sealkey_clear(struct sealkey *key);

/* The domain as machine web1 of vApp shop: with PAGES_VM and PAGES_MAC under the seal. Without a
 * seal when `key` is NULL. Free with g_free(). */
char *sealkey_seal(const struct sealkey *key, const char *xml);
