/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Why a worker drops a datagram or an event. Every reason has its counter, a meaning and a cure, shown by
 * `penstock show drops`. There is no reason called "other". X(name, meaning, cure)
 */

#include "wire/frame.h"

#define WORKER_DATAGRAM_DROPS(X)                                                                                      \
	X(empty, "datagram without a byte of payload", "find the sender: a probe or a bug")                           \
	X(no_event, "datagram of nothing but white space", "find the sender: a probe or a bug")                        \
	X(sender_quota, "its sender sends more than its quota", "see `penstock show quotas`; raise the sender's entry of quotas")

#define WORKER_EVENT_DROPS(X)                                                                                         \
	X(json_syntax, "not valid JSON", "mend the sender; `structure: trusted` does not make it valid downstream")   \
	X(json_utf8, "not valid UTF-8", "mend the sender's encoding")                                                 \
	X(json_depth, "JSON nested deeper than the limit", "flatten the event")                                       \
	X(json_members, "JSON object with more members than the limit", "split the event")                            \
	X(json_truncated, "the datagram ends inside a JSON object", "a sender that cuts its datagrams")               \
	X(json_not_object, "JSON, but not an object", "send one object an event")                                     \
	X(type_missing, "the member that names the type is absent or no string", "compare the input's `type` member") \
	X(type_unknown, "a type that the configuration does not name", "add the type, or name a topic for unknown ones") \
	X(reserved_twice, "a member name that the record needs stands in the event twice", "mend the sender")         \
	X(too_large, "the record would not fit into a batch", "raise memory.batch or lower max_datagram")             \
	X(pool_empty, "no free batch: Kafka is away or too slow for longer than the pool lasts", "raise memory.pool") \
	X(spool_full, "the spool has no room for the topic's class, and the memory is needed for others",              \
		"raise spool.size, or the class's share; see `penstock show spool`")                                  \
	X(topic_credit, "the topic holds all the memory it may: it is missing, refused or has no leader",             \
		"see `penstock show kafka`; raise memory.credit")                                                     \
	X(shape, "a member that its type requires is missing or of another kind, and there is no quarantine topic",          \
		"mend the sender, or name topics.quarantine")                                                         \
	X(frame_body, "a frame's body is not exactly one JSON object", "a broken encoder")

/* Why a copy of an event was not written. */
#define WORKER_COPY_DROPS(X) X(too_large) X(pool_empty) X(spool_full) X(topic_credit)

/* What is wrong with a frame is named by wire/frame.h; those reasons stand behind ours, each with its own counter. */
enum worker_datagram_drop {
#define X(name, ...) DATAGRAM_DROP_##name,
	WORKER_DATAGRAM_DROPS(X)
#undef X
	DATAGRAM_DROP_FRAME,
	DATAGRAM_DROPS = DATAGRAM_DROP_FRAME + FRAME_ERRORS - 1
};

enum worker_event_drop {
#define X(name, ...) EVENT_DROP_##name,
	WORKER_EVENT_DROPS(X)
#undef X
	EVENT_DROP_FRAME,
	EVENT_DROPS = EVENT_DROP_FRAME + FRAME_ERRORS - 1
};

/* Name, meaning and cure of a reason, for people. Any thread. */
struct drop_text {
	const char *name;
	const char *meaning;
	const char *cure;
};
struct drop_text datagram_drop_text(unsigned reason);
struct drop_text event_drop_text(unsigned reason);
