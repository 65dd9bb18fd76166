/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "traffic.h"
#include "wire/frame.h"

#define EVENTS 6000

/* What a reader of all datagrams would know. */
struct seen {
	uint8_t copies[EVENTS];
	uint64_t datagrams, bytes, heartbeats, refused;
	uint64_t flows[4];
	uint32_t hash;
	struct {
		uint64_t sequences[EVENTS]; /* in order of arrival */
		uint64_t count, heartbeat;
	} lives[64];
};

static void options_of(struct options *options, const char *line)
{
	char copy[512], *argv[64], *save = NULL;
	struct error error = {""};
	int argc = 0;

	snprintf(copy, sizeof(copy), "penstock-pktgen --count 6000 --preset mix225 --epoch 100 %s", line);
	for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	if (options_read(options, argc, argv, &error) != 0)
		fail_msg("%s", error.text);
}

static void see_event(struct seen *seen, const uint8_t *body, size_t len)
{
	json_t *root = json_loadb((const char *)body, len, JSON_DISABLE_EOF_CHECK, NULL);

	assert_non_null(root);
	seen->copies[json_integer_value(json_object_get(root, "eid"))]++;
	json_decref(root);
}

static void see_json(struct seen *seen, const struct outgoing *datagram)
{
	size_t at = 0;

	while (at < datagram->len) {
		json_error_t error;
		json_t *root;

		root = json_loadb(
			(const char *)datagram->data + at, datagram->len - at, JSON_DISABLE_EOF_CHECK, &error);
		if (root == NULL) {
			seen->refused++;
			return;
		}
		seen->copies[json_integer_value(json_object_get(root, "eid"))]++;
		json_decref(root);
		at += (size_t)error.position;
		while (at < datagram->len && strchr(" \t\r\n", datagram->data[at]) != NULL)
			at++;
	}
}

/* Where the books of a life are kept: ids begin with 1, epochs with 100, and no test has more than four sources. */
static unsigned life_index(uint64_t id, uint32_t epoch)
{
	assert_in_range(id, 1, 4);
	assert_in_range(epoch, 100, 115);
	return (unsigned)(id - 1) + 4 * (epoch - 100);
}

static void see_frame(struct seen *seen, const struct outgoing *datagram)
{
	struct frame_header header;
	struct frame_event event;
	uint32_t offset;
	unsigned life;

	if (frame_header_get(datagram->data, datagram->len, &header, &offset) != 0) {
		seen->refused++;
		return;
	}
	assert_int_equal(header.source_id, datagram->source + 1);
	life = life_index(header.source_id, header.source_epoch);
	if ((header.flags & FRAME_HEARTBEAT) != 0) {
		seen->heartbeats++;
		seen->lives[life].heartbeat = header.sequence;
		return;
	}
	for (unsigned i = 0; i < header.event_count; i++) {
		assert_int_equal(frame_event_get(datagram->data, header.end, &offset, &event), 0);
		see_event(seen, event.body.data, event.body.len);
	}
	assert_int_equal(frame_finish(&header, offset), 0);
	seen->lives[life].sequences[seen->lives[life].count++] = header.sequence;
}

static void see(struct seen *seen, const struct options *options, const struct outgoing *burst, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		seen->datagrams++;
		seen->bytes += burst[i].len;
		seen->flows[burst[i].flow]++;
		seen->hash = seen->hash * 31 + crc32_of(burst[i].data, burst[i].len);
		if (burst[i].port == options->ports[FORMAT_FRAME])
			see_frame(seen, &burst[i]);
		else
			see_json(seen, &burst[i]);
	}
}

struct fixture {
	struct options options;
	struct truth truth;
	struct seen seen;
	struct source_life sources[4];
	uint64_t faults_left;
};

/* Makes the traffic that `line` asks for in bursts of `events`, reads it and keeps what both sides say. */
static struct fixture *play_bursts(const char *line, uint32_t events)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct outgoing burst[OUTPUT_BURST];
	struct event_maker *maker;
	struct traffic *traffic;
	unsigned n;

	assert_non_null(f);
	options_of(&f->options, line);
	assert_int_equal(event_maker_new(&maker, &f->options.events), 0);
	assert_int_equal(traffic_new(&traffic, &f->options, maker, &f->truth), 0);
	while (!traffic_ended(traffic)) {
		n = traffic_burst(traffic, events, burst);
		see(&f->seen, &f->options, burst, n);
	}
	while ((n = traffic_finish(traffic, burst)) != 0)
		see(&f->seen, &f->options, burst, n);
	f->faults_left = traffic_faults_left(traffic);
	memcpy(f->sources, traffic_sources(traffic), f->options.sources * sizeof(f->sources[0]));
	traffic_free(traffic);
	event_maker_free(maker);
	return f;
}

static struct fixture *play(const char *line)
{
	return play_bursts(line, 37);
}

static void fixture_free(struct fixture *f)
{
	free(f->truth.lives);
	free(f);
}

/* Copies that readers find against the truth, event by event in number and sum. */
static void check_counts(const struct fixture *f)
{
	const struct truth *truth = &f->truth;
	uint64_t copies[3] = {0}, types = truth->raw.events;

	for (unsigned i = 0; i < EVENTS; i++) {
		assert_in_range(f->seen.copies[i], 0, 2);
		copies[f->seen.copies[i]]++;
	}
	assert_int_equal(truth->generated, EVENTS);
	assert_int_equal(copies[2], truth->faults[FAULT_duplicate].events);
	assert_int_equal(copies[0], truth->faults[FAULT_lose].events + truth->faults[FAULT_corrupt].events);
	assert_int_equal(copies[1] + copies[2], truth->unique.events);
	assert_int_equal(copies[1] + 2 * copies[2], truth->sent.events);
	assert_int_equal(f->seen.datagrams, truth->sent.datagrams);
	assert_int_equal(f->seen.bytes, truth->sent.bytes);
	assert_int_equal(f->seen.heartbeats, truth->heartbeats);
	assert_int_equal(f->seen.refused, truth->faults[FAULT_corrupt].datagrams);
	for (uint32_t i = 0; i < f->options.events.types; i++)
		types += truth->types[i].events;
	assert_int_equal(types, truth->unique.events);
	assert_int_equal(
		truth->formats[0].events + truth->formats[1].events + truth->formats[2].events, truth->unique.events);
}

static void all_formats_carry_every_event_once(void **state)
{
	static const char *const lines[] = {"-f json --sources 1", "-f frame --sources 4", "-f raw --sources 4",
		"-f mix --sources 4", "-f frame --max-datagram 60000 -k 400 --sources 2",
		"-f json --max-datagram 60000 -k 400"};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(lines); i++) {
		char line[128];

		snprintf(line, sizeof(line), "%s --sources 4", lines[i]);
		struct fixture *f = play(line);

		check_counts(f);
		assert_int_equal(f->truth.unique.events, EVENTS);
		assert_int_equal(f->truth.unique.datagrams + f->truth.heartbeats, f->seen.datagrams);
		fixture_free(f);
	}
}

static void the_same_options_make_the_same_traffic(void **state)
{
	struct fixture *a = play("-f mix --sources 3 --lose 3 --reorder 5"),
		       *b = play("-f mix --sources 3 --lose 3 --reorder 5");
	struct fixture *c = play("-f mix --sources 3 --lose 3 --reorder 5 --seed 2");

	(void)state;
	assert_int_equal(a->seen.hash, b->seen.hash);
	assert_int_not_equal(a->seen.hash, c->seen.hash);
	fixture_free(a);
	fixture_free(b);
	fixture_free(c);
}

static void the_size_of_bursts_changes_nothing(void **state)
{
	static const char line[] = "-f mix -k 4 --sources 4 --lose 30 --reorder 30 --reorder-depth 5";
	struct fixture *a = play(line), *b = play_bursts(line, 1), *c = play_bursts(line, UINT32_MAX);

	(void)state;
	check_counts(b);
	assert_int_equal(b->faults_left, 0);
	assert_int_equal(a->seen.hash, b->seen.hash);
	assert_int_equal(a->seen.hash, c->seen.hash);
	fixture_free(a);
	fixture_free(b);
	fixture_free(c);
}

static int is_in(const uint64_t *list, uint64_t count, uint64_t value)
{
	int found = 0;

	for (uint64_t i = 0; i < count; i++)
		found += list[i] == value;
	return found;
}

/* What the sequences that arrived say about one life, against its entry in the truth. */
static void check_life(const struct fixture *f, const struct source_life *life)
{
	unsigned index = life_index(life->id, life->epoch);
	const uint64_t *list = f->seen.lives[index].sequences;
	uint64_t count = f->seen.lives[index].count, missing = 0, twice = 0, late = 0, highest = life->first;

	for (uint64_t s = life->first; s != life->next; s++) {
		int found = is_in(list, count, s);

		missing += found == 0;
		twice += found == 2;
		assert_in_range(found, 0, 2);
	}
	for (uint64_t i = 0; i < count; i++) {
		if ((int64_t)(list[i] - highest) > 0)
			highest = list[i];
		else if (list[i] != highest)
			late++;
	}
	assert_int_equal(missing, life->skipped);
	assert_int_equal(twice, life->duplicated);
	assert_int_equal(late, life->reordered);
	assert_int_equal(life->next - life->first, life->sent + life->skipped);
	assert_int_equal(count, life->sent + life->duplicated);
	if (life->heartbeats != 0)
		assert_int_equal(f->seen.lives[index].heartbeat, life->next);
}

/* A life that is over sends no heartbeat: its last frame must have arrived, or nobody could miss it. */
static void check_end(const struct fixture *f, const struct source_life *life)
{
	unsigned index = life_index(life->id, life->epoch);

	assert_int_not_equal(is_in(f->seen.lives[index].sequences, f->seen.lives[index].count, life->next - 1), 0);
}

static void check_faults(const char *line, const uint64_t *asked)
{
	struct fixture *f = play(line);

	check_counts(f);
	assert_int_equal(f->faults_left, 0);
	for (unsigned i = 0; i < FAULT_COUNT; i++)
		assert_int_equal(f->truth.faults[i].datagrams, asked[i]);
	assert_int_equal(f->truth.life_count, asked[FAULT_restart]);
	for (uint64_t i = 0; i < f->truth.life_count; i++) {
		const struct source_life *life = &f->truth.lives[i];

		check_life(f, life);
		check_end(f, life);
	}
	for (uint32_t i = 0; i < f->options.sources; i++)
		check_life(f, &f->sources[i]);
	fixture_free(f);
}

static void faults_happen_exactly_as_often_as_asked(void **state)
{
	static const uint64_t none[FAULT_COUNT] = {0}, all[FAULT_COUNT] = {20, 15, 10, 40, 6},
			      lost[FAULT_COUNT] = {100, 0, 0, 0, 0}, gone[FAULT_COUNT] = {15, 0, 0, 15, 15};

	(void)state;
	check_faults("-f frame --sources 4", none);
	check_faults("-f frame --sources 4 --lose 20 --duplicate 15 --reorder 10 --corrupt 40 --restart 6", all);
	check_faults("-f frame --sources 3 --lose 20 --duplicate 15 --reorder 10 --reorder-depth 20 --corrupt 40 "
		     "--restart 6",
		all);
	check_faults("-f mix --sources 4 --lose 20 --duplicate 15 --reorder 10 --corrupt 40 --restart 6", all);
	check_faults("-f frame --sources 1 --lose 100", lost);
	check_faults("-f frame --sources 4 -k 60 --max-datagram 60000 --lose 15 --corrupt 15 --restart 15", gone);
}

static void sequences_wrap_at_two_to_the_64th(void **state)
{
	static const uint64_t some[FAULT_COUNT] = {9, 8, 7, 6, 0};

	(void)state;
	check_faults("-f frame --sources 2 --start-sequence 18446744073709551000 --lose 9 --duplicate 8 --reorder 7 "
		     "--corrupt 6",
		some);
	check_faults("-f frame --sources 2 --start-sequence 4294967000 --lose 9 --duplicate 8 --reorder 7 --corrupt 6",
		some);
}

static void json_faults_hit_single_events(void **state)
{
	struct fixture *f = play("-f json --sources 4 --corrupt 30 --duplicate 4 --lose 2");

	(void)state;
	check_counts(f);
	assert_int_equal(f->truth.faults[FAULT_corrupt].datagrams, 30);
	assert_int_equal(f->truth.faults[FAULT_corrupt].events, 30);
	assert_int_equal(f->truth.damages[DAMAGE_json_syntax] + f->truth.damages[DAMAGE_json_utf8], 30);
	fixture_free(f);
}

static void faults_without_room_are_told(void **state)
{
	struct fixture *f = play("-f frame --sources 1 -k 4000 --max-datagram 60000 --lose 500");

	(void)state;
	assert_true(f->faults_left > 0);
	assert_int_equal(f->faults_left + f->truth.faults[FAULT_lose].datagrams, 500);
	fixture_free(f);
}

static void spread_sends_one_sequence_over_all_sockets(void **state)
{
	struct fixture *f = play("-f frame --sources 1 --sockets 4 --spread"),
		       *g = play("-f frame --sources 1 --sockets 4");

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(f->seen.flows[i], f->seen.datagrams / 4, f->seen.datagrams / 4 + 1);
	assert_int_equal(g->seen.flows[0], g->seen.datagrams);
	check_life(f, &f->sources[0]);
	fixture_free(f);
	fixture_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_formats_carry_every_event_once),
		cmocka_unit_test(the_same_options_make_the_same_traffic),
		cmocka_unit_test(the_size_of_bursts_changes_nothing),
		cmocka_unit_test(faults_happen_exactly_as_often_as_asked),
		cmocka_unit_test(sequences_wrap_at_two_to_the_64th),
		cmocka_unit_test(json_faults_hit_single_events),
		cmocka_unit_test(faults_without_room_are_told),
		cmocka_unit_test(spread_sends_one_sequence_over_all_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
