/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_rig.h"

/*
 * The man page and the completion say what the grammar says. $MANUAL names the page's source.
 */

static char *manual(void)
{
	int fd = open(getenv("MANUAL"), O_RDONLY);

	assert_true(fd >= 0);
	return cli_read_all(fd);
}

static void expect_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("the man page lacks: %s", part);
}

/* Lines of the page that begin so. */
static unsigned count_lines(const char *text, const char *beginning)
{
	unsigned count = strncmp(text, beginning, strlen(beginning)) == 0;

	for (const char *at = text; (at = strchr(at, '\n')) != NULL;)
		count += strncmp(++at, beginning, strlen(beginning)) == 0;
	return count;
}

static void the_manual_has_each_command_with_its_options_and_text(void **state)
{
	char *text = manual(), heading[512];
	unsigned count = 0;

	(void)state;
	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++, count++) {
		int n = snprintf(heading, sizeof(heading), "\n*penstock %s*", command->words);

		if (command->argument != NULL && *command->argument != '[')
			n += snprintf(heading + n, sizeof(heading) - (size_t)n, " _%s_", command->argument);
		else if (command->argument != NULL)
			n += snprintf(heading + n, sizeof(heading) - (size_t)n, " [_%.*s_]",
				(int)strcspn(command->argument + 1, "]"), command->argument + 1);
		for (const char *letter = command->options; *letter != '\0'; letter++)
			n += snprintf(heading + n, sizeof(heading) - (size_t)n, " [*-%c*]", *letter);
		(void)snprintf(heading + n, sizeof(heading) - (size_t)n, "\n\t%s.", command->text);
		expect_in(text, heading);
	}
	assert_int_equal(count_lines(text, "*penstock "), count);
	free(text);
}

static void the_manual_has_each_option_with_its_text(void **state)
{
	char *text = manual(), heading[512];
	unsigned count = 0;

	(void)state;
	for (const struct grammar_option *option = grammar_options; option->name != NULL; option++, count++) {
		int n = snprintf(heading, sizeof(heading), "\n*-%c*, *--%s*", option->letter, option->name);

		if (option->argument != NULL)
			n += snprintf(heading + n, sizeof(heading) - (size_t)n, " _%s_", option->argument);
		(void)snprintf(heading + n, sizeof(heading) - (size_t)n, "\n\t%s", option->text);
		expect_in(text, heading);
	}
	assert_int_equal(count_lines(text, "*-"), count);
	free(text);
}

static void every_option_is_taken_by_a_command_or_by_all(void **state)
{
	(void)state;
	for (const struct grammar_option *option = grammar_options; option->name != NULL; option++) {
		bool taken = option->letter == 'h' || option->letter == 'V';

		for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++)
			taken |= strchr(command->options, option->letter) != NULL;
		assert_true(taken);
		assert_ptr_equal(grammar_option_of(option->letter), option);
	}
	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++)
		for (const char *letter = command->options; *letter != '\0'; letter++)
			assert_non_null(grammar_option_of(*letter));
}

/* What bash offers for the last of `words`, one a line. */
static void expect_completion(const char *words, const char *offered)
{
	char command[512], text[1024];
	FILE *bash;
	size_t n;

	(void)snprintf(command, sizeof(command),
		"bash --norc -c 'source <(\"$PENSTOCK\" help --completion); COMP_WORDS=(%s); "
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _penstock; echo \"${COMPREPLY[*]}\"'",
		words);
	bash = popen(command, "r");
	assert_non_null(bash);
	n = fread(text, 1, sizeof(text) - 1, bash);
	text[n > 0 ? n - 1 : 0] = '\0';
	assert_int_equal(pclose(bash), 0);
	if (strcmp(text, offered) != 0)
		fail_msg("%s: offered \"%s\", not \"%s\"", words, text, offered);
}

static void completion_offers_what_may_follow(void **state)
{
	(void)state;
	expect_completion("penstock \"\"", "status ledger show reload topics rules tables spool wait stop help");
	expect_completion("penstock st", "status stop");
	expect_completion("penstock -s /x -j show \"\"", "ports workers sources quotas types kafka drops config rules tables spool generation");
	expect_completion("penstock show w", "workers");
	expect_completion("penstock topics \"\"", "plan create");
	expect_completion("penstock tables \"\"", "build lookup");
	expect_completion("penstock spool \"\"", "status check export quarantine replay");
	expect_completion("penstock spool export -", "-a --all -T --topic");
	expect_completion("penstock stop \"\"", "");
	expect_completion("penstock show drops -", "-s --socket -j --json -w --watch -a --all");
	expect_completion("penstock show sources --order \"\"", "lost received");
	expect_completion("penstock help \"\"", "status ledger show reload topics rules tables spool wait stop help");
	expect_completion("penstock help show k", "kafka");
	expect_completion("penstock help --", "--completion");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_each_command_with_its_options_and_text),
		cmocka_unit_test(the_manual_has_each_option_with_its_text),
		cmocka_unit_test(every_option_is_taken_by_a_command_or_by_all),
		cmocka_unit_test(completion_offers_what_may_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
