/* A program that was loaded once, and is copied for every run.
 *
 * The template stands at the entry of the first followed call that the program itself makes: what
 * lies before is its own affair and the same every time, so a copy made there is as good as a new
 * process, at a tenth of the price (no exec, no dynamic linking, no filters to install). Each copy
 * is made by a clone(2) that the template is made to call in place of its own; both then stand
 * before the call again. The idea is AFL's fork server, deferred to the first call.
 *
 * A copy is a child of the template's parent, is traced by this thread, and has the template's
 * descriptors, limits, filters and addresses. */
#ifndef IPCLAB_TRACE_TEMPLATE_H
#define IPCLAB_TRACE_TEMPLATE_H

#include "trace/tracer.h"

struct template;

/* Seizes the target and lets it run up to its first call of its own. Takes its descriptors. The
 * target's filter must be that of stepped runs. 0, or -errno when it could not be started;
 * -ENOTSUP when the program cannot be copied (it ended, or has threads, before any call). */
int template_new(struct template **out, const struct target *take_target, struct err *e);
void template_free(struct template *s); /* kills it */

/* A new copy: stopped, about to make the first call. Its pid, or -errno. */
pid_t template_copy(struct template *s, struct err *e);

/* Path of the program. Borrowed. */
const char *template_program(const struct template *s);
/* What every copy begins with. Borrowed. */
struct beginning;
const struct beginning *template_beginning(const struct template *s);

#endif
