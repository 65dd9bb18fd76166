/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The keeper: a control thread that renews the clock's anchor ten times a second, and checks the ledger, the rates and the
 * numbered sources once a second, when it also tells the service manager that all is well. Where a walk over
 * millions of senders takes seconds, it does the first and the last in between. It never waits for Kafka, a client or a disk.
 */

#include "base/error.h"

struct box;

/* 0 or -errno with a sentence. Main thread. */
int keeper_start(struct box *box, struct error *error);
void keeper_stop(struct box *box);
