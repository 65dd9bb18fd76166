/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From JSON values to text for a person. What the daemon shows may hold what the network sent, so nothing reaches a
 * terminal but printable characters: control bytes, those of Unicode included, are written as \xNN. Texts that are
 * returned are the caller's (free) and never NULL: a command without memory ends there.
 */

#include <stdio.h>

#include <jansson.h>

enum display_kind {
	SHOW_TEXT,    /* whatever it is: a string, a number as a count, true as yes, an array with commas */
	SHOW_COUNT,   /* 1,234,567 */
	SHOW_RATE,    /* 1,234/s */
	SHOW_BYTES,   /* 1.5 MiB */
	SHOW_SECONDS, /* 3 h 12 min */
	SHOW_PERCENT, /* 12.3 % */
	SHOW_DECIMAL, /* 12.3 */
	SHOW_TIME,    /* microseconds since 1970, as 2024-11-22T03:04:05Z */
	SHOW_HOUR,    /* hours since 1970, as 2024-11-22T03Z */
	SHOW_EPOCH,   /* a number, in hexadecimal as identities have it */
	SHOW_LINK,    /* up or down */
	SHOW_ADDRESS, /* a number as it is, without commas; - below 0, which stands for none */
};

struct display_column {
	const char *key; /* member of each row's object */
	const char *title;
	enum display_kind kind;
};

/* Writes `text` on one line, escaped. */
void display_escaped(FILE *out, const char *text);

/* The same, but line feeds and tabs stay. */
void display_escaped_lines(FILE *out, const char *text);

/* A value as text; "-" when it is absent, null, or not what the kind asks for. */
char *display_value(enum display_kind kind, const json_t *value);

/* display_value of a member. */
char *display_member(enum display_kind kind, const json_t *object, const char *key);

/* Writes "label   text" with labels in one column, and the second line on when `text` has several. */
void display_line(FILE *out, const char *label, const char *text);

/* printf's format into a text of its own. */
__attribute__((format(printf, 1, 2))) char *display_text(const char *fmt, ...);

/* An array of objects as a table; nothing when it has none. `columns` ends with a NULL title. */
void display_rows(FILE *out, const struct display_column *columns, const json_t *rows);

/* An integer or real member as a number; 0 when it is absent. */
double display_number(const json_t *object, const char *key);
