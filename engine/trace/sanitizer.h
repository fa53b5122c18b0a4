/* LeakSanitizer stops a program with an error when it finds itself traced ("does not work under
 * ptrace"), so a program built with -fsanitize=address would fail for being watched. It is told not
 * to look for leaks; all else of the sanitizer goes on working. */
#ifndef IPCLAB_TRACE_SANITIZER_H
#define IPCLAB_TRACE_SANITIZER_H

#include <stdbool.h>

/* Does an ELF program bring LeakSanitizer? false for all that cannot be read. */
bool sanitizer_is_in(const char *path);

/* A copy of an environment that turns the search for leaks off. */
char **sanitizer_env(char *const *env);
void sanitizer_env_free(char **env); /* NULL is fine */

#endif
