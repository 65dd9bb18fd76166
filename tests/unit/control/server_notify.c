/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager that listens at `name`, which $NOTIFY_SOCKET gets; a leading @ is the abstract namespace. */
static int manager(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void expect_told(int fd, const char *text)
{
	char told[1024];
	ssize_t n = recv(fd, told, sizeof(told) - 1, 0);

	assert_true(n >= 0);
	told[n] = '\0';
	assert_string_equal(told, text);
}

static void the_manager_is_told_in_its_own_words(void **state)
{
	char name[64];
	int fd;

	(void)state;
	(void)snprintf(name, sizeof(name), "@penstock-test-%d", (int)getpid());
	fd = manager(name);
	assert_int_equal(notify_starting(10), 1);
	expect_told(fd, "EXTEND_TIMEOUT_USEC=10000000");
	assert_int_equal(notify_ready(), 1);
	expect_told(fd, "READY=1");
	assert_int_equal(notify_stopping(30), 1);
	expect_told(fd, "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000");
	assert_int_equal(notify_watchdog(), 1);
	expect_told(fd, "WATCHDOG=1");
	close(fd);
}

static void a_manager_may_listen_at_a_path(void **state)
{
	char folder[] = "/tmp/penstock-test-XXXXXX", name[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(name, sizeof(name), "%s/notify", folder);
	fd = manager(name);
	assert_int_equal(notify_ready(), 1);
	expect_told(fd, "READY=1");
	close(fd);
	assert_int_equal(notify_ready(), -ECONNREFUSED);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void without_a_manager_nothing_is_told(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(notify_ready(), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
	assert_int_equal(notify_ready(), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	assert_int_equal(notify_ready(), -EINVAL);
	assert_int_equal(setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1), 0);
	assert_int_equal(notify_ready(), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_is_told_in_its_own_words),
		cmocka_unit_test(a_manager_may_listen_at_a_path),
		cmocka_unit_test(without_a_manager_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
