/* The list of labs, part by part, and a panel about the selected one. */
#ifndef IPCLAB_UI_HOME_H
#define IPCLAB_UI_HOME_H

#include "script/lab.h"
#include "ui/progress.h"
#include "ui/view.h"

struct home {
    /* set by the runner */
    const struct lab_list *labs;
    const struct progress *progress;
    const char *trouble; /* NULL, or why something just asked for could not be done */
    /* moved by keys */
    size_t selected; /* index into labs */
    bool is_filtering;
    char filter[64];
};

/* The selected lab; NULL when none matches the filter. */
const struct lab *home_lab(const struct home *h);

/* "2-pipes/pipe-eof": the name under which a lab's progress is kept. Appended. */
void home_lab_key(const struct lab *lab, struct buf *out);

#endif
