#!/bin/sh
# The model asks the kernel nothing: the names that its archive takes from outside hold no system call.
#
#   pure.sh LIBRARY
set -u
calls='open|openat|read|write|close|ioctl|fcntl|f?l?stat|fstatat|poll|ppoll|select|kill|fork|wait(pid|id|4)?|mmap|time|clock_gettime|gettimeofday|getpid|syscall|socket|fopen|popen|system|sleep|usleep|nanosleep|getenv|rand|random'
found=$(nm -u --no-demangle "$1" | awk '{ print $2 }' | sed 's/@.*//' | grep -xE "$calls" | sort -u)
[ -z "$found" ] && exit 0
echo "the model uses: $found"
exit 1
