/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An egress that answers as a broker does: it judges whole sets. All records of a topic that wait when it is polled travel
 * as one set; a set with a guilty record in it, or of more than `limit` bytes, is refused as a whole.
 */

#include <stdatomic.h>

#include "egress/producer.h"

struct picky {
	unsigned limit;
	unsigned guilty_every; /* the number of a record is a multiple of it; 0: none is */
	unsigned sets;         /* judged so far */
	atomic_uint sick;      /* nothing of the topic whose number this is, counted from 1, is delivered; 0: none */
	atomic_uint forbidden; /* no right to write to this topic, counted the same way */
	atomic_int away;       /* nothing is delivered: every set comes back to be tried again */
};

extern struct picky picky; /* the test's to set, while nothing is with the egress; what is atomic, at any time */
extern const struct egress_ops picky_ops;
