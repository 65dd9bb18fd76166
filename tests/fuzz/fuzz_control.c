/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The control protocol, both ends. The first byte of an input chooses: 'a' the reply that a client reads, 'd' and a
 * letter the result that a command shows to a person (A is the grammar's first), anything else the lines that a server
 * carries out. Beside memory errors it looks for what must never be: a reply that is not one line of JSON-RPC, and
 * control bytes shown.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/api/client.h"
#include "control/cli/cli.h"
#include "control/daemon/server_dispatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_always)
{
	if (!true_always)
		abort();
}

/* Answers with what it was asked with, or refuses with a sentence out of it. */
static json_t *handle(void *context, const json_t *params, struct error *error, int *code)
{
	const char *text = json_string_value(json_object_get(params, "refuse"));

	(void)context, (void)code;
	if (text != NULL)
		(void)error_set(error, 0, "%s", text);
	return text != NULL ? NULL : params == NULL ? json_object() : json_deep_copy(params);
}

static void check_reply(struct dispatch_reply reply)
{
	json_t *json = json_loadb(reply.data, reply.len, 0, NULL);

	must(memchr(reply.data, '\n', reply.len) == reply.data + reply.len - 1);
	must(strcmp(json_string_value(json_object_get(json, "jsonrpc")), "2.0") == 0);
	must(json_object_get(json, "id") != NULL && json_object_size(json) == 3);
	must((json_object_get(json, "result") != NULL) != (json_object_get(json, "error") != NULL));
	json_decref(json);
}

static void serve(const char *text, size_t size)
{
	static const struct dispatch_peer peer = {.pid = 1, .uid = 0};
	struct dispatch *dispatch = dispatch_new();

	must(dispatch_add(dispatch, "echo", handle, NULL, 0) == 0);
	must(dispatch_add(dispatch, "stop", handle, NULL, SERVER_CHANGES) == 0);
	dispatch_set_reply_max(dispatch, 4096);
	while (size > 0) {
		const char *newline = memchr(text, '\n', size);
		size_t len = newline == NULL ? size : (size_t)(newline - text);
		struct dispatch_reply reply = dispatch_line(dispatch, text, len, &peer);

		if (reply.data != NULL)
			check_reply(reply);
		free(reply.data);
		len += newline != NULL;
		text += len;
		size -= len;
	}
	dispatch_free(dispatch);
}

static void read_reply(const char *text, size_t size)
{
	struct api_error error;
	json_t *result;
	int rc = api_reply_parse(text, size, 1, &result, &error);

	must((rc == 0) == (result != NULL) && (rc == 0) == json_is_object(result));
	json_decref(result);
}

static void check_shown(const char *shown)
{
	for (const unsigned char *c = (const unsigned char *)shown; *c != '\0'; c++)
		must((*c >= 0x20 || *c == '\n' || *c == '\t') && *c != 0x7f &&
			!(c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f));
}

static void show(const struct grammar_command *command, const char *text, size_t size)
{
	json_t *result = json_loadb(text, size, 0, NULL);
	struct cli cli = {.command = command, .all = size % 2};
	char *shown = NULL;
	size_t len;

	if (result == NULL || command->display == NULL) {
		json_decref(result);
		return;
	}
	cli.out = open_memstream(&shown, &len);
	must(cli.out != NULL);
	command->display(&cli, result, cli.out);
	if (command->judge != NULL)
		must(command->judge(result) == 0 || command->judge(result) == EXIT_ALARM);
	must(fclose(cli.out) == 0);
	check_shown(shown);
	free(shown);
	json_decref(result);
}

static unsigned command_count(void)
{
	unsigned count = 0;

	while (grammar_commands[count].words != NULL)
		count++;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	log_set_level(LOG_ERROR);
	if (size > 0 && data[0] == 'a')
		read_reply(text + 1, size - 1);
	else if (size > 1 && data[0] == 'd')
		show(&grammar_commands[(unsigned)(uint8_t)(data[1] - 'A') % command_count()], text + 2, size - 2);
	else
		serve(text, size);
	return 0;
}
