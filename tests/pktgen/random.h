/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Random numbers that are the same everywhere: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, OOPSLA 2014; constants of its reference code). Not for secrets. A stream belongs to one thread.
 */

#include <stdint.h>

struct random {
	uint64_t state;
};

/* The finaliser of SplitMix64: a bijection that spreads every input bit over the whole word. */
static inline uint64_t random_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Stream number `n` of `seed`: streams of neighbouring numbers have nothing in common. */
static inline struct random random_stream(uint64_t seed, uint64_t n)
{
	return (struct random){random_mix(random_mix(seed) ^ (n * 0x9e3779b97f4a7c15u))};
}

/* 64 random bits. */
static inline uint64_t random_next(struct random *random)
{
	random->state += 0x9e3779b97f4a7c15u;
	return random_mix(random->state);
}

/* A number from 0 to limit - 1 (limit at least 1), from 32 random bits: Lemire's multiplication, without his rejection,
 * since a bias below 2^-20 does not matter here. */
static inline uint32_t random_scale(uint32_t bits, uint32_t limit)
{
	return (uint32_t)(((uint64_t)bits * limit) >> 32);
}

static inline uint32_t random_below(struct random *random, uint32_t limit)
{
	return random_scale((uint32_t)(random_next(random) >> 32), limit);
}
