/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How far the sequences of one epoch came: the last one of each topic and lane. For whoever keeps it on disk, and tells it at the
 * next start; as text, a line a topic:
 *
 *   NAME LANE:LAST LANE:LAST ...
 *
 * Ownership: the caller's, one thread at a time. All zero is an empty one; free with reached_fini.
 */

#include <stdint.h>
#include <stdio.h>

#include "batch/topic.h"

#define REACHED_LANES 1024u

struct reached_topic {
	char name[TOPIC_NAME_MAX + 1];
	unsigned lanes; /* entries of `last` */
	uint64_t *last; /* by lane; 0: none */
};

struct reached {
	struct reached_topic *topics;
	unsigned count, room;
};

void reached_fini(struct reached *reached);

/* Place of a topic, which is added if it is new; -ENOMEM, -EINVAL (no name of a topic). It stays. */
int reached_place(struct reached *reached, const char *topic);

/* Raises a lane's last sequence. 1: it was lower, 0: it was not; -ENOMEM or -EINVAL (no such lane). */
int reached_raise_at(struct reached *reached, unsigned place, uint32_t lane, uint64_t last);
int reached_raise(struct reached *reached, const char *topic, uint32_t lane, uint64_t last);

/* Raises all that `other` has. 0 or -errno. */
int reached_merge(struct reached *reached, const struct reached *other);

/* 0 when there is none. */
uint64_t reached_last(const struct reached *reached, const char *topic, uint32_t lane);

/* All records, over topics and lanes; sequences begin with 1. */
uint64_t reached_sum(const struct reached *reached);

/* One more than the highest lane that has any. */
unsigned reached_lanes(const struct reached *reached);

void reached_print(const struct reached *reached, FILE *out);

/* Takes over one line, without its end. 0, -EBADMSG: it is none, or -ENOMEM. */
int reached_parse(struct reached *reached, const char *line, size_t length);
