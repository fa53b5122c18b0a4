#!/bin/sh
# The engine compiles for aarch64, too: every source, with the cross-compiler, warnings as errors. Headers of
# libraries do not depend on the machine, so the host's are borrowed, without the host's libc.
set -u
root=$1
cc=aarch64-linux-gnu-gcc
command -v $cc >/dev/null 2>&1 || { echo "$cc is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for header in elfutils dwarf.h libelf.h gelf.h elf.h nlist.h seccomp.h lua5.4 curses.h ncurses.h ncurses_dll.h \
    unctrl.h term.h panel.h md4c.h md4c-html.h cjson sqlite3.h lua5.4-deb-multiarch.h; do
    for dir in /usr/include /usr/include/*-linux-gnu; do
        [ -e "$dir/$header" ] && ln -sfn "$dir/$header" "$work/$header"
    done
done
rm -f "$work/elf.h"
bad=0
for file in "$root"/engine/*/*.c; do
    $cc -std=gnu17 -D_GNU_SOURCE -DIPCLAB_VERSION='"x"' -Wall -Wextra -Werror -fsyntax-only -I"$root/engine" -isystem "$work" \
        -isystem "$work/lua5.4" "$file" || bad=1
done
exit $bad
