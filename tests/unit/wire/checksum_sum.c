/* SPDX-License-Identifier: Apache-2.0 */
/* The fast sum against the definition, at every length and alignment that matters. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "wire/checksum.h"

/* RFC 1071 word by word. */
static uint16_t plain(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)sum);
}

static void it_agrees_with_the_definition(void **state)
{
	static const size_t long_ones[] = {1000, 1472, 1473, 8972, 9000};
	uint8_t pattern[9100];

	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 131 + (i >> 5) * 17 + (i % 3 == 0 ? 255 : 0));
	for (size_t len = 0; len < 600; len++) {
		for (size_t offset = 0; offset < 4; offset++) {
			uint8_t *copy = malloc(len != 0 ? len : 1);

			assert_non_null(copy);
			memcpy(copy, pattern + offset, len);
			assert_int_equal(checksum_fold(checksum_add(0, copy, len)), plain(copy, len));
			free(copy);
		}
	}
	for (unsigned i = 0; i < sizeof(long_ones) / sizeof(long_ones[0]); i++)
		assert_int_equal(
			checksum_fold(checksum_add(0, pattern + 1, long_ones[i])), plain(pattern + 1, long_ones[i]));
}

static void carries_are_kept(void **state)
{
	static uint8_t ones[65535];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (size_t len = 2; len <= 65534; len += 4096)
		assert_int_equal(checksum_fold(checksum_add(0, ones, len)), 0xffff);
	assert_int_equal(checksum_fold(checksum_add(0, ones, 65535)), plain(ones, 65535));
}

static void sums_go_on_where_they_stopped(void **state)
{
	uint8_t data[300];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t cut = 0; cut < sizeof(data); cut += 2)
		assert_int_equal(checksum_fold(checksum_add(checksum_add(0, data, cut), data + cut, sizeof(data) - cut)),
			plain(data, sizeof(data)));
}

/* The example of RFC 1071, section 3: the words 0001 f203 f4f5 f6f7 sum up to ddf2. */
static void the_example_of_the_rfc_comes_out(void **state)
{
	static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(checksum_fold(checksum_add(0, example, sizeof(example))), htons(0xddf2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_the_definition),
		cmocka_unit_test(carries_are_kept),
		cmocka_unit_test(sums_go_on_where_they_stopped),
		cmocka_unit_test(the_example_of_the_rfc_comes_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
