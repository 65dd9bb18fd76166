/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/reached.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void reached_fini(struct reached *reached)
{
	for (unsigned i = 0; i < reached->count; i++)
		free(reached->topics[i].last);
	free(reached->topics);
	*reached = (struct reached){NULL, 0, 0};
}

static int find(const struct reached *reached, const char *topic, size_t length)
{
	for (unsigned i = 0; i < reached->count; i++)
		if (memcmp(reached->topics[i].name, topic, length) == 0 && reached->topics[i].name[length] == '\0')
			return (int)i;
	return -1;
}

static int place_of(struct reached *reached, const char *topic, size_t length)
{
	int place = length > 0 && length <= TOPIC_NAME_MAX ? find(reached, topic, length) : -EINVAL;
	unsigned room = reached->room * 2 + 8;
	struct reached_topic *more;

	if (place != -1)
		return place;
	if (reached->count == reached->room) {
		more = realloc(reached->topics, room * sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		reached->topics = more;
		reached->room = room;
	}
	reached->topics[reached->count] = (struct reached_topic){.lanes = 0};
	memcpy(reached->topics[reached->count].name, topic, length);
	return (int)reached->count++;
}

int reached_place(struct reached *reached, const char *topic)
{
	return place_of(reached, topic, strlen(topic));
}

static int make_lane(struct reached_topic *topic, uint32_t lane)
{
	unsigned lanes = lane + 8;
	uint64_t *more;

	if (lane < topic->lanes)
		return 0;
	more = realloc(topic->last, lanes * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	memset(more + topic->lanes, 0, (lanes - topic->lanes) * sizeof(*more));
	topic->last = more;
	topic->lanes = lanes;
	return 0;
}

int reached_raise_at(struct reached *reached, unsigned place, uint32_t lane, uint64_t last)
{
	struct reached_topic *topic = &reached->topics[place];
	int rc = lane < REACHED_LANES ? make_lane(topic, lane) : -EINVAL;

	if (rc != 0 || topic->last[lane] >= last)
		return rc;
	topic->last[lane] = last;
	return 1;
}

int reached_raise(struct reached *reached, const char *topic, uint32_t lane, uint64_t last)
{
	int place = reached_place(reached, topic);

	return place < 0 ? place : reached_raise_at(reached, (unsigned)place, lane, last);
}

int reached_merge(struct reached *reached, const struct reached *other)
{
	int rc = 0;

	for (unsigned i = 0; i < other->count && rc >= 0; i++)
		for (unsigned lane = 0; lane < other->topics[i].lanes && rc >= 0; lane++)
			if (other->topics[i].last[lane] != 0)
				rc = reached_raise(reached, other->topics[i].name, lane, other->topics[i].last[lane]);
	return rc < 0 ? rc : 0;
}

uint64_t reached_last(const struct reached *reached, const char *topic, uint32_t lane)
{
	int place = find(reached, topic, strlen(topic));

	return place >= 0 && lane < reached->topics[place].lanes ? reached->topics[place].last[lane] : 0;
}

uint64_t reached_sum(const struct reached *reached)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < reached->count; i++)
		for (unsigned lane = 0; lane < reached->topics[i].lanes; lane++)
			sum += reached->topics[i].last[lane];
	return sum;
}

unsigned reached_lanes(const struct reached *reached)
{
	unsigned lanes = 0;

	for (unsigned i = 0; i < reached->count; i++)
		for (unsigned lane = lanes; lane < reached->topics[i].lanes; lane++)
			if (reached->topics[i].last[lane] != 0)
				lanes = lane + 1;
	return lanes;
}

void reached_print(const struct reached *reached, FILE *out)
{
	for (unsigned i = 0; i < reached->count; i++) {
		const struct reached_topic *topic = &reached->topics[i];

		(void)fputs(topic->name, out);
		for (unsigned lane = 0; lane < topic->lanes; lane++)
			if (topic->last[lane] != 0)
				(void)fprintf(out, " %u:%llu", lane, (unsigned long long)topic->last[lane]);
		(void)fputc('\n', out);
	}
}

/* A number and the character behind it. NULL: there is none. */
static const char *parse_number(const char *text, const char *end, char behind, unsigned long long *number)
{
	char *stop;

	if (text == end || !isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*number = strtoull(text, &stop, 10);
	if (errno != 0 || stop > end || (stop == end ? behind != ' ' : *stop != behind))
		return NULL;
	return stop == end ? end : stop + 1;
}

int reached_parse(struct reached *reached, const char *line, size_t length)
{
	const char *end = line + length, *space = memchr(line, ' ', length);
	int rc = place_of(reached, line, space != NULL ? (size_t)(space - line) : length);
	unsigned place = (unsigned)rc;

	for (const char *at = space != NULL ? space + 1 : end; rc >= 0 && at < end;) {
		unsigned long long lane, last;

		at = parse_number(at, end, ':', &lane);
		at = at != NULL ? parse_number(at, end, ' ', &last) : NULL;
		if (at == NULL || lane >= REACHED_LANES)
			return -EBADMSG;
		rc = reached_raise_at(reached, place, (uint32_t)lane, last);
	}
	return rc == -EINVAL ? -EBADMSG : rc < 0 ? rc : 0;
}
