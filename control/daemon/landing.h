/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Landing hours (worker/hours.h) as the daemon keeps them: over restarts, and until they are complete. Marks are kept durably
 * before workers see them, so that no life of this box opens an hour that an earlier one closed. What a killed life had not
 * delivered is in no later account: hours that were closed before this life's start count as complete.
 */

#include "control/daemon/box.h"

/* Takes up what the state directory says and the clock of now. Main thread, before workers start. */
void landing_start(struct box *box);

/* Moves the marks to where the clock wants them. Keeper thread, some times a second. */
void landing_move(struct box *box);

/* Finds out which closed hours are complete. Keeper thread. */
void landing_complete(struct box *box);
