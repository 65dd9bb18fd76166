/* SPDX-License-Identifier: Apache-2.0 */
#include "control/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/api/protocol.h"
#include "control/api/version.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"

#define OPTIONS_MAX   16
#define SECONDS_MAX   86400.0
#define LIMIT_MAX     1000000
#define PORT_MAX      65535
#define TOPIC_MAX     249 /* bytes of a name, as Kafka has it */
#define WATCH_MIN     0.1
#define LIMIT_DEFAULT 20
#define WAIT_DEFAULT  60.0

struct parsed {
	char given[OPTIONS_MAX + 1]; /* letters, each once */
	bool version;
};

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fputs("penstock: ", cli->err);
	display_escaped(cli->err, text);
	(void)fputs("; see `penstock help`\n", cli->err);
	return EXIT_USAGE;
}

static bool read_seconds(const char *text, double min, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(text, &end);
	return errno == 0 && end != text && *end == '\0' && isfinite(*seconds) && *seconds >= min &&
	       *seconds <= SECONDS_MAX;
}

static bool read_number(const char *text, long most, long *number)
{
	char *end;

	errno = 0;
	*number = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *number >= 1 && *number <= most;
}

static bool read_port(const char *text, unsigned *port)
{
	long number;

	if (!read_number(text, PORT_MAX, &number))
		return false;
	*port = (unsigned)number;
	return true;
}

/* Its characters, too, are Kafka's. */
static bool is_topic(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return text[length] == '\0' && length >= 1 && length <= TOPIC_MAX;
}

/* 0 or EXIT_USAGE. */
static int take_option(struct cli *cli, struct parsed *parsed, int letter, const char *argument)
{
	switch (letter) {
	case 's':
		cli->socket = argument;
		return *argument != '\0' ? 0 : cli_usage(cli, "-s takes the path of a socket");
	case 'w':
		return read_seconds(argument, WATCH_MIN, &cli->watch_s)
			       ? 0
			       : cli_usage(cli, "-w takes seconds from %.1f to %.0f, not %s", WATCH_MIN, SECONDS_MAX,
					 argument);
	case 't':
		return read_seconds(argument, 0, &cli->timeout_s)
			       ? 0
			       : cli_usage(cli, "-t takes seconds from 0 to %.0f, not %s", SECONDS_MAX, argument);
	case 'n':
		return read_number(argument, LIMIT_MAX, &cli->limit)
			       ? 0
			       : cli_usage(cli, "-n takes a number from 1 to %d, not %s", LIMIT_MAX, argument);
	case 'o':
		cli->order = argument;
		return strcmp(argument, "lost") == 0 || strcmp(argument, "received") == 0
			       ? 0
			       : cli_usage(cli, "-o takes lost or received, not %s", argument);
	case 'j':
		cli->json = true;
		return 0;
	case 'a':
		cli->all = true;
		return 0;
	case 'c':
		cli->config = argument;
		return *argument != '\0' ? 0 : cli_usage(cli, "-c takes a file");
	case 'f':
		cli->file = argument;
		return *argument != '\0' ? 0 : cli_usage(cli, "-f takes a file");
	case 'p':
		return read_port(argument, &cli->port) ? 0 : cli_usage(cli, "-p takes a port from 1 to 65535, not %s", argument);
	case 'T':
		cli->topic = argument;
		return is_topic(argument)
			       ? 0
			       : cli_usage(cli, "-T takes the name of a topic, 1 to %d of a-z, A-Z, 0-9, '.', '_' and '-', not %s",
					 TOPIC_MAX, argument);
	case 'y':
		cli->yes = true;
		return 0;
	case 'C':
		cli->completion = true;
		return 0;
	case 'h':
		cli->help = true;
		return 0;
	default:
		parsed->version = true;
		return 0;
	}
}

/* getopt's two lists, from the grammar. A leading colon: we tell of errors ourselves. */
static void list_options(char *letters, struct option *names)
{
	*letters++ = ':';
	for (const struct grammar_option *option = grammar_options; option->name != NULL; option++) {
		*letters++ = option->letter;
		if (option->argument != NULL)
			*letters++ = ':';
		*names++ = (struct option){option->name, option->argument != NULL, NULL, option->letter};
	}
	*letters = '\0';
	*names = (struct option){0};
}

static int parse_options(struct cli *cli, struct parsed *parsed, int argc, char **argv)
{
	char letters[2 * OPTIONS_MAX + 2];
	struct option names[OPTIONS_MAX + 1];
	int letter, rc;

	list_options(letters, names);
	optind = 0;
	while ((letter = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (letter == ':')
			return cli_usage(cli, "%s needs an argument", argv[optind - 1]);
		if (letter == '?')
			return cli_usage(cli, "there is no option %s", argv[optind - 1]);
		rc = take_option(cli, parsed, letter, optarg);
		if (rc != 0)
			return rc;
		if (strchr(parsed->given, letter) == NULL)
			parsed->given[strlen(parsed->given)] = (char)letter;
	}
	return 0;
}

static int find_command(struct cli *cli, char *const *words, int count)
{
	int used = 0;

	cli->command = grammar_find(words, count, &used);
	if (cli->command == NULL && count == 0)
		return cli_usage(cli, "no command is given");
	if (cli->command == NULL && count == 1)
		return cli_usage(cli, "there is no command \"%s\", or it lacks its second word", words[0]);
	if (cli->command == NULL)
		return cli_usage(cli, "there is no command \"%s %s\"", words[0], words[1]);
	cli->words = words + used;
	cli->word_count = count - used;
	if (cli->word_count > 0 && cli->command->argument == NULL)
		return cli_usage(cli, "\"%s\" takes no \"%s\"", cli->command->words, cli->words[0]);
	return 0;
}

static int check_options(const struct cli *cli, const char *given)
{
	for (; *given != '\0'; given++)
		if (*given != 'h' && strchr(cli->command->options, *given) == NULL)
			return cli_usage(cli, "\"%s\" takes no -%c", cli->command->words, *given);
	return 0;
}

int cli_call(struct cli *cli, int timeout_ms, json_t **result, struct api_error *error)
{
	const struct grammar_command *command = cli->command;
	json_t *params = command->params == NULL ? NULL : command->params(cli);
	json_int_t schema;
	int rc;

	if (command->params != NULL && params == NULL) { /* without them it would be another request */
		*result = NULL;
		*error = (struct api_error){.text = "what is asked for cannot be written as JSON; nothing was sent"};
		return -EINVAL;
	}
	rc = api_call(cli->socket, command->method, params, timeout_ms, result, error);
	json_decref(params);
	if (rc != 0 || cli->schema_told)
		return rc;
	schema = json_integer_value(json_object_get(*result, "schema_version"));
	if (schema == API_SCHEMA_VERSION)
		return 0;
	cli->schema_told = true;
	(void)fprintf(cli->err,
		"penstock: the daemon answers in schema %lld and this command reads %d: some of it may be "
		"missing here; install both from one release\n",
		(long long)schema, API_SCHEMA_VERSION);
	return 0;
}

int cli_fail(const struct cli *cli, int rc, const struct api_error *error)
{
	(void)fputs("penstock: ", cli->err);
	display_escaped(cli->err, error->text);
	(void)fputc('\n', cli->err);
	return rc == -EREMOTEIO ? EXIT_ALARM : EXIT_UNREACHABLE;
}

void cli_print(const struct cli *cli, const json_t *result)
{
	if (!cli->json) {
		cli->command->display(cli, result, cli->out);
		return;
	}
	(void)json_dumpf(result, cli->out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(API_REAL_DIGITS));
	(void)fputc('\n', cli->out);
}

static int run_once(struct cli *cli)
{
	struct api_error error;
	json_t *result;
	int rc = cli_call(cli, cli->command->timeout_ms, &result, &error), code = 0;

	if (rc != 0)
		return cli_fail(cli, rc, &error);
	cli_print(cli, result);
	if (cli->command->judge != NULL)
		code = cli->command->judge(result);
	json_decref(result);
	return code;
}

static void sleep_until(struct timespec *at, double seconds)
{
	double whole = floor(seconds);

	at->tv_sec += (time_t)whole;
	at->tv_nsec += (long)((seconds - whole) * 1e9);
	if (at->tv_nsec >= 1000000000L) {
		at->tv_sec++;
		at->tv_nsec -= 1000000000L;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL) == EINTR)
		;
}

/* A daemon that was there and is not now may come back: watching goes on. */
int cli_ask(struct cli *cli)
{
	struct timespec at;
	int code;

	clock_gettime(CLOCK_MONOTONIC, &at);
	code = run_once(cli);
	if (code == EXIT_UNREACHABLE || cli->watch_s <= 0)
		return code;
	while (fflush(cli->out) == 0) {
		sleep_until(&at, cli->watch_s);
		if (!cli->json)
			(void)fputc('\n', cli->out);
		code = run_once(cli);
	}
	return code;
}

static int run(struct cli *cli, const struct parsed *parsed, char *const *words, int count)
{
	int rc;

	if (parsed->version) {
		(void)fprintf(cli->out, "penstock %s\n", PENSTOCK_VERSION);
		return 0;
	}
	if (cli->help) {
		cli->words = words;
		cli->word_count = count;
		return run_help(cli);
	}
	rc = find_command(cli, words, count);
	if (rc == 0)
		rc = check_options(cli, parsed->given);
	if (rc != 0)
		return rc;
	return cli->command->run != NULL ? cli->command->run(cli) : cli_ask(cli);
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	const char *socket = getenv("PENSTOCK_SOCKET");
	struct cli cli = {.out = out,
		.err = err,
		.limit = LIMIT_DEFAULT,
		.order = "lost",
		.timeout_s = WAIT_DEFAULT,
		.socket = socket != NULL && *socket != '\0' ? socket : API_SOCKET_DEFAULT};
	struct parsed parsed = {0};
	int code = parse_options(&cli, &parsed, argc, argv);

	if (code == 0)
		code = run(&cli, &parsed, argv + optind, argc - optind);
	if (fflush(out) != 0 || ferror(out)) {
		(void)fprintf(err, "penstock: cannot write the output: %s\n", strerror(errno));
		return EXIT_OUTPUT;
	}
	return code;
}
