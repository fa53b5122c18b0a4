/* SHA-256 (FIPS 180-4): the name of a text, the same as `sha256sum` prints. */
#ifndef IPCLAB_BASE_SHA256_H
#define IPCLAB_BASE_SHA256_H

#include <stddef.h>

enum { SHA256_HEX = 64 };

/* Writes 64 hexadecimal digits and a NUL. */
void sha256_hex(char out[SHA256_HEX + 1], const void *bytes, size_t size);

#endif
