#!/bin/sh
# classes.sh BIN: programs whose orders that differ can be counted by hand, explored to the end.
set -u
bin=$1
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
bad=0

expect() { # CLASSES FAILED PROGRAM [ARGUMENT]
    classes=$1 failed=$2
    shift 2
    out=$("$bin/ipclab" explore --keep-going --faults none --budget 5000 -o s.schedule "$bin/control_$@" 2>&1)
    line=$(printf '%s\n' "$out" | grep 'classes explored')
    printf '%s: %s\n' "$*" "$line"
    wanted="all $classes classes explored"
    [ "$failed" = 0 ] || wanted="$wanted; $failed runs failed"
    case $line in
    "$wanted"*) ;;
    *)
        printf 'expected: %s\n%s\n' "$wanted" "$out"
        bad=1
        ;;
    esac
}

expect 70 0 seventy
expect 6 0 locked
expect 7 1 philosophers 3
expect 15 1 philosophers 4
expect 31 1 philosophers 5
exit $bad
