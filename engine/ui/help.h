/* The keys of a screen, all of them, from the list that also binds them. */
#ifndef IPCLAB_UI_HELP_H
#define IPCLAB_UI_HELP_H

#include "ui/view.h"

struct help {
    enum screen_id about;
    int top;
};

#endif
