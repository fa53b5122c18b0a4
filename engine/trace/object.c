#include "trace/object.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdutil.h"
#include "base/xalloc.h"
#include "trace/arch.h"

struct object {
    struct object *next;
    char *path;
    uint64_t ino, dev;
    bool is_own;
    uint32_t module;
    int fd; /* -1: cannot be read */
    Elf *elf;
    Dwarf_CFI *cfi;
    /* main and _start: [start, end) */
    struct {
        uint64_t start, end;
    } outermost[2];
    /* open addressing; pointers, because rules are handed out and the table grows */
    struct rule **rules;
    size_t rules_count, rules_cap;
};

struct objects {
    struct recorder *recorder;
    struct object *first;
};

struct objects *objects_new(struct recorder *w)
{
    elf_version(EV_CURRENT);
    struct objects *all = xcalloc(1, sizeof *all);
    all->recorder = w;
    return all;
}

static void object_free(struct object *o)
{
    for (size_t i = 0; i < o->rules_cap; i++)
        free(o->rules[i]);
    free(o->rules);
    if (o->cfi)
        dwarf_cfi_end(o->cfi);
    elf_end(o->elf);
    fd_close(&o->fd);
    free(o->path);
    free(o);
}

void objects_free(struct objects *all)
{
    if (!all)
        return;
    for (struct object *o = all->first, *next; o; o = next) {
        next = o->next;
        object_free(o);
    }
    free(all);
}

bool object_is_own(const struct object *o)
{
    return o->is_own;
}

bool object_is_loader(const struct object *o)
{
    const char *slash = strrchr(o->path, '/');
    const char *name = slash ? slash + 1 : o->path;
    return strncmp(name, "ld-linux", 8) == 0 || strncmp(name, "ld-musl", 7) == 0 ||
           strncmp(name, "ld.so", 5) == 0 || strncmp(name, "ld-2", 4) == 0;
}

uint32_t object_module(const struct object *o)
{
    return o->module;
}

/* The system's programs and libraries: what distributions install. */
static bool is_system_path(const char *path)
{
    static const char *const ours[] = {"/usr/local/", "/usr/src/", NULL};
    static const char *const system[] = {"/usr/",    "/lib/",  "/lib32/", "/lib64/",
                                         "/libx32/", "/bin/",  "/sbin/",  "/nix/",
                                         "/gnu/",    "/snap/", NULL};
    for (const char *const *p = ours; *p; p++)
        if (strncmp(path, *p, strlen(*p)) == 0)
            return false;
    for (const char *const *p = system; *p; p++)
        if (strncmp(path, *p, strlen(*p)) == 0)
            return true;
    return false;
}

/* Opened through the process's own root directory. What is there now must be what was mapped: a
 * program may have replaced it, even by a FIFO. */
static int open_file(const struct mapped_file *file)
{
    char path[64 + 4096];
    snprintf(path, sizeof path, "/proc/%d/root%s", (int)file->tid, file->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino != file->ino))
        fd_close(&fd);
    return fd;
}

static void find_outermost(struct object *o)
{
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(o->elf, section))) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        GElf_Sym symbol;
        for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
            const char *name = elf_strptr(o->elf, header.sh_link, symbol.st_name);
            if (!name || GELF_ST_TYPE(symbol.st_info) > STT_FUNC)
                continue;
            int slot = strcmp(name, "main") == 0 ? 0 : strcmp(name, "_start") == 0 ? 1 : -1;
            if (slot < 0)
                continue;
            o->outermost[slot].start = symbol.st_value;
            o->outermost[slot].end = symbol.st_value + symbol.st_size;
        }
    }
}

static void open_elf(struct object *o, const struct mapped_file *file)
{
    o->fd = open_file(file);
    if (o->fd < 0)
        return;
    o->elf = elf_begin(o->fd, ELF_C_READ, NULL);
    if (!o->elf || elf_kind(o->elf) != ELF_K_ELF)
        return;
    o->cfi = dwarf_getcfi_elf(o->elf);
    if (o->is_own)
        find_outermost(o);
}

static uint32_t record_module(const struct object *o, struct recorder *w)
{
    if (!w)
        return 0;
    struct buf id = {0};
    const void *bits = NULL;
    ssize_t size = o->elf ? dwelf_elf_gnu_build_id(o->elf, &bits) : 0;
    for (ssize_t i = 0; i < size; i++)
        buf_printf(&id, "%02x", ((const unsigned char *)bits)[i]);
    struct module module = {
        .path = o->path, .build_id = id.data ? id.data : "", .is_own = o->is_own};
    uint32_t number = recorder_module(w, &module);
    buf_fini(&id);
    return number;
}

/* The file of a mapping may have been deleted or replaced since: maps(5) says " (deleted)". */
static char *clean_path(const char *path)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(path), tail = sizeof deleted - 1;
    char *clean = xstrdup(path);
    if (length > tail && strcmp(path + length - tail, deleted) == 0)
        clean[length - tail] = '\0';
    return clean;
}

static struct object *object_new(struct objects *all, const struct mapped_file *file)
{
    struct object *o = xcalloc(1, sizeof *o);
    o->path = clean_path(file->path);
    o->ino = file->ino;
    o->dev = file->dev;
    o->is_own = !is_system_path(o->path);
    o->fd = -1;
    open_elf(o, file);
    o->module = record_module(o, all->recorder);
    o->next = all->first;
    all->first = o;
    return o;
}

/* The load segment that a mapping shows tells how far it was moved. */
static uint64_t bias_of(const struct object *o, uint64_t start, uint64_t offset)
{
    GElf_Phdr header;
    size_t count = 0;
    if (!o->elf || elf_getphdrnum(o->elf, &count) < 0)
        return start - offset;
    for (int i = 0; i < (int)count; i++) {
        if (!gelf_getphdr(o->elf, i, &header) || header.p_type != PT_LOAD)
            continue;
        uint64_t slack = header.p_offset % 4096;
        if (offset >= header.p_offset - slack && offset < header.p_offset + header.p_filesz)
            return start - offset + header.p_offset - header.p_vaddr;
    }
    return start - offset;
}

struct object *objects_get(struct objects *all, const struct mapped_file *file, uint64_t start,
                           uint64_t *bias)
{
    struct object *o = all->first;
    while (o && !(o->ino == file->ino && o->dev == file->dev &&
                  strncmp(o->path, file->path, strlen(o->path)) == 0))
        o = o->next;
    if (!o)
        o = object_new(all, file);
    *bias = bias_of(o, start, file->offset);
    return o;
}

/* ---- call frame information ---- */

/* CFA = register + offset, the only form that compilers use outside of linkage tables. */
static bool read_cfa(Dwarf_Frame *frame, struct rule *rule)
{
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count != 1)
        return false;
    int number;
    Dwarf_Word offset;
    if (ops[0].atom == DW_OP_bregx) {
        number = (int)ops[0].number;
        offset = ops[0].number2;
    } else if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
        number = ops[0].atom - DW_OP_breg0;
        offset = ops[0].number;
    } else {
        return false;
    }
    rule->cfa_from_fp = number == arch_dwarf_fp;
    rule->cfa_offset = (int32_t)(Dwarf_Sword)offset;
    return number == arch_dwarf_sp || number == arch_dwarf_fp;
}

/* Where a frame keeps its caller's value of a register. */
enum saved { SAVED_NOT, SAVED_AT, SAVED_IN_REGISTER, SAVED_UNKNOWN };

/* where: the offset from the CFA, or the number of the other register. */
static enum saved read_register(Dwarf_Frame *frame, int number, int32_t *where)
{
    Dwarf_Op memory[3], *ops;
    size_t count;
    if (dwarf_frame_register(frame, number, memory, &ops, &count) != 0)
        return SAVED_UNKNOWN;
    if (count == 0)
        return ops ? SAVED_UNKNOWN : SAVED_NOT;
    if (count == 1 && ops[0].atom == DW_OP_regx) {
        *where = (int32_t)ops[0].number;
        return SAVED_IN_REGISTER;
    }
    if (ops[0].atom != DW_OP_call_frame_cfa || count > 2 ||
        (count == 2 && ops[1].atom != DW_OP_plus_uconst))
        return SAVED_UNKNOWN;
    *where = count == 2 ? (int32_t)(Dwarf_Sword)ops[1].number : 0;
    return SAVED_AT;
}

/* Code without information is, in libraries, the few instructions around clone: a child begins
 * there, on another stack. The parent's return address is where every leaf has it. */
static void guess_rule(struct rule *rule)
{
    rule->is_usable = true;
    rule->is_guess = true;
    rule->return_register = (int16_t)arch_dwarf_return;
    rule->return_in_register = arch_has_link;
    rule->cfa_offset = arch_has_link ? 0 : 8;
    rule->return_offset = -8;
}

static bool is_outermost(const struct object *o, uint64_t offset)
{
    for (int i = 0; i < 2; i++)
        if (offset >= o->outermost[i].start && offset < o->outermost[i].end)
            return true;
    return false;
}

static void fill_rule(struct object *o, struct rule *rule)
{
    rule->want = 64;
    rule->is_outermost = is_outermost(o, rule->offset);
    if (!o->cfi)
        return;
    Dwarf_Frame *frame = NULL;
    if (dwarf_cfi_addrframe(o->cfi, rule->offset, &frame) != 0) {
        guess_rule(rule);
        return;
    }
    bool is_signal_frame = false;
    Dwarf_Addr start, end;
    int32_t where = arch_dwarf_return;
    dwarf_frame_info(frame, &start, &end, &is_signal_frame);
    enum saved fp = read_register(frame, arch_dwarf_fp, &rule->fp_offset);
    enum saved back = read_register(frame, arch_dwarf_return, &where);
    rule->saves_fp = fp == SAVED_AT;
    rule->return_in_register = back != SAVED_AT;
    rule->return_offset = where;
    rule->return_register = (int16_t)where;
    rule->is_usable = !is_signal_frame && (fp == SAVED_AT || fp == SAVED_NOT) &&
                      back != SAVED_UNKNOWN && (back != SAVED_NOT || arch_has_link) &&
                      read_cfa(frame, rule);
    free(frame);
}

static size_t slot_of(const struct object *o, uint64_t offset)
{
    size_t slot = (size_t)(offset * 0x9e3779b97f4a7c15u >> 40) & (o->rules_cap - 1);
    while (o->rules[slot] && o->rules[slot]->offset != offset)
        slot = (slot + 1) & (o->rules_cap - 1);
    return slot;
}

static void grow_rules(struct object *o)
{
    struct rule **old = o->rules;
    size_t old_cap = o->rules_cap;
    o->rules_cap = old_cap ? old_cap * 2 : 64;
    o->rules = xcalloc(o->rules_cap, sizeof *o->rules);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i])
            o->rules[slot_of(o, old[i]->offset)] = old[i];
    free(old);
}

struct rule *object_rule(struct object *o, uint64_t offset)
{
    if (o->rules_count * 2 >= o->rules_cap)
        grow_rules(o);
    size_t slot = slot_of(o, offset);
    if (!o->rules[slot]) {
        struct rule *rule = xcalloc(1, sizeof *rule);
        rule->offset = offset;
        fill_rule(o, rule);
        o->rules[slot] = rule;
        o->rules_count++;
    }
    return o->rules[slot];
}
