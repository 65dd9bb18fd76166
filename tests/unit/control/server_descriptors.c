/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that run short do not silence the control socket, and are told. */
#include "server_rig.h"

#include <sys/resource.h>

#include "said.h"

#define ECHO "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n"

struct scarce {
	struct rig rig;
	struct rlimit before;
};

static int set_up(void **state)
{
	static struct scarce scarce;

	rig_open(&scarce.rig);
	*state = &scarce;
	return getrlimit(RLIMIT_NOFILE, &scarce.before);
}

static int tear_down(void **state)
{
	struct scarce *scarce = *state;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &scarce->before), 0);
	rig_close(&scarce->rig);
	return 0;
}

static void allow(const struct scarce *scarce, unsigned descriptors)
{
	struct rlimit limit = {descriptors, scarce->before.rlim_max};

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static unsigned next_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	assert_true(fd >= 0);
	close(fd);
	return (unsigned)fd;
}

/* The server has places for 32; poll(2) takes no more entries than there may be descriptors. */
static void fewer_descriptors_than_places_serve(void **state)
{
	struct scarce *scarce = *state;
	int client;

	allow(scarce, next_descriptor() + 4);
	client = rig_client(&scarce->rig);
	rig_write(client, ECHO);
	assert_int_equal(rig_code(&scarce->rig, client), 0);
	close(client);
}

static void who_cannot_be_accepted_is_told_once_and_accepted_later(void **state)
{
	struct scarce *scarce = *state;
	struct said said;
	const char *text;
	int client;

	rig_turns(&scarce->rig, 1);
	said_begin(&said);
	client = rig_connect(&scarce->rig);
	allow(scarce, next_descriptor());
	for (unsigned turn = 0; turn < 3; turn++)
		assert_int_equal(server_poll(scarce->rig.server, 250), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &scarce->before), 0);
	text = said_end(&said);
	assert_non_null(strstr(text, "LimitNOFILE"));
	assert_null(strstr(strstr(text, "LimitNOFILE") + 1, "LimitNOFILE"));
	rig_write(client, ECHO);
	assert_int_equal(rig_code(&scarce->rig, client), 0);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fewer_descriptors_than_places_serve, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_cannot_be_accepted_is_told_once_and_accepted_later, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
