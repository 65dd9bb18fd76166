/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/settings.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/compiler.h"
#include "kafka/internal.h"

static const struct kafka_property defaults[] = {
	{"client.id", "penstock"},
	{"acks", "all"},
	{"enable.idempotence", "true"},
	{"linger.ms", "100"},
	{"batch.size", "1000000"},
	{"batch.num.messages", "10000"},
	{"queue.buffering.max.messages", "0"},
	{"queue.buffering.max.kbytes", "2147483647"},
	{"message.timeout.ms", "0"},
	{"reconnect.backoff.max.ms", "1000"},
	{"topic.metadata.refresh.interval.ms", "10000"},
	{"allow.auto.create.topics", "false"},
	{"partitioner", "murmur2_random"},
	{"statistics.interval.ms", "0"},
	{"socket.keepalive.enable", "true"},
	{"log.queue", "true"},
};

/* `only`: the one value that is let through (any spelling the library takes), NULL: none. */
static const struct refusal {
	const char *name;
	const char *only[3];
	const char *why;
} refusals[] = {
	{"plugin.library.paths", {NULL}, "it loads code into the daemon"},
	{"ssl.engine.location", {NULL}, "it loads code into the daemon"},
	{"ssl.engine.id", {NULL}, "it loads code into the daemon"},
	{"ssl_engine_callback_data", {NULL}, "it loads code into the daemon"},
	{"ssl.providers", {NULL}, "it loads code into the daemon"},
	{"sasl.kerberos.kinit.cmd", {NULL}, "it runs a shell command; keep the ticket fresh from outside"},
	{"interceptors", {NULL}, "it puts code between the daemon and the client"},
	{"acks", {"all", "-1"}, "\"acked\" means acks=all"},
	{"request.required.acks", {"all", "-1"}, "\"acked\" means acks=all"},
	{"enable.idempotence", {"true"}, "without it a retry repeats and reorders records"},
	{"message.timeout.ms", {"0"}, "what timed out may be in Kafka all the same, and is repeated when it is sent again"},
	{"delivery.timeout.ms", {"0"}, "what timed out may be in Kafka all the same, and is repeated when it is sent again"},
	{"message.send.max.retries", {"2147483647"}, "after the last one the record is sent anew, which may repeat it"},
	{"retries", {"2147483647"}, "after the last one the record is sent anew, which may repeat it"},
	{"enable.gapless.guarantee", {"false"}, "one refused record would end the client"},
	{"delivery.report.only.error", {"false"}, "each event is counted by its delivery report"},
	{"dr_cb", {NULL}, "delivery reports are the ledger's"},
	{"dr_msg_cb", {NULL}, "delivery reports are the ledger's"},
	{"enabled_events", {NULL}, "delivery reports are the ledger's"},
	{"log.queue", {NULL}, "the daemon writes the client's log lines itself"},
	{"transactional.id", {NULL}, "this version writes without transactions"},
	{"partitioner", {"murmur2", "murmur2_random"}, "records are placed by murmur2 of the key, as Java producers do"},
};

static int refuse(const struct kafka_property *property, struct error *error)
{
	for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
		const struct refusal *r = &refusals[i];

		if (strcmp(property->name, r->name) != 0)
			continue;
		for (unsigned k = 0; k < ARRAY_LENGTH(r->only) && r->only[k] != NULL; k++)
			if (strcasecmp(property->value, r->only[k]) == 0)
				return 0;
		if (r->only[0] == NULL)
			return error_set(error, -EINVAL, "kafka property %s is refused: %s; remove it", r->name, r->why);
		return error_set(error, -EINVAL, "kafka property %s=%s is refused: %s; remove it or set it to %s", r->name,
			property->value, r->why, r->only[0]);
	}
	return 0;
}

/* With one of them the client makes a cluster in this process, in place of those that bootstrap.servers names, and all is acked. */
static int refuse_test(const struct kafka_property *property, struct error *error)
{
	if (strncmp(property->name, "test.", 5) != 0)
		return 0;
	return error_set(error, -EINVAL,
		"kafka property %s is refused: it is for the client's own tests, and records would be lost; remove it", property->name);
}

/* Brokers from 4.0 on check the client nonce that librdkafka before 2.6.1 sends twice (its issue 4895): the login then fails
 * with "invalid credentials" although the password is right. */
static int refuse_scram(const struct kafka_property *property, struct error *error)
{
	if (strcmp(property->name, "sasl.mechanism") != 0 && strcmp(property->name, "sasl.mechanisms") != 0)
		return 0;
	if (strncasecmp(property->value, "SCRAM", 5) != 0 || rd_kafka_version() >= 0x020601ff)
		return 0;
	return error_set(error, -EINVAL,
		"kafka property %s=%s is refused: Kafka 4 brokers reject the SCRAM login of librdkafka %s although the "
		"password is right; install librdkafka 2.6.1 or newer, or use PLAIN over TLS or a client certificate",
		property->name, property->value, rd_kafka_version_str());
}

static int is_bootstrap(const char *name)
{
	return strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0;
}

static int check_one_server(const char *text, size_t length)
{
	char one[300], *port, *end;
	long number;

	if (length == 0 || length >= sizeof(one))
		return -EINVAL;
	memcpy(one, text, length);
	one[length] = '\0';
	port = strrchr(one, ':');
	if (port == NULL || strchr(port, ']') != NULL)
		return 0;
	number = strtol(port + 1, &end, 10);
	return port == one || end == port + 1 || *end != '\0' || number < 1 || number > 65535 ? -EINVAL : 0;
}

static int check_servers(const struct kafka_property *property, struct error *error)
{
	const char *at = property->value;

	for (;;) {
		size_t length = strcspn(at, ","), lead = strspn(at, " ");

		if (lead > length)
			lead = length;
		if (check_one_server(at + lead, length - lead) != 0)
			return error_set(error, -EINVAL,
				"kafka property %s=%s: expected HOST:PORT, or several with commas between", property->name,
				property->value);
		if (at[length] == '\0')
			return 0;
		at += length + 1;
	}
}

/* The library's sentences may end in a newline, or have one inside. */
static const char *one_line(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\n')
			*c = c[1] == '\0' ? '\0' : ' ';
	return text;
}

static int set_one(rd_kafka_conf_t *conf, const struct kafka_property *property, struct error *error)
{
	char text[400];

	switch (rd_kafka_conf_set(conf, property->name, property->value, text, sizeof(text))) {
	case RD_KAFKA_CONF_OK:
		return 0;
	case RD_KAFKA_CONF_UNKNOWN:
		return error_set(error, -EINVAL,
			"kafka property %s: librdkafka %s knows no such property; its CONFIGURATION.md lists them",
			property->name, rd_kafka_version_str());
	default:
		return error_set(error, -EINVAL, "kafka property %s: %s", property->name, one_line(text));
	}
}

static int set_all(rd_kafka_conf_t *conf, const struct kafka_property *properties, unsigned count, int offline,
	struct error *error)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(defaults) && rc == 0; i++)
		rc = set_one(conf, &defaults[i], error);
	for (unsigned i = 0; i < count && rc == 0; i++) {
		rc = refuse(&properties[i], error);
		if (rc == 0)
			rc = refuse_test(&properties[i], error);
		if (rc == 0)
			rc = refuse_scram(&properties[i], error);
		if (rc == 0 && is_bootstrap(properties[i].name))
			rc = check_servers(&properties[i], error);
		if (rc == 0 && !(offline && is_bootstrap(properties[i].name))) /* which would have it look for brokers */
			rc = set_one(conf, &properties[i], error);
	}
	return rc;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_property *properties, unsigned count, int offline, struct error *error)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	if (set_all(conf, properties, count, offline, error) == 0)
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

/* The library tells which property failed, but not the file that it names. */
static int refuse_together(const struct kafka_property *properties, unsigned count, const char *whom, char *text,
	struct error *error)
{
	for (unsigned i = 0; i < count; i++) {
		const struct kafka_property *p = &properties[i];

		if (strstr(p->name, ".location") != NULL && strstr(text, p->name) != NULL)
			return error_set(error, -EINVAL, "kafka property %s=%s: %s (%s)", p->name, p->value, one_line(text),
				access(p->value, R_OK) != 0 ? strerror(errno) : "the file can be read");
	}
	return error_set(error, -EINVAL, "kafka properties%s: %s", whom, one_line(text));
}

/* Contradictions between properties, and TLS files, come up only when a handle is made. `whom`: for whom it is; "" is all. */
static int check_together(const struct kafka_property *properties, unsigned count, rd_kafka_type_t type, const char *whom,
	struct error *error)
{
	rd_kafka_conf_t *conf = kafka_conf_new(properties, count, 1, error);
	char text[400];
	rd_kafka_t *handle;

	if (conf == NULL)
		return -EINVAL;
	rd_kafka_conf_set_log_cb(conf, NULL);
	handle = rd_kafka_new(type, conf, text, sizeof(text));
	if (handle == NULL) {
		rd_kafka_conf_destroy(conf);
		return refuse_together(properties, count, whom, text, error);
	}
	rd_kafka_destroy(handle);
	return 0;
}

static int is_linger(const char *name)
{
	return strcmp(name, "linger.ms") == 0 || strcmp(name, "queue.buffering.max.ms") == 0;
}

static int check_linger(const struct kafka_property *properties, unsigned count, struct error *error)
{
	const struct kafka_property *last = NULL;

	for (unsigned i = 0; i < count; i++)
		if (is_linger(properties[i].name))
			last = &properties[i];
	if (last == NULL || kafka_linger_ms(properties, count) <= KAFKA_LINGER_MAX_MS)
		return 0;
	return error_set(error, -EINVAL,
		"kafka property %s=%s is refused: while records wait for others nothing comes back, and Kafka would be taken to be "
		"away; set it to %u at the most", last->name, last->value, KAFKA_LINGER_MAX_MS);
}

int kafka_properties_check(const struct kafka_property *properties, unsigned count, struct error *error)
{
	int servers = 0;

	if (check_together(properties, count, RD_KAFKA_PRODUCER, "", error) != 0 ||
		check_together(properties, count, RD_KAFKA_CONSUMER, ", for the consumer by which boxes notice each other", error) != 0 ||
		check_linger(properties, count, error) != 0)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		servers |= is_bootstrap(properties[i].name);
	if (!servers)
		return error_set(error, -EINVAL, "kafka property bootstrap.servers is missing: name a broker as HOST:PORT");
	return 0;
}

double kafka_linger_ms(const struct kafka_property *properties, unsigned count)
{
	struct error error;
	rd_kafka_conf_t *conf = kafka_conf_new(properties, count, 1, &error);
	char text[32] = "0";
	size_t size = sizeof(text);

	if (conf == NULL)
		return 0;
	(void)rd_kafka_conf_get(conf, "linger.ms", text, &size);
	rd_kafka_conf_destroy(conf);
	return strtod(text, NULL);
}

int kafka_tune_allocator(void)
{
	int ok = mallopt(M_ARENA_MAX, 1);

	ok &= mallopt(M_TRIM_THRESHOLD, 1 << 30);
	ok &= mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most that glibc takes */
	return ok ? 0 : -ENOTSUP;
}

const char *kafka_version(void)
{
	return rd_kafka_version_str();
}
