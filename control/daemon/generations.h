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
#include "tables/generation.h"

struct box;

struct generations {
	struct topic_table topics;   /* of this and all former configurations */
	struct generation_slot slot; /* what workers read */
	pthread_mutex_t lock;        /* for who reads what follows outside the loader; the loader holds it to write */
	struct config *config;       /* what the present generation was made of; the box's own at first */
	struct generation *now;
};

/* Before anything else of the box. */
void generations_init(struct generations *generations);

/*
 * Makes the next generation of `config`, readies the workers for it, publishes it and frees the former one with its
 * configuration after a grace period. 0: `config` is the box's now; or -errno with a sentence, and nothing has changed.
 */
int generations_publish(struct box *box, struct config *config, struct error *error);

/* After the workers have gone. */
void generations_free(struct box *box);
