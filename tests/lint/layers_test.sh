#!/bin/sh
# layers.sh must see a wrong include: a tree with one mistake of each kind is refused, a clean one is not.
set -u
script=$(dirname "$0")/layers.sh
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/engine/base" "$tree/engine/model" "$tree/engine/ui"

refuses() { # FILE LINE
    printf '%s\n' "$2" >"$tree/engine/$1"
    if sh "$script" "$tree" >/dev/null; then
        echo "not refused: $2 in $1"
        exit 1
    fi
    rm "$tree/engine/$1"
}

sh "$script" "$tree" || { echo "refused: an empty tree"; exit 1; }
printf '#include "base/err.h"\n' >"$tree/engine/model/fine.c"
sh "$script" "$tree" || { echo "refused: model including base"; exit 1; }
refuses base/up.c '#include "model/model.h"'
refuses model/up.c '#include "ui/grid.h"'
refuses model/lost.c '#include "nowhere/x.h"'
refuses ui/view.c '#include <curses.h>'
refuses ui/ptrace.c '#include <sys/ptrace.h>'
refuses model/lua.c '#include <lua5.4/lua.h>'
refuses model/calls.c '#include <unistd.h>'
refuses ui/sql.c '#include <sqlite3.h>'
