/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The stages of box_start that make parts; each returns 0 or -errno with a sentence, and box_stop frees what stands.
 * Main thread. */

#include "control/daemon/box.h"

/* EAL, if any port needs it, and the ports, not receiving yet. */
int box_open_ports(struct box *box, struct error *error);

/* Decides who runs where; the ports' NUMA nodes are known by then. */
int box_plan(struct box *box, struct error *error);

/* The table of numbered sources, the lanes and the workers, not running yet. */
int box_new_workers(struct box *box, struct error *error);

/* The producers, running. */
int box_start_producers(struct box *box, struct error *error);
