#!/bin/sh
# trap24.sh BIN SEEDS: PTRACE_INTERRUPT, by which a call's time is said to be over, may be swallowed by another stop.
# The program checks how its calls with a time limit end; it is conducted in many orders, in both kinds of time.
set -u
bad=0
seed=0
while [ "$seed" -lt "$2" ]; do
    for time in "" -a; do
        # shellcheck disable=SC2086 # an empty $time is no argument
        said=$("$1/drive" -v $time -r "$seed" "$1/control_timeouts" 2>&1)
        case $said in
        *"end 0 status 0 moves "*) ;;
        *)
            printf 'seed %s %s:\n%s\n' "$seed" "$time" "$said"
            bad=$((bad + 1))
            ;;
        esac
    done
    seed=$((seed + 1))
done
echo "$seed seeds, $bad bad runs"
[ "$bad" = 0 ] && [ "$seed" -gt 0 ]
