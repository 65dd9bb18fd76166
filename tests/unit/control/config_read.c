/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/daemon/config.h"

#define KAFKA "kafka: {properties: {bootstrap.servers: 'k:9092'}}\n"

static struct config *read_ok(const char *text)
{
	struct config *config = NULL;
	struct error error = {""};
	int rc = config_read_text(&config, "f", text, strlen(text), &error);

	if (rc != 0)
		fail_msg("%s", error.text);
	return config;
}

static void the_sample_is_read_as_written(void **state)
{
	struct config *c = NULL;
	struct error error = {""};
	const uint8_t *v6;

	(void)state;
	if (config_read(&c, SAMPLE, &error) != 0)
		fail_msg("%s", error.text);
	assert_string_equal(c->path, SAMPLE);
	assert_string_equal(c->node, "dc1a");
	assert_string_equal(c->state_directory, "/var/lib/penstock");
	assert_string_equal(c->control_socket, "/run/penstock/control.sock");
	assert_int_equal(c->control_mode, 0660);
	assert_int_equal(c->control_cpu_count, 0);

	assert_int_equal(c->port_count, 2);
	assert_string_equal(c->ports[0].source.name, "lan0");
	assert_string_equal(c->ports[0].source.device, "0000:17:00.0");
	assert_int_equal(c->ports[0].source.kind, SOURCE_DPDK);
	assert_int_equal(c->ports[0].worker_count, 4);
	assert_int_equal(c->ports[0].source.queues, 4);
	assert_int_equal(c->ports[0].worker_cpus[0], 2);
	assert_int_equal(c->ports[0].worker_cpus[1], 4);
	assert_int_equal(c->ports[0].worker_cpus[3], 6);
	assert_int_equal(c->ports[0].source.address_count, 2);
	assert_int_equal(c->ports[0].source.addresses[0].address.family, ADDRESS_IPV4);
	assert_int_equal(c->ports[0].source.addresses[0].prefix, 24);
	assert_memory_equal(c->ports[0].source.addresses[0].address.bytes, "\x0a\x09\x00\x02\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	v6 = c->ports[0].source.addresses[1].address.bytes;
	assert_int_equal(c->ports[0].source.addresses[1].address.family, ADDRESS_IPV6);
	assert_int_equal(v6[0], 0xfd);
	assert_int_equal(v6[15], 2);
	assert_int_equal(c->ports[0].source.fragment_ms, 1000);
	assert_null(c->ports[0].source.rss_key);
	assert_int_equal(c->ports[0].idle, IDLE_SPIN);
	assert_int_equal(c->ports[1].source.kind, SOURCE_SOCKET);
	assert_int_equal(c->ports[1].source.responder, SOURCE_RESPOND_KERNEL);
	assert_int_equal(c->ports[1].source.receive_buffer, 8u << 20);
	assert_int_equal(c->ports[1].worker_cpus[0], -1);
	assert_int_equal(c->ports[1].worker_cpus[1], -1);
	assert_int_equal(c->ports[1].worker_count, 2);

	assert_int_equal(c->input_count, 3);
	assert_int_equal(c->inputs[0].port, 9000);
	assert_string_equal(c->inputs[0].type_member, "type");
	assert_string_equal(c->inputs[0].time_member, "ts");
	assert_string_equal(c->inputs[0].key_member, "user");
	assert_int_equal(c->inputs[0].raw_type, TYPE_NONE);
	assert_int_equal(c->inputs[1].format, INPUT_FRAME);
	assert_int_equal(c->inputs[2].raw_type, 2);
	assert_int_equal(c->ports[0].source.port_count, 3);
	assert_int_equal(c->ports[1].source.port_count, 2);
	assert_int_equal(c->ports[1].source.ports[0], 9000);
	assert_int_equal(c->ports[1].source.ports[1], 9002);

	assert_int_equal(c->types->count, 4);
	assert_int_equal(c->types->unknown, TYPE_NONE);
	assert_string_equal(c->types->types[1].name, "click");
	assert_int_equal(c->types->types[1].id, 2);
	assert_int_equal(c->types->types[2].way.form, FORM_RAW);
	assert_string_equal(c->topics->topics[c->types->types[0].way.topic].name, "ev.request");
	assert_string_equal(c->topics->topics[c->types->types[1].way.topic].name, "clicks");

	assert_int_equal(c->property_count, 3);
	assert_string_equal(c->properties[0].name, "bootstrap.servers");
	assert_string_equal(c->properties[1].value, "50");
	assert_int_equal(c->handles, 1);
	assert_int_equal(c->create_replicas, 3);
	assert_int_equal(c->pool_bytes, 64u << 20);
	assert_int_equal(c->batch_bytes, 128u << 10);
	assert_int_equal(c->credit_percent, 25);
	assert_int_equal(c->huge_pages, 1);
	assert_int_equal(c->eal_memory_mb, 256);
	assert_int_equal(c->sources, 131072);
	assert_int_equal(c->batch_age_min_us, 5000);
	assert_int_equal(c->batch_age_max_us, 100000);
	assert_int_equal(c->drain_seconds, 10);
	config_free(c);
}

static void four_keys_are_enough(void **state)
{
	struct config *c = read_ok("node: n\nports: [{name: p, device: net_null0}]\ntypes: {t: {id: 7}}\n" KAFKA);

	(void)state;
	assert_int_equal(c->ports[0].worker_count, 1);
	assert_int_equal(c->ports[0].worker_cpus[0], -1);
	assert_int_equal(c->ports[0].source.mtu, 1500);
	assert_int_equal(c->ports[0].source.max_datagram, 65507);
	assert_int_equal(c->ports[0].source.descriptors, 512);
	assert_int_equal(c->ports[0].idle, IDLE_SLEEP);
	assert_int_equal(c->input_count, 1);
	assert_int_equal(c->inputs[0].format, INPUT_JSON);
	assert_string_equal(c->inputs[0].type_member, "type");
	assert_int_equal(c->ports[0].source.ports[0], 9000);
	assert_string_equal(c->topics->topics[0].name, "ev.t");
	config_free(c);
}

static void unknown_events_get_a_type_and_topic_of_their_own(void **state)
{
	struct config *c = read_ok("node: n\nports: [{name: p, device: d}]\ntypes: {t: {id: 7}, u: {id: 8, topic: ev.t}}\n"
				   "topics: {unknown: strays}\n" KAFKA);

	(void)state;
	assert_int_equal(c->types->count, 3);
	assert_int_equal(c->types->unknown, 2);
	assert_string_equal(c->types->types[2].name, "unknown");
	assert_int_equal(c->types->types[2].id, 0);
	assert_int_equal(c->topics->count, 2); /* t and u share one */
	assert_int_equal(c->types->types[1].way.topic, 0);
	assert_string_equal(c->topics->topics[c->types->types[2].way.topic].name, "strays");
	config_free(c);
}

static void timestamps_are_a_types_window_and_mode(void **state)
{
	struct config *c = read_ok("node: n\nports: [{name: p, device: d}]\ntypes: {p: {id: 1, timestamp: produce}, r: {id: 2, timestamp: "
				   "receive}, e: {id: 3, timestamp: event}, l: {id: 4, record: raw, timestamp: event}}\n"
				   "topics: {timestamp_back: 90s, timestamp_ahead: 0s}\n" KAFKA);

	(void)state;
	assert_int_equal(c->types->types[0].way.form, 0);
	assert_int_equal(c->types->types[1].way.form, FORM_RECEIVE_TIME);
	assert_int_equal(c->types->types[2].way.form, FORM_EVENT_TIME);
	assert_int_equal(c->types->types[3].way.form, FORM_EVENT_TIME | FORM_RAW);
	assert_int_equal(c->types->time_back_us, 90000000);
	assert_int_equal(c->types->time_ahead_us, 0);
	config_free(c);
	c = read_ok("node: n\nports: [{name: p, device: d}]\ntypes: {p: {id: 1}}\n" KAFKA);
	assert_int_equal(c->types->types[0].way.form, 0);
	assert_int_equal(c->types->time_back_us, UINT64_C(24) * 3600 * 1000000);
	assert_int_equal(c->types->time_ahead_us, 600000000);
	config_free(c);
}

static unsigned class_of(const struct config *config, const char *topic)
{
	for (unsigned i = 0; i < config->topics->count; i++)
		if (strcmp(config->topics->topics[i].name, topic) == 0)
			return atomic_load(&config->topics->topics[i].class);
	fail_msg("no topic %s", topic);
	return 0;
}

/* Whichever of them is read first. */
static void topics_of_several_types_are_in_the_highest_of_their_classes(void **state)
{
	static const char *const types[] = {
		"  low: {id: 1, copy: copies, rules: [{name: a, if: 'n == 1', then: keep, topic: ruled}, {name: b, if: 'n == 2', then: quarantine}]}\n",
		"  high: {id: 2, class: gold, copy: copies, rules: [{name: a, if: 'n == 1', then: keep, topic: ruled}, {name: b, if: 'n == 2', then: quarantine}]}\n",
	};
	static const char *const golden[] = {"copies", "ruled", "broken", "ev.high"};
	char text[1000];

	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		struct config *c;

		(void)snprintf(text, sizeof(text), "node: n\nports: [{name: p, device: d}]\n" KAFKA
			"spool: {classes: [{name: gold, share: 50%%}, {name: rest, share: 50%%}]}\n"
			"topics: {template: \"ev.{type}\", quarantine: broken}\ntypes:\n%s%s", types[first], types[1 - first]);
		c = read_ok(text);
		for (unsigned i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
			assert_int_equal(class_of(c, golden[i]), 0);
		assert_int_equal(class_of(c, "ev.low"), 1);
		config_free(c);
	}
}

static void as_many_types_as_the_table_holds_are_read(void **state)
{
	size_t size = 1 << 20, n = 0;
	char *text = malloc(size);
	struct config *c;

	(void)state;
	assert_non_null(text);
	n += (size_t)snprintf(text + n, size - n, "node: n\nports: [{name: p, device: d}]\nmemory: {pool: 256MiB}\n" KAFKA
						  "types:\n");
	for (unsigned i = 0; i < TYPE_MAX; i++)
		n += (size_t)snprintf(text + n, size - n, "  type%u: {id: %u}\n", i, 4294967294u - i);
	c = read_ok(text);
	assert_int_equal(c->types->count, TYPE_MAX);
	assert_int_equal(c->topics->count, TYPE_MAX);
	assert_int_equal(c->types->types[1023].id, 4294966271u);
	assert_string_equal(c->topics->topics[1023].name, "ev.type1023");
	config_free(c);
	free(text);
}

static void devices_that_only_look_alike_are_read(void **state)
{
	static const char *const devices[] = {"'0000:17:00.0', 'pci:0001:17:00.0'", "'17:00.0', '17:00.1'", "net_null0, net_null00", "net_pcap_a, net_pcap_A"};
	char text[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		const char *second = strchr(devices[i], ' ');

		(void)snprintf(text, sizeof(text), "node: n\nports: [{name: p, device: %.*s}, {name: q, device: %s}]\ntypes: {t: {id: 1}}\n" KAFKA,
			(int)(second - devices[i] - 1), devices[i], second);
		config_free(read_ok(text));
	}
}

static void socket_ports_that_do_not_meet_are_read(void **state)
{
	static const char *const ports[] = {
		"{name: p, source: socket, device: eno1}, {name: q, source: socket, device: eno2}",
		"{name: p, source: socket, addresses: [10.9.0.2]}, {name: q, source: socket, addresses: [10.9.0.3, 'fd09::2']}",
		"{name: p, source: socket}, {name: q, device: d}",
		"{name: p, source: socket}, {name: q, source: socket}]\ninputs: [{port: 9000, format: json, ports: [p]}, {port: 9001, format: json, ports: [q]}",
	};
	char text[512];

	(void)state;
	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		(void)snprintf(text, sizeof(text), "node: n\nports: [%s]\ntypes: {t: {id: 1}}\n" KAFKA, ports[i]);
		config_free(read_ok(text));
	}
}

static void values_at_their_limits_are_read(void **state)
{
	struct config *c = read_ok(
		"node: abcdefghij_12345\ncontrol: {cpus: [0-63]}\n"
		"ports: [{name: p, device: d, mtu: 9000, workers: 64, vlan: [1, 4094], outer_tag: 802.1q, fragments: 0, max_datagram: 64, rss_key: "
		"\"6d5A56DA255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa\"}]\n"
		"types: {t: {id: 4294967294}}\nmemory: {batch: 8KiB, pool: 64KiB, credit: 100%, sources: 16, eal: 1GiB}\n"
		"batch: {age_min: 100us, age_max: 1m}\nstop: {drain: 0s}\n" KAFKA);

	(void)state;
	assert_string_equal(c->node, "abcdefghij_12345");
	assert_int_equal(c->control_cpu_count, 64);
	assert_int_equal(c->ports[0].worker_count, 64);
	assert_int_equal(c->ports[0].source.vlan[1], 4094);
	assert_int_equal(c->ports[0].source.outer_tag, SOURCE_OUTER_8021Q);
	assert_int_equal(c->ports[0].source.rss_key_len, 40);
	assert_int_equal(c->ports[0].source.rss_key[1], 0x5a);
	assert_int_equal(c->ports[0].source.rss_key[39], 0xfa);
	assert_int_equal(c->batch_bytes, 8192);
	assert_int_equal(c->batch_age_min_us, 100);
	assert_int_equal(c->batch_age_max_us, 60000000);
	assert_int_equal(c->drain_seconds, 0);
	assert_int_equal(c->eal_memory_mb, 1024);
	config_free(c);
}

static struct config *read_topic(int length, const char *rest)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "node: n\nports: [{name: p, device: d}]\ntypes: {t: {id: 1, topic: %0*d}}\n%s" KAFKA, length, 1, rest);
	return read_ok(text);
}

static void a_topic_name_is_as_long_as_its_place_on_disk_allows(void **state)
{
	struct config *c = read_topic(246, "");

	(void)state;
	assert_int_equal(strlen(c->topics->topics[0].name), 246);
	config_free(c);
	c = read_topic(249, "spool: {mode: off}\n");
	assert_int_equal(strlen(c->topics->topics[0].name), 249);
	config_free(c);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	struct config *c = NULL;
	struct error error;

	(void)state;
	assert_int_equal(config_read(&c, "/nonexistent/p.yaml", &error), -ENOENT);
	assert_string_equal(error.text,
		"/nonexistent/p.yaml: No such file or directory; expected a configuration file that can be read");
	assert_int_equal(config_read(&c, "/", &error), -EISDIR);
	assert_int_equal(config_read(&c, "/dev/zero", &error), -EINVAL);
	assert_string_equal(error.text, "/dev/zero: it is no regular file; expected a configuration file that can be read");
	assert_null(c);
}

static void a_named_pipe_is_refused_at_once(void **state)
{
	char folder[] = "/tmp/config-read-XXXXXX", path[64];
	struct config *c = NULL;
	struct error error;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/p.yaml", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(20); /* instead of for ever */
	assert_int_equal(config_read(&c, path, &error), -EINVAL);
	(void)alarm(0);
	assert_non_null(strstr(error.text, "p.yaml: it is no regular file; expected a configuration file"));
	unlink(path);
	rmdir(folder);
}

static void endless_input_is_refused(void **state)
{
	char path[] = "/tmp/config-read-XXXXXX", said[128];
	struct config *c = NULL;
	struct error error;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(ftruncate(fd, 8 << 20), 0);
	assert_int_equal(config_read(&c, path, &error), -EINVAL);
	(void)snprintf(said, sizeof(said), "%s:1:1: the file is larger than 4 MiB; expected a configuration", path);
	assert_string_equal(error.text, said);
	close(fd);
	unlink(path);
}

static struct config *with(const char *part)
{
	struct config *c = NULL;
	struct error error;
	char text[1024];
	int length = snprintf(text, sizeof(text),
		"node: a\nports: [{name: p, device: net_null0}]\ntypes: {t: {id: 1}}\n%s"
		"kafka: {properties: {bootstrap.servers: \"k:1\"}}\n",
		part);

	assert_int_equal(config_read_text(&c, "p.yaml", text, (size_t)length, &error), 0);
	return c;
}

static void what_takes_a_restart_is_named(void **state)
{
	static const struct {
		const char *before, *now, *names;
	} cases[] = {
		{"", "", ""},
		{"memory: {pool: 64MiB}\n", "memory:\n  pool: 64MiB # the same\n", ""},
		{"topics: {unknown: drop}\n", "topics: {unknown: others, partitions: 8}\n", ""},
		{"memory: {pool: 64MiB}\n", "memory: {pool: 65MiB}\n", "a restart is needed for: memory"},
		{"memory: {pool: 64MiB}\n", "stop: {drain: 3s}\n", "a restart is needed for: stop, memory"},
		{"inputs: [{port: 1, format: json}, {port: 2, format: json}]\n", "inputs: [{port: 2, format: json}, {port: 1, format: json}]\n", "a restart is needed for: inputs"},
		{"state: /a\n", "state: \"/a\"\n", ""},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *before = with(cases[i].before), *now = with(cases[i].now);

		assert_int_equal(config_needs_restart(before, now, text, sizeof(text)), cases[i].names[0] != '\0');
		assert_string_equal(text, cases[i].names);
		config_free(before);
		config_free(now);
	}
}

static void a_condition_may_stand_on_several_lines(void **state)
{
	(void)state;
	config_free(read_ok("node: n\nports: [{name: p, device: d}]\n" KAFKA
			    "types:\n  t:\n    id: 1\n    rules:\n      - then: drop\n        if: |\n          a == 1\n          and\tb == 2\n"
			    "      - then: drop\n        if: >\n          a == 3\n          or b == 4\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_is_read_as_written),
		cmocka_unit_test(four_keys_are_enough),
		cmocka_unit_test(unknown_events_get_a_type_and_topic_of_their_own),
		cmocka_unit_test(timestamps_are_a_types_window_and_mode),
		cmocka_unit_test(topics_of_several_types_are_in_the_highest_of_their_classes),
		cmocka_unit_test(as_many_types_as_the_table_holds_are_read),
		cmocka_unit_test(devices_that_only_look_alike_are_read),
		cmocka_unit_test(socket_ports_that_do_not_meet_are_read),
		cmocka_unit_test(values_at_their_limits_are_read),
		cmocka_unit_test(a_topic_name_is_as_long_as_its_place_on_disk_allows),
		cmocka_unit_test(a_condition_may_stand_on_several_lines),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(a_named_pipe_is_refused_at_once),
		cmocka_unit_test(endless_input_is_refused),
		cmocka_unit_test(what_takes_a_restart_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
