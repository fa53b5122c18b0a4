#!/bin/sh
# determinism.sh BIN RUNS: each program under control, RUNS times with one seed, in both kinds of time and from a
# copy or a new process: all runs of a seed must be the same, move by move.
set -u
bin=$1
runs=$2
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
bad=0
count=0
for program in fifo interrupts jobs orphans pipes signals spawn threadexec threads timers tree vfork waits; do
    for seed in 0 1 2; do
        for time in "" -a; do
            # shellcheck disable=SC2086 # an empty $time is no argument
            if ! "$bin/drive" $time -n "$runs" -r "$seed" "$bin/control_$program" 2>"$folder/differs"; then
                echo "$program, seed $seed $time: runs differ"
                cat "$folder/differs"
                bad=$((bad + 1))
            fi
            count=$((count + runs))
        done
    done
    if ! "$bin/drive" -1 -n 3 -r 1 "$bin/control_$program" 2>"$folder/differs"; then
        echo "$program: new processes differ"
        cat "$folder/differs"
        bad=$((bad + 1))
    fi
done
echo "$count runs of 13 programs, $bad differences"
[ "$bad" = 0 ]
