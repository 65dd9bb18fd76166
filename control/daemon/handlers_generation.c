/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/handlers.h"
#include "control/daemon/json_text.h"
#include "control/daemon/totals.h"

json_t *handle_reload(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;

	(void)params;
	(void)error;
	(void)code;
	return json_pack("{s:I,s:I}", "request", (json_int_t)loader_ask(box), "epoch", (json_int_t)box->epoch);
}

json_t *handle_generation(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_int_t request = json_integer_value(json_object_get(params, "request"));
	struct loader_result last;
	int idle = request > 0 ? loader_answer(box, (uint64_t)request, &last) : loader_last(box, &last);
	json_t *result;

	(void)error;
	(void)code;
	pthread_mutex_lock(&box->generations.lock);
	result = json_pack("{s:I,s:I,s:I,s:b,s:I,s:b,s:o,s:I,s:I}", "epoch", (json_int_t)box->epoch, "generation",
		(json_int_t)box->generations.now->number, "types", (json_int_t)box->generations.config->types->count, "loading", !idle,
		"done", (json_int_t)last.request, "ok", last.request == 0 || last.ok, "text", json_text(last.text), "took_ms",
		(json_int_t)last.took_ms, "at", (json_int_t)last.at_us);
	pthread_mutex_unlock(&box->generations.lock);
	return result;
}

static uint64_t rule_total(const struct box *box, unsigned slot, size_t field)
{
	return total_workers(box, offsetof(struct worker_counters, rules) + slot * sizeof(struct worker_rule_counters) + field);
}

static json_t *rule_of(const struct box *box, const struct rule_view *view)
{
	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:s}", "type", view->type, "rule", view->name, "then", view->then, "hits",
		(json_int_t)rule_total(box, view->slot, offsetof(struct worker_rule_counters, hits)), "removed",
		(json_int_t)rule_total(box, view->slot, offsetof(struct worker_rule_counters, removed)), "topic", view->topic,
		"copy", view->copy);
}

json_t *handle_rules(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *rules = json_array(), *result;
	const struct generation *now;
	struct rule_view view;

	(void)params;
	(void)error;
	(void)code;
	pthread_mutex_lock(&box->generations.lock);
	now = box->generations.now;
	for (unsigned i = 0; i < now->types->count; i++)
		for (unsigned k = 0; generations_rule(&box->generations, i, k, &view); k++)
			json_array_append_new(rules, rule_of(box, &view));
	result = json_pack("{s:I,s:o}", "generation", (json_int_t)now->number, "rules", rules);
	pthread_mutex_unlock(&box->generations.lock);
	return result;
}
