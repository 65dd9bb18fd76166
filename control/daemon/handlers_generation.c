/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/handlers.h"

json_t *handle_reload(void *context, const json_t *params, struct error *error, int *code)
{
	(void)params;
	(void)error;
	(void)code;
	return json_pack("{s:I}", "request", (json_int_t)loader_ask(context));
}

json_t *handle_generation(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	struct loader_result last;
	int idle = loader_last(box, &last);
	json_t *result;

	(void)params;
	(void)error;
	(void)code;
	pthread_mutex_lock(&box->generations.lock);
	result = json_pack("{s:I,s:I,s:b,s:I,s:b,s:s,s:I,s:I}", "generation", (json_int_t)box->generations.now->number, "types",
		(json_int_t)box->generations.config->types->count, "loading", !idle, "done", (json_int_t)last.request, "ok",
		last.request == 0 || last.ok, "text", last.text, "took_ms", (json_int_t)last.took_ms, "at",
		(json_int_t)last.at_us);
	pthread_mutex_unlock(&box->generations.lock);
	return result;
}
