/* SPDX-License-Identifier: Apache-2.0 */
#include "server_rig.h"

#include <semaphore.h>

#define CALL(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\"}\n"

static struct {
	sem_t begun, go_on;
	atomic_uint calls;
} slow;

static json_t *answer_slowly(void *context, const json_t *params, struct error *error, int *code)
{
	(void)context, (void)params, (void)error, (void)code;
	atomic_fetch_add(&slow.calls, 1);
	sem_post(&slow.begun);
	while (sem_wait(&slow.go_on) != 0)
		continue;
	return json_pack("{s:s}", "text", "late");
}

static int set_up(void **state)
{
	static struct rig rig;

	rig_open(&rig);
	assert_int_equal(server_register(rig.server, "slow", answer_slowly, NULL, SERVER_APART), 0);
	assert_int_equal(sem_init(&slow.begun, 0, 0), 0);
	assert_int_equal(sem_init(&slow.go_on, 0, 0), 0);
	atomic_store(&slow.calls, 0);
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	rig_close(*state);
	sem_destroy(&slow.begun);
	sem_destroy(&slow.go_on);
	return 0;
}

/* A client whose request is being carried out. */
static int begin_slowly(struct rig *rig)
{
	int client = rig_client(rig);

	rig_write(client, CALL(1, "slow"));
	rig_turns(rig, 1);
	while (sem_wait(&slow.begun) != 0)
		continue;
	return client;
}

static void others_are_answered_while_one_runs_apart(void **state)
{
	struct rig *rig = *state;
	int waiting = begin_slowly(rig), other = rig_client(rig);
	char line[256];

	rig_write(waiting, CALL(2, "echo"));
	for (int i = 0; i < 3; i++) {
		rig_write(other, CALL(3, "echo"));
		assert_int_equal(rig_code(rig, other), 0);
	}
	assert_int_equal(rig->calls, 3);
	sem_post(&slow.go_on);
	assert_non_null(strstr(rig_line(rig, waiting, line, sizeof(line)), "\"id\":1,\"result\":{\"text\":\"late\""));
	assert_non_null(strstr(rig_line(rig, waiting, line, sizeof(line)), "\"id\":2,"));
	close(waiting);
	close(other);
}

static void a_second_one_is_told_to_come_again(void **state)
{
	struct rig *rig = *state;
	int waiting = begin_slowly(rig), other = rig_client(rig);
	char line[256];

	rig_write(other, CALL(7, "slow"));
	assert_non_null(strstr(rig_line(rig, other, line, sizeof(line)), "\"id\":7,\"error\":{\"code\":-32003,"));
	sem_post(&slow.go_on);
	assert_int_equal(rig_code(rig, waiting), 0);
	sem_post(&slow.go_on);
	rig_write(other, CALL(8, "slow"));
	assert_int_equal(rig_code(rig, other), 0);
	assert_int_equal(atomic_load(&slow.calls), 2);
	close(waiting);
	close(other);
}

static void who_waits_is_neither_late_nor_gives_way(void **state)
{
	const struct server_limits limits = {
		.clients = 1, .request_bytes = 128, .reply_bytes = 1024, .line_ms = 1, .reply_ms = 1000, .idle_ms = 1};
	struct rig *rig = *state;
	int waiting, other;

	server_set_limits(rig->server, &limits);
	waiting = begin_slowly(rig);
	(void)usleep(5000);
	other = rig_client(rig);
	assert_int_equal(rig_code(rig, other), API_BUSY);
	sem_post(&slow.go_on);
	assert_int_equal(rig_code(rig, waiting), 0);
	close(waiting);
	close(other);
}

static void who_waits_may_leave(void **state)
{
	struct rig *rig = *state;
	int other;

	close(begin_slowly(rig));
	rig_turns(rig, 2);
	other = rig_client(rig);
	rig_write(other, CALL(1, "echo"));
	assert_int_equal(rig_code(rig, other), 0);
	sem_post(&slow.go_on);
	sem_post(&slow.go_on);
	for (int code = API_BUSY; code != 0;) {
		rig_write(other, CALL(2, "slow"));
		code = rig_code(rig, other);
		assert_true(code == 0 || code == API_BUSY);
	}
	close(other);
}

static void the_last_words_are_handed_out(void **state)
{
	struct rig *rig = *state;
	int waiting = begin_slowly(rig);
	char line[256];

	server_flush(rig->server, 1);
	sem_post(&slow.go_on);
	server_flush(rig->server, 10000);
	server_close(rig->server);
	rig->server = NULL;
	assert_int_equal(recv(waiting, line, sizeof(line) - 1, 0) > 0, 1);
	close(waiting);
}

static void closing_waits_for_what_runs_apart(void **state)
{
	struct rig *rig = *state;
	int waiting = begin_slowly(rig);

	sem_post(&slow.go_on);
	server_close(rig->server);
	rig->server = NULL;
	close(waiting);
}

static void a_server_that_drains_begins_nothing_that_takes_long(void **state)
{
	struct rig *rig = *state;
	int client = rig_client(rig);

	server_drain(rig->server);
	rig_write(client, CALL(1, "slow"));
	assert_int_equal(rig_code(rig, client), API_UNAVAILABLE);
	assert_int_equal(atomic_load(&slow.calls), 0);
	close(client);
}

static void one_that_is_to_leave_serves_one_request_a_turn(void **state)
{
	static const atomic_int leave = 1;
	struct rig *rig = *state;
	int clients[3];

	server_obey(rig->server, &leave);
	for (int i = 0; i < 3; i++)
		clients[i] = rig_client(rig);
	for (int i = 0; i < 3; i++)
		rig_write(clients[i], CALL(1, "echo"));
	for (unsigned turn = 1; turn <= 3; turn++) {
		assert_int_equal(server_poll(rig->server, 0), 1);
		assert_int_equal(rig->calls, turn);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_code(rig, clients[i]), 0);
		close(clients[i]);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(others_are_answered_while_one_runs_apart),
		TEST(a_second_one_is_told_to_come_again),
		TEST(who_waits_is_neither_late_nor_gives_way),
		TEST(who_waits_may_leave),
		TEST(the_last_words_are_handed_out),
		TEST(closing_waits_for_what_runs_apart),
		TEST(a_server_that_drains_begins_nothing_that_takes_long),
		TEST(one_that_is_to_leave_serves_one_request_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
