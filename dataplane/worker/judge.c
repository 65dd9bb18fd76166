/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>

#include "tables/timed.h"
#include "worker/worker_priv.h"

struct ip_address ip_of_address(const struct address *address)
{
	struct ip_address ip = {0, 0};

	if (address->family == ADDRESS_IPV4) {
		uint32_t v4;

		memcpy(&v4, address->bytes, sizeof(v4));
		return address_of_v4(be32toh(v4));
	}
	memcpy(&ip.high, address->bytes, sizeof(ip.high));
	memcpy(&ip.low, address->bytes + 8, sizeof(ip.low));
	return (struct ip_address){be64toh(ip.high), be64toh(ip.low)};
}

/* Nothing is looked up for what goes aside: of the sender's members only those give way whose names its record gets. 0, or
 * 1 + the event's drop reason. */
static int cut_namesakes(struct event *event, struct json_object *object)
{
	static const char *const ours[] = {"quarantine", "ingest"};
	unsigned count = event->cut_count > 0 ? ARRAY_LENGTH(ours) : 1; /* else there is no ingest */
	__attribute__((uninitialized)) struct json_member members[JSON_WANTED];
	struct json_plan plan;

	if (object == NULL)
		return 0;
	(void)json_plan_init(&plan, 0);
	for (unsigned i = 0; i < count; i++)
		(void)json_plan_add(&plan, ours[i]);
	if (json_pick(&plan, object, members) != 0)
		return 1 + EVENT_DROP_json_syntax;
	event->cut_count = 0;
	for (unsigned i = 0; i < count; i++) {
		if (members[i].kind == JSON_ABSENT)
			continue;
		if (members[i].duplicate)
			return 1 + EVENT_DROP_reserved_twice;
		event->cuts[event->cut_count++] = members[i].whole;
	}
	event->empty = object->member_count == event->cut_count;
	return 0;
}

/* The event goes aside, with the reason; or is dropped, where there is no such topic. */
static __attribute__((noinline)) int put_aside(
	struct worker *worker, const struct type_plan *plan, struct slice why, struct event *event, struct json_object *object)
{
	int drop;

	if (plan->quarantine == TOPIC_OWN)
		return 1 + EVENT_DROP_shape;
	drop = cut_namesakes(event, object);
	if (drop != 0)
		return drop;
	event->way.topic = plan->quarantine;
	event->way.form |= FORM_ASIDE;
	event->way.copy = 0;
	event->way.pack = 0;
	event->way.enrich = 0;
	timed_follow(worker->generation->types, &event->way);
	event->extras[0] = why;
	event->way.extra_count = 1;
	return 0;
}

static int drop_by_rule(struct worker *worker, const struct event *event, const struct rule_action *action)
{
	struct worker_counters *counters = worker->counters;

	counter_add(&counters->rules[action->slot].removed, 1);
	if (action->what == RULE_SAMPLE) {
		counter_add(&counters->types[event->type].sampled_out, 1);
		worker->burst.sampled_out++;
	} else {
		counter_add(&counters->types[event->type].filtered, 1);
		worker->burst.filtered++;
	}
	return JUDGED_OUT;
}

static int apply(struct worker *worker, const struct type_plan *plan, const struct rule_action *action,
	const struct json_member *members, struct event *event, struct json_object *object)
{
	counter_add(&worker->counters->rules[action->slot].hits, 1);
	if (action->what == RULE_DROP ||
		(action->what == RULE_SAMPLE && !rules_sampled(&members[action->by], action->share)))
		return drop_by_rule(worker, event, action);
	if (action->what == RULE_QUARANTINE)
		return put_aside(worker, plan, action->why, event, object);
	if (action->topic == TOPIC_OWN && action->copy == 0)
		return 0;
	if (action->topic != TOPIC_OWN)
		event->way.topic = action->topic;
	if (action->copy != 0)
		event->way.copy = action->copy;
	timed_follow(worker->generation->types, &event->way);
	return 0;
}

/* The sender's address as text; it lives as long as the staged event. */
static struct slice source_key(struct worker *worker, const struct address *source)
{
	char *text = worker->sources_text[worker->staged_count];

	if (inet_ntop(source->family == ADDRESS_IPV4 ? AF_INET : AF_INET6, source->bytes, text, ADDRESS_TEXT_MAX + 1) == NULL)
		return (struct slice){NULL, 0};
	return (struct slice){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static void key_of_plan(
	struct worker *worker, int key, const struct address *source, const struct json_member *members, struct event *event)
{
	worker_key(worker, key >= 0 ? &members[key] : NULL, event);
	if (key == TYPE_KEY_SOURCE)
		event->key = source_key(worker, source);
}

int worker_judge(struct worker *worker, const struct type_plan *plan, const struct datagram *datagram,
	struct event *event, struct json_object *object)
{
	__attribute__((uninitialized)) struct json_member members[JSON_PATHS];
	__attribute__((uninitialized)) struct rules_event asked;
	uint32_t rule;

	if (plan->paths != NULL && UNLIKELY(json_paths_find(plan->paths, object, members) != 0))
		return 1 + EVENT_DROP_json_syntax;
	if (plan->key != TYPE_KEY_INPUT)
		key_of_plan(worker, plan->key, &datagram->source, members, event);
	for (unsigned i = 0; i < plan->required_count; i++)
		if (UNLIKELY((plan->required[i].kinds >> members[plan->required[i].path].kind & 1) == 0))
			return put_aside(worker, plan, plan->required[i].why, event, object);
	if (plan->rules == NULL)
		return 0;
	asked.members = members;
	asked.has_client = event->has_client;
	asked.client = event->client;
	asked.source = ip_of_address(&datagram->source);
	asked.time_us = event->time_us;
	asked.receive_us = worker->burst.receive_us;
	rule = rules_judge(plan->rules, &asked);
	if (rule == RULES_NONE)
		return 0;
	return apply(worker, plan, &plan->actions[rule], members, event, object);
}
