#!/bin/sh
# Runs a test again as nobody. Skipped where the test has run unprivileged already, and where nobody cannot
# reach it (a tree below /root).
[ "$(id -u)" = 0 ] || { echo "skipped: not root, the test itself was unprivileged"; exit 77; }
as_nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
$as_nobody test -x "$1" || { echo "skipped: nobody cannot reach $1"; exit 77; }
cd / && exec $as_nobody "$@"
