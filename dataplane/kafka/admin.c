/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "kafka/internal.h"

#define SLICE_MS 250 /* of the wait for a broker */

struct kafka_admin {
	rd_kafka_t *handle;
	const atomic_int *leave; /* see kafka_admin_obey; NULL: none */
	rd_kafka_queue_t *answers;
	unsigned next; /* topic with which the next look at topics begins */
	char last_error[KAFKA_PROBLEM]; /* of the connection; the library does not repeat one that stays the same */
};

static int left_ms(int64_t end)
{
	int64_t left = end - clock_ms();

	return left > 0 ? (int)left : 0;
}

static void remember(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
	struct kafka_admin *admin = opaque;

	(void)handle;
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || admin->last_error[0] == '\0')
		(void)snprintf(admin->last_error, sizeof(admin->last_error), "%s", reason);
}

int kafka_admin_new(struct kafka_admin **admin, const struct kafka_property *properties, unsigned count, struct error *error)
{
	rd_kafka_conf_t *conf = kafka_conf_new(properties, count, 0, error);
	struct kafka_admin *a;
	char text[400];

	if (conf == NULL)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (a == NULL) {
		rd_kafka_conf_destroy(conf);
		return error_set(error, -ENOMEM, "making a Kafka admin client: out of memory");
	}
	/* It writes no records, so it needs no producer id; and a question must never make a topic. */
	(void)rd_kafka_conf_set(conf, "enable.idempotence", "false", NULL, 0);
	(void)rd_kafka_conf_set(conf, "allow.auto.create.topics", "false", NULL, 0);
	(void)rd_kafka_conf_set(conf, "log.queue", "false", NULL, 0);
	rd_kafka_conf_set_log_cb(conf, NULL);
	rd_kafka_conf_set_error_cb(conf, remember);
	rd_kafka_conf_set_opaque(conf, a);
	a->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (a->handle == NULL) {
		rd_kafka_conf_destroy(conf);
		free(a);
		return error_set(error, -EINVAL, "making a Kafka admin client: %s", text);
	}
	a->answers = rd_kafka_queue_new(a->handle);
	*admin = a;
	return 0;
}

void kafka_admin_free(struct kafka_admin *admin)
{
	if (admin == NULL)
		return;
	rd_kafka_queue_destroy(admin->answers);
	rd_kafka_destroy(admin->handle);
	free(admin);
}

/* The code says little when no broker could be reached; what the connection said before says why. */
static int refuse(struct kafka_admin *admin, const char *what, rd_kafka_resp_err_t code, struct error *error)
{
	int rc = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ? -ETIMEDOUT : -EIO;

	while (rd_kafka_poll(admin->handle, 0) > 0)
		continue;
	if (admin->last_error[0] == '\0')
		return error_set(error, rc, "%s: %s", what, rd_kafka_err2str(code));
	return error_set(error, rc, "%s: %s (%s)", what, rd_kafka_err2str(code), admin->last_error);
}

static void read_topic(const struct rd_kafka_metadata_topic *topic, struct kafka_topic_info *info)
{
	if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
		info->state = KAFKA_TOPIC_MISSING;
		return;
	}
	if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR && topic->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
		(void)snprintf(info->problem, sizeof(info->problem), "%s", rd_kafka_err2str(topic->err));
		return;
	}
	info->state = KAFKA_TOPIC_EXISTS;
	info->partitions = topic->partition_cnt;
	info->replicas = topic->partition_cnt > 0 ? topic->partitions[0].replica_cnt : 0;
	for (int i = 0; i < topic->partition_cnt; i++)
		info->leaderless += topic->partitions[i].leader < 0;
}

void kafka_admin_obey(struct kafka_admin *admin, const atomic_int *leave)
{
	admin->leave = leave;
}

static int is_told_to_leave(const struct kafka_admin *admin)
{
	return admin->leave != NULL && atomic_load(admin->leave);
}

static int may_wait(const struct kafka_admin *admin, int64_t end)
{
	return left_ms(end) > 0 && !is_told_to_leave(admin);
}

/* While there is no broker to be asked, it looks now and then for whether to go on. A broker that is slow has all the time. */
static rd_kafka_resp_err_t ask_patiently(
	struct kafka_admin *admin, rd_kafka_topic_t *topic, const struct rd_kafka_metadata **metadata, int ms)
{
	int64_t end = clock_ms() + ms;
	rd_kafka_resp_err_t code;

	do {
		int left = left_ms(end);

		code = rd_kafka_metadata(admin->handle, 0, topic, metadata, left < SLICE_MS ? left : SLICE_MS);
	} while (code == RD_KAFKA_RESP_ERR__TRANSPORT && may_wait(admin, end));
	if (code == RD_KAFKA_RESP_ERR__TIMED_OUT && may_wait(admin, end))
		code = rd_kafka_metadata(admin->handle, 0, topic, metadata, left_ms(end));
	return code;
}

/* One topic a question: in librdkafka 2.0.2 a question about all that the client knows lets the broker make those that are
 * missing (rd_kafka_metadata sets what its comment says it clears). */
static rd_kafka_resp_err_t ask_metadata(
	struct kafka_admin *admin, const char *name, const struct rd_kafka_metadata **metadata, int ms)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(admin->handle, name, NULL);
	rd_kafka_resp_err_t code;

	if (topic == NULL)
		return rd_kafka_last_error();
	code = ask_patiently(admin, topic, metadata, ms);
	rd_kafka_topic_destroy(topic);
	return code;
}

static rd_kafka_resp_err_t describe_one(struct kafka_admin *admin, struct kafka_topic_info *info, int ms)
{
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t code = ask_metadata(admin, info->name, &metadata, ms);

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return code;
	for (int i = 0; i < metadata->topic_cnt; i++)
		if (strcmp(metadata->topics[i].topic, info->name) == 0)
			read_topic(&metadata->topics[i], info);
	rd_kafka_metadata_destroy(metadata);
	return code;
}

static int is_no_answer(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT;
}

/* Begins where the look before it had to end, but beyond a topic that had all its time for nothing. Returns why not all have been
 * asked for, or why none could be. */
static rd_kafka_resp_err_t describe_round(struct kafka_admin *admin, struct kafka_topic_info *topics, unsigned count, int64_t end)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	unsigned first = admin->next, described = 0;

	for (unsigned i = 0; i < count; i++) {
		struct kafka_topic_info *topic = &topics[(first + i) % count];

		code = is_told_to_leave(admin) ? RD_KAFKA_RESP_ERR__TIMED_OUT : describe_one(admin, topic, left_ms(end));
		if (is_no_answer(code)) {
			admin->next = (first + (i > 0 ? i : 1)) % count;
			return code;
		}
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			(void)snprintf(topic->problem, sizeof(topic->problem), "%s", rd_kafka_err2str(code));
		described += code == RD_KAFKA_RESP_ERR_NO_ERROR;
	}
	return described > 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : code;
}

int kafka_topics_describe(struct kafka_admin *admin, struct kafka_topic_info *topics, unsigned count, unsigned limit_ms,
	struct error *error)
{
	int64_t end = clock_ms() + limit_ms;
	rd_kafka_resp_err_t code;

	for (unsigned i = 0; i < count; i++) {
		const char *name = topics[i].name;

		topics[i] = (struct kafka_topic_info){.name = name, .state = KAFKA_TOPIC_UNKNOWN};
	}
	code = describe_round(admin, topics, count, end);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return refuse(admin, "asking Kafka about topics", code, error);
	while (rd_kafka_poll(admin->handle, 0) > 0)
		continue;
	admin->last_error[0] = '\0';
	return 0;
}

int kafka_topics_describe_all(struct kafka_admin *admin, struct kafka_topic_info *topics, unsigned count, unsigned limit_ms,
	struct error *error)
{
	int rc = 0;

	for (unsigned from = 0, some; from < count && rc == 0; from += some) {
		some = count - from < KAFKA_TOPICS_TOGETHER ? count - from : KAFKA_TOPICS_TOGETHER;
		rc = kafka_topics_describe(admin, topics + from, some, limit_ms, error);
	}
	return rc;
}

static void list_led_partitions(rd_kafka_topic_partition_list_t *list, const struct rd_kafka_metadata_topic *topic)
{
	for (int i = 0; i < topic->partition_cnt; i++) {
		const struct rd_kafka_metadata_partition *partition = &topic->partitions[i];

		if (partition->leader >= 0)
			rd_kafka_topic_partition_list_add(list, topic->topic, partition->id)->offset = RD_KAFKA_OFFSET_END;
	}
}

static int all_answer(struct kafka_admin *admin, rd_kafka_topic_partition_list_t *list, int ms)
{
	int answered = 0;

	if (list->cnt == 0)
		return 1;
	if (rd_kafka_offsets_for_times(admin->handle, list, ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	for (int i = 0; i < list->cnt; i++)
		answered += list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[i].offset >= 0;
	return answered == list->cnt;
}

int kafka_topic_is_made(struct kafka_admin *admin, const char *name, unsigned limit_ms)
{
	int64_t end = clock_ms() + limit_ms;
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_topic_partition_list_t *list;
	int made = 0;

	if (ask_metadata(admin, name, &metadata, left_ms(end)) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	list = rd_kafka_topic_partition_list_new(16);
	if (metadata->topic_cnt == 1 && strcmp(metadata->topics[0].topic, name) == 0 && metadata->topics[0].partition_cnt > 0) {
		list_led_partitions(list, &metadata->topics[0]);
		made = all_answer(admin, list, left_ms(end));
	}
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_metadata_destroy(metadata);
	return made;
}

static void take_result(const rd_kafka_topic_result_t *result, struct kafka_topic_wish *wishes, unsigned count)
{
	rd_kafka_resp_err_t code = rd_kafka_topic_result_error(result);
	const char *text = rd_kafka_topic_result_error_string(result);

	for (unsigned i = 0; i < count; i++) {
		if (strcmp(wishes[i].name, rd_kafka_topic_result_name(result)) != 0)
			continue;
		wishes[i].made = code == RD_KAFKA_RESP_ERR_NO_ERROR;
		(void)snprintf(wishes[i].problem, sizeof(wishes[i].problem), "%s",
			wishes[i].made   ? ""
			: text != NULL ? text
				       : rd_kafka_err2str(code));
	}
}

/* NULL: none has come in time, or it is to leave. */
static rd_kafka_event_t *await_answer(struct kafka_admin *admin, int limit_ms)
{
	int64_t end = clock_ms() + limit_ms;
	rd_kafka_event_t *event;

	do {
		int left = left_ms(end);

		event = rd_kafka_queue_poll(admin->answers, left < SLICE_MS ? left : SLICE_MS);
	} while (event == NULL && may_wait(admin, end));
	return event;
}

static int read_answer(struct kafka_admin *admin, struct kafka_topic_wish *wishes, unsigned count, int limit_ms,
	struct error *error)
{
	rd_kafka_event_t *event = await_answer(admin, limit_ms);
	const rd_kafka_topic_result_t **results;
	size_t n = 0;
	int rc = 0;

	if (event == NULL)
		return refuse(admin, "making topics in Kafka", RD_KAFKA_RESP_ERR__TIMED_OUT, error);
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		rc = refuse(admin, "making topics in Kafka", rd_kafka_event_error(event), error);
	} else {
		results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
		for (size_t i = 0; i < n; i++)
			take_result(results[i], wishes, count);
	}
	rd_kafka_event_destroy(event);
	return rc;
}

/* Makes the library's words for the wishes; those that it refuses itself get their sentence here. */
static size_t word_wishes(struct kafka_topic_wish *wishes, unsigned count, rd_kafka_NewTopic_t **words)
{
	size_t n = 0;

	for (unsigned i = 0; i < count; i++) {
		wishes[i].made = 0;
		(void)snprintf(wishes[i].problem, sizeof(wishes[i].problem), "the cluster did not answer");
		words[n] = rd_kafka_NewTopic_new(wishes[i].name, wishes[i].partitions, wishes[i].replicas, wishes[i].problem,
			sizeof(wishes[i].problem));
		n += words[n] != NULL;
	}
	return n;
}

int kafka_topics_create(struct kafka_admin *admin, struct kafka_topic_wish *wishes, unsigned count, int only_check,
	unsigned limit_ms, struct error *error)
{
	rd_kafka_NewTopic_t **words = calloc(count + 1, sizeof(rd_kafka_NewTopic_t *));
	rd_kafka_AdminOptions_t *options;
	size_t n;
	int rc = 0;

	if (words == NULL)
		return error_set(error, -ENOMEM, "making topics in Kafka: out of memory");
	n = word_wishes(wishes, count, words);
	options = rd_kafka_AdminOptions_new(admin->handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	(void)rd_kafka_AdminOptions_set_request_timeout(options, (int)limit_ms, NULL, 0);
	(void)rd_kafka_AdminOptions_set_operation_timeout(options, (int)limit_ms, NULL, 0);
	(void)rd_kafka_AdminOptions_set_validate_only(options, only_check, NULL, 0);
	if (n != 0) {
		rd_kafka_CreateTopics(admin->handle, words, n, options, admin->answers);
		rc = read_answer(admin, wishes, count, (int)limit_ms + 1000, error);
	}
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_NewTopic_destroy_array(words, n);
	free(words);
	return rc;
}
