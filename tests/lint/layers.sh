#!/bin/sh
# The layers of docs/architecture.md, read from the includes: a folder includes only itself and folders
# below it; system interfaces that belong to one folder stay there.
#
#   layers.sh ROOT [--self-test]
set -u
root=$1
order='base store trace control sandbox model diagnose source run explore script grade export ui cli'
bad=0

complain() {
    printf '%s\n' "$*"
    bad=1
}

rank() {
    n=0
    for layer in $order; do
        n=$((n + 1))
        [ "$layer" = "$1" ] && { echo $n; return; }
    done
    echo 0
}

check_order() {
    for layer in $order; do
        mine=$(rank "$layer")
        for file in "$root/engine/$layer"/*.[ch]; do
            [ -e "$file" ] || continue
            for other in $(sed -n 's|^#include "\([a-z]*\)/.*|\1|p' "$file" | sort -u); do
                theirs=$(rank "$other")
                [ "$theirs" = 0 ] && complain "$file includes the unknown folder $other/"
                [ "$theirs" -gt "$mine" ] && complain "$file ($layer) includes $other/, which lies above it"
            done
        done
    done
}

only_in() { # HEADER-PATTERN ALLOWED-FILE-PATTERN WHY
    grep -rlE "^#include <$1>" "$root/engine" | grep -vE "$2" | while read -r file; do
        echo "$file includes <$1>: $3"
    done
}

check_order
found=$(
    only_in 'sys/ptrace\.h|linux/ptrace\.h' '/engine/trace/' 'only engine/trace touches a process'
    only_in '(lua5\.4/)?(lua|lualib|lauxlib)\.h' '/engine/script/' 'only engine/script knows Lua'
    only_in '(ncursesw/)?n?curses\.h' '/engine/ui/screen_curses\.c$' 'only one file knows curses'
    only_in 'sqlite3\.h' '/engine/store/' 'only engine/store knows SQLite'
    only_in 'seccomp\.h' '/engine/(trace|sandbox)/' 'filters are made in trace and sandbox'
    # The model is pure: headers of constants are fine, those of calls are not.
    grep -nE '^#include <(unistd|dirent|time|sched|pthread|sys/(ioctl|mman|syscall))\.h>' \
        "$root"/engine/model/*.[ch] 2>/dev/null | sed 's/$/: the model makes no system call/'
)
[ -n "$found" ] && complain "$found"
exit $bad
