/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a daemon would make of an event: the generation that a configuration gives, and a worker without a thread, a
 * source or a producer, whose batches are read by hand. Nothing leaves the machine. One thread, one trial at a time.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "wire/address.h"

#define TRIAL_EVENT_MAX 65507u /* bytes of a datagram */

enum trial_outcome { TRIAL_KEPT, TRIAL_FILTERED, TRIAL_SAMPLED_OUT, TRIAL_QUARANTINED, TRIAL_DROPPED };

struct trial_event {
	struct slice body; /* what arrives */
	struct ip_address source;
	int has_receive; /* else now */
	int64_t receive_us;
};

struct trial_verdict {
	enum trial_outcome outcome;
	const char *type;           /* NULL: not known */
	const char *rule;           /* that decided; NULL: none */
	const char *topic;          /* of the record; NULL: there is none */
	const char *copy;           /* of its copy; same */
	struct slice key;           /* partition key; data NULL: none */
	struct slice geo, category; /* JSON; data NULL: the record gets none */
	char reason[1024];          /* dropped: the drop's name; quarantined: why; else "" */
	const char *meaning, *cure; /* of a drop */
	char detail[1024];          /* which member a dropped event lacks; "" */
	const char *copy_drop;      /* why the copy was not written; NULL */
};

struct config;
struct trial;

/*
 * Loads the tables and makes rules and worker of a configuration, which must outlive them. `port` is that of the input
 * that gets the events, 0: the first one for JSON. 0, or -errno with a sentence (-ENOENT: no such input).
 */
int trial_new(struct trial **trial, struct config *config, unsigned port, struct error *error);

/* NULL is fine. */
void trial_free(struct trial *trial);

/* The member in which the input's events tell their type. */
const char *trial_type_member(const struct trial *trial);

/* Judges one event; what is found lives until the next call. 0, or -E2BIG (more than a datagram) or -EINVAL (more than
 * one event) with a sentence. */
int trial_run(struct trial *trial, const struct trial_event *event, struct trial_verdict *verdict, struct error *error);
