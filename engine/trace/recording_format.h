/* The bytes of a recording file that its writer and its reader share: header, chunk headers, tags.
 * docs/recording-format.md describes them; all integers of fixed size are little-endian. */
#ifndef IPCLAB_TRACE_RECORDING_FORMAT_H
#define IPCLAB_TRACE_RECORDING_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum {
    FORMAT_VERSION = 1,
    FORMAT_HEADER_SIZE = 64,
    FORMAT_CHUNK_HEADER_SIZE = 16,
    FORMAT_BLOBS_MAX = 16, /* of one half */
    FORMAT_SOURCES_MAX = 1024,
};

/* Features: a reader that does not know one of them cannot read the file. */
enum {
    FEATURE_MANY_SOURCES = 1, /* halves of several sources, to be merged by sequence number */
    FEATURES_KNOWN = FEATURE_MANY_SOURCES,
};

enum chunk_kind {
    CHUNK_META = 1,
    CHUNK_CALLS,
    CHUNK_MODULES,
    CHUNK_STACKS,
    CHUNK_PAYLOAD,
    CHUNK_HALVES,
    CHUNK_KEYFRAME,
    CHUNK_COMPLETENESS,
    CHUNK_CLOSING,
};

/* The first byte of a half. */
enum {
    HALF_IS_EXIT = 1,
    HALF_IS_POINT = 2,
    HALF_HAS_BLOBS = 4,
    HALF_HAS_FLAGS = 8,
    HALF_HAS_STACK = 16, /* entry: another than the last of the same call; exit: known only now */
    HALF_HAS_GAP = 32,   /* sequence numbers of other sources come before it */
    HALF_TAGS = 63,
};

/* The first byte of a blob. */
enum {
    BLOB_ARG = 7,
    BLOB_IS_OUT = 8,
    BLOB_IS_CUT = 16, /* its true length follows */
    BLOB_TAGS = 31,
};

/* Bits of the completeness chunk. */
enum {
    COMPLETE_FOREIGN_ABI = 1,
    COMPLETE_OWN_FILTER = 2,
    COMPLETE_UNTRACED = 4,
    COMPLETE_IO_URING = 8,
    COMPLETE_PRIVILEGES = 16,
};

struct file_header {
    uint32_t version;
    uint32_t arch;
    uint32_t page_size;
    uint64_t features;
    uint64_t
        quirks; /* what a reader may want to know of the machine, and may ignore; none is defined */
    uint64_t monotonic_ns;
    uint64_t realtime_ns;
};

struct chunk_header {
    uint32_t kind;
    uint32_t size;   /* of the body */
    uint32_t number; /* 0, 1, 2 ... in the file */
    uint32_t crc;    /* of the 12 bytes before it and the body */
};

void file_header_pack(const struct file_header *h, uint8_t out[FORMAT_HEADER_SIZE]);
/* 0; -EINVAL: no recording; -EBADMSG: its header is damaged. */
int file_header_unpack(struct file_header *h, const uint8_t *bytes, size_t size);

/* Fills in the header of a chunk whose body follows the 16 bytes at out. */
void chunk_seal(uint8_t *out, uint32_t kind, uint32_t size, uint32_t number);
void chunk_header_unpack(struct chunk_header *h, const uint8_t bytes[FORMAT_CHUNK_HEADER_SIZE]);
/* The checksum that the chunk at bytes (header and body) should carry. */
uint32_t chunk_crc(const uint8_t *bytes, uint32_t size);

#endif
