#!/bin/sh
# native.sh RUNS LIMIT NAME...: how often each program fails without control, on one CPU and on two. A run that lasts
# longer than LIMIT seconds hangs. Prints, for each, the failures of RUNS runs on CPU 0, then on CPUs 0 and 1.
set -u
here=$(cd "$(dirname "$0")" && pwd)
runs=$1
limit=$2
shift 2
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
for name in "$@"; do
    gcc -Wall -Wextra -O1 -g -o "$name" "$here/$name.c" || exit 2
    line=$name
    for cpus in 0 0,1; do
        failed=0
        run=0
        while [ $run -lt "$runs" ]; do
            taskset -c $cpus timeout "$limit" "./$name" 2>>stderr || failed=$((failed + 1))
            run=$((run + 1))
        done
        line="$line $failed"
    done
    echo "$line"
done
