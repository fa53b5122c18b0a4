#include "trace/sanitizer.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

static bool section_names_it(Elf *elf, Elf_Scn *section)
{
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) ||
        (header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB))
        return false;
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Sym symbol;
    for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
        const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (name && (strcmp(name, "__asan_init") == 0 || strcmp(name, "__lsan_init") == 0))
            return true;
    }
    return false;
}

bool sanitizer_is_in(const char *path)
{
    elf_version(EV_CURRENT);
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is_in = false;
    Elf *elf = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
    Elf_Scn *section = NULL;
    while (elf && !is_in && (section = elf_nextscn(elf, section)))
        is_in = section_names_it(elf, section);
    elf_end(elf);
    close(fd);
    return is_in;
}

static const char *const variables[] = {"ASAN_OPTIONS=", "LSAN_OPTIONS="};
enum { VARIABLES = 2 };

char **sanitizer_env(char *const *env)
{
    size_t count = 0;
    while (env[count])
        count++;
    char **copy = xcalloc(count + VARIABLES + 1, sizeof *copy);
    bool is_set[VARIABLES] = {false};
    for (size_t i = 0; i < count; i++) {
        for (int v = 0; v < VARIABLES && !copy[i]; v++) {
            if (strncmp(env[i], variables[v], strlen(variables[v])) != 0)
                continue;
            copy[i] = xasprintf("%s:detect_leaks=0", env[i]);
            is_set[v] = true;
        }
        if (!copy[i])
            copy[i] = xstrdup(env[i]);
    }
    for (int v = 0; v < VARIABLES; v++)
        if (!is_set[v])
            copy[count++] = xasprintf("%sdetect_leaks=0", variables[v]);
    return copy;
}

void sanitizer_env_free(char **env)
{
    for (char **p = env; p && *p; p++)
        free(*p);
    free(env);
}
