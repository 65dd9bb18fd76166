/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/daemon/handlers.h"

#define LIMIT_MS 8000 /* of all producers: the caller waits a little longer */

static const char *text_of(int rc)
{
	switch (rc) {
	case -ENOENT:
		return "there is no spool, and so there are no dead letters: set spool.mode in the configuration";
	case -EBUSY:
		return "the letters that were asked for before are still being counted: try again in a moment";
	case -ETIMEDOUT:
		return "the letters are not counted yet, since they are many or the disk is slow; they are delivered all the same: see "
		       "`penstock show spool`";
	case -EINVAL:
		return "no topic has so long a name";
	default:
		return strerror(-rc);
	}
}

json_t *handle_spool_replay(void *context, const json_t *params, struct error *error, int *code)
{
	const json_t *wish = json_object_get(params, "topic");
	const char *topic = json_string_value(wish);
	uint64_t letters = 0, events = 0;
	struct box *box = context;
	int rc = 0;

	if (wish != NULL && (topic == NULL || *topic == '\0')) {
		*code = API_INVALID_PARAMS;
		(void)error_set(error, -EINVAL, "expected topic, the name of one, or nothing");
		return NULL;
	}
	for (unsigned i = 0; rc == 0 && i < box->producer_count; i++) {
		uint64_t own_letters = 0, own_events = 0;

		rc = producer_exhume(box->producers[i].producer, topic, LIMIT_MS / box->producer_count, &own_letters, &own_events);
		letters += own_letters;
		events += own_events;
	}
	if (rc == 0)
		return json_pack("{s:I,s:I}", "letters", (json_int_t)letters, "events", (json_int_t)events);
	*code = rc == -EBUSY || rc == -ETIMEDOUT ? API_UNAVAILABLE : API_FAILED;
	(void)error_set(error, rc, "%s", text_of(rc));
	return NULL;
}
