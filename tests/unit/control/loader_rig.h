/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A loader over a configuration of a test's own, whose files the test writes by hand. Include after cmocka. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/daemon/box.h"
#include "control/daemon/properties.h"

static struct box box; /* all of it that the loader needs */
static char folder[32], config_path[64], table_path[64], changes_path[64];

/* A client that takes all but this word. */
int properties_check(struct config *config, struct error *error)
{
	for (unsigned i = 0; i < config->property_count; i++)
		if (strcmp(config->properties[i].value, "bad") == 0)
			return error_set(error, -EINVAL, "no such value");
	return 0;
}

/* The file is whole from its first moment, as an edit is one change. */
static inline void write_file(const char *path, const char *text)
{
	char beside[80];
	FILE *file;

	(void)snprintf(beside, sizeof(beside), "%s.tmp", path);
	file = fopen(beside, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(beside, path), 0);
}

static inline void write_config_of(const char *servers, const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		"node: a\nports: [{name: p, device: net_null0}]\nkafka: {properties: {bootstrap.servers: \"%s\"}}\n"
		"memory: {pool: 1GiB}\ntypes: {a: {id: 1}}\n%s", servers, more);
	write_file(config_path, text);
}

static inline void write_config(const char *more)
{
	write_config_of("k:1", more);
}

/* A configuration without tables, but with these lines, is in force, and the loader runs. */
static inline void loader_rig_start(const char *more)
{
	struct error error = {""};

	memset(&box, 0, sizeof(box));
	(void)strcpy(folder, "/tmp/loader-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(config_path, sizeof(config_path), "%s/p.yaml", folder);
	(void)snprintf(table_path, sizeof(table_path), "%s/t.tsv", folder);
	(void)snprintf(changes_path, sizeof(changes_path), "%s/changes", folder);
	write_config(more);
	generations_init(&box.generations);
	box.config_mark = tables_mark_config(config_path);
	if (config_read(&box.config, config_path, &error) != 0 || generations_publish(&box, box.config, &error) != 0 ||
		loader_start(&box, &error) != 0)
		fail_msg("%s", error.text);
}

/* After loader_stop. */
static inline int loader_rig_end(void)
{
	generations_free(&box);
	config_free(box.config);
	unlink(config_path);
	unlink(table_path);
	unlink(changes_path);
	return rmdir(folder);
}

/* Waits until what was asked for first, second, ... is done. */
static inline struct loader_result wait_for_request(uint64_t request)
{
	int64_t until = clock_ms() + 20000;
	struct loader_result last;

	while (!loader_last(&box, &last) || last.request < request) {
		if (clock_ms() > until)
			fail_msg("no request %u within 20 s", (unsigned)request);
		(void)usleep(1000);
	}
	return last;
}
