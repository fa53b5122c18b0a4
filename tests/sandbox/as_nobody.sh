#!/bin/sh
# Runs a test again as nobody. Skipped where the test has run unprivileged already.
[ "$(id -u)" = 0 ] || { echo "not root: the test itself was unprivileged"; exit 77; }
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
