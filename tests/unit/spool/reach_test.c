/* SPDX-License-Identifier: Apache-2.0 */
/* What a start takes from the file that says how far the sequences came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "hand.h"

#define LAST (UINT64_MAX - REACHED_LANES) /* of as many digits as there may be */

static int setup(void **state)
{
	int rc = hand_setup(state);

	hand.config.epoch = 8;
	return rc;
}

static void put(const char *text, size_t length)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/reached.0", hand.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* As the process writes it that has as many topics and lanes as there may be. */
static void the_largest_file_is_taken(void **state)
{
	const struct spool_reached *before;
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	(void)fprintf(out, "penstock reached 1\nepoch 7\n");
	for (unsigned topic = 0; topic < TOPIC_MAX; topic++) {
		(void)fprintf(out, "t%u", topic);
		for (unsigned lane = 0; lane < REACHED_LANES; lane++)
			(void)fprintf(out, " %u:%llu", lane, (unsigned long long)LAST + lane);
		(void)fputc('\n', out);
	}
	(void)fflush(out);
	(void)fprintf(out, "check %08x\n", crc32c(0, text, length));
	assert_int_equal(fclose(out), 0);
	put(text, length);
	free(text);
	hand_start(16384);
	before = spool_reached_before(hand.spool);
	assert_int_equal(before->epoch, 7);
	assert_int_equal(before->exact, 1);
	assert_int_equal(reached_last(&before->set, "t1023", REACHED_LANES - 1), LAST + REACHED_LANES - 1);
	hand_stop();
}

static void damaged_file_tells_nothing(void **state)
{
	(void)state;
	put("", 0);
	hand_start(16384);
	assert_int_equal(spool_reached_before(hand.spool)->epoch, 0);
	hand_stop();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_largest_file_is_taken, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(damaged_file_tells_nothing, setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
