/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The real penstock program against the real server, which answers from a file: a thread serves, the test runs the
 * program and reads what it writes. $PENSTOCK names the program, $GOLDEN the folder of files.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/api/protocol.h"
#include "control/cli/grammar.h"
#include "control/daemon/server.h"

#define CLI_WORDS 12

extern char **environ;

struct cli_rig {
	char folder[64], path[80];
	struct server *server;
	pthread_t thread;
	atomic_bool stop;
};

static inline void *cli_rig_serve(void *context)
{
	struct cli_rig *rig = context;

	while (!atomic_load(&rig->stop))
		(void)server_poll(rig->server, 20);
	return NULL;
}

/* Serves every method of the grammar, and that of `reload`, with `handler`. */
static inline void cli_rig_start(struct cli_rig *rig, server_handler *handler, void *context)
{
	struct error error;

	*rig = (struct cli_rig){.folder = "/tmp/penstock-test-XXXXXX"};
	assert_non_null(mkdtemp(rig->folder));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/socket", rig->folder);
	assert_int_equal(server_open(&rig->server, rig->path, 0600, &error), 0);
	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++)
		if (command->method != NULL)
			(void)server_register(rig->server, command->method, handler, context, 0);
	assert_int_equal(server_register(rig->server, API_RELOAD, handler, context, 0), 0);
	assert_int_equal(pthread_create(&rig->thread, NULL, cli_rig_serve, rig), 0);
}

static inline void cli_rig_stop(struct cli_rig *rig)
{
	atomic_store(&rig->stop, true);
	assert_int_equal(pthread_join(rig->thread, NULL), 0);
	server_close(rig->server);
	assert_int_equal(rmdir(rig->folder), 0);
}

struct cli_output {
	char *out, *err; /* free both */
	int code;
};

static inline char *cli_read_all(int fd)
{
	char *text = calloc(1, 1 << 20);
	off_t len = lseek(fd, 0, SEEK_END);

	assert_in_range(len, 0, (1 << 20) - 1);
	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	close(fd);
	return text;
}

static inline int cli_temp_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* Starts the program with the words of `line`, separated by blanks. */
static inline pid_t cli_spawn(const char *line, int out, int err)
{
	char copy[512], *words[CLI_WORDS + 1] = {getenv("PENSTOCK")}, *rest = copy;
	posix_spawn_file_actions_t actions;
	int count = 1;
	pid_t pid;

	assert_non_null(words[0]);
	(void)snprintf(copy, sizeof(copy), "%s", line);
	while (count < CLI_WORDS && (words[count] = strtok_r(rest, " ", &rest)) != NULL)
		count++;
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO), 0);
	assert_int_equal(posix_spawn(&pid, words[0], &actions, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static inline struct cli_output cli_run_program(const char *line)
{
	int out = cli_temp_file(), err = cli_temp_file(), status;
	pid_t pid = cli_spawn(line, out, err);

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (struct cli_output){.out = cli_read_all(out), .err = cli_read_all(err), .code = WEXITSTATUS(status)};
}

static inline struct cli_output cli_run_with(const struct cli_rig *rig, const char *line)
{
	assert_int_equal(setenv("PENSTOCK_SOCKET", rig->path, 1), 0);
	return cli_run_program(line);
}

static inline void cli_output_free(struct cli_output *output)
{
	free(output->out);
	free(output->err);
}

/* $GOLDEN/name, in a buffer that the next call reuses. */
static inline const char *cli_golden_path(const char *name)
{
	static _Thread_local char path[512]; /* the server's thread asks too */

	assert_non_null(getenv("GOLDEN"));
	(void)snprintf(path, sizeof(path), "%s/%s", getenv("GOLDEN"), name);
	return path;
}
