/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A random life of a log on the simulated disk: everything in it follows from the seed. */

#include <stdint.h>

/* 0, or 1 with a sentence that says what the log did wrong. */
int history_run(uint64_t seed, char text[256]);
