/* Prints the name of everything that the bindings offer, one a line: "run.events", "event.fd",
 * "lab.actors.name". docs.py compares them with the page and with the editors' stubs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "script/script_declare.h"
#include "script/script_env.h"
#include "script/script_event.h"
#include "script/script_run.h"

static void print_fields(const char *prefix, const struct field *fields)
{
    for (const struct field *f = fields; f->name != NULL; f++) {
        printf("%s.%s\n", prefix, f->name);
        char *inner = xasprintf("%s.%s", prefix, f->name);
        if (f->fields != NULL)
            print_fields(inner, f->fields);
        free(inner);
    }
}

static void print_methods(const char *prefix, const luaL_Reg *methods)
{
    for (const luaL_Reg *m = methods; m->name != NULL; m++)
        printf("%s.%s\n", prefix, m->name);
}

int main(void)
{
    for (const char *const *name = script_env_names; *name != NULL; name++)
        printf("global.%s\n", *name);
    print_fields("lab", script_lab_fields);
    print_fields("grader", script_grader_fields);
    print_fields("spec", script_run_spec_fields);
    print_fields("fail", script_fail_fields);
    print_methods("run", script_run_methods);
    print_methods("state", script_state_methods);
    for (const char *const *name = script_run_fields; *name != NULL; name++)
        printf("run.%s\n", *name);
    printf("state.seq\n");
    for (size_t i = 0; script_event_field_name(i) != NULL; i++)
        printf("event.%s\n", script_event_field_name(i));
    return 0;
}
