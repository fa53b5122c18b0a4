#include "trace/event.h"

static const char *const names[EVENT_KIND_COUNT] = {
#define X(NAME, name) [EVENT_##NAME] = #name,
    EVENT_KINDS(X)
#undef X
};

const char *event_kind_name(enum event_kind kind)
{
    return (unsigned)kind < EVENT_KIND_COUNT ? names[kind] : "unknown";
}
