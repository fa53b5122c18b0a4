#include "trace/recorder_chunks.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

void chunk_reserve(struct buf *chunk, size_t more)
{
    size_t room = chunk->len ? 0 : FORMAT_CHUNK_HEADER_SIZE;
    if (chunk->len + room + more > chunk->cap)
        xgrow(&chunk->data, &chunk->cap, chunk->len + room + more, 1);
    chunk->len += room;
}

void chunks_add(struct chunks *c, enum chunk_kind kind, struct buf *chunk)
{
    size_t len = chunk->len;
    chunk->len = 0;
    if (len <= FORMAT_CHUNK_HEADER_SIZE || c->error)
        return;
    size_t body = len - FORMAT_CHUNK_HEADER_SIZE;
    assert(c->write_count < CHUNKS_MAX && body <= UINT32_MAX);
    chunk_seal((uint8_t *)chunk->data, kind, (uint32_t)body, c->count++);
    c->writes[c->write_count++] = (struct iovec){chunk->data, len};
}

/* Cuts off what a failed write left behind. */
static void fail(struct chunks *c, int code)
{
    c->error = code;
    if (ftruncate(c->fd, (off_t)c->file_size) < 0)
        return; /* the reader finds the last whole chunk by itself */
}

/* Steps over n written bytes. */
static void advance(struct iovec **at, int *left, size_t n)
{
    for (; *left && n >= (*at)->iov_len; (*at)++, (*left)--)
        n -= (*at)->iov_len;
    if (*left) {
        (*at)->iov_base = (char *)(*at)->iov_base + n;
        (*at)->iov_len -= n;
    }
}

int chunks_flush(struct chunks *c)
{
    struct iovec *at = c->writes;
    int left = c->write_count;
    uint64_t size = 0;
    for (int i = 0; i < left; i++)
        size += at[i].iov_len;
    c->write_count = 0;
    while (left && !c->error) {
        ssize_t n = writev(c->fd, at, left);
        if (n >= 0)
            advance(&at, &left, (size_t)n);
        else if (errno != EINTR)
            fail(c, -errno);
    }
    if (!c->error)
        c->file_size += size;
    return c->error;
}
