/* Calls that move bytes. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "trace/call_decode.h"

/* The bytes that an iovec asks for: the length of what was gathered (writing), or the sum over the
 * array, which is kept at entry (reading). */
static uint64_t gathered_size(const struct raw *raw)
{
    struct blob blob;
    return recording_blob(raw->rec, raw->ev, 1, BLOB_IN, &blob) ? blob.length : 0;
}

static uint64_t scattered_size(const struct raw *raw)
{
    uint64_t entry[2], size = 0; /* address, length */
    for (size_t at = 0; raw_memory(raw, 1, BLOB_IN, at, entry, sizeof entry); at += sizeof entry)
        size += entry[1];
    return size;
}

static int transfer(const struct raw *raw, struct op *op, enum op_kind kind, uint64_t size)
{
    op->kind = kind;
    op->fd = raw_int(raw, 0);
    op->size = size;
    return 0;
}

static int transfer_at(const struct raw *raw, struct op *op, enum op_kind kind, uint64_t size)
{
    op->offset = (int64_t)raw_arg(raw, 3);
    return transfer(raw, op, kind, size);
}

int decode_read(const struct raw *raw, struct op *op)
{
    return transfer(raw, op, OP_READ, raw_arg(raw, 2));
}

int decode_write(const struct raw *raw, struct op *op)
{
    return transfer(raw, op, OP_WRITE, raw_arg(raw, 2));
}

int decode_readv(const struct raw *raw, struct op *op)
{
    return transfer(raw, op, OP_READ, scattered_size(raw));
}

int decode_writev(const struct raw *raw, struct op *op)
{
    return transfer(raw, op, OP_WRITE, gathered_size(raw));
}

int decode_pread(const struct raw *raw, struct op *op)
{
    return transfer_at(raw, op, OP_READ, raw_arg(raw, 2));
}

int decode_pwrite(const struct raw *raw, struct op *op)
{
    return transfer_at(raw, op, OP_WRITE, raw_arg(raw, 2));
}

/* preadv2 with offset -1 uses the description's own: -1 says the same in an op. */
int decode_preadv(const struct raw *raw, struct op *op)
{
    return transfer_at(raw, op, OP_READ, scattered_size(raw));
}

int decode_pwritev(const struct raw *raw, struct op *op)
{
    return transfer_at(raw, op, OP_WRITE, gathered_size(raw));
}

/* splice(2): offsets only for an end that is no pipe. */
int decode_splice(const struct raw *raw, struct op *op)
{
    op->kind = OP_MOVE;
    op->fd = raw_int(raw, 0);
    op->fd2 = raw_int(raw, 2);
    op->size = raw_arg(raw, 4);
    op->flags = raw_arg(raw, 5);
    if (raw_arg(raw, 1))
        raw_memory(raw, 1, BLOB_IN, 0, &op->offset, sizeof op->offset);
    return 0;
}

int decode_copy_file_range(const struct raw *raw, struct op *op)
{
    return decode_splice(raw, op);
}

int decode_sendfile(const struct raw *raw, struct op *op)
{
    op->kind = OP_MOVE;
    op->fd = raw_int(raw, 1);
    op->fd2 = raw_int(raw, 0);
    op->size = raw_arg(raw, 3);
    if (raw_arg(raw, 2))
        raw_memory(raw, 2, BLOB_IN, 0, &op->offset, sizeof op->offset);
    return 0;
}

int decode_tee(const struct raw *raw, struct op *op)
{
    op->kind = OP_TEE;
    op->fd = raw_int(raw, 0);
    op->fd2 = raw_int(raw, 1);
    op->size = raw_arg(raw, 2);
    op->flags = raw_arg(raw, 3);
    return 0;
}

int decode_vmsplice(const struct raw *raw, struct op *op)
{
    op->flags = raw_arg(raw, 3);
    return transfer(raw, op, OP_VMSPLICE, gathered_size(raw));
}

int decode_recvmsg(const struct raw *raw, struct op *op)
{
    op->flags = raw_arg(raw, 2);
    return transfer(raw, op, OP_RECEIVE, 0);
}

int decode_recvmmsg(const struct raw *raw, struct op *op)
{
    op->flags = raw_arg(raw, 3);
    return transfer(raw, op, OP_RECEIVE, 0);
}

size_t call_received(const struct recording *rec, const struct event *ev, int *out, size_t most)
{
    const struct raw raw = {rec, ev};
    struct blob blob;
    size_t count = 0;
    if ((ev->call != CALL_recvmsg && ev->call != CALL_recvmmsg) ||
        !recording_blob(rec, ev, 1, BLOB_OUT, &blob))
        return 0;
    struct {
        uint64_t length; /* with this header */
        int32_t level, type;
    } head;
    for (size_t at = 0; raw_memory(&raw, 1, BLOB_OUT, at, &head, sizeof head);) {
        if (head.length < sizeof head || head.length > blob.kept - at)
            break;
        bool has_fds = head.level == SOL_SOCKET && head.type == SCM_RIGHTS;
        for (size_t i = sizeof head; has_fds && i + 4 <= head.length; i += 4, count++)
            if (count < most)
                memcpy(&out[count], blob.bytes + at + i, 4);
        at += (head.length + 7) & ~(uint64_t)7;
    }
    return count;
}
