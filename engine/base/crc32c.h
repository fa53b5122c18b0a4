/* CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4). */
#ifndef IPCLAB_BASE_CRC32C_H
#define IPCLAB_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from `crc` (0 to begin). */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
