/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/server_dispatch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/api/protocol.h"
#include "control/api/version.h"
#include "control/daemon/json_text.h"

#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(API_REAL_DIGITS))
#define FIRST_SIZE 512

struct method {
	const char *name;
	server_handler *handler;
	void *context;
	unsigned flags;
};

struct dispatch {
	struct method *methods;
	size_t count;
	size_t reply_max;
	atomic_bool draining;
};

struct growing {
	char *data;
	size_t used, size, max;
	bool failed; /* for good: Jansson (2.14) goes on after a callback that failed on a member's name */
};

static int append(const char *text, size_t len, void *context)
{
	struct growing *to = context;
	size_t size = to->size;
	char *grown;

	if (to->failed || len > to->max - to->used) {
		to->failed = true;
		return -1;
	}
	while (size - to->used < len)
		size = size == 0 ? FIRST_SIZE : size * 2;
	if (size != to->size) {
		grown = realloc(to->data, size);
		if (grown == NULL) {
			to->failed = true;
			return -1;
		}
		to->data = grown;
		to->size = size;
	}
	memcpy(to->data + to->used, text, len);
	to->used += len;
	return 0;
}

/* Takes `reply`. Empty when it is larger than `max`, holds what JSON cannot, or memory is short. */
static struct dispatch_reply write_reply(json_t *reply, size_t max)
{
	struct growing to = {.max = max};
	bool whole =
		reply != NULL && json_dump_callback(reply, append, &to, DUMP_FLAGS) == 0 && append("\n", 1, &to) == 0 &&
		!to.failed;

	json_decref(reply);
	if (whole)
		return (struct dispatch_reply){to.data, to.used};
	free(to.data);
	return (struct dispatch_reply){NULL, 0};
}

/* `id` is borrowed; NULL stands for null. Sentences quote files and the client, and may be no UTF-8. */
static struct dispatch_reply write_error(json_t *id, int code, const char *text)
{
	return write_reply(json_pack("{s:s,s:O?,s:{s:i,s:o}}", "jsonrpc", "2.0", "id", id, "error", "code", code,
				   "message", json_text(text)),
		SIZE_MAX);
}

struct dispatch_reply dispatch_refusal(int code, const char *text)
{
	return write_error(NULL, code, text);
}

static const struct method *find(const struct dispatch *dispatch, const char *name)
{
	for (size_t i = 0; i < dispatch->count; i++)
		if (strcmp(dispatch->methods[i].name, name) == 0)
			return &dispatch->methods[i];
	return NULL;
}

/* Takes `result`. */
static struct dispatch_reply write_result(const struct dispatch *dispatch, json_t *id, json_t *result)
{
	struct dispatch_reply reply;

	if (json_object_get(result, "schema_version") == NULL)
		(void)json_object_set_new(result, "schema_version", json_integer(API_SCHEMA_VERSION));
	reply = write_reply(
		json_pack("{s:s,s:O,s:o}", "jsonrpc", "2.0", "id", id, "result", result), dispatch->reply_max);
	if (reply.data != NULL)
		return reply;
	return write_error(
		id, API_REPLY_TOO_LARGE, "the reply is larger than the protocol allows: ask for less (a limit)");
}

static struct dispatch_reply call(
	const struct dispatch *dispatch, const struct method *method, json_t *id, const json_t *params)
{
	struct error error = {.text = ""};
	int code = API_FAILED;
	json_t *result = method->handler(method->context, params, &error, &code);
	bool wanted = id != NULL;

	if (wanted && json_is_object(result))
		return write_result(dispatch, id, result);
	json_decref(result);
	if (!wanted)
		return (struct dispatch_reply){NULL, 0};
	if (error.text[0] == '\0')
		return write_error(id, API_INTERNAL_ERROR, "the daemon has no result and does not say why");
	return write_error(id, code, error.text);
}

static void log_change(const struct method *method, const struct dispatch_peer *peer)
{
	if (method->flags & SERVER_CHANGES)
		log_write(LOG_NOTICE, "control: %s asked for by user %u (process %d)", method->name,
			(unsigned)peer->uid, (int)peer->pid);
}

static const char *flaw_of(const json_t *request)
{
	const json_t *version = json_object_get(request, "jsonrpc"), *id = json_object_get(request, "id");

	if (!json_is_object(request))
		return "a request is one JSON object a line";
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		return "a request has \"jsonrpc\":\"2.0\"";
	if (id != NULL && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return "a request's id is a string, a number or null";
	if (!json_is_string(json_object_get(request, "method")))
		return "a request has a \"method\", a string";
	return NULL;
}

static bool is_refused(const struct dispatch *dispatch, const struct method *method)
{
	return atomic_load(&dispatch->draining) && method != NULL && (method->flags & (SERVER_CHANGES | SERVER_APART)) &&
	       !(method->flags & SERVER_STOPS);
}

static struct dispatch_reply carry_out(
	const struct dispatch *dispatch, const json_t *request, const struct dispatch_peer *peer)
{
	const char *flaw = flaw_of(request), *name = json_string_value(json_object_get(request, "method"));
	const json_t *params = json_object_get(request, "params");
	json_t *id = json_object_get(request, "id");
	const struct method *method;
	struct error error;
	bool refused;
	int code;

	if (flaw != NULL)
		return write_error(NULL, API_INVALID_REQUEST, flaw);
	method = find(dispatch, name);
	refused = is_refused(dispatch, method);
	if (method != NULL && !refused && (params == NULL || json_is_object(params))) {
		log_change(method, peer);
		return call(dispatch, method, id, params);
	}
	if (id == NULL)
		return (struct dispatch_reply){NULL, 0};
	if (refused)
		code = error_set(&error, API_UNAVAILABLE, "the daemon is draining and takes no orders: it ends soon");
	else if (method != NULL)
		code = error_set(&error, API_INVALID_PARAMS, "%s: params is an object or absent", method->name);
	else
		code = error_set(&error, API_UNKNOWN_METHOD, "this daemon has no such method; %s lists them", API_HELP);
	return write_error(id, code, error.text);
}

struct dispatch_reply dispatch_line(
	struct dispatch *dispatch, const char *line, size_t len, const struct dispatch_peer *peer)
{
	json_error_t why;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	struct dispatch_reply reply;
	struct error error;

	if (request == NULL) {
		(void)error_set(&error, 0, "not JSON, byte %d: %s", why.position, why.text);
		return write_error(NULL, API_PARSE_ERROR, error.text);
	}
	reply = carry_out(dispatch, request, peer);
	json_decref(request);
	return reply;
}

unsigned dispatch_flags(const struct dispatch *dispatch, const char *line, size_t len)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	const char *name = json_string_value(json_object_get(request, "method"));
	const struct method *method = name != NULL ? find(dispatch, name) : NULL;

	json_decref(request);
	return method != NULL ? method->flags : 0;
}

struct dispatch_reply dispatch_refuse(const char *line, size_t len, int code, const char *text)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	json_t *id = json_object_get(request, "id");
	struct dispatch_reply reply = {NULL, 0};

	if (id != NULL)
		reply = write_error(id, code, text);
	json_decref(request);
	return reply;
}

static json_t *handle_version(void *context, const json_t *params, struct error *error, int *code)
{
	(void)context, (void)params, (void)error, (void)code;
	return json_pack("{s:i,s:s,s:s}", "schema_version", API_SCHEMA_VERSION, "name", "penstockd", "version",
		PENSTOCK_VERSION);
}

static json_t *handle_help(void *context, const json_t *params, struct error *error, int *code)
{
	const struct dispatch *dispatch = context;
	json_t *methods = json_array();

	(void)params, (void)error, (void)code;
	for (size_t i = 0; i < dispatch->count; i++) {
		const struct method *method = &dispatch->methods[i];

		(void)json_array_append_new(methods,
			json_pack("{s:s,s:b}", "name", method->name, "changes", (int)(method->flags & SERVER_CHANGES)));
	}
	return json_pack("{s:i,s:o}", "schema_version", API_SCHEMA_VERSION, "methods", methods);
}

int dispatch_add(struct dispatch *dispatch, const char *method, server_handler *handler, void *context, unsigned flags)
{
	struct method *grown;

	if (find(dispatch, method) != NULL)
		return -EEXIST;
	grown = reallocarray(dispatch->methods, dispatch->count + 1, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	dispatch->methods = grown;
	grown[dispatch->count++] = (struct method){method, handler, context, flags};
	return 0;
}

void dispatch_set_reply_max(struct dispatch *dispatch, size_t bytes)
{
	dispatch->reply_max = bytes;
}

void dispatch_drain(struct dispatch *dispatch)
{
	atomic_store(&dispatch->draining, true);
}

struct dispatch *dispatch_new(void)
{
	struct dispatch *dispatch = calloc(1, sizeof(*dispatch));

	if (dispatch == NULL)
		return NULL;
	dispatch->reply_max = API_REPLY_MAX;
	if (dispatch_add(dispatch, API_VERSION, handle_version, NULL, 0) == 0 &&
		dispatch_add(dispatch, API_HELP, handle_help, dispatch, 0) == 0)
		return dispatch;
	dispatch_free(dispatch);
	return NULL;
}

void dispatch_free(struct dispatch *dispatch)
{
	if (dispatch == NULL)
		return;
	free(dispatch->methods);
	free(dispatch);
}
