#include "trace/recording_format.h"

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"

/* As PNG's: the first byte shows a transfer that strips bit 7, the newlines one that converts them.
 */
static const uint8_t magic[8] = {0x8f, 'I', 'P', 'C', 'L', '\r', '\n', 0x1a};

enum {
    AT_VERSION = 8,
    AT_ARCH = 12,
    AT_PAGE = 16,
    AT_SIZE = 20,
    AT_FEATURES = 24,
    AT_QUIRKS = 32,
    AT_MONOTONIC = 40,
    AT_REALTIME = 48,
    AT_CRC = 60
};

static void put32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static void put64(uint8_t *out, uint64_t value)
{
    put32(out, (uint32_t)value);
    put32(out + 4, (uint32_t)(value >> 32));
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

void file_header_pack(const struct file_header *h, uint8_t out[FORMAT_HEADER_SIZE])
{
    memset(out, 0, FORMAT_HEADER_SIZE);
    memcpy(out, magic, sizeof magic);
    put32(out + AT_VERSION, h->version);
    put32(out + AT_ARCH, h->arch);
    put32(out + AT_PAGE, h->page_size);
    put32(out + AT_SIZE, FORMAT_HEADER_SIZE);
    put64(out + AT_FEATURES, h->features);
    put64(out + AT_QUIRKS, h->quirks);
    put64(out + AT_MONOTONIC, h->monotonic_ns);
    put64(out + AT_REALTIME, h->realtime_ns);
    put32(out + AT_CRC, crc32c(0, out, AT_CRC));
}

int file_header_unpack(struct file_header *h, const uint8_t *bytes, size_t size)
{
    if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return -EINVAL;
    if (size < FORMAT_HEADER_SIZE || get32(bytes + AT_CRC) != crc32c(0, bytes, AT_CRC))
        return -EBADMSG;
    h->version = get32(bytes + AT_VERSION);
    h->arch = get32(bytes + AT_ARCH);
    h->page_size = get32(bytes + AT_PAGE);
    h->features = get64(bytes + AT_FEATURES);
    h->quirks = get64(bytes + AT_QUIRKS);
    h->monotonic_ns = get64(bytes + AT_MONOTONIC);
    h->realtime_ns = get64(bytes + AT_REALTIME);
    return 0;
}

uint32_t chunk_crc(const uint8_t *bytes, uint32_t size)
{
    return crc32c(crc32c(0, bytes, 12), bytes + FORMAT_CHUNK_HEADER_SIZE, size);
}

void chunk_seal(uint8_t *out, uint32_t kind, uint32_t size, uint32_t number)
{
    put32(out, kind);
    put32(out + 4, size);
    put32(out + 8, number);
    put32(out + 12, chunk_crc(out, size));
}

void chunk_header_unpack(struct chunk_header *h, const uint8_t bytes[FORMAT_CHUNK_HEADER_SIZE])
{
    h->kind = get32(bytes);
    h->size = get32(bytes + 4);
    h->number = get32(bytes + 8);
    h->crc = get32(bytes + 12);
}
