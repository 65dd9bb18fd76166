/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_rig.h"

#include "control/api/client.h"
#include "control/api/protocol.h"

/*
 * What each command prints for a result kept in tests/golden/cli: NAME.json is the daemon's result, NAME.txt what a
 * person sees. With PENSTOCK_GOLDEN_WRITE set the texts are written instead of compared: look at the difference before
 * you commit it.
 */

struct golden {
	const char *line;   /* of the command */
	const char *result; /* file without .json */
	const char *text;   /* file without .txt */
	int code;
};

static const struct golden goldens[] = {
	{"status", "status", "status", 0},
	{"status", "status-alarm", "status-alarm", 1},
	{"ledger", "ledger", "ledger", 0},
	{"ledger -a", "ledger", "ledger-all", 0},
	{"ledger", "ledger-alarm", "ledger-alarm", 1},
	{"ledger", "ledger-unchecked", "ledger-unchecked", 0},
	{"show ports", "show.ports", "show.ports", 0},
	{"show ports -a", "show.ports", "show.ports-all", 0},
	{"show workers", "show.workers", "show.workers", 0},
	{"show sources", "show.sources", "show.sources", 0},
	{"show quotas", "show.quotas", "show.quotas", 0},
	{"show quotas", "show.quotas-none", "show.quotas-none", 0},
	{"show types", "show.types", "show.types", 0},
	{"show kafka", "show.kafka", "show.kafka", 0},
	{"show drops", "show.drops", "show.drops", 0},
	{"show drops --all", "show.drops", "show.drops-all", 0},
	{"show drops", "show.drops-none", "show.drops-none", 0},
	{"show config", "show.config", "show.config", 0},
	{"show config", "show.config-restart", "show.config-restart", 0},
	{"show rules", "show.rules", "show.rules", 0},
	{"show rules", "show.rules-none", "show.rules-none", 0},
	{"show rules -a", "show.rules", "show.rules-all", 0},
	{"show spool", "show.spool", "show.spool", 0},
	{"show spool", "show.spool-off", "show.spool-off", 0},
	{"spool status", "show.spool", "show.spool", 0},
	{"show tables", "show.tables", "show.tables", 0},
	{"show tables", "show.tables-none", "show.tables-none", 0},
	{"show generation", "show.generation", "show.generation", 0},
	{"spool replay", "spool.replay", "spool.replay", 0},
	{"spool replay -T ev.click", "spool.replay", "spool.replay-topic", 0},
	{"spool replay", "spool.replay-none", "spool.replay-none", 0},
	{"spool replay -T ev.click", "spool.replay-none", "spool.replay-none-topic", 0},
	{"topics plan", "topics.plan", "topics.plan", 1},
	{"topics plan", "topics.plan-unknown", "topics.plan-unknown", 1},
	{"topics create", "topics.create", "topics.create", 1},
	{"topics create", "topics.create-unknown", "topics.create-unknown", 1},
	{"stop", "stop", "stop", 0},
};

static struct cli_rig rig;
static _Atomic(const char *) current; /* the test sets it, the server's thread reads it */

static json_t *load(const char *name)
{
	char file[128];
	json_t *result;

	(void)snprintf(file, sizeof(file), "%s.json", name);
	result = json_load_file(cli_golden_path(file), 0, NULL);
	return result;
}

static json_t *answer_from_file(void *context, const json_t *params, struct error *error, int *code)
{
	(void)context, (void)params, (void)code;
	(void)error_set(error, 0, "%s cannot be read", atomic_load(&current));
	return load(atomic_load(&current));
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *name, const char *text)
{
	char file[128], *expected;
	int fd;

	(void)snprintf(file, sizeof(file), "%s.txt", name);
	if (getenv("PENSTOCK_GOLDEN_WRITE") != NULL)
		write_file(cli_golden_path(file), text);
	fd = open(cli_golden_path(file), O_RDONLY);
	assert_true(fd >= 0);
	expected = cli_read_all(fd);
	assert_string_equal(text, expected);
	free(expected);
}

static void each_command_prints_its_result_for_a_person(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		struct cli_output output;

		atomic_store(&current, goldens[i].result);
		output = cli_run_with(&rig, goldens[i].line);
		assert_string_equal(output.err, "");
		expect_file(goldens[i].text, output.out);
		assert_int_equal(output.code, goldens[i].code);
		cli_output_free(&output);
	}
}

static void every_command_that_asks_the_daemon_has_a_golden(void **state)
{
	(void)state;
	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++) {
		bool found = command->run != NULL;

		for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++)
			found |= strcmp(goldens[i].line, command->words) == 0;
		assert_true(found);
	}
}

static void json_is_the_daemons_result_as_one_object(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		json_t *sent = load(goldens[i].result), *printed;
		struct cli_output output;
		char line[128];

		atomic_store(&current, goldens[i].result);
		(void)snprintf(line, sizeof(line), "%s -j", goldens[i].line);
		output = cli_run_with(&rig, line);
		printed = json_loads(output.out, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(printed);
		assert_true(json_equal(sent, printed));
		assert_int_equal(output.code, goldens[i].code);
		assert_string_equal(output.err, "");
		json_decref(sent);
		json_decref(printed);
		cli_output_free(&output);
	}
}

/* Members keep their order, numbers their text. */
static void json_keeps_order_and_numbers(void **state)
{
	struct cli_output output;

	(void)state;
	atomic_store(&current, "show.kafka");
	output = cli_run_with(&rig, "-j show kafka");
	assert_non_null(strstr(output.out, "\"p50\": 4.2,"));
	assert_true(strstr(output.out, "\"version\"") < strstr(output.out, "\"producers\""));
	assert_true(strstr(output.out, "\"producers\"") < strstr(output.out, "\"topics\""));
	cli_output_free(&output);
}

static void nothing_that_a_terminal_obeys_is_printed(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(goldens) / sizeof(goldens[0]); i++) {
		struct cli_output output;
		char line[128];

		atomic_store(&current, goldens[i / 2].result);
		(void)snprintf(line, sizeof(line), "%s%s", goldens[i / 2].line, i % 2 == 0 ? "" : " -j");
		output = cli_run_with(&rig, line);
		for (const unsigned char *c = (const unsigned char *)output.out; *c != '\0'; c++) {
			assert_true(*c >= 0x20 || *c == '\n' || *c == '\t');
			assert_int_not_equal(*c, 0x7f);
			assert_false(c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f);
			assert_false(c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae);
		}
		cli_output_free(&output);
	}
}

static int set_up(void **state)
{
	(void)state;
	cli_rig_start(&rig, answer_from_file, NULL);
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
		cmocka_unit_test(each_command_prints_its_result_for_a_person),
		cmocka_unit_test(every_command_that_asks_the_daemon_has_a_golden),
		cmocka_unit_test(json_is_the_daemons_result_as_one_object),
		cmocka_unit_test(json_keeps_order_and_numbers),
		cmocka_unit_test(nothing_that_a_terminal_obeys_is_printed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
