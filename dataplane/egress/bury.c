/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "batch/record.h"
#include "egress/internal.h"

/* The bytes of a record as they stand in its batch; none when they cannot be told. */
static struct slice bytes_of(const struct batch *batch, uint32_t index)
{
	uint32_t offset = 0, begin = 0;
	struct record record;

	for (uint32_t i = 0; i <= index; i++) {
		begin = offset;
		if (!record_next(batch, &offset, &record))
			return (struct slice){NULL, 0};
	}
	return (struct slice){batch->data + begin, offset - begin};
}

/* A batch of that record alone. The one it stands in is still with the client, and its memory goes home before long. */
static struct batch *copy_of(const struct batch *batch, uint32_t index, struct slice bytes, const char *reason)
{
	size_t size = (sizeof(struct batch) + bytes.len + BATCH_ALIGN - 1) / BATCH_ALIGN * BATCH_ALIGN;
	struct batch *letter = aligned_alloc(BATCH_ALIGN, size);

	if (letter == NULL)
		return NULL;
	*letter = *batch;
	letter->opened_tsc = clock_tsc();
	letter->skipped += letter->records - 1; /* which of its sequences it is nobody knows any more */
	letter->records = 1;
	letter->events = letter->pack = (uint32_t)batch_events_at(batch, index);
	letter->bytes = letter->capacity = bytes.len;
	letter->log = BATCH_UNLOGGED;
	letter->with_client = 0;
	letter->reason = reason;
	letter->next = NULL;
	batch_unsettle(letter);
	memcpy(letter->data, bytes.data, bytes.len);
	return letter;
}

static struct burial *burial_of(struct producer *producer, const struct batch *letter)
{
	for (unsigned i = 0; i < SPOOL_LETTERS; i++)
		if (producer->burials[i].letter == letter)
			return &producer->burials[i];
	return NULL;
}

static void say(struct producer *producer, const struct batch *letter)
{
	unsigned more;

	if (log_allowed(&producer->bury_log, 10, &more))
		log_write(LOG_WARNING, "topic %s: Kafka refuses a record: %s; it is kept as a dead letter (%u others before it)%s",
			producer->config.topics->topics[letter->topic].name, letter->reason, more,
			kafka_topic_cure(letter->reason));
}

int bury_record(struct producer *producer, struct batch *batch, uint32_t index, const char *code, counter *given_up)
{
	struct slice bytes;
	struct burial *burial;

	if (producer->spool == NULL)
		return -ENOENT;
	bytes = bytes_of(batch, index);
	if (bytes.data == NULL)
		return -EBADMSG;
	burial = burial_of(producer, NULL);
	if (burial == NULL)
		return -EAGAIN;
	burial->letter = copy_of(batch, index, bytes, code);
	if (burial->letter == NULL)
		return -ENOMEM;
	burial->batch = batch;
	burial->index = index;
	burial->given_up = given_up;
	batch->outstanding++;
	say(producer, burial->letter);
	spill_order(producer, burial->letter, SPOOL_BURY);
	return 0;
}

int bury_stays(const struct producer *producer, struct batch *batch)
{
	batch->stays = (uint8_t)(producer->spool != NULL && spool_is_letter(producer->spool, batch));
	return batch->stays;
}

void bury_answered(struct producer *producer, struct batch *letter, enum spool_answer answer)
{
	struct burial *burial = burial_of(producer, letter);
	struct batch *batch = burial->batch;

	if (answer == SPOOL_LEFT)
		settle_buried(producer, letter->topic, letter->events);
	else if (bury_stays(producer, batch))
		batch_unsettle(batch);
	else if (burial->given_up != NULL)
		settle_given_up(producer, letter->topic, burial->given_up, letter->events);
	else
		settle_again(producer, batch, burial->index);
	burial->letter = NULL;
	free(letter);
	if (--batch->outstanding == 0)
		settle_finish(producer, batch);
}

/* What the disk did not answer to the end. */
void bury_free(struct producer *producer)
{
	for (unsigned i = 0; i < SPOOL_LETTERS; i++)
		free(producer->burials[i].letter);
}
