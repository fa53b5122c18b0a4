#include "source/lines.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"

struct lines {
    Dwfl *dwfl;
    Dwfl_Module *module;
    Dwarf_Addr bias; /* from the DWARF's addresses to the Dwfl's */
    uint64_t changed_ns;
};

/* Only what is in the file itself: a search for separate debug files may go to the network
 * (debuginfod), and a learner's own program carries its own. */
static int find_no_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                             const char *file, const char *link, GElf_Word crc, char **found)
{
    (void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc,
        (void)found;
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = find_no_debuginfo,
    .section_address = dwfl_offline_section_address,
};

static bool has_build_id(Dwfl_Module *module, const char *wanted)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes;
    GElf_Addr address;
    int size = dwfl_module_build_id(module, &bytes, &address);
    if (size <= 0 || strlen(wanted) != 2 * (size_t)size)
        return false;
    for (int i = 0; i < size; i++)
        if (wanted[2 * i] != digits[bytes[i] >> 4] || wanted[2 * i + 1] != digits[bytes[i] & 15])
            return false;
    return true;
}

static bool is_the_one(const struct lines *l, const char *build_id, uint64_t ran_at_ns)
{
    if (build_id[0])
        return has_build_id(l->module, build_id);
    return l->changed_ns <= ran_at_ns;
}

struct lines *lines_open(const char *path, const char *build_id, uint64_t ran_at_ns)
{
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    struct lines *l = xcalloc(1, sizeof *l);
    l->changed_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    l->dwfl = dwfl_begin(&callbacks);
    if (l->dwfl)
        l->module = dwfl_report_offline(l->dwfl, path, path, -1);
    if (l->module && dwfl_report_end(l->dwfl, NULL, NULL) == 0 &&
        dwfl_module_getdwarf(l->module, &l->bias) && is_the_one(l, build_id, ran_at_ns))
        return l;
    lines_free(l);
    return NULL;
}

void lines_free(struct lines *l)
{
    if (!l)
        return;
    if (l->dwfl)
        dwfl_end(l->dwfl);
    free(l);
}

bool lines_find(struct lines *l, uint64_t address, struct line_found *out)
{
    Dwfl_Line *line = dwfl_module_getsrc(l->module, address + l->bias);
    int number = 0;
    const char *file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    if (!file || number <= 0)
        return false;
    const char *function = dwfl_module_addrname(l->module, address + l->bias);
    *out = (struct line_found){file, function ? function : "", number};
    return true;
}

uint64_t lines_changed_ns(const struct lines *l)
{
    return l->changed_ns;
}
