/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "options.h"

static int parse(struct options *options, const char *line, struct error *error)
{
	static char copy[512];
	char *argv[32] = {(char *)(uintptr_t) "pktgen"}, *save = NULL;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	error->text[0] = 0;
	return options_read(options, argc, argv, error);
}

static void defaults_send_json_to_loopback(void **state)
{
	struct options options;
	struct error error;

	(void)state;
	assert_int_equal(parse(&options, "", &error), 0);
	assert_int_equal(options.mode, MODE_SEND);
	assert_int_equal(options.count, 100000);
	assert_int_equal(options.targets[0].bytes[0], 127);
	assert_int_equal(options.weights[FORMAT_JSON], 1);
	assert_int_equal(options.weights[FORMAT_FRAME] + options.weights[FORMAT_RAW], 0);
	assert_true(options.epoch > 1700000000);
}

static void values_are_understood(void **state)
{
	struct options options;
	struct error error;

	(void)state;
	assert_int_equal(
		parse(&options,
			"-c 2M --rate 1.5 -p frame=7,raw=8 -f json=1,raw=3 --to ::1 --to 10.0.0.1 --vlan 5.6 --dst-mac "
			"02:aa:BB:00:00:1f --duration 3 --preset mix225 --start-sequence 18446744073709551615",
			&error),
		0);
	assert_int_equal(options.count, 2000000);
	assert_true(options.rate > 1.49 && options.rate < 1.51);
	assert_int_equal(options.ports[FORMAT_JSON], 9000);
	assert_int_equal(options.ports[FORMAT_FRAME], 7);
	assert_int_equal(options.ports[FORMAT_RAW], 8);
	assert_int_equal(options.weights[FORMAT_RAW], 3);
	assert_int_equal(options.target_count, 2);
	assert_int_equal(options.targets[0].family, ADDRESS_IPV6);
	assert_int_equal(options.vlan[0], 5);
	assert_int_equal(options.vlan[1], 6);
	assert_int_equal(options.destination_mac[2], 0xbb);
	assert_int_equal(options.destination_mac[5], 0x1f);
	assert_int_equal(options.events.preset, PRESET_MIX225);
	assert_true(options.start_sequence == UINT64_MAX);
	assert_int_equal(parse(&options, "--rate 1000G --duration 1G", &error), 0);
	assert_true(options.rate > 9.9e11 && options.duration_s > 9.9e8);
	assert_int_equal(parse(&options, "--print 5..9", &error), 0);
	assert_int_equal(options.mode, MODE_PRINT);
	assert_true(options.print_first == 5 && options.print_last == 9);
	assert_int_equal(parse(&options, "--print 18446744073709551000..18446744073709551614", &error), 0);
	assert_true(options.print_first == UINT64_MAX - 615 && options.print_last == UINT64_MAX - 1);
	assert_int_equal(parse(&options, "-f frame --epoch 4294967290 --restart 5 --vlan 0004094", &error), 0);
	assert_int_equal(options.vlan[0], 4094);
}

static void a_capture_lasts_by_its_frames_times(void **state)
{
	struct options options;
	struct error error;

	(void)state;
	assert_int_equal(parse(&options, "--pcap x --rate 20k --duration 1.5", &error), 0);
	assert_int_equal(options.count, 30000);
	assert_true(options.duration_s == 0);
	assert_int_equal(parse(&options, "--pcap x --rate 20k --duration 1.5 --count 7", &error), 0);
	assert_int_equal(options.count, 7);
	assert_int_equal(parse(&options, "--pcap x --rate 20k --duration 1.5 --count 1M", &error), 0);
	assert_int_equal(options.count, 30000);
	assert_int_equal(parse(&options, "--pcap x --rate 2 --duration 0.001", &error), 0);
	assert_int_equal(options.count, 1);
	assert_int_equal(parse(&options, "--pcap x --duration 2", &error), 0); /* without a rate, by the clock */
	assert_true(options.duration_s == 2 && options.count == 0);
	assert_int_equal(parse(&options, "--pcap x --rate 1000G --duration 1G", &error), -EINVAL);
}

static void wrong_values_get_a_sentence(void **state)
{
	static const char *const wrong[] = {"--count -1", "--count 1x", "--count 99999999999G", "--count",
		"--types 601", "--types 0", "--to 10.0.0.256", "--to host", "--port json=0", "--port json=65536",
		"--port xml=1", "--format xml", "--format json=0", "--rate -5", "--rate fast", "--preset mix1",
		"--print 9..5", "--print 9", "--vlan 4095", "--vlan 0", "--vlan 1.2.3", "--dst-mac 02:00:00:00:00",
		"--mtu 100", "--mtu 1000 --pcap x --to ::1", "--dpdk x", "--corrupt 1 --format raw", "--restart 1",
		"--raw-type a\"b", "--nonsense", "stray", "--first 18446744073709551614 --count 2", "--max-body 199",
		"--sockets 0", "--duration 0", "--duration 0.0", "--duration 1e-12", "--duration 1.1e9", "--duration 2G",
		"--duration 9300000000", "--duration nan", "--rate 2000G", "--rate inf",
		"--vlan 0004094xyz", "--vlan 4094x.5", "--vlan 5.6x", "--vlan 00000000000000000000000000000001", "--port=",
		"--port ,", "--print 5..9 --first 7", "--first 7 --print 5..9",
		"--format frame --epoch 4294967295 --restart 1", "--format frame --epoch 4294967290 --restart 6"};
	struct options options;
	struct error error;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (parse(&options, wrong[i], &error) != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
		assert_true(strlen(error.text) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_send_json_to_loopback),
		cmocka_unit_test(values_are_understood),
		cmocka_unit_test(a_capture_lasts_by_its_frames_times),
		cmocka_unit_test(wrong_values_get_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
