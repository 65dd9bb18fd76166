/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "control/api/protocol.h"
#include "control/cli/cli.h"
#include "control/cli/commands.h"

#define POLL_MS 200

enum answer { NOT_YET, COME, NEVER };

/* Whether what is waited for has come; `before` is the result of the time before, or NULL. NEVER with a sentence. */
typedef enum answer has_come(
	const struct cli *cli, const json_t *result, const json_t *before, struct api_error *error);

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum answer is_ready(
	const struct cli *cli, const json_t *result, const json_t *before, struct api_error *error)
{
	const char *state = json_string_value(json_object_get(result, "state"));

	(void)cli, (void)before, (void)error;
	return state != NULL && strcmp(state, API_STATE_RECEIVING) == 0 ? COME : NOT_YET;
}

static enum answer has_alarm(
	const struct cli *cli, const json_t *result, const json_t *before, struct api_error *error)
{
	(void)cli, (void)before, (void)error;
	return judge_status(result) != 0 ? COME : NOT_YET;
}

/* The item of an array of objects whose "name" it is. */
static const json_t *named(const json_t *array, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item) {
		const char *own = json_string_value(json_object_get(item, "name"));

		if (own != NULL && strcmp(own, name) == 0)
			return item;
	}
	return NULL;
}

/* Counters wrap at 2^64; JSON has them with a sign. */
static uint64_t value_of(const json_t *term)
{
	return (uint64_t)json_integer_value(json_object_get(term, "value"));
}

/* What the terms NAME and NAME.REASON add up to. */
static uint64_t sum_of(const json_t *terms, const char *name)
{
	size_t i, len = strlen(name);
	uint64_t sum = 0;
	json_t *term;

	json_array_foreach(terms, i, term) {
		const char *own = json_string_value(json_object_get(term, "name"));

		if (own != NULL && strncmp(own, name, len) == 0 && (own[len] == '\0' || own[len] == '.'))
			sum += value_of(term);
	}
	return sum;
}

/* json_equal takes what is absent for unequal to everything. */
static bool is_same(const json_t *a, const json_t *b)
{
	return a == b || json_equal(a, b);
}

/* The equations that a frame for others, such as a neighbour's question, leaves as they are. */
static bool is_unchanged(const json_t *result, const json_t *before)
{
	const json_t *now = json_object_get(result, "equations"), *then = json_object_get(before, "equations");

	return is_same(named(now, "datagrams"), named(then, "datagrams")) &&
	       is_same(named(now, API_EQUATION_RECORDS), named(then, API_EQUATION_RECORDS));
}

static bool is_another_check(const json_t *result, const json_t *before)
{
	return !is_same(json_object_get(result, "checks"), json_object_get(before, "checks")) ||
	       !is_same(json_object_get(result, "checked_at"), json_object_get(before, "checked_at"));
}

static uint64_t left_of(const json_t *equation)
{
	uint64_t sum = value_of(json_object_get(equation, "left"));
	const json_t *term;
	size_t i;

	json_array_foreach(json_object_get(equation, "more"), i, term)
		sum += value_of(term);
	return sum;
}

/* Nothing waits on disk. */
static bool is_spool_empty(const json_t *result)
{
	const json_t *spool = named(json_object_get(result, "equations"), API_EQUATION_SPOOL);
	const json_t *right = json_object_get(spool, "right");

	return left_of(spool) == sum_of(right, API_TERM_FROM_DISK) + sum_of(right, API_TERM_GIVEN_UP) +
	       sum_of(right, API_TERM_BEFORE) + sum_of(right, API_TERM_REBURIED);
}

/*
 * Idle: all that was numbered is acked, given up or a dead letter, nothing waits on disk, and so it was, with the same counts,
 * at an earlier check: a datagram that was on its way through the worker meanwhile would have changed them.
 */
static enum answer is_idle(
	const struct cli *cli, const json_t *result, const json_t *before, struct api_error *error)
{
	const json_t *records = named(json_object_get(result, "equations"), API_EQUATION_RECORDS);
	const json_t *right = json_object_get(records, "right");
	uint64_t numbered = left_of(records), ended;

	(void)cli;
	if (named(right, API_TERM_ACKED) == NULL) {
		(void)snprintf(error->text, sizeof(error->text),
			"the daemon's ledger has no equation %s with a term %s", API_EQUATION_RECORDS, API_TERM_ACKED);
		return NEVER;
	}
	ended = sum_of(right, API_TERM_ACKED) + sum_of(right, API_TERM_GIVEN_UP) + sum_of(right, API_TERM_DEAD) +
		sum_of(right, API_TERM_TO_DISK);
	return numbered == ended && is_spool_empty(result) && before != NULL && is_unchanged(result, before) ? COME : NOT_YET;
}

static bool pause_until(int64_t deadline_ms)
{
	struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};

	if (deadline_ms != 0 && now_ms() + POLL_MS >= deadline_ms)
		return false;
	(void)nanosleep(&pause, NULL);
	return true;
}

/* Keeps what came as `*before` once the daemon has checked its ledger again, and not earlier. */
static void keep(json_t **before, json_t *result)
{
	if (*before != NULL && !is_another_check(result, *before)) {
		json_decref(result);
		return;
	}
	json_decref(*before);
	*before = result;
}

static int limit_of(const struct cli *cli, int64_t deadline_ms)
{
	int64_t left = deadline_ms - now_ms();

	if (deadline_ms == 0 || left > cli->command->timeout_ms)
		return cli->command->timeout_ms;
	return left > 1 ? (int)left : 1;
}

static int give_up(const struct cli *cli, int rc, const struct api_error *error)
{
	if (rc != 0)
		return cli_fail(cli, rc, error);
	(void)fprintf(cli->err, "penstock: %s: it has not come in %g seconds\n", cli->command->words, cli->timeout_s);
	return EXIT_ALARM;
}

/* A daemon that is asked by too many, or lacks something for now, may answer the next time. */
static bool may_pass(int rc, const struct api_error *error)
{
	return rc != -EREMOTEIO || error->code == API_BUSY || error->code == API_UNAVAILABLE;
}

/* One look at the daemon. COME: `*code` is the exit code, and the result is printed; else `*rc` tells of the call. */
static enum answer look(
	struct cli *cli, has_come *come, int64_t deadline_ms, json_t **before, int *rc, struct api_error *error)
{
	enum answer answer;
	json_t *result;

	*rc = cli_call(cli, limit_of(cli, deadline_ms), &result, error);
	if (*rc != 0)
		return may_pass(*rc, error) ? NOT_YET : NEVER;
	answer = come(cli, result, *before != NULL && is_another_check(result, *before) ? *before : NULL, error);
	if (answer == NEVER)
		*rc = -EREMOTEIO;
	if (answer == COME)
		cli_print(cli, result);
	keep(before, result);
	return answer;
}

/* When its time is over; 0: never. */
static int64_t deadline_of(const struct cli *cli)
{
	return cli->timeout_s > 0 ? now_ms() + (int64_t)(cli->timeout_s * 1000) + 1 : 0;
}

/* A daemon that cannot be reached yet may be starting. */
static int wait_until(struct cli *cli, has_come *come, int64_t deadline_ms)
{
	struct api_error error = {0};
	json_t *before = NULL;
	enum answer answer;
	int rc = 0;

	do {
		answer = look(cli, come, deadline_ms, &before, &rc, &error);
	} while (answer == NOT_YET && pause_until(deadline_ms));
	json_decref(before);
	return answer == COME ? 0 : give_up(cli, rc, &error);
}

static int wait_for(struct cli *cli, has_come *come)
{
	return wait_until(cli, come, deadline_of(cli));
}

int run_wait_ready(struct cli *cli)
{
	return wait_for(cli, is_ready);
}

int run_wait_alarm(struct cli *cli)
{
	return wait_for(cli, has_alarm);
}

int run_wait_idle(struct cli *cli)
{
	return wait_for(cli, is_idle);
}

json_t *params_reload(const struct cli *cli)
{
	return json_pack("{s:I}", "request", cli->request);
}

/* What was asked for is done, and went well. A daemon that was started since has read the configuration as it is now. */
static enum answer is_loaded(
	const struct cli *cli, const json_t *result, const json_t *before, struct api_error *error)
{
	(void)before;
	if (json_integer_value(json_object_get(result, "epoch")) != cli->epoch)
		return COME;
	if (json_integer_value(json_object_get(result, "done")) < cli->request) /* 0: not yet */
		return NOT_YET;
	if (json_is_true(json_object_get(result, "ok")))
		return COME;
	(void)snprintf(error->text, sizeof(error->text), "%s; generation %lld stays in force",
		json_string_value(json_object_get(result, "text")),
		(long long)json_integer_value(json_object_get(result, "generation")));
	return NEVER;
}

int run_reload(struct cli *cli)
{
	int64_t deadline_ms = deadline_of(cli);
	struct api_error error = {0};
	json_t *result;
	int rc;

	do {
		rc = api_call(cli->socket, API_RELOAD, NULL, limit_of(cli, deadline_ms), &result, &error);
	} while (rc == -EREMOTEIO && error.code == API_BUSY && pause_until(deadline_ms));
	if (rc != 0)
		return cli_fail(cli, rc, &error);
	cli->request = json_integer_value(json_object_get(result, "request"));
	cli->epoch = json_integer_value(json_object_get(result, "epoch"));
	json_decref(result);
	return wait_until(cli, is_loaded, deadline_ms);
}
