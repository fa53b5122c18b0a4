/* What an epoll instance watches (epoll_ctl(2)): a list of descriptions, each under the number that
 * it was added by. */
#include <sys/epoll.h>

#include "model/model_internal.h"

static uint32_t *watch_link(struct model *m, uint32_t epoll, int fd, uint32_t file)
{
    uint32_t *link = &m->objects[epoll].watches;
    while (*link != MODEL_NONE) {
        const struct watch *w = &m->watches[*link];
        if (w->file == file && (fd < 0 || w->fd == fd))
            break;
        link = &m->watches[*link].next;
    }
    return link;
}

static void watch_remove(struct model *m, uint32_t *link)
{
    uint32_t w = *link;
    *link = m->watches[w].next;
    pool_give(&m->watches_pool, w);
    m->head.watch_count--;
}

void leave_epoll_ctl(struct model *m, uint32_t pend, const struct op *op)
{
    const struct pend *p = &m->pends[pend];
    if (op->ret != 0 || p->file == MODEL_NONE || p->file2 == MODEL_NONE ||
        m->objects[p->object].kind != OBJECT_EPOLL)
        return;
    uint32_t epoll = p->object;
    int fd = p->fd2;
    uint32_t file = p->file2;
    uint32_t *link = watch_link(m, epoll, fd, file);
    if (op->flags == EPOLL_CTL_DEL) {
        if (*link != MODEL_NONE)
            watch_remove(m, link);
        return;
    }
    if (*link == MODEL_NONE) {
        uint32_t w = pool_take(&m->watches_pool);
        m->watches[w] = (struct watch){.next = m->objects[epoll].watches, .file = file, .fd = fd};
        m->objects[epoll].watches = w;
        m->head.watch_count++;
        link = &m->objects[epoll].watches;
    }
    m->watches[*link].events = (uint32_t)op->size;
}

void epoll_forget(struct model *m, uint32_t file)
{
    for (uint32_t i = 0; i < m->objects_pool.count; i++) {
        if (m->objects[i].kind != OBJECT_EPOLL || !m->objects[i].is_live)
            continue;
        for (;;) {
            uint32_t *link = watch_link(m, i, -1, file);
            if (*link == MODEL_NONE)
                break;
            watch_remove(m, link);
        }
    }
}

void watches_free(struct model *m, uint32_t object)
{
    uint32_t w = m->objects[object].watches;
    m->objects[object].watches = MODEL_NONE;
    while (w != MODEL_NONE) {
        uint32_t next = m->watches[w].next;
        pool_give(&m->watches_pool, w);
        m->head.watch_count--;
        w = next;
    }
}
