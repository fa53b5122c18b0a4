/* One line about why the world failed, for a person to read.
 *
 * Functions that can fail because of the world return 0 or -errno and take, last, an optional
 * `struct err *`. Whoever knows the noun fills it once, as "verb object: reason"; callers above
 * pass it on untouched. It is a value: nothing to free. */
#ifndef IPCLAB_BASE_ERR_H
#define IPCLAB_BASE_ERR_H

struct err {
    int code;       /* errno value, 0 when nothing was set */
    char text[400]; /* one line, no newline */
};

/* Sets *e (when e is not NULL) and returns -code, so that `return err_set(e, errno, ...)` reads
 * well. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, and appends ": " and strerror(code). */
int err_sys(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Ends the program: runs the hooks (restore the terminal, kill the tracees), prints one line, exits
 * with status 2. Only the entry points of programs call it. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Registers a hook for die(); the last registered runs first. At most 8. */
void die_hook(void (*hook)(void *), void *arg);

#endif
