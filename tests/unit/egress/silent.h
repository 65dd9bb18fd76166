/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An egress in Kafka's place: it says nothing of the records of topics that are silent, and acknowledges all others at once. */

#include <stdatomic.h>

#include "spool_rig.h"

extern atomic_uchar silent[TOPIC_MAX]; /* by topic */
extern const struct egress_ops silent_ops;
