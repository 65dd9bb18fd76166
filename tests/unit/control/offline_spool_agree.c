/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wherever a small spool is damaged, check and status end, change nothing, and find lost what a daemon that starts
 * there finds lost: they never say that all is well when it is not.
 */
#include "offline_spool_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "spool/format.h"

#define LANE "lane.0"

static const struct offline as_json = {.json = 1};

struct file {
	char name[SPOOL_NAME_MAX];
	uint8_t *data;
	size_t size;
};

static struct file files[8];
static unsigned count;

/* Two segments, one entry of three settled, as it was when the daemon was killed. */
static int begin(void **state)
{
	uint64_t firsts[4];
	unsigned segments;

	(void)state;
	(void)rig_begin();
	(void)rig_log(LANE);
	rig_append(2, 40);
	rig_settle(1);
	rig_kill();
	(void)rig_log(LANE);
	rig_append(2, 40);
	rig_kill();
	segments = rig_segments(LANE, firsts, 4);
	assert_int_equal(segments, 2);
	for (count = 0; count < segments; count++)
		spool_segment_name(files[count].name, firsts[count]);
	(void)snprintf(files[count++].name, SPOOL_NAME_MAX, "state");
	for (unsigned i = 0; i < count; i++)
		files[i].data = rig_read(LANE, files[i].name, &files[i].size);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < count; i++)
		free(files[i].data);
	rig_end();
	return 0;
}

/* What a daemon left behind of the last try. */
static void clear(void)
{
	uint64_t firsts[16];
	unsigned segments = rig_segments(LANE, firsts, 16);
	char name[SPOOL_NAME_MAX];

	for (unsigned i = 0; i < segments; i++) {
		spool_segment_name(name, firsts[i]);
		rig_remove(LANE, name);
	}
}

static void restore(void)
{
	clear();
	for (unsigned i = 0; i < count; i++)
		rig_write(LANE, files[i].name, files[i].data, files[i].size);
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Returns check's exit code. */
static int compare(const char *name, size_t at)
{
	uint64_t sum = rig_sum();
	struct rig_output check = rig_run(offline_spool_check, &as_json, NULL);
	struct rig_output status = rig_run(offline_spool_status, NULL, NULL);
	struct rig_output lines = rig_run(offline_spool_export, NULL, NULL);
	struct rig_read_out daemon;
	uint64_t exported = 0;
	int code = check.code;

	assert_int_equal(rig_sum(), sum);
	daemon = rig_read_out(LANE);
	for (const char *c = lines.out; *c != '\0'; c++)
		exported += *c == '\n';
	if (daemon.rc != 0)
		fail_msg("%s, %zu: a daemon does not start", name, at);
	if (code == 2 || exported != daemon.events || (uint64_t)number(check.json, "lost") != daemon.damaged)
		fail_msg("%s, %zu: exit %d, %llu exported, %lld lost; a daemon reads %llu and loses %llu", name, at,
			code, (unsigned long long)exported, number(check.json, "lost"),
			(unsigned long long)daemon.events, (unsigned long long)daemon.damaged);
	if ((code == 1) != (number(check.json, "damaged") > 0) ||
		(daemon.damaged > 0 && (code != 1 || lines.code != 1)))
		fail_msg("%s, %zu: exit %d and %d", name, at, code, lines.code);
	rig_output_free(&check);
	rig_output_free(&status);
	rig_output_free(&lines);
	return code;
}

/* Bytes that say something: not those of the room behind the entries. */
static size_t used(const struct file *file)
{
	size_t size = file->size;

	while (size > 0 && file->data[size - 1] == 0)
		size--;
	return size + 16 < file->size ? size + 16 : file->size;
}

static void each_byte_that_changes(void **state)
{
	unsigned damaged = 0, tried = 0;

	(void)state;
	restore();
	assert_int_equal(compare("whole", 0), 0);
	for (unsigned i = 0; i < count; i++)
		for (size_t at = 0; at < used(&files[i]); at++) {
			if (at > 64 && files[i].data[at] == 0 && at % 64 != 0)
				continue;
			restore();
			rig_flip(LANE, files[i].name, at);
			damaged += compare(files[i].name, at) == 1;
			tried++;
		}
	assert_true(damaged > 300);
	assert_true(tried > damaged);
}

static void each_length_that_a_file_is_cut_to(void **state)
{
	(void)state;
	for (unsigned i = 0; i < count; i++)
		for (size_t size = 0; size < used(&files[i]); size += size < 600 ? 7 : 64) {
			restore();
			rig_write(LANE, files[i].name, files[i].data, size);
			(void)compare(files[i].name, size);
		}
}

static void each_file_that_is_missing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < count; i++) {
		restore();
		rig_remove(LANE, files[i].name);
		(void)compare(files[i].name, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_that_changes),
		cmocka_unit_test(each_length_that_a_file_is_cut_to),
		cmocka_unit_test(each_file_that_is_missing),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1)); /* a daemon warns of each */
	return cmocka_run_group_tests(tests, begin, end);
}
