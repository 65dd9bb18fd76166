/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "wire/address.h"

static uint64_t random_state = 1;

/* xorshift64* (Vigna 2016). */
static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % bound);
}

/* Parses from a heap block of exactly the text's size, so that a sanitizer sees every read beyond it. */
static int parse(const char *text, size_t len, struct ip_address *address)
{
	uint8_t *block = malloc(len);
	int result;

	assert_true(len == 0 || block != NULL);
	if (len > 0)
		memcpy(block, text, len);
	result = address_parse((struct slice){block, (uint32_t)len}, address);
	free(block);
	return result;
}

static uint64_t big_endian(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* What libc makes of it. */
static int reference(const char *text, size_t len, struct ip_address *address)
{
	char copy[128];
	uint8_t bytes[16];

	if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*address = address_of_v4((uint32_t)big_endian(bytes, 4));
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*address = (struct ip_address){big_endian(bytes, 8), big_endian(bytes + 8, 8)};
	else
		return -EINVAL;
	return 0;
}

static int compare(const char *text, size_t len)
{
	const struct ip_address before = {UINT64_C(0x1122334455667788), 99};
	struct ip_address ours = before, theirs = before;
	int result = parse(text, len, &ours), expected = reference(text, len, &theirs);

	if (result != expected || address_compare(ours, theirs) != 0)
		fail_msg("'%.*s': %d %016llx%016llx, libc %d %016llx%016llx", (int)len, text, result,
			(unsigned long long)ours.high, (unsigned long long)ours.low, expected,
			(unsigned long long)theirs.high, (unsigned long long)theirs.low);
	return result;
}

static void every_number_is_read_in_every_place(void **state)
{
	static const char *const others[] = {"0", "9", "10", "99", "100", "255"};

	(void)state;
	for (unsigned value = 0; value < 1200; value++)
		for (unsigned place = 0; place < 4; place++)
			for (unsigned i = 0; i < ARRAY_LENGTH(others); i++) {
				char number[8], text[64];
				const char *parts[4] = {others[i], others[(i + 1) % 6], others[(i + 2) % 6], others[i]};

				(void)snprintf(number, sizeof(number), "%u", value);
				parts[place] = number;
				(void)snprintf(
					text, sizeof(text), "%s.%s.%s.%s", parts[0], parts[1], parts[2], parts[3]);
				assert_int_equal(compare(text, strlen(text)), value <= 255 ? 0 : -EINVAL);
			}
}

static void edges_are_as_libc_has_them(void **state)
{
	static const char *const texts[] = {"", ".", "...", "0.0.0.0", "00.0.0.0", "0.0.0.00", "01.2.3.4", "1.2.3.04",
		"1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5", "1.2.3.4 ", " 1.2.3.4",
		"1.2.3.256", "255.255.255.255", "255.255.255.2550", "999.999.999.999", "1.2.3.4/8", "0x1.2.3.4",
		"1.2.3.-4", "+1.2.3.4", "12345678", "1234.1.1.1", "1.1.1.1234", "1.2.3.4:80", ":", "::", ":::", "::1",
		"1::", "1:::2", "1::2::3", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", ":1::2",
		"1::2:", "12345::", "0001::", "00001::", "g::", "::ffff:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
		"1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4", "1:2:3:4:5::1.2.3.4", "1:2:3:4:5:6::1.2.3.4",
		"::1.2.3.4:5", "1.2.3.4::", "::1.2.3", "::1.2.3.400", "::01.2.3.4", "fe80::1%eth0", "[::1]",
		"2001:DB8::A", "ABCD:EF01:2345:6789:abcd:ef01:2345:6789", "::/0", "1:2:3:4:5:6:7:8 ",
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
		"::a.b.c.d"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		(void)compare(texts[i], strlen(texts[i]));
	assert_int_equal(compare("1.2.3.4\0", 8), -EINVAL);
	assert_int_equal(compare("1.2\0.3.4", 8), -EINVAL);
	assert_int_equal(compare("1.2.3.\xB4", 7), -EINVAL);
	assert_int_equal(compare("\xAE\xAE\xAE\xAE\xAE\xAE\xAE", 7), -EINVAL);
}

static size_t random_v4(char *text)
{
	return (size_t)sprintf(text, "%u.%u.%u.%u", random_below(256), random_below(256) >> random_below(8),
		random_below(256) >> random_below(8), random_below(256));
}

static size_t random_v6(char *text)
{
	uint8_t bytes[16];
	size_t len = 0;

	for (unsigned i = 0; i < 16; i++)
		bytes[i] = random_below(3) == 0 ? 0 : (uint8_t)random_below(256);
	if (random_below(4) == 0)
		memset(bytes, 0, 10 + random_below(3));
	if (random_below(2) == 0) {
		assert_non_null(inet_ntop(AF_INET6, bytes, text, 64));
		return strlen(text);
	}
	for (unsigned i = 0; i < 16; i += 2)
		len += (size_t)sprintf(text + len, random_below(2) ? "%s%x" : "%s%04X", i == 0 ? "" : ":",
			(unsigned)(bytes[i] << 8 | bytes[i + 1]));
	return len;
}

static void damage(char *text, size_t *len)
{
	static const char letters[] = "0123456789abcdefABCDEF::::....// g%\xB1";
	char letter = letters[random_below(sizeof(letters))]; /* its NUL as well */
	size_t at = random_below((uint32_t)*len + 1);

	switch (random_below(3)) {
	case 0:
		text[at == *len ? 0 : at] = letter;
		break;
	case 1:
		memmove(text + at + 1, text + at, *len - at);
		text[at] = letter;
		++*len;
		break;
	default:
		if (at < *len) {
			memmove(text + at, text + at + 1, *len - at - 1);
			--*len;
		}
		break;
	}
}

static void random_and_damaged_texts_are_read_as_libc_reads_them(void **state)
{
	unsigned good = 0;

	(void)state;
	for (unsigned i = 0; i < 600000; i++) {
		char text[128];
		size_t len = i % 2 == 0 ? random_v4(text) : random_v6(text);

		assert_int_equal(compare(text, len), 0);
		for (unsigned times = 1 + random_below(3); times > 0; times--)
			damage(text, &len);
		good += compare(text, len) == 0;
	}
	assert_true(good > 60000);
}

static void every_part_of_a_text_is_read_without_overrun(void **state)
{
	static const char *const texts[] = {"255.255.255.255", "2001:db8:1111:2222:3333:4444:255.255.255.255",
		"abcd:ef01:2345:6789:abcd:ef01:2345:6789"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		for (size_t from = 0; from < strlen(texts[i]); from++)
			for (size_t len = 0; len <= strlen(texts[i]) - from; len++)
				(void)compare(texts[i] + from, len);
}

static int prefix(const char *text, struct ip_address *address, unsigned *length)
{
	return address_parse_prefix((struct slice){(const uint8_t *)text, (uint32_t)strlen(text)}, address, length);
}

static void check_prefix(const char *text, struct ip_address expected, unsigned expected_length)
{
	struct ip_address address;
	unsigned length = 0;

	if (prefix(text, &address, &length) != 0 || length != expected_length ||
		address_compare(address, expected) != 0)
		fail_msg("'%s'", text);
}

static void prefixes_are_read(void **state)
{
	(void)state;
	check_prefix("10.0.0.0/8", address_of_v4(10u << 24), 104);
	check_prefix("0.0.0.0/0", address_of_v4(0), 96);
	check_prefix("192.0.2.1/32", address_of_v4(0xC0000201), 128);
	check_prefix("192.0.2.1", address_of_v4(0xC0000201), 128);
	check_prefix("::/0", (struct ip_address){0, 0}, 0);
	check_prefix("::ffff:0:0/96", address_of_v4(0), 96);
	check_prefix("::ffff:10.0.0.0/104", address_of_v4(10u << 24), 104);
	check_prefix("2001:db8::/32", (struct ip_address){UINT64_C(0x20010db800000000), 0}, 32);
	check_prefix("2001:db8::/64", (struct ip_address){UINT64_C(0x20010db800000000), 0}, 64);
	check_prefix("2001:db8:0:1:8000::/65", (struct ip_address){UINT64_C(0x20010db800000001), UINT64_C(1) << 63}, 65);
	check_prefix("::1", (struct ip_address){0, 1}, 128);
	check_prefix("::1/128", (struct ip_address){0, 1}, 128);
}

static void prefixes_with_bits_behind_them_or_odd_lengths_are_refused(void **state)
{
	static const char *const texts[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/8 ",
		"10.0.0.0/-1", "10.0.0.0//8", "10.0.0.1/8", "10.0.0.1/31", "128.0.0.0/0", "::/129", "::1/127",
		"2001:db8::/28", "2001:db8:0:1::/63", "::1/64", "2001:db8:0:1:8000::/64", "10/8", "10.0.0.0/8/8",
		"10.0.0.0/1000", "::/a", "::ffff:10.0.0.0/8"};
	struct ip_address address = {1, 2};
	unsigned length = 3;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		if (prefix(texts[i], &address, &length) != -EINVAL || address.high != 1 || address.low != 2 ||
			length != 3)
			fail_msg("'%s' was accepted", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_read_in_every_place),
		cmocka_unit_test(edges_are_as_libc_has_them),
		cmocka_unit_test(random_and_damaged_texts_are_read_as_libc_reads_them),
		cmocka_unit_test(every_part_of_a_text_is_read_without_overrun),
		cmocka_unit_test(prefixes_are_read),
		cmocka_unit_test(prefixes_with_bits_behind_them_or_odd_lengths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
