#!/bin/sh
# clang-format decides the layout of the engine and of the tests. 77 where it is not installed.
set -u
cd "$1" || exit 2
command -v clang-format >/dev/null 2>&1 || { echo "clang-format is not installed"; exit 77; }
find engine tests -name '*.[ch]' -not -path 'tests/wrong/*' -not -path 'tests/attack/sources/*' -not -path 'tests/grade/root/*' -print0 | xargs -0 clang-format --dry-run -Werror 2>&1 | head -n 40
[ -z "$(find engine tests -name '*.[ch]' -not -path 'tests/wrong/*' -not -path 'tests/attack/sources/*' -not -path 'tests/grade/root/*' -print0 |
    xargs -0 clang-format --output-replacements-xml | grep '<replacement ' | head -n 1)" ]
