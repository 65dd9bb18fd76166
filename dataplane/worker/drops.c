/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/drops.h"

#include "base/compiler.h"

static const struct drop_text datagram_texts[] = {
#define X(name, meaning, cure) {#name, meaning, cure},
	WORKER_DATAGRAM_DROPS(X)
#undef X
};

static const struct drop_text event_texts[] = {
#define X(name, meaning, cure) {#name, meaning, cure},
	WORKER_EVENT_DROPS(X)
#undef X
};

/* In the order of enum frame_error, which begins at 1. */
static const struct drop_text frame_texts[] = {
#define X(NAME, name, meaning, cure) {"frame_" #name, meaning, cure},
	FRAME_HEADER_ERRORS(X) FRAME_EVENT_ERRORS(X)
#undef X
};

struct drop_text datagram_drop_text(unsigned reason)
{
	return reason < DATAGRAM_DROP_FRAME ? datagram_texts[reason] : frame_texts[reason - DATAGRAM_DROP_FRAME];
}

struct drop_text event_drop_text(unsigned reason)
{
	return reason < EVENT_DROP_FRAME ? event_texts[reason] : frame_texts[reason - EVENT_DROP_FRAME];
}
