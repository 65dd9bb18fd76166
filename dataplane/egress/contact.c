/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/contact.h"

#include <string.h>

static uint8_t *state_of(struct contact *contact, const struct batch *batch)
{
	if (batch->partition == BATCH_UNASSIGNED)
		return &contact->unplaced;
	return &contact->partitions[(uint32_t)batch->partition % CONTACT_PARTITIONS];
}

/* What the client places may go anywhere. */
static int must_wait(const struct contact *contact, const struct batch *batch, uint8_t state)
{
	if (state == CONTACT_NONE && batch->partition == BATCH_UNASSIGNED)
		return contact->pending != 0;
	return state == CONTACT_PENDING || contact->unplaced == CONTACT_PENDING;
}

static int waited_long(struct contact *contact, int64_t now_ms)
{
	if (contact->waiting_ms == 0)
		contact->waiting_ms = now_ms;
	return now_ms - contact->waiting_ms >= CONTACT_WAIT_MS;
}

int contact_begin(struct contact *contact, struct batch *batch, uint64_t generation, int64_t now_ms)
{
	uint8_t *state = state_of(contact, batch);

	if (contact->generation != generation) {
		memset(contact, 0, sizeof(*contact));
		contact->generation = generation;
		batch->first_contact = 0;
	}
	if (*state == CONTACT_MADE || batch->first_contact)
		return 1;
	if (must_wait(contact, batch, *state) && !waited_long(contact, now_ms))
		return 0;
	contact->waiting_ms = 0;
	if (*state == CONTACT_PENDING) { /* given up waiting: as if it were made */
		*state = CONTACT_MADE;
		contact->pending--;
		return 1;
	}
	*state = CONTACT_PENDING;
	contact->pending++;
	batch->first_contact = 1;
	return 1;
}

void contact_end(struct contact *contact, struct batch *batch, int settled)
{
	uint8_t *state = state_of(contact, batch);

	if (!batch->first_contact)
		return;
	batch->first_contact = 0;
	if (*state != CONTACT_PENDING)
		return;
	*state = settled ? CONTACT_MADE : CONTACT_NONE;
	contact->pending--;
}
