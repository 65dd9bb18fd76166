/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/server_dispatch.h"

#include "said.h"
#include "server_rig.h"

static const struct dispatch_peer peer = {.pid = 4711, .uid = 33};

struct fixture {
	struct dispatch *dispatch;
	struct rig rig;
};

static json_t *handle_refusal(void *context, const json_t *params, struct error *error, int *code)
{
	(void)context, (void)params;
	*code = API_UNAVAILABLE;
	(void)error_set(error, 0, "Kafka is away");
	return NULL;
}

static json_t *handle_odd_refusal(void *context, const json_t *params, struct error *error, int *code)
{
	(void)context, (void)params, (void)code;
	(void)error_set(error, 0, "caf\xe9: No such file");
	return NULL;
}

static json_t *handle_nothing(void *context, const json_t *params, struct error *error, int *code)
{
	(void)context, (void)params, (void)error, (void)code;
	return NULL;
}

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){.dispatch = dispatch_new()};
	assert_non_null(fixture.dispatch);
	assert_int_equal(dispatch_add(fixture.dispatch, "echo", rig_echo, &fixture.rig, 0), 0);
	assert_int_equal(dispatch_add(fixture.dispatch, "large", rig_large, NULL, 0), 0);
	assert_int_equal(dispatch_add(fixture.dispatch, "refuse", handle_refusal, NULL, SERVER_CHANGES), 0);
	assert_int_equal(dispatch_add(fixture.dispatch, "refuse-oddly", handle_odd_refusal, NULL, 0), 0);
	assert_int_equal(dispatch_add(fixture.dispatch, "nothing", handle_nothing, NULL, 0), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	dispatch_free(f->dispatch);
	return 0;
}

/* The reply as text without its newline, in a buffer that the next call reuses; "" when there is none. */
static const char *reply_to(struct fixture *f, const char *line)
{
	static char text[4096];
	struct dispatch_reply reply = dispatch_line(f->dispatch, line, strlen(line), &peer);

	text[0] = '\0';
	if (reply.data != NULL) {
		assert_true(reply.len < sizeof(text));
		assert_int_equal(reply.data[reply.len - 1], '\n');
		assert_null(memchr(reply.data, '\n', reply.len - 1));
		memcpy(text, reply.data, reply.len - 1);
		text[reply.len - 1] = '\0';
	}
	free(reply.data);
	return text;
}

static int code_of(struct fixture *f, const char *line)
{
	json_t *reply = json_loads(reply_to(f, line), 0, NULL), *error = json_object_get(reply, "error");
	int code = (int)json_integer_value(json_object_get(error, "code"));

	assert_string_equal(json_string_value(json_object_get(reply, "jsonrpc")), "2.0");
	assert_non_null(json_object_get(reply, "id"));
	if (error != NULL)
		assert_true(strlen(json_string_value(json_object_get(error, "message"))) > 0);
	json_decref(reply);
	return code;
}

static void result_carries_the_id_and_the_schema(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(reply_to(f, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"echo\",\"params\":{\"a\":0.1}}"),
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"a\":0.1,\"schema_version\":1}}");
	assert_string_equal(reply_to(f, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"echo\"}\r"),
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"schema_version\":1}}");
	assert_string_equal(reply_to(f, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"echo\"}"),
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{\"schema_version\":1}}");
}

static void schema_given_by_the_handler_stays(void **state)
{
	assert_string_equal(
		reply_to(
			*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":{\"schema_version\":9}}"),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"schema_version\":9}}");
}

static void without_id_it_is_done_and_not_answered(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(reply_to(f, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}"), "");
	assert_int_equal(f->rig.calls, 1);
	assert_string_equal(reply_to(f, "{\"jsonrpc\":\"2.0\",\"method\":\"unknown\"}"), "");
	assert_string_equal(reply_to(f, "{\"jsonrpc\":\"2.0\",\"method\":\"refuse\"}"), "");
}

static void lines_that_are_not_json_are_refused(void **state)
{
	static const char *const lines[] = {"", " ", "x", "{", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"} x",
		"{\"id\":1,\"id\":2}", "\xff", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xc3\"}", "{\"a\":1e999}",
		"nul\xc3\xa9"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(code_of(*state, lines[i]), API_PARSE_ERROR);
}

static void nested_beyond_measure_is_refused(void **state)
{
	struct fixture *f = *state;
	char *line = malloc(API_REQUEST_MAX);
	struct dispatch_reply reply;

	memset(line, '[', API_REQUEST_MAX);
	reply = dispatch_line(f->dispatch, line, API_REQUEST_MAX, &peer);
	assert_non_null(memmem(reply.data, reply.len, "-32700", 6));
	free(reply.data);
	free(line);
}

static void json_that_is_no_request_is_refused(void **state)
{
	static const char *const lines[] = {"1", "null", "\"echo\"", "[]", "{}",
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}]", "{\"id\":1,\"method\":\"echo\"}",
		"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"echo\"}", "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"echo\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"echo\"}", "{\"jsonrpc\":\"2.0\",\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(code_of(f, lines[i]), API_INVALID_REQUEST);
	assert_int_equal(f->rig.calls, 0);
}

static void unknown_methods_and_params_of_a_wrong_kind_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(code_of(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ech\"}"), API_UNKNOWN_METHOD);
	assert_int_equal(code_of(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}"), API_UNKNOWN_METHOD);
	assert_int_equal(
		code_of(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[1]}"), API_INVALID_PARAMS);
	assert_int_equal(
		code_of(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":1}"), API_INVALID_PARAMS);
	assert_int_equal(f->rig.calls, 0);
}

static void a_handlers_refusal_reaches_the_client(void **state)
{
	assert_string_equal(reply_to(*state, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"refuse\"}"),
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32001,\"message\":\"Kafka is away\"}}");
	assert_int_equal(code_of(*state, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"nothing\"}"), API_INTERNAL_ERROR);
}

static void a_refusal_with_bytes_that_are_no_utf8_keeps_its_words(void **state)
{
	const char *text = reply_to(*state, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"refuse-oddly\"}");

	assert_non_null(strstr(text, "\"message\":\"caf\xef\xbf\xbd: No such file\""));
}

static void a_reply_beyond_the_limit_becomes_an_error(void **state)
{
	struct fixture *f = *state;
	const char *fits = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"large\",\"params\":{\"bytes\":100}}";
	size_t len = strlen(reply_to(f, fits)) + 1;

	dispatch_set_reply_max(f->dispatch, len);
	assert_int_equal(code_of(f, fits), 0);
	dispatch_set_reply_max(f->dispatch, len - 1);
	assert_int_equal(code_of(f, fits), API_REPLY_TOO_LARGE);
}

static void help_lists_methods_and_which_change_something(void **state)
{
	const char *text = reply_to(*state, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"help\"}");

	assert_non_null(strstr(text, "{\"name\":\"refuse\",\"changes\":true}"));
	assert_non_null(strstr(text, "{\"name\":\"echo\",\"changes\":false}"));
	assert_non_null(strstr(text, "{\"name\":\"api.version\",\"changes\":false}"));
}

static void a_method_is_registered_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(dispatch_add(f->dispatch, "echo", rig_echo, NULL, 0), -EEXIST);
	assert_int_equal(dispatch_add(f->dispatch, API_HELP, rig_echo, NULL, 0), -EEXIST);
}

/* Standard error during one call, as text. */
static const char *log_of(struct fixture *f, const char *line)
{
	static struct said said;

	said_begin(&said);
	(void)reply_to(f, line);
	return said_end(&said);
}

static void who_changes_something_is_logged(void **state)
{
	const char *log = log_of(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"refuse\"}");

	assert_non_null(strstr(log, "refuse asked for by user 33 (process 4711)"));
	assert_string_equal(log_of(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}"), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(result_carries_the_id_and_the_schema),
		TEST(schema_given_by_the_handler_stays),
		TEST(without_id_it_is_done_and_not_answered),
		TEST(lines_that_are_not_json_are_refused),
		TEST(nested_beyond_measure_is_refused),
		TEST(json_that_is_no_request_is_refused),
		TEST(unknown_methods_and_params_of_a_wrong_kind_are_refused),
		TEST(a_handlers_refusal_reaches_the_client),
		TEST(a_refusal_with_bytes_that_are_no_utf8_keeps_its_words),
		TEST(a_reply_beyond_the_limit_becomes_an_error),
		TEST(help_lists_methods_and_which_change_something),
		TEST(a_method_is_registered_once),
		TEST(who_changes_something_is_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
