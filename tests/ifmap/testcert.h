#pragma once
/* A self-signed certificate for 127.0.0.1, good for an hour, made on the spot. */

/* Writes certificate and key (PEM) to the two files; aborts when that fails. */
void testcert_write(const char *cert_file, const char *key_file);
