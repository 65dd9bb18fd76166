/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the egresses have in common that stand in Kafka's place. Their `struct egress` begins with a struct standin. */

#include "batch/record.h"
#include "egress/producer.h"

struct standin {
	kafka_settle *settle;
	void *context;
};

/* For their `open`: one of `size` bytes, the rest of them zero. -1: no memory. */
int standin_open(struct egress **egress, size_t size, kafka_settle *settle, void *context);

/* For their `submit`: gives `take` one unsettled record after the other, until it has no room and says 0. */
typedef int standin_take(struct egress *egress, void *tag, const struct record *record);
uint32_t standin_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most,
	standin_take *take);

/* Tells of one record. */
void standin_settle(struct egress *egress, void *tag, uint32_t bytes, enum kafka_verdict verdict, const char *code);

/* As they stand: there is nothing to flush, and no client to tell of. */
void standin_flush(struct egress *egress, int ms);
unsigned standin_status(struct egress *egress, struct kafka_client_status *status, unsigned max, uint64_t *rebuilds);
