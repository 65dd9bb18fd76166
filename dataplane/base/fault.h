/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fault points, compiled in only with -Dfaults=true. A test arms one by name through the environment variable
 * PENSTOCK_FAULT=name[:after], read once at start; it then fires exactly once, at its (after + 1)-th passage.
 * In a build that serves, FAULT() is the constant 0.
 */

#ifdef PENSTOCK_FAULTS

/* True once, at the armed passage of the point `name`. Any thread. */
int fault_fires(const char *name);
#define FAULT(name) fault_fires(name)

#else
#define FAULT(name) 0
#endif
