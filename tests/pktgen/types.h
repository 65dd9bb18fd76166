/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The vocabulary: event types in the likeness of a web company and the optional members that their events carry. Types
 * stand in order of frequency; their numbers on the wire (frame's type id) are their rank, beginning with 1.
 */

#include <stdint.h>

#define TYPES_MAX     600
#define TYPES_DEFAULT 64

/* Groups of members; a type's events take their optional members from its groups. */
enum member_group {
	GROUP_CLIENT = 1,   /* who and with what: agent, device, session */
	GROUP_PAGE = 2,     /* where on the site */
	GROUP_ITEM = 4,     /* what was shown or bought */
	GROUP_SOCIAL = 8,   /* pins, boards, messages */
	GROUP_SERVICE = 16, /* of servers, not of people */
};

enum member_kind {
	MEMBER_CHOICE,  /* one of `choices`, JSON text */
	MEMBER_NUMBER,  /* integer from 0 to limit - 1 */
	MEMBER_DECIMAL, /* decimal fraction, also negative or with an exponent */
	MEMBER_HEX,     /* `limit` hexadecimal digits in quotes */
};

#define MEMBER_CHOICES 8

struct member {
	const char *name;
	uint32_t groups;
	enum member_kind kind;
	uint32_t limit;
	const char *choices[MEMBER_CHOICES]; /* NULL after the last */
};

extern const struct member members[];
extern const unsigned member_count;

/* Writes the name of type `rank` (0 to TYPES_MAX - 1) with its zero; `name` has at least 48 places. Names are unique.
 */
void type_name(uint32_t rank, char *name);

/* The groups of type `rank`, a set of enum member_group. */
uint32_t type_groups(uint32_t rank);
