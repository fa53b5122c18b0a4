#include "control/cast.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct cast {
    char **list;
    size_t list_count, list_cap;
};

struct cast *cast_new(void)
{
    struct cast *n = xcalloc(1, sizeof *n);
    cast_index(n, "P");
    return n;
}

void cast_free(struct cast *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->list_count; i++)
        free(n->list[i]);
    free(n->list);
    free(n);
}

uint16_t cast_index(struct cast *n, const char *name)
{
    for (size_t i = 0; i < n->list_count; i++)
        if (strcmp(n->list[i], name) == 0)
            return (uint16_t)i;
    *PUSH(n->list) = xstrdup(name);
    return (uint16_t)(n->list_count - 1);
}

const char *cast_name(const struct cast *n, uint16_t index)
{
    assert(index < n->list_count);
    return n->list[index];
}

size_t cast_count(const struct cast *n)
{
    return n->list_count;
}
