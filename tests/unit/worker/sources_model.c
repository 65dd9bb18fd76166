/* SPDX-License-Identifier: Apache-2.0 */
/* Random streams, and a model that simply remembers every number: the accounts must agree with it at every step. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "sources_helpers.h"

#define SPAN  16384u /* numbers that one stream may touch */
#define SENT  4000u

struct model {
	uint64_t base; /* the number that seen[0] stands for */
	uint8_t seen[SPAN];
	uint64_t first, head;
	uint64_t received, duplicate, below;
	int started;
};

static void model_start(struct model *model, uint64_t seq)
{
	if (!model->started)
		model->first = model->head = seq;
	model->started = 1;
}

static void model_packet(struct model *model, uint64_t seq)
{
	assert_true(seq - model->base < SPAN);
	model_start(model, seq);
	if (model->seen[seq - model->base]++ != 0) {
		model->duplicate++;
		return;
	}
	model->received++;
	if (seq - model->base < model->first - model->base)
		model->below++;
	else if (seq + 1 - model->base > model->head - model->base)
		model->head = seq + 1;
}

static void model_heartbeat(struct model *model, uint64_t next)
{
	model_start(model, next);
	if (next - model->base > model->head - model->base)
		model->head = next;
}

/* Counts holes one by one, which the accounts never do. */
static uint64_t model_lost(const struct model *model)
{
	uint64_t lost = 0;

	for (uint64_t seq = model->first; seq != model->head; seq++)
		lost += model->seen[seq - model->base] == 0;
	return lost;
}

static void compare(struct sources *table, const struct model *model)
{
	struct sources_row row = row_get(table, 1, 1);

	assert_int_equal(row.first, model->first);
	assert_int_equal(row.head, model->head);
	assert_int_equal(row.received, model->received);
	assert_int_equal(row.duplicate, model->duplicate);
	assert_int_equal(row.outside, model->below);
	assert_int_equal(row.expected, model->head - model->first + model->below);
	assert_int_equal(row.lost, model_lost(model));
}

struct stream {
	uint64_t start;
	uint32_t window;
	uint32_t reorder;    /* a datagram is delayed by less than this many others */
	unsigned loss;       /* of 100 */
	unsigned duplicates; /* of 100 */
	unsigned gaps;       /* of 1000: a burst of loss of up to 8 windows, at most half of the span in all */
	unsigned heartbeats; /* of 100 */
};

struct arrival {
	uint64_t when, number;
	int heartbeat;
};

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	return x->when < y->when ? -1 : x->when > y->when;
}

static unsigned roll(uint64_t *random, unsigned sides)
{
	return (unsigned)(random_next(random) >> 33) % sides;
}

/* What arrives, in its order of arrival; returns how many. */
static unsigned make_arrivals(const struct stream *stream, struct arrival *arrivals, uint64_t *random)
{
	uint64_t number = stream->start, gaps = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < SENT; i++, number++) {
		uint64_t now = (uint64_t)i * 1000;

		if (roll(random, 1000) < stream->gaps && gaps < SPAN / 2 - 8 * 256) {
			unsigned gap = roll(random, 8 * (stream->window < 256 ? stream->window : 256));

			number += gap;
			gaps += gap;
		}
		if (roll(random, 100) < stream->heartbeats)
			arrivals[count++] = (struct arrival){now + roll(random, stream->reorder * 1000), number, 1};
		if (roll(random, 100) < stream->loss)
			continue;
		arrivals[count++] = (struct arrival){now + roll(random, stream->reorder * 1000), number, 0};
		while (roll(random, 100) < stream->duplicates)
			arrivals[count++] = (struct arrival){now + roll(random, stream->reorder * 1000), number, 0};
		assert_true(count < 3 * SENT);
	}
	qsort(arrivals, count, sizeof(*arrivals), by_time);
	return count;
}

static void run(const struct stream *stream, uint64_t seed)
{
	static struct arrival arrivals[3 * SENT + 64];
	static struct model model;
	struct sources *table = table_new(2, stream->window, NEVER);
	uint64_t random = seed * 0x9e3779b97f4a7c15ULL + 1;
	unsigned count = make_arrivals(stream, arrivals, &random);

	memset(&model, 0, sizeof(model));
	model.base = stream->start - 2048;
	for (unsigned i = 0; i < count; i++) {
		if (arrivals[i].heartbeat) {
			model_heartbeat(&model, arrivals[i].number);
			send_heartbeat(table, arrivals[i].number, 0);
		} else {
			model_packet(&model, arrivals[i].number);
			send_seq(table, arrivals[i].number);
		}
		if (i % 97 == 0 || i < 8)
			compare(table, &model);
	}
	compare(table, &model);
	assert_int_equal(totals_get(table).untracked, 0);
	assert_int_equal(totals_get(table).restarted, 0);
	sources_free(table);
}

static const uint64_t starts[] = {0, 1, 31, 4096, ((uint64_t)1 << 32) - 2000, ((uint64_t)1 << 37) - 77,
	((uint64_t)1 << 42) - 2000, ((uint64_t)1 << 63) - 2000, UINT64_MAX - 2000, UINT64_MAX};

static void each_start(struct stream stream)
{
	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		for (uint64_t seed = 0; seed < 6; seed++) {
			stream.start = starts[i];
			run(&stream, seed * 100 + i);
		}
}

static void a_clean_stream_agrees_with_the_model(void **state)
{
	(void)state;
	each_start((struct stream){.window = 32, .reorder = 1});
	each_start((struct stream){.window = 1024, .reorder = 1});
}

static void loss_and_duplicates_agree_with_the_model(void **state)
{
	(void)state;
	each_start((struct stream){.window = 256, .reorder = 1, .loss = 30, .duplicates = 20});
	each_start((struct stream){.window = 256, .reorder = 1, .loss = 2, .gaps = 5});
}

/* A number leaves the window when one that is window - 31 or more ahead has come. */
static void reordering_within_the_window_agrees_with_the_model(void **state)
{
	(void)state;
	each_start((struct stream){.window = 64, .reorder = 30, .loss = 20, .duplicates = 20, .heartbeats = 3});
	each_start((struct stream){.window = 512, .reorder = 470, .loss = 10, .duplicates = 20, .heartbeats = 3});
}

/* Without duplicates the account is exact however late a number comes. */
static void reordering_far_beyond_the_window_agrees_with_the_model(void **state)
{
	(void)state;
	each_start((struct stream){.window = 32, .reorder = 700, .loss = 10, .heartbeats = 2});
	each_start((struct stream){.window = 128, .reorder = 1500, .loss = 50, .gaps = 3, .heartbeats = 2});
	each_start((struct stream){.window = 2048, .reorder = 2000, .loss = 5, .duplicates = 5});
}

static void an_unordered_stream_with_bursts_of_loss_agrees_with_the_model(void **state)
{
	(void)state;
	each_start((struct stream){.window = 32, .reorder = 200, .loss = 20, .gaps = 10});
	each_start((struct stream){.window = 64, .reorder = 1, .loss = 90, .gaps = 30, .heartbeats = 10});
}

/* Each life of the sender is a stream of its own; the sums must be those of all lives. */
static void restarts_with_epochs_agree_with_the_model(void **state)
{
	struct sources *table = table_new(64, 256, NEVER);
	uint64_t random = 7, received = 0, lost = 0, duplicate = 0;
	struct sources_totals totals;

	(void)state;
	for (uint32_t epoch = 1; epoch <= 200; epoch++) {
		static struct model model;
		uint64_t start = random_next(&random);

		memset(&model, 0, sizeof(model));
		model.base = start - 64;
		for (unsigned i = 0; i < 500; i++) {
			uint64_t seq = start + i;

			if (roll(&random, 10) == 0)
				continue;
			model_packet(&model, seq);
			send_at(table, 5, epoch, seq, epoch);
			if (roll(&random, 10) == 0) {
				model_packet(&model, seq);
				send_at(table, 5, epoch, seq, epoch);
			}
		}
		received += model.received;
		lost += model_lost(&model);
		duplicate += model.duplicate;
		if (epoch % 5 == 0)
			sources_retire(table, epoch > 1 ? epoch - 1 : 0, NULL);
	}
	totals = totals_get(table);
	assert_int_equal(totals.received, received);
	assert_int_equal(totals.lost, lost);
	assert_int_equal(totals.duplicate, duplicate);
	assert_int_equal(totals.restarted, 199);
	assert_int_equal(totals.untracked, 0);
	assert_int_equal(sources_check(table), 0);
	sources_free(table);
}

/* Whatever a sender does, the account closes and every datagram is received or duplicate. */
static void senseless_numbers_keep_the_account_closed(void **state)
{
	static const uint64_t steps[] = {0, 1, 2, 31, 32, 33, 1000, (uint64_t)1 << 29, (uint64_t)1 << 30,
		((uint64_t)1 << 30) + 1, (uint64_t)1 << 32, (uint64_t)1 << 37, (uint64_t)1 << 42, (uint64_t)1 << 63};

	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct sources *table = table_new(64, 32u << (seed % 4), seed % 2 == 0 ? 0 : NEVER);
		uint64_t random = seed, seq = random_next(&random), sent = 0;
		struct sources_totals totals;

		for (unsigned i = 0; i < 400; i++) {
			uint64_t step = steps[roll(&random, sizeof(steps) / sizeof(steps[0]))];

			seq = roll(&random, 2) == 0 ? seq + step : seq - step;
			if (roll(&random, 8) == 0) {
				send_heartbeat(table, seq, i);
				continue;
			}
			sent += send_at(table, 1, 1, seq, i) != SOURCES_UNTRACKED;
			if (roll(&random, 8) == 0)
				assert_int_equal(sources_check(table), 0);
			if (roll(&random, 8) == 0)
				sources_retire(table, 0, NULL);
		}
		totals = totals_get(table);
		assert_int_equal(totals.received + totals.duplicate, sent);
		assert_int_equal(totals.expected, totals.received + totals.lost);
		assert_int_equal(sources_check(table), 0);
		sources_free(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_stream_agrees_with_the_model),
		cmocka_unit_test(loss_and_duplicates_agree_with_the_model),
		cmocka_unit_test(reordering_within_the_window_agrees_with_the_model),
		cmocka_unit_test(reordering_far_beyond_the_window_agrees_with_the_model),
		cmocka_unit_test(an_unordered_stream_with_bursts_of_loss_agrees_with_the_model),
		cmocka_unit_test(restarts_with_epochs_agree_with_the_model),
		cmocka_unit_test(senseless_numbers_keep_the_account_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
