/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The JSON scanner of the poll core: finds the JSON objects of a datagram one after the other, validates them and extracts
 * the wanted members of the top level in one pass. Nothing is copied or allocated; slices point into the datagram. Never
 * reads outside [data, data + len), whatever the bytes are.
 *
 * Validated plans (the default) accept exactly the objects of RFC 8259 within the limits below: strings with their escapes
 * and without control characters, the grammar of numbers (no range: 1e999 is fine), literals, separators, nesting, and
 * UTF-8 without overlong forms, surrogates and values above U+10FFFF. A byte order mark is refused. \u escapes that name
 * half a surrogate pair are grammatical and accepted; json_unescape says what becomes of them.
 *
 * Trusted plans are for senders whose structure is vouched for. The object's end is found by quotes, backslashes, braces and
 * brackets (which need not match in kind); a top-level string behind the brace or a comma is a name, and each must have one
 * colon. Nothing else is checked: strings, numbers, literals, UTF-8 and all that is nested are taken as they come. The
 * limits hold all the same.
 *
 * A wanted name matches a member's decoded name ("ty\u0070e" is type), at the top level only. Of several members with one
 * name the last counts, and `duplicate` tells of it.
 */

#include <stdint.h>

#include "base/slice.h"

#define JSON_WANTED   16  /* members that one plan can ask for */
#define JSON_DEPTH    32  /* objects and arrays open at once, the top-level object among them */
#define JSON_MEMBERS  256 /* members of the top-level object at most */
#define JSON_NAME_MAX 63  /* bytes of a wanted name */

enum json_kind {
	JSON_ABSENT,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
	JSON_OBJECT,
	JSON_ARRAY,
};

enum json_result {
	JSON_END = 0, /* only white space was left */
	JSON_FOUND = 1,
	JSON_BAD_SYNTAX = -1,
	JSON_BAD_UTF8 = -2,
	JSON_TOO_DEEP = -3,
	JSON_TOO_MANY = -4,  /* top-level members */
	JSON_TRUNCATED = -5, /* good as far as it goes, but the datagram ends inside the object */
	JSON_NOT_OBJECT = -6,
};

/* Private to the scanner; complete so that it can be embedded. Const while workers run. */
struct json_plan {
	uint64_t patterns[JSON_WANTED]; /* the first 8 bytes of each name in its quotes, the first in the lowest byte */
	uint64_t masks[JSON_WANTED];    /* which of them there are */
	uint8_t lens[JSON_WANTED];      /* bytes of each name */
	uint8_t count;
	uint8_t trusted;
	char names[JSON_WANTED][JSON_NAME_MAX + 1]; /* with the closing quote instead of a NUL */
};

struct json_member {
	struct slice value; /* a string's raw bytes without its quotes, else the value's text; data NULL when absent */
	struct slice whole; /* from the first quote of the name to the end of the value */
	uint8_t kind;       /* enum json_kind */
	uint8_t escaped;    /* a string that has escapes: use json_unescape */
	uint8_t duplicate;  /* the name occurred more than once; this is the last one */
};

#define JSON_MARKS (2 * JSON_MEMBERS) /* the first quote of a name and its colon, for each member */

/* Private to the scanner: where the names of the top level and their colons stand. */
struct json_marks {
	uint32_t count;      /* of at[], without the last */
	uint32_t end;        /* index of the closing '}'; after an error, where that is */
	uint8_t escapes;     /* the object holds a backslash */
	uint8_t trusted;     /* how it was read */
	const uint8_t *data; /* what at[] means */
	uint32_t len;
	uint32_t at[JSON_MARKS + 128]; /* indexes into data, rising, and end + 1; room for what two windows of tokens add
					  before they are counted */
};

struct json_object {
	struct slice body;                       /* from '{' to '}', both included */
	struct json_member members[JSON_WANTED]; /* those of the plan, by index; the rest is not written */
	uint32_t member_count;                   /* of the top level, wanted or not */
	struct json_marks marks;
};

/* Which instructions the scanner uses; all levels give the same results. */
enum json_level { JSON_SCALAR, JSON_SSE42, JSON_AVX2, JSON_AVX512 };

/* Makes an empty plan. `trusted`: see above. Returns 0 or -EINVAL (plan NULL). Control thread. */
int json_plan_init(struct json_plan *plan, int trusted);

/*
 * Adds a wanted top-level member by its name (UTF-8, unescaped, 1 to JSON_NAME_MAX bytes). Returns its index in
 * json_object.members[] (the same name gives the same index), -ENOSPC or -EINVAL. Control thread.
 */
int json_plan_add(struct json_plan *plan, const char *name);

/*
 * Finds the next object at or after *offset, moves *offset behind it and returns JSON_FOUND. JSON_END: only white space is
 * left. A negative enum json_result: the object is bad, `out` says nothing, and *offset stands where the scan may go on: at
 * the first '{' from the error on that stands right behind a line break, else at `len`; so each call moves *offset on.
 * Any thread; plan is only read.
 */
int json_next(
	const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t *offset, struct json_object *out);

/*
 * Finds more members of an object that json_next found: as many as `plan` asks for into members[], by index. Costs no second
 * scan. 0, or JSON_BAD_SYNTAX (objects of trusted plans only; a value that is none). Any thread, while the datagram is there.
 */
int json_pick(const struct json_plan *plan, struct json_object *object, struct json_member *members);

/*
 * Finds members of the object that data[0] opens, whatever the number of its members: for objects that others hold, which no
 * limit of members is for. Slow: scans it byte by byte, validated. JSON_FOUND; or a negative enum json_result, and members[]
 * says nothing. Any thread.
 */
int json_find_wide(const struct json_plan *plan, const uint8_t *data, uint32_t len, struct json_member *members);

/*
 * Writes the text of a string value (its raw bytes without quotes, as json_member.value has them) to out[0..size) without
 * a closing NUL. Half a surrogate pair becomes U+FFFD, \u0000 a zero byte. Returns the length, which is never more than
 * value.len, or -1 when `size` does not suffice or an escape is not one. Any thread.
 */
int json_unescape(struct slice value, uint8_t *out, uint32_t size);

/*
 * Uses the best level that the CPU has and that is not above `at_most`, and returns it. Without a call the best of all is
 * in use. Main thread, before workers start (tests; valgrind, which has no AVX-512).
 */
enum json_level json_use(enum json_level at_most);
