/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The rules of one event type, compiled: an ordered list of conditions of which the first that holds counts. The language
 * is in docs/rules.md. However many rules there are, each member is looked at once: conditions are brought into
 * disjunctive form, each alternative is a bit, and each member's value selects a row of bits, those that it does not
 * contradict. The rows of all members and-ed leave the alternatives that hold. (Lakshman and Stiliadis, "High-speed
 * policy-based packet forwarding using efficient multi-dimensional range matching", SIGCOMM 1998.)
 *
 * Judging reads memory only: no allocation, no lock, no system call.
 */

#include "base/error.h"
#include "base/slice.h"
#include "wire/address.h"
#include "wire/json.h"

#define RULES_MAX          1024     /* rules of one type */
#define RULES_ALTERNATIVES 4096     /* of all their conditions together, in disjunctive form */
#define RULES_TEXT_MAX     1048576u /* bytes of one condition: a list of 10,000 texts and more */
#define RULES_NONE         UINT32_MAX
#define RULES_PATHS        64       /* different members of one type's rules */
#define RULES_PATH_MAX     255      /* bytes of a dotted path */
#define RULES_SHARE_ALL    1000000u /* shares are in millionths */

/*
 * Members that conditions name, as dotted paths; a list that several users of members share. In a path a dot or a backslash
 * that belongs to a name has a backslash before it; there are no other escapes.
 */
struct rules_paths {
	unsigned count;
	char names[RULES_PATHS][RULES_PATH_MAX + 1];
};

/* The place of a path in the list, which gets it if it is new; -ENOSPC, -EINVAL (empty or too long). Control thread. */
int rules_path_add(struct rules_paths *paths, const char *name);

/* Takes the first name off a path and writes it, its backslashes gone, to `out`. Returns its length; 0: there was none. */
size_t rules_path_part(const char **path, char out[RULES_PATH_MAX + 1]);

struct rules_error {
	unsigned rule;   /* index of the condition that is wrong */
	uint32_t offset; /* of the byte in its text where it went wrong */
	char text[256];  /* what is wrong there and what was expected */
};

/* What a condition may ask of an event, beside its members. */
struct rules_event {
	const struct json_member *members; /* by index in struct rules_paths; JSON_ABSENT where there is none */
	struct ip_address client, source;     /* the event's client address, and its sender */
	uint8_t has_client;
	int64_t time_us;    /* EVENT_NO_TIME: none */
	int64_t receive_us;
};

struct rules;

/*
 * Compiles `count` conditions (NUL-terminated; an empty one always holds) and adds the members that they need to `paths`. 0,
 * -EINVAL with *error filled, or -ENOMEM; then *rules is NULL and `paths` as before. Control thread.
 */
int rules_new(struct rules **rules, const char *const *conditions, unsigned count, struct rules_paths *paths,
	struct rules_error *error);

/* NULL is fine. */
void rules_free(struct rules *rules);

size_t rules_bytes(const struct rules *rules);

/* Index of the first condition that holds, or RULES_NONE. Any thread. */
uint32_t rules_judge(const struct rules *rules, const struct rules_event *event);

/*
 * Whether a value belongs to the sample of `share` millionths: murmur2 of its bytes (of a string its text without escapes,
 * else the value's text), sign bit cleared, modulo a million, is below it. The same value is always in, or always out; an
 * absent one is as the empty text. Any thread.
 */
int rules_sampled(const struct json_member *value, uint32_t share);
