#!/bin/sh
# 77 where luacheck is not installed.
set -u
cd "$1" || exit 2
command -v luacheck >/dev/null 2>&1 || { echo "luacheck is not installed"; exit 77; }
exec luacheck --quiet --no-color labs scripts
