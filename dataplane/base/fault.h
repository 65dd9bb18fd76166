/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fault points, compiled in only with -Dfaults=true. A test arms one by name through the environment variable
 * PENSTOCK_FAULT=name[:after], read once at start; it then fires exactly once, at its (after + 1)-th passage.
 * In a build that serves, FAULT() is the constant 0.
 *
 * FAULT_KILL() is a point at which the process dies as by kill -9, FAULT_DIE() the death alone, for a point that does
 * something before. In a build that serves they are nothing.
 */

#ifdef PENSTOCK_FAULTS

/* True once, at the armed passage of the point `name`. Any thread. */
int fault_fires(const char *name);
#define FAULT(name) fault_fires(name)

void fault_die(void) __attribute__((noreturn));
#define FAULT_DIE() fault_die()
#define FAULT_KILL(name)                                                                                              \
	do {                                                                                                          \
		if (fault_fires(name))                                                                                \
			fault_die();                                                                                  \
	} while (0)

#else
#define FAULT(name)      0
#define FAULT_DIE()      ((void)0)
#define FAULT_KILL(name) ((void)0)
#endif
