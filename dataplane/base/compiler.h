/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define CACHE_LINE 64
/* Two lines: the adjacent-line prefetcher makes neighbours share as well. */
#define CACHE_GUARD     128
#define CACHE_ALIGNED   __attribute__((aligned(CACHE_GUARD)))
#define LIKELY(x)       __builtin_expect(!!(x), 1)
#define UNLIKELY(x)     __builtin_expect(!!(x), 0)
#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define ALWAYS_INLINE   static inline __attribute__((always_inline))
