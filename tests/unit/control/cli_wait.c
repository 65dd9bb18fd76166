/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_rig.h"

#include "control/api/protocol.h"

/* The daemon of these tests answers its n-th question with the n-th of these, and then with the last.
 * What is no JSON is refused. */
#define SCRIPT_MAX 8
#define BUSY       "busy"
#define AWAY       "away"

struct script {
	const char *answers[SCRIPT_MAX]; /* set before the server starts */
	atomic_uint asked;
};

static json_t *next_answer(void *context, const json_t *params, struct error *error, int *code)
{
	struct script *script = context;
	unsigned at = atomic_fetch_add(&script->asked, 1), last = 0;

	(void)params;
	while (last + 1 < SCRIPT_MAX && script->answers[last + 1] != NULL)
		last++;
	at = at < last ? at : last;
	if (strcmp(script->answers[at], BUSY) == 0)
		*code = API_BUSY;
	if (strcmp(script->answers[at], AWAY) == 0)
		*code = API_UNAVAILABLE;
	(void)error_set(error, 0, "refused");
	return json_loads(script->answers[at], 0, NULL);
}

/* Runs the line against the script; returns its exit code and how often the daemon was asked. */
static int run(struct script *script, const char *line, unsigned *asked, const char *err)
{
	struct cli_output output;
	struct cli_rig rig;
	int code;

	cli_rig_start(&rig, next_answer, script);
	output = cli_run_with(&rig, line);
	cli_rig_stop(&rig);
	code = output.code;
	if (strstr(output.err, err) == NULL)
		fail_msg("%s: %s", line, output.err);
	cli_output_free(&output);
	*asked = atomic_load(&script->asked);
	return code;
}

#define STATUS(state, ok, alarms) "{\"state\":\"" state "\",\"ledger_ok\":" ok ",\"alarms\":[" alarms "]}"
#define LEDGER(checks, datagrams, numbered, acked, given_up)                                                           \
	"{\"checks\":" #checks ",\"equations\":[{\"name\":\"datagrams\",\"left\":{\"value\":" #datagrams "}},"         \
	"{\"name\":\"records\",\"left\":{\"name\":\"numbered\",\"value\":" #numbered "},\"right\":["                   \
	"{\"name\":\"acked\",\"value\":" #acked "},{\"name\":\"given_up.late\",\"value\":" #given_up "},"              \
	"{\"name\":\"in_flight\",\"value\":0}]}]}"

static void ready_comes_when_the_daemon_receives(void **state)
{
	struct script script = {.answers = {STATUS("starting", "true", ""), STATUS("starting", "true", ""),
					STATUS("receiving", "true", "")}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&script, "wait ready -t 60", &asked, ""), 0);
	assert_int_equal(asked, 3);
}

static void alarm_comes_with_an_alarm_or_a_ledger_that_does_not_add_up(void **state)
{
	struct script alarm = {
		.answers = {STATUS("receiving", "true", ""), STATUS("receiving", "true", "{\"name\":\"x\"}")}};
	struct script ledger = {.answers = {STATUS("receiving", "true", ""), STATUS("receiving", "false", "")}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&alarm, "wait alarm", &asked, ""), 0);
	assert_int_equal(asked, 2);
	assert_int_equal(run(&ledger, "wait alarm", &asked, ""), 0);
	assert_int_equal(asked, 2);
}

static void idle_comes_when_two_checks_agree_that_all_is_acked_or_given_up(void **state)
{
	struct script script = {
		.answers = {LEDGER(1, 10, 100, 90, 1), LEDGER(2, 10, 100, 99, 1), LEDGER(2, 10, 100, 99, 1),
			LEDGER(3, 11, 100, 99, 1), LEDGER(4, 11, 100, 99, 1)}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&script, "wait idle", &asked, ""), 0);
	assert_int_equal(asked, 5);
}

static void idle_does_not_come_while_something_is_in_flight(void **state)
{
	struct script script = {.answers = {LEDGER(1, 10, 100, 98, 1), LEDGER(2, 10, 100, 98, 1)}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&script, "wait idle -t 1", &asked, "wait idle: it has not come in 1 seconds"), 1);
	assert_true(asked >= 2);
}

static void a_ledger_without_its_terms_ends_the_wait(void **state)
{
	struct script script = {.answers = {"{\"equations\":[]}"}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&script, "wait idle", &asked, "no equation records with a term acked"), 1);
	assert_int_equal(asked, 1);
}

static void a_refusal_ends_the_wait(void **state)
{
	struct script script = {.answers = {"no JSON, so that the handler returns nothing"}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&script, "wait ready", &asked, "refused"), 1);
	assert_int_equal(asked, 1);
}

static void a_refusal_that_may_pass_does_not_end_the_wait(void **state)
{
	struct script ready = {.answers = {BUSY, AWAY, STATUS("receiving", "true", "")}};
	struct script idle = {.answers = {LEDGER(1, 10, 100, 99, 1), BUSY, LEDGER(2, 10, 100, 99, 1)}};
	struct script never = {.answers = {BUSY}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&ready, "wait ready -t 60", &asked, ""), 0);
	assert_int_equal(asked, 3);
	assert_int_equal(run(&idle, "wait idle -t 60", &asked, ""), 0);
	assert_int_equal(asked, 3);
	assert_int_equal(run(&never, "wait ready -t 0.5", &asked, "refused"), 1);
	assert_true(asked >= 2);
}

#define ASKED  "{\"request\":7}"
#define LOADED "{\"done\":7,\"ok\":true,\"generation\":2}"

static void a_reload_is_asked_for_again_when_others_are_in_the_way(void **state)
{
	struct script good = {.answers = {BUSY, BUSY, ASKED, BUSY, LOADED}};
	struct script never = {.answers = {BUSY}};
	struct script drains = {.answers = {AWAY}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&good, "reload -t 60", &asked, ""), 0);
	assert_int_equal(asked, 5);
	assert_int_equal(run(&never, "reload -t 0.5", &asked, "refused"), 1);
	assert_true(asked >= 2);
	assert_int_equal(run(&drains, "reload -t 60", &asked, "refused"), 1);
	assert_int_equal(asked, 1);
}

/* Its numbers begin again, and it has read the configuration as it is now. */
static void a_reload_ends_with_the_daemon_that_was_asked(void **state)
{
	struct script anew = {.answers = {"{\"request\":7,\"epoch\":1}", "{\"done\":0,\"ok\":true,\"epoch\":1}",
				      "{\"done\":0,\"ok\":true,\"generation\":1,\"epoch\":2}"}};
	unsigned asked;

	(void)state;
	assert_int_equal(run(&anew, "reload -t 20", &asked, ""), 0);
	assert_int_equal(asked, 3);
}

static void a_wait_in_vain_ends_with_1_and_without_a_daemon_with_69(void **state)
{
	struct script script = {.answers = {STATUS("starting", "true", "")}};
	struct cli_output output;
	unsigned asked;

	(void)state;
	assert_int_equal(run(&script, "wait ready --timeout 0.3", &asked, "it has not come in 0.3 seconds"), 1);
	output = cli_run_program("-s /nonexistent/socket wait ready -t 0.3");
	assert_int_equal(output.code, 69);
	assert_non_null(strstr(output.err, "is the daemon running"));
	cli_output_free(&output);
}

static void a_daemon_that_comes_later_is_found(void **state)
{
	struct script script = {.answers = {STATUS("receiving", "true", "")}};
	char path[80], folder[] = "/tmp/penstock-test-XXXXXX";
	int out = cli_temp_file(), status;
	struct server *server;
	struct error error;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	assert_int_equal(setenv("PENSTOCK_SOCKET", path, 1), 0);
	pid = cli_spawn("wait ready", out, out);
	(void)usleep(300000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(server_open(&server, path, 0600, &error), 0);
	assert_int_equal(server_register(server, API_STATUS, next_answer, &script, 0), 0);
	while (waitpid(pid, &status, WNOHANG) == 0)
		assert_true(server_poll(server, 50) >= 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	server_close(server);
	assert_int_equal(rmdir(folder), 0);
	close(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_comes_when_the_daemon_receives),
		cmocka_unit_test(alarm_comes_with_an_alarm_or_a_ledger_that_does_not_add_up),
		cmocka_unit_test(idle_comes_when_two_checks_agree_that_all_is_acked_or_given_up),
		cmocka_unit_test(idle_does_not_come_while_something_is_in_flight),
		cmocka_unit_test(a_ledger_without_its_terms_ends_the_wait),
		cmocka_unit_test(a_refusal_ends_the_wait),
		cmocka_unit_test(a_refusal_that_may_pass_does_not_end_the_wait),
		cmocka_unit_test(a_reload_is_asked_for_again_when_others_are_in_the_way),
		cmocka_unit_test(a_reload_ends_with_the_daemon_that_was_asked),
		cmocka_unit_test(a_wait_in_vain_ends_with_1_and_without_a_daemon_with_69),
		cmocka_unit_test(a_daemon_that_comes_later_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
