/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_rig.h"

#include "control/api/protocol.h"
#include "control/api/version.h"

#include <signal.h>

static struct cli_rig rig;

/* What the server's thread answers with, set by the test before it runs the program. */
static struct {
	_Atomic(const char *) refusal; /* NULL: {} */
	_Atomic(const char *) result;
	atomic_uint calls;
	atomic_llong limit;
	atomic_bool by_received;
} answer;

static json_t *handle(void *context, const json_t *params, struct error *error, int *code)
{
	const char *order = json_string_value(json_object_get(params, "order"));

	(void)context;
	atomic_fetch_add(&answer.calls, 1);
	atomic_store(&answer.limit, json_integer_value(json_object_get(params, "limit")));
	atomic_store(&answer.by_received, order != NULL && strcmp(order, "received") == 0);
	if (atomic_load(&answer.refusal) == NULL)
		return json_loads(atomic_load(&answer.result), 0, NULL);
	*code = API_UNAVAILABLE;
	(void)error_set(error, 0, "%s", atomic_load(&answer.refusal));
	return NULL;
}

static void reset_answer(void)
{
	atomic_store(&answer.refusal, NULL);
	atomic_store(&answer.result, "{}");
	atomic_store(&answer.calls, 0);
}

static void expect(const char *line, int code, const char *out, const char *err)
{
	struct cli_output output = cli_run_with(&rig, line);

	if (output.code != code || strstr(output.out, out) == NULL || strstr(output.err, err) == NULL)
		fail_msg("%s: code %d\nout: %s\nerr: %s", line, output.code, output.out, output.err);
	assert_true(*err != '\0' || output.err[0] == '\0');
	assert_true(*out != '\0' || output.out[0] == '\0');
	cli_output_free(&output);
}

static void a_wrong_command_line_is_told_with_64(void **state)
{
	(void)state;
	reset_answer();
	expect("", 64, "", "no command is given");
	expect("frobnicate", 64, "", "there is no command \"frobnicate\"");
	expect("show", 64, "", "\"show\", or it lacks its second word");
	expect("show frogs", 64, "", "there is no command \"show frogs\"");
	expect("status please", 64, "", "\"status\" takes no \"please\"");
	expect("status -x", 64, "", "there is no option -x");
	expect("status --frob", 64, "", "there is no option --frob");
	expect("status -w", 64, "", "-w needs an argument");
	expect("status -w 0", 64, "", "-w takes seconds");
	expect("status -w nan", 64, "", "-w takes seconds");
	expect("status -w 1x", 64, "", "-w takes seconds");
	expect("status -a", 64, "", "\"status\" takes no -a");
	expect("stop -w 1", 64, "", "\"stop\" takes no -w");
	expect("show sources -n 0", 64, "", "-n takes a number");
	expect("show sources -o best", 64, "", "-o takes lost or received");
	expect("wait ready -t -1", 64, "", "-t takes seconds");
	expect("rules test", 64, "", "-c FILE is missing");
	expect("rules test -c /dev/null", 64, "", "takes one file of samples");
	expect("rules test -c /dev/null -p 0 x", 64, "", "-p takes a port");
	expect("rules test -c /dev/null -p 65536 x", 64, "", "-p takes a port");
	expect("tables build one", 64, "", "takes two files");
	expect("tables lookup", 64, "", "takes ip or item first");
	expect("tables lookup frog 1", 64, "", "takes ip or item first");
	expect("tables lookup ip", 64, "", "takes keys");
	expect("help frogs", 64, "", "there is no command \"frogs\"");
	assert_int_equal(atomic_load(&answer.calls), 0);
}

/* Without the topic it would be asked for all of them. */
static void a_topic_that_is_none_is_told_with_64(void **state)
{
	static const char *const names[] = {"ev\xff", "caf\xc3\xa9", "a/b", "a\"b"};
	char line[512];

	(void)state;
	reset_answer();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(line, sizeof(line), "spool replay -T %s", names[i]);
		expect(line, 64, "", "-T takes the name of a topic");
		(void)snprintf(line, sizeof(line), "spool export -T %s /nonexistent", names[i]);
		expect(line, 64, "", "-T takes the name of a topic");
	}
	(void)snprintf(line, sizeof(line), "spool replay -T %0250d", 7);
	expect(line, 64, "", "-T takes the name of a topic");
	assert_int_equal(atomic_load(&answer.calls), 0);
	(void)snprintf(line, sizeof(line), "spool replay -T %0249d", 7);
	expect(line, 0, "of topic 000", "");
	expect("spool replay", 0, "there are no dead letters", "");
	assert_int_equal(atomic_load(&answer.calls), 2);
}

static void what_is_told_of_a_wrong_command_line_is_escaped(void **state)
{
	(void)state;
	expect("\033[31m", 64, "", "\"\\x1b[31m\"");
	expect("help \033[31m", 64, "", "\"\\x1b[31m\"");
}

static void an_absent_daemon_is_told_with_69_and_a_cure(void **state)
{
	(void)state;
	expect("-s /nonexistent/socket status", 69, "", "is the daemon running");
	expect("-s /nonexistent/socket status -w 1", 69, "", "is the daemon running");
	expect("-s /nonexistent/socket stop -j", 69, "", "/nonexistent/socket");
}

static void a_refusal_is_told_with_1_and_escaped(void **state)
{
	(void)state;
	reset_answer();
	atomic_store(&answer.refusal, "Kafka is away\033[2J");
	expect("topics plan", 1, "", "penstock: Kafka is away\\x1b[2J\n");
	expect("topics plan -j", 1, "", "penstock: Kafka is away\\x1b[2J\n");
}

static void options_may_stand_anywhere(void **state)
{
	(void)state;
	reset_answer();
	expect("show --json workers", 0, "\"schema_version\": 1", "");
	expect("-j show workers", 0, "\"schema_version\": 1", "");
	expect("show sources --limit 7 -o received -j", 0, "schema_version", "");
	assert_int_equal(atomic_load(&answer.limit), 7);
	assert_true(atomic_load(&answer.by_received));
	expect("show sources -j", 0, "schema_version", "");
	assert_int_equal(atomic_load(&answer.limit), 20);
	assert_false(atomic_load(&answer.by_received));
}

/* Every member absent, and every member of a kind it should not be. */
static void results_of_a_strange_shape_do_no_harm(void **state)
{
	static const char *const strange[] = {"{}",
		"{\"ports\":3,\"equations\":{},\"drops\":[1,null,[]],\"text\":[],"
		"\"topics\":[{\"name\":{}}],\"alarms\":\"x\",\"workers\":[[],{}],\"producers\":[{\"handles\":[7]},3]}"};

	(void)state;
	reset_answer();
	for (size_t i = 0; i < 2; i++) {
		atomic_store(&answer.result, strange[i]);
		for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++) {
			struct cli_output output;

			if (command->method == NULL || command->run != NULL)
				continue;
			output = cli_run_with(&rig, command->words);
			assert_int_equal(output.code, 0);
			assert_string_equal(output.err, "");
			cli_output_free(&output);
		}
	}
}

static void a_strange_answer_about_keys_is_no_good_one(void **state)
{
	(void)state;
	reset_answer();
	expect("tables lookup ip 10.0.0.1", 1, "", "");
	atomic_store(&answer.result, "{\"rows\":7}");
	expect("tables lookup ip -j 10.0.0.1", 1, "", "");
	atomic_store(&answer.result, "{\"rows\":[1,null,[],{\"key\":{},\"error\":3},{\"found\":true,\"geo\":7},"
				     "{\"key\":\"\\u001b[2J\",\"found\":true,\"geo\":{\"\\u001b\":\"\\u001b\"}},{\"found\":true}]}");
	expect("tables lookup ip 10.0.0.1", 1, "\\x1b[2J", "");
	expect("tables lookup ip -j 10.0.0.1", 1, "\\u001B[2J", "");
	atomic_store(&answer.refusal, "no geo table is loaded");
	expect("tables lookup ip 10.0.0.1", 1, "", "penstock: no geo table is loaded\n");
}

static void a_newer_schema_is_noted(void **state)
{
	(void)state;
	reset_answer();
	atomic_store(&answer.result, "{\"schema_version\":2}");
	expect("show workers", 0, "", "answers in schema 2 and this command reads 1");
}

static void output_that_cannot_be_written_is_told_with_74(void **state)
{
	int full = open("/dev/full", O_WRONLY), err = cli_temp_file(), status;
	char *text;
	pid_t pid;

	(void)state;
	assert_true(full >= 0);
	pid = cli_spawn("help", full, err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 74);
	text = cli_read_all(err);
	assert_non_null(strstr(text, "cannot write"));
	free(text);
	close(full);
}

static void watching_repeats_until_interrupted(void **state)
{
	int out = cli_temp_file(), status;
	pid_t pid;
	char *text;

	(void)state;
	reset_answer();
	assert_int_equal(setenv("PENSTOCK_SOCKET", rig.path, 1), 0);
	pid = cli_spawn("show workers -j -w 0.1", out, out);
	while (atomic_load(&answer.calls) < 3)
		(void)usleep(1000);
	assert_int_equal(kill(pid, SIGINT), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	text = cli_read_all(out);
	assert_non_null(strstr(strstr(text, "schema_version") + 1, "schema_version"));
	free(text);
}

static void version_and_help_need_no_daemon(void **state)
{
	(void)state;
	expect("--version", 0, "penstock " PENSTOCK_VERSION "\n", "");
	expect("-V -s /nonexistent", 0, "penstock " PENSTOCK_VERSION "\n", "");
	expect("--help", 0, "Usage: penstock", "");
	expect("help", 0, "Exit codes", "");
	expect("help show drops", 0, "penstock show drops", "");
	expect("show drops -h", 0, "--all", "");
	expect("help show", 0, "show workers", "");
}

static int set_up(void **state)
{
	(void)state;
	reset_answer();
	cli_rig_start(&rig, handle, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cli_rig_stop(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_command_line_is_told_with_64),
		cmocka_unit_test(a_topic_that_is_none_is_told_with_64),
		cmocka_unit_test(what_is_told_of_a_wrong_command_line_is_escaped),
		cmocka_unit_test(an_absent_daemon_is_told_with_69_and_a_cure),
		cmocka_unit_test(a_refusal_is_told_with_1_and_escaped),
		cmocka_unit_test(options_may_stand_anywhere),
		cmocka_unit_test(results_of_a_strange_shape_do_no_harm),
		cmocka_unit_test(a_strange_answer_about_keys_is_no_good_one),
		cmocka_unit_test(a_newer_schema_is_noted),
		cmocka_unit_test(output_that_cannot_be_written_is_told_with_74),
		cmocka_unit_test(watching_repeats_until_interrupted),
		cmocka_unit_test(version_and_help_need_no_daemon),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
