/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From configurations to generations. Types and topics keep their slots and indexes as long as the daemon runs: a new
 * configuration finds those of former ones by name, and adds the others behind.
 *
 * Threads: the main thread until the box receives, then the loader (loader.h); others read under `lock`.
 */

#include <pthread.h>

#include "batch/topic.h"
#include "control/daemon/config.h"
#include "control/daemon/tables.h"
#include "tables/generation.h"


struct box;

/* A rule that is or was in force: its counters are its own as long as the daemon runs. */
struct rule_slot {
	uint16_t type;
	char name[RULE_NAME_MAX + 1];
};

struct generations {
	struct topic_table topics;   /* of this and all former configurations */
	struct generation_slot slot; /* what workers read */
	pthread_mutex_t topics_lock; /* for who adds a topic */
	pthread_mutex_t lock;        /* for who reads what follows outside the loader; the loader holds it to write */
	struct config *config;       /* what the present generation was made of; the box's own at first */
	struct generation *now;
	struct tables_marks marks; /* of its tables; the loader's own */
	struct feed feed;          /* of changes of its category table; same */
	uint64_t bad_changes;      /* lines of the feed that were passed over */
	struct error feed_error;   /* why nothing more of it could be taken in when that was tried last; "" */
	unsigned rule_count;
	struct rule_slot rules[RULE_SLOTS];
};

/* A rule in force, for who shows it. */
struct rule_view {
	const char *type, *name, *then;
	unsigned slot;     /* of its counters */
	const char *topic; /* of the events that stay; "": none stays */
	const char *copy;  /* of their copies; "" */
};

/* The rules of the type at a slot, by index: 1 and *view, or 0 behind the last. Under `lock`. */
int generations_rule(const struct generations *generations, unsigned type, unsigned index, struct rule_view *view);

/* Before anything else of the box. */
void generations_init(struct generations *generations);

/* Index of a topic, which is added if it is new; -ENOSPC when there is no room. The name is one that Kafka allows. Any thread. */
int generations_topic(struct generations *generations, const char *name);

/*
 * Makes the next generation of `config`, readies the workers for it, publishes it and frees the former one with its
 * configuration after a grace period. 0: `config` is the box's now; or -errno with a sentence, and nothing has changed. Once the
 * box is asked to stop, nothing is made any more: -ECANCELED.
 */
int generations_publish(struct box *box, struct config *config, struct error *error);

/* Readies the workers there are for a generation before they meet it. 0 or -ENOMEM with a sentence. */
int generations_prepare(struct box *box, const struct generation *generation, struct error *error);

/* Reads what was added to the file of category changes and puts it in force as the next revision. 0, or -errno with a sentence.
 * Loader. */
int generations_follow(struct box *box, struct error *error);

/* After the workers have gone. */
void generations_free(struct box *box);
