/* SPDX-License-Identifier: Apache-2.0 */
#include "server_rig.h"

#define NEVER 1000000000u
#define ECHO  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n"

static const struct server_limits roomy = {.clients = 2,
	.request_bytes = 64,
	.reply_bytes = 4u << 20,
	.line_ms = NEVER,
	.reply_ms = NEVER,
	.idle_ms = NEVER,
	.yield_ms = NEVER};

static int set_up(void **state)
{
	static struct rig rig;

	rig_open(&rig);
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	rig_close(*state);
	return 0;
}

static void expect_served(struct rig *rig, int client)
{
	rig_write(client, ECHO);
	assert_int_equal(rig_code(rig, client), 0);
}

static void a_request_of_the_limit_passes_and_one_byte_more_does_not(void **state)
{
	struct rig *rig = *state;
	char line[66], rest[256];
	int client;

	server_set_limits(rig->server, &roomy);
	(void)snprintf(line, sizeof(line), "%-63.*s\n", (int)strlen(ECHO) - 1, ECHO);
	assert_int_equal(strlen(line), 64);
	client = rig_client(rig);
	rig_write(client, line);
	assert_int_equal(rig_code(rig, client), 0);
	(void)snprintf(line, sizeof(line), "%-64.*s\n", (int)strlen(ECHO) - 1, ECHO);
	rig_write(client, line);
	assert_int_equal(rig_code(rig, client), API_INVALID_REQUEST);
	assert_string_equal(rig_line(rig, client, rest, sizeof(rest)), "");
	close(client);
	assert_int_equal(rig->calls, 1);
	client = rig_client(rig);
	expect_served(rig, client);
	close(client);
}

static void an_endless_line_costs_no_more_than_the_limit(void **state)
{
	static char flood[API_REQUEST_MAX];
	struct rig *rig = *state;
	int client = rig_client(rig);
	size_t sent = 0;
	char line[4096];

	memset(flood, '{', sizeof(flood));
	for (int turn = 0; turn < RIG_TURNS; turn++) {
		ssize_t n = send(client, flood, sizeof(flood), MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (errno != EAGAIN)
			break;
		rig_turns(rig, 1);
	}
	assert_true(sent < 64 * sizeof(flood));
	assert_non_null(strstr(rig_line(rig, client, line, sizeof(line)), "-32600"));
	close(client);
}

static void who_does_not_take_a_reply_is_cut_off_and_others_are_served(void **state)
{
	struct server_limits limits = roomy;
	struct rig *rig = *state;
	int slow, other;

	limits.reply_ms = 20;
	limits.request_bytes = 128;
	server_set_limits(rig->server, &limits);
	slow = rig_client(rig);
	other = rig_client(rig);
	rig_write(slow, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"large\",\"params\":{\"bytes\":3000000}}\n");
	rig_turns(rig, 2);
	expect_served(rig, other);
	for (int turn = 0; turn < RIG_TURNS && send(slow, "\n", 1, MSG_NOSIGNAL) == 1; turn++)
		assert_true(server_poll(rig->server, 10) >= 0);
	rig_wait_closed(rig, slow);
	expect_served(rig, other);
	close(slow);
	close(other);
}

static void who_does_not_end_a_line_is_cut_off_even_if_he_dribbles(void **state)
{
	struct server_limits limits = roomy;
	struct rig *rig = *state;
	bool cut = false;
	int client;

	limits.line_ms = 30;
	limits.request_bytes = 1u << 20;
	server_set_limits(rig->server, &limits);
	client = rig_client(rig);
	for (int turn = 0; turn < RIG_TURNS && !cut; turn++) {
		cut = send(client, "{", 1, MSG_NOSIGNAL) < 0;
		assert_true(server_poll(rig->server, 5) >= 0);
		(void)usleep(1000);
	}
	assert_true(cut);
	close(client);
}

static void who_says_nothing_is_cut_off(void **state)
{
	struct server_limits limits = roomy;
	struct rig *rig = *state;
	int client;

	limits.idle_ms = 20;
	server_set_limits(rig->server, &limits);
	client = rig_client(rig);
	rig_wait_closed(rig, client);
	close(client);
}

static void polling_without_limit_returns_to_cut_off_the_late(void **state)
{
	struct server_limits limits = roomy;
	struct rig *rig = *state;
	int client;

	limits.idle_ms = 20;
	server_set_limits(rig->server, &limits);
	client = rig_client(rig);
	assert_int_equal(server_poll(rig->server, -1), 0);
	rig_wait_closed(rig, client);
	close(client);
}

static void one_too_many_is_told_so(void **state)
{
	struct rig *rig = *state;
	int clients[3];

	server_set_limits(rig->server, &roomy);
	for (int i = 0; i < 3; i++)
		clients[i] = rig_client(rig);
	assert_int_equal(rig_code(rig, clients[2]), API_BUSY);
	expect_served(rig, clients[0]);
	expect_served(rig, clients[1]);
	close(clients[0]);
	rig_turns(rig, 1);
	close(clients[2]);
	clients[2] = rig_client(rig);
	expect_served(rig, clients[2]);
	close(clients[1]);
	close(clients[2]);
}

static void who_idled_longest_gives_way(void **state)
{
	struct server_limits limits = roomy;
	struct rig *rig = *state;
	int first, second, third;

	limits.yield_ms = 0;
	server_set_limits(rig->server, &limits);
	first = rig_client(rig);
	(void)usleep(2000);
	second = rig_client(rig);
	(void)usleep(2000);
	expect_served(rig, first);
	(void)usleep(2000);
	third = rig_client(rig);
	expect_served(rig, third);
	expect_served(rig, first);
	rig_wait_closed(rig, second);
	close(first);
	close(second);
	close(third);
}

static void who_has_begun_a_line_does_not_give_way(void **state)
{
	struct server_limits limits = roomy;
	struct rig *rig = *state;
	int clients[3];

	limits.yield_ms = 0;
	server_set_limits(rig->server, &limits);
	for (int i = 0; i < 2; i++) {
		clients[i] = rig_client(rig);
		rig_write(clients[i], "{");
		rig_turns(rig, 1);
	}
	clients[2] = rig_client(rig);
	assert_int_equal(rig_code(rig, clients[2]), API_BUSY);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_of_the_limit_passes_and_one_byte_more_does_not),
		TEST(an_endless_line_costs_no_more_than_the_limit),
		TEST(who_does_not_take_a_reply_is_cut_off_and_others_are_served),
		TEST(who_does_not_end_a_line_is_cut_off_even_if_he_dribbles),
		TEST(who_says_nothing_is_cut_off),
		TEST(polling_without_limit_returns_to_cut_off_the_late),
		TEST(one_too_many_is_told_so),
		TEST(who_idled_longest_gives_way),
		TEST(who_has_begun_a_line_does_not_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
