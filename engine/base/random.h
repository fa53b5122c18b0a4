/* Numbers that look random and are the same for the same seed, on every machine: splitmix64
 * (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). Not for secrets. */
#ifndef IPCLAB_BASE_RANDOM_H
#define IPCLAB_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. span-1, each equally likely; span 0 means 2^64. */
static inline uint64_t random_below(uint64_t *state, uint64_t span)
{
    if (span == 0)
        return random_next(state);
    uint64_t unfair =
        -span % span; /* 2^64 mod span: the first values, which would come too often */
    uint64_t value;
    do
        value = random_next(state);
    while (value < unfair);
    return value % span;
}

#endif
