/* SPDX-License-Identifier: Apache-2.0 */
/* A feed that is no regular file is refused at once: nobody may ever write into a named pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/daemon/feed.h"

static int read_feed(const char *path, struct error *error)
{
	struct category_overlay *overlay = NULL;
	struct category *category = NULL;
	struct feed feed = {0};
	int rc;

	(void)alarm(20); /* instead of for ever */
	rc = feed_read(&feed, path, &category, &overlay, error);
	(void)alarm(0);
	return rc;
}

static void a_named_pipe_is_refused_at_once(void **state)
{
	char folder[] = "/tmp/feed-pipe-XXXXXX", path[64], said[128];
	struct error error = {""};

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/changes", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_feed(path, &error), -EINVAL);
	(void)snprintf(said, sizeof(said), "%s: it is no regular file; expected a file that can be read", path);
	assert_string_equal(error.text, said);
	unlink(path);
	assert_int_equal(read_feed(path, &error), 0);
	rmdir(folder);
}

static void directories_and_devices_are_refused(void **state)
{
	struct error error = {""};

	(void)state;
	assert_int_equal(read_feed("/", &error), -EISDIR);
	assert_string_equal(error.text, "/: Is a directory; expected a file that can be read");
	assert_int_equal(read_feed("/dev/zero", &error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_named_pipe_is_refused_at_once),
		cmocka_unit_test(directories_and_devices_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
