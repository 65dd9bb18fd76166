/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_model.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/murmur2.h"

struct reader {
	const char *at;
	const struct model_event *event;
};

static int read_or(struct reader *r);

static void space(struct reader *r)
{
	while (*r->at != '\0' && strchr(" \t\r\n", *r->at) != NULL)
		r->at++;
}

static int take(struct reader *r, const char *sign)
{
	space(r);
	if (strncmp(r->at, sign, strlen(sign)) != 0)
		return 0;
	r->at += strlen(sign);
	return 1;
}

static int take_word(struct reader *r, const char *word)
{
	const char *before = r->at;

	if (take(r, word) && !isalnum((unsigned char)*r->at) && *r->at != '_' && *r->at != '-')
		return 1;
	r->at = before;
	return 0;
}

static void stop(const struct reader *r, const char *why)
{
	fprintf(stderr, "model: %s at %s\n", why, r->at);
	abort();
}

/* --- numbers: sign, digits without zeros at either end, place of the point --- */

struct decimal {
	int negative;
	char digits[MODEL_TEXT];
	long point;
};

static struct decimal read_decimal(const char *text)
{
	struct decimal d = {.negative = text[0] == '-'};
	int seen_point = 0;
	size_t len = 0;

	for (text += d.negative; isdigit((unsigned char)*text) || *text == '.'; text++) {
		if (*text == '.') {
			seen_point = 1;
			continue;
		}
		if (*text == '0' && len == 0) {
			d.point -= seen_point;
			continue;
		}
		d.digits[len++] = *text;
		d.point += !seen_point;
	}
	if (*text == 'e' || *text == 'E')
		d.point += strtol(text + 1, NULL, 10);
	while (len > 0 && d.digits[len - 1] == '0')
		len--;
	d.digits[len] = '\0';
	if (len == 0)
		d = (struct decimal){.negative = 0};
	return d;
}

static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
	if (a->digits[0] == '\0' || b->digits[0] == '\0')
		return (a->digits[0] != '\0') - (b->digits[0] != '\0');
	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	return strcmp(a->digits, b->digits);
}

static int compare_numbers(const char *left, const char *right)
{
	struct decimal a = read_decimal(left), b = read_decimal(right);

	if (a.negative != b.negative)
		return a.negative ? -1 : 1;
	return a.negative ? compare_sizes(&b, &a) : compare_sizes(&a, &b);
}

/* --- addresses: 16 bytes --- */

static int read_address(const char *text, size_t len, uint8_t bytes[16])
{
	char copy[64];

	if (len >= sizeof(copy) || strnlen(text, len) != len)
		return 0;
	memcpy(copy, text, len);
	copy[len] = '\0';
	memset(bytes, 0, 16);
	bytes[10] = bytes[11] = 0xff;
	return inet_pton(AF_INET, copy, bytes + 12) == 1 || inet_pton(AF_INET6, copy, bytes) == 1;
}

static int in_network(const char *address, size_t address_len, const char *network, size_t len)
{
	const char *slash = memchr(network, '/', len);
	size_t head = slash != NULL ? (size_t)(slash - network) : len;
	unsigned bits = 128;
	uint8_t own[16], net[16];

	if (!read_address(address, address_len, own) || !read_address(network, head, net))
		return 0;
	if (slash != NULL)
		bits = (unsigned)strtoul(slash + 1, NULL, 10) + (memchr(network, ':', head) != NULL ? 0 : 96);
	for (unsigned i = 0; i < bits; i++)
		if (((own[i / 8] ^ net[i / 8]) >> (7 - i % 8) & 1) != 0)
			return 0;
	return 1;
}

/* --- constants --- */

/* Only the escapes that the test writes. */
static struct model_value read_text(struct reader *r)
{
	struct model_value value = {.kind = MODEL_TEXT_KIND};

	space(r);
	if (*r->at++ != '"')
		stop(r, "no text");
	for (; *r->at != '"'; r->at++) {
		if (*r->at != '\\') {
			value.text[value.len++] = *r->at;
			continue;
		}
		if (*++r->at == 'u') {
			char digits[5] = {r->at[1], r->at[2], r->at[3], r->at[4], 0};

			value.text[value.len++] = (char)strtol(digits, NULL, 16);
			r->at += 4;
		} else {
			value.text[value.len++] = *r->at;
		}
	}
	r->at++;
	return value;
}

/* A word without quotes, up to the dots of a range. */
static size_t read_scalar(struct reader *r, char out[MODEL_TEXT])
{
	size_t len = 0;

	space(r);
	while ((isalnum((unsigned char)*r->at) || (*r->at != '\0' && strchr(".:/+-%", *r->at) != NULL)) &&
		strncmp(r->at, "..", 2) != 0)
		out[len++] = *r->at++;
	out[len] = '\0';
	if (len == 0)
		stop(r, "no value");
	return len;
}

static int64_t duration(const char *text)
{
	char *unit;
	int64_t value = strtoll(text, &unit, 10);

	switch (*unit) {
	case 'm':
		return value * (unit[1] == 's' ? 1000 : 60000000);
	case 's':
		return value * 1000000;
	case 'h':
		return value * 3600000000;
	case 'd':
		return value * 86400000000;
	default:
		return value;
	}
}

/* --- comparisons --- */

struct subject {
	enum { MEMBER, ADDRESS, AGE } sort;
	const struct model_value *value;
	const char *address; /* NULL: none */
};

static const struct model_value *read_member(struct reader *r)
{
	size_t longest = 0;
	unsigned found = 0;

	space(r);
	for (unsigned i = 0; i < r->event->count; i++) {
		size_t len = strlen(r->event->names[i]);

		if (len > longest && strncmp(r->at, r->event->names[i], len) == 0) {
			longest = len;
			found = i;
		}
	}
	if (longest == 0)
		stop(r, "no such member");
	r->at += longest;
	return &r->event->values[found];
}

static struct subject read_subject(struct reader *r)
{
	if (take(r, "@client"))
		return (struct subject){ADDRESS, NULL, r->event->client};
	if (take(r, "@source"))
		return (struct subject){ADDRESS, NULL, r->event->source};
	if (take(r, "@age"))
		return (struct subject){AGE, NULL, NULL};
	return (struct subject){MEMBER, read_member(r), NULL};
}

/* Three-way comparison with a constant; 0 when there is nothing to compare. */
static int compare(const struct reader *r, const struct subject *subject, const char *constant, int *order)
{
	int64_t other;

	if (subject->sort == AGE) {
		other = duration(constant);
		*order = r->event->age_us < other ? -1 : r->event->age_us > other;
		return r->event->has_age;
	}
	if (subject->value->kind != MODEL_NUMBER)
		return 0;
	*order = compare_numbers(subject->value->text, constant);
	return 1;
}

static int same_text(const struct model_value *a, const struct model_value *b)
{
	return a->kind == MODEL_TEXT_KIND && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static int equals_address(const struct subject *subject, const char *constant, size_t len)
{
	if (subject->sort == ADDRESS)
		return subject->address != NULL &&
		       in_network(subject->address, strlen(subject->address), constant, len);
	return subject->value->kind == MODEL_TEXT_KIND &&
	       in_network(subject->value->text, subject->value->len, constant, len);
}

/* One value, range or network; whether the subject is it or in it. */
static int read_item(struct reader *r, const struct subject *subject)
{
	char first[MODEL_TEXT], last[MODEL_TEXT];
	int low, high;
	size_t len;

	space(r);
	if (*r->at == '"') {
		struct model_value text = read_text(r);

		return same_text(subject->value, &text);
	}
	len = read_scalar(r, first);
	if (subject->sort == ADDRESS || strchr(first, ':') != NULL || strchr(first, '/') != NULL ||
		(strchr(first, '.') != NULL && strchr(first, '.') != strrchr(first, '.')))
		return equals_address(subject, first, len);
	if (subject->sort == MEMBER && strcmp(first, "true") == 0)
		return subject->value->kind == MODEL_TRUE;
	if (subject->sort == MEMBER && strcmp(first, "false") == 0)
		return subject->value->kind == MODEL_FALSE;
	if (subject->sort == MEMBER && strcmp(first, "null") == 0)
		return subject->value->kind == MODEL_NULL;
	if (!take(r, ".."))
		return compare(r, subject, first, &low) && low == 0;
	(void)read_scalar(r, last);
	return compare(r, subject, first, &low) && low >= 0 && compare(r, subject, last, &high) && high <= 0;
}

static int read_set(struct reader *r, const struct subject *subject)
{
	int any = 0;

	if (!take(r, "["))
		return read_item(r, subject);
	do
		any |= read_item(r, subject);
	while (take(r, ","));
	if (!take(r, "]"))
		stop(r, "no end of the list");
	return any;
}

static int contains(const struct model_value *value, const struct model_value *part)
{
	for (unsigned i = 0; i + part->len <= value->len; i++)
		if (memcmp(value->text + i, part->text, part->len) == 0)
			return 1;
	return 0;
}

static int read_part(struct reader *r, const struct model_value *value, int starts, int ends)
{
	struct model_value part = read_text(r);

	if (value->kind != MODEL_TEXT_KIND || part.len > value->len)
		return 0;
	if (starts)
		return memcmp(value->text, part.text, part.len) == 0;
	if (ends)
		return memcmp(value->text + value->len - part.len, part.text, part.len) == 0;
	return contains(value, &part);
}

static int read_ordered(struct reader *r, const struct subject *subject, int below, int equal, int above)
{
	char constant[MODEL_TEXT];
	int order;

	(void)read_scalar(r, constant);
	if (!compare(r, subject, constant, &order))
		return 0;
	return order < 0 ? below : order > 0 ? above : equal;
}

static int read_comparison(struct reader *r)
{
	struct subject subject = read_subject(r);

	if (take(r, "=="))
		return read_item(r, &subject);
	if (take(r, "!="))
		return !read_item(r, &subject);
	if (take(r, "<="))
		return read_ordered(r, &subject, 1, 1, 0);
	if (take(r, ">="))
		return read_ordered(r, &subject, 0, 1, 1);
	if (take(r, "<"))
		return read_ordered(r, &subject, 1, 0, 0);
	if (take(r, ">"))
		return read_ordered(r, &subject, 0, 0, 1);
	if (take_word(r, "in"))
		return read_set(r, &subject);
	if (take_word(r, "not") && take_word(r, "in"))
		return !read_set(r, &subject);
	if (take_word(r, "starts") && take_word(r, "with"))
		return read_part(r, subject.value, 1, 0);
	if (take_word(r, "ends") && take_word(r, "with"))
		return read_part(r, subject.value, 0, 1);
	if (!take_word(r, "contains"))
		stop(r, "no operator");
	return read_part(r, subject.value, 0, 0);
}

static int read_exists(struct reader *r)
{
	struct subject subject = read_subject(r);

	if (subject.sort == MEMBER)
		return subject.value->kind != MODEL_ABSENT;
	return subject.sort == AGE ? r->event->has_age : subject.address != NULL;
}

static int read_sample(struct reader *r)
{
	const struct model_value *value;
	char share[MODEL_TEXT];
	uint32_t place;

	if (!take(r, "("))
		stop(r, "no (");
	value = read_member(r);
	if (!take(r, ","))
		stop(r, "no ,");
	(void)read_scalar(r, share);
	if (!take(r, ")"))
		stop(r, "no )");
	place = (murmur2((const uint8_t *)value->text, value->len) & 0x7fffffff) % 1000000;
	return (double)place < strtod(share, NULL) * 10000 - 0.5;
}

/* --- logic: both sides are always read --- */

static int read_term(struct reader *r)
{
	int holds;

	if (take_word(r, "not"))
		return !read_term(r);
	if (take_word(r, "exists"))
		return read_exists(r);
	if (take_word(r, "sample"))
		return read_sample(r);
	if (!take(r, "("))
		return read_comparison(r);
	holds = read_or(r);
	if (!take(r, ")"))
		stop(r, "no )");
	return holds;
}

static int read_and(struct reader *r)
{
	int holds = read_term(r);

	while (take_word(r, "and"))
		holds &= read_term(r);
	return holds;
}

static int read_or(struct reader *r)
{
	int holds = read_and(r);

	while (take_word(r, "or"))
		holds |= read_and(r);
	return holds;
}

int model_holds(const char *condition, const struct model_event *event)
{
	struct reader r = {condition, event};
	int holds;

	space(&r);
	if (*r.at == '\0')
		return 1;
	holds = read_or(&r);
	space(&r);
	if (*r.at != '\0')
		stop(&r, "no end");
	return holds;
}
