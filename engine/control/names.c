#include "control/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct names {
    char **list;
    size_t list_count, list_cap;
};

struct names *names_new(void)
{
    struct names *n = xcalloc(1, sizeof *n);
    names_index(n, "P");
    return n;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->list_count; i++)
        free(n->list[i]);
    free(n->list);
    free(n);
}

uint16_t names_index(struct names *n, const char *name)
{
    for (size_t i = 0; i < n->list_count; i++)
        if (strcmp(n->list[i], name) == 0)
            return (uint16_t)i;
    *PUSH(n->list) = xstrdup(name);
    return (uint16_t)(n->list_count - 1);
}

const char *names_text(const struct names *n, uint16_t index)
{
    assert(index < n->list_count);
    return n->list[index];
}

size_t names_count(const struct names *n)
{
    return n->list_count;
}
