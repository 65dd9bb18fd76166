/* SPDX-License-Identifier: Apache-2.0 */
#include "server_rig.h"

#define ECHO(id) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"echo\"}\n"

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

static void several_clients_are_answered_each_its_own(void **state)
{
	struct rig *rig = *state;
	char request[80], line[256], expected[80];
	int clients[8];

	for (int i = 0; i < 8; i++)
		clients[i] = rig_client(rig);
	for (int i = 7; i >= 0; i--) {
		(void)snprintf(request, sizeof(request), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"echo\"}\n", i);
		rig_write(clients[i], request);
	}
	for (int i = 0; i < 8; i++) {
		(void)snprintf(expected, sizeof(expected), "\"id\":%d,", i);
		assert_non_null(strstr(rig_line(rig, clients[i], line, sizeof(line)), expected));
		close(clients[i]);
	}
	assert_int_equal(rig->calls, 8);
}

static void a_line_may_arrive_byte_by_byte(void **state)
{
	struct rig *rig = *state;
	const char *request = ECHO(1);
	int client = rig_client(rig);

	for (const char *c = request; *c != '\0'; c++) {
		assert_int_equal(rig->calls, 0);
		assert_int_equal(send(client, c, 1, MSG_NOSIGNAL), 1);
		rig_turns(rig, 1);
	}
	assert_int_equal(rig_code(rig, client), 0);
	assert_int_equal(rig->calls, 1);
	close(client);
}

static void lines_sent_at_once_are_answered_in_order(void **state)
{
	struct rig *rig = *state;
	int client = rig_client(rig);
	char line[256];

	rig_write(client, ECHO(1) "rubbish\n" ECHO(2) "{\"jsonrpc\":\"2.0\",\"id\":3,\"me");
	assert_non_null(strstr(rig_line(rig, client, line, sizeof(line)), "\"id\":1,\"result\""));
	assert_int_equal(rig_code(rig, client), API_PARSE_ERROR);
	assert_non_null(strstr(rig_line(rig, client, line, sizeof(line)), "\"id\":2,\"result\""));
	rig_write(client, "thod\":\"echo\"}\n");
	assert_non_null(strstr(rig_line(rig, client, line, sizeof(line)), "\"id\":3,\"result\""));
	close(client);
}

static void one_turn_serves_one_request_of_each(void **state)
{
	struct rig *rig = *state;
	int greedy = rig_client(rig), modest = rig_client(rig);
	char line[256];

	rig_write(greedy, ECHO(1) ECHO(2) ECHO(3) ECHO(4));
	rig_write(modest, ECHO(1));
	assert_int_equal(server_poll(rig->server, 0), 2);
	assert_int_equal(server_poll(rig->server, -1), 1);
	assert_non_null(strstr(rig_line(rig, modest, line, sizeof(line)), "\"id\":1,\"result\""));
	close(greedy);
	close(modest);
}

static void who_stops_sending_still_gets_every_answer(void **state)
{
	struct rig *rig = *state;
	int client = rig_client(rig);
	char line[256];

	rig_write(client, ECHO(1) ECHO(2));
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_int_equal(rig_code(rig, client), 0);
	assert_int_equal(rig_code(rig, client), 0);
	assert_string_equal(rig_line(rig, client, line, sizeof(line)), "");
	close(client);
}

static void who_leaves_at_once_is_still_obeyed(void **state)
{
	struct rig *rig = *state;
	int client = rig_client(rig);

	rig_write(client, ECHO(1));
	close(client);
	rig_turns(rig, 3);
	assert_int_equal(rig->calls, 1);
}

static void a_large_reply_arrives_whole(void **state)
{
	struct rig *rig = *state;
	size_t size = 2u << 20;
	char *line = malloc(size);
	int client = rig_client(rig);

	rig_write(
		client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"large\",\"params\":{\"bytes\":1500000}}\n" ECHO(2));
	assert_int_equal(strspn(strstr(rig_line(rig, client, line, size), "xx"), "x"), 1500000);
	assert_non_null(strstr(rig_line(rig, client, line, size), "\"id\":2,\"result\""));
	close(client);
	free(line);
}

static void replies_are_handed_out_before_the_end(void **state)
{
	struct rig *rig = *state;
	int client = rig_client(rig);
	char *buffer = malloc(1 << 20);
	size_t got = 0;
	ssize_t n;

	rig_write(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"large\",\"params\":{\"bytes\":400000}}\n");
	rig_turns(rig, 2);
	while ((n = recv(client, buffer, 1 << 20, 0)) > 0) {
		got += (size_t)n;
		server_flush(rig->server, 1000);
	}
	assert_true(got > 400000);
	close(client);
	free(buffer);
}

static void a_server_that_drains_takes_no_orders(void **state)
{
	struct rig *rig = *state;
	int client;
	char line[256];

	assert_int_equal(server_register(rig->server, "change", rig_echo, rig, SERVER_CHANGES), 0);
	assert_int_equal(server_register(rig->server, "end", rig_echo, rig, SERVER_CHANGES | SERVER_STOPS), 0);
	client = rig_client(rig);
	rig_write(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"change\"}\n");
	assert_int_equal(rig_code(rig, client), 0);
	server_drain(rig->server);
	rig_write(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"change\"}\n");
	assert_non_null(strstr(rig_line(rig, client, line, sizeof(line)), "\"id\":\"mine\",\"error\":{\"code\":-32001,"));
	rig_write(client, "{\"jsonrpc\":\"2.0\",\"method\":\"change\"}\n" ECHO(2));
	assert_non_null(strstr(rig_line(rig, client, line, sizeof(line)), "\"id\":2,\"result\""));
	rig_write(client, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"end\"}\n{rubbish\n");
	assert_int_equal(rig_code(rig, client), 0);
	assert_int_equal(rig_code(rig, client), API_PARSE_ERROR);
	assert_int_equal(rig->calls, 3);
	close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(several_clients_are_answered_each_its_own),
		TEST(a_line_may_arrive_byte_by_byte),
		TEST(lines_sent_at_once_are_answered_in_order),
		TEST(one_turn_serves_one_request_of_each),
		TEST(who_stops_sending_still_gets_every_answer),
		TEST(who_leaves_at_once_is_still_obeyed),
		TEST(a_large_reply_arrives_whole),
		TEST(replies_are_handed_out_before_the_end),
		TEST(a_server_that_drains_takes_no_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
