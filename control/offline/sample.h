/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A line of a file of samples. It is an event, or an object of the members
 *
 *   event    the event; or a string, whose text is what arrives, so that it can be no JSON at all
 *   expect   an object of what is expected of it
 *   receive  when it arrives, in a form that events tell their time in (wire/event_time.h); else now
 *   source   the address that it comes from; else 127.0.0.1
 *
 * of which `event` must be there, and no others may, nor anything behind the object. An event may have a member `event` of
 * its own: with an object in it, it has its type beside it, or the line is neither, and refused. What is found points into
 * the line, or into `text`.
 */

#include "base/error.h"
#include "base/slice.h"
#include "control/offline/trial.h"

struct sample {
	struct trial_event event;
	struct slice expect; /* a JSON object; data NULL: none */
	uint8_t *text;       /* owned */
};

/* `type` is the member in which events tell their type. 0, 1 when the line is blank, or -EINVAL with a sentence. Free with
 * sample_fini in each case. */
int sample_read(struct sample *sample, struct slice line, const char *type, struct error *error);
void sample_fini(struct sample *sample);
