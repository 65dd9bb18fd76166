/* SPDX-License-Identifier: Apache-2.0 */
/* A watcher that has no memory says so, and what then helps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/daemon/box.h"
#include "said.h"

static struct box box; /* all of it that the watcher needs */

void namesake_turn(struct namesake *namesake, const struct kafka_property *properties, unsigned count)
{
	(void)namesake;
	(void)properties;
	(void)count;
}

void namesake_fini(struct namesake *namesake)
{
	(void)namesake;
}

void reached_publish(struct box *of, struct kafka_board *board)
{
	(void)of;
	(void)board;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	return count == TOPIC_MAX ? NULL : __real_calloc(count, size);
}

static void a_lack_of_memory_is_told(void **state)
{
	struct error error = {""};
	struct said said;
	const char *text;

	(void)state;
	said_begin(&said);
	assert_int_equal(watcher_start(&box, &error), 0);
	watcher_stop(&box);
	text = said_end(&said);
	assert_non_null(strstr(text, "cannot ask Kafka about topics: no memory for what it says of 1024 topics; free some and restart "
				     "the daemon\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lack_of_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
