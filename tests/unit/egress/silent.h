/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An egress in Kafka's place: it says nothing of the records of topics that are silent, and acknowledges all others at once. */

#include <stdatomic.h>

#include "spool_rig.h"

extern atomic_uchar silent[TOPIC_MAX]; /* by topic */
extern atomic_uint silent_asked[TOPIC_MAX]; /* how often whether the cluster is well, by topic */
extern atomic_uint silent_asked_most;  /* times without a look at what came back in between */
extern atomic_int silent_disconnected; /* it says that it is connected to no broker */
extern const struct egress_ops silent_ops;
