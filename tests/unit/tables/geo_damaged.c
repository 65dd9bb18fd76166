/* SPDX-License-Identifier: Apache-2.0 */

/* Files that are cut short, damaged or no databases at all: a sentence that names the file, or a table that can be
 * read. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "geo_rig.h"
#include "tables/geo_places.h"

static uint8_t whole[65536];
static size_t whole_size;
static const char *path;

/* What somebody does to the file as soon as a part of it is read. */
static void (*meanwhile)(void);

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __wrap___read_chk(int fd, void *to, size_t size, size_t room);

ssize_t __wrap_read(int fd, void *to, size_t size)
{
	void (*now)(void) = meanwhile;
	ssize_t got = __real_read(fd, to, now != NULL && size > 72 ? 72 : size);

	meanwhile = NULL;
	if (now != NULL)
		now();
	return got;
}

ssize_t __wrap___read_chk(int fd, void *to, size_t size, size_t room)
{
	assert_true(size <= room);
	return __wrap_read(fd, to, size);
}

static void write_file(const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_true(size == 0 || fwrite(bytes, size, 1, file) == 1);
	assert_int_equal(fclose(file), 0);
}

static int load(struct geo **geo, struct error *error)
{
	const struct geo_config config = {
		.paths = {path}, .path_count = 1, .fields = RIG_ALL, .budget_bytes = 64u << 20, .node = -1};

	*geo = NULL;
	error->text[0] = '\0';
	return geo_new(geo, &config, error);
}

/* Loads what is in the file; a table must answer. Returns what geo_new did. */
static int survive(void)
{
	struct ip_address addresses[32];
	uint32_t places[ARRAY_LENGTH(addresses)];
	struct error error;
	struct geo *geo;
	int result = load(&geo, &error);

	if (result != 0) {
		assert_true(result < 0);
		assert_null(geo);
		assert_non_null(strstr(error.text, path));
		return result;
	}
	for (unsigned i = 0; i < ARRAY_LENGTH(addresses); i++)
		addresses[i] = rig_address(NULL, 0);
	geo_find_burst(geo, addresses, ARRAY_LENGTH(addresses), places);
	for (unsigned i = 0; i < ARRAY_LENGTH(addresses); i++) {
		struct slice fragment = geo_fragment(geo, places[i]);

		assert_true(fragment.len >= 9 && fragment.len <= GEO_FRAGMENT_MAX);
		assert_memory_equal(fragment.data, ",\"geo\":{", 8);
		assert_int_equal(fragment.data[fragment.len - 1], '}');
	}
	geo_free(geo);
	return 0;
}

static int set_up(void **state)
{
	struct geo_writer *writer = geo_writer_new(6, 24);
	FILE *file;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		char line[128];

		(void)snprintf(line, sizeof(line),
			i % 2 ? "%u.%u.0.0/16 DE %u City %u" : "2a00:%x:%x::/48 FR %u City %u", 10 + i, i, 64500 + i,
			i % 7);
		assert_int_equal(geo_writer_put_text(writer, line), 0);
	}
	geo_writer_aliases(writer);
	path = rig_path("damaged.mmdb");
	assert_int_equal(geo_writer_write(writer, path), 0);
	geo_writer_free(writer);
	file = fopen(path, "rb");
	assert_non_null(file);
	whole_size = fread(whole, 1, sizeof(whole), file);
	(void)fclose(file);
	assert_true(whole_size > 1000 && whole_size < sizeof(whole));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rig_files_remove();
	return 0;
}

static void a_file_cut_short_is_refused(void **state)
{
	(void)state;
	for (size_t size = 0; size < whole_size; size += size < whole_size - 300 ? 37 : 1) {
		write_file(whole, size);
		assert_int_not_equal(survive(), 0);
	}
	write_file(whole, whole_size);
	assert_int_equal(survive(), 0);
}

static void what_is_no_database_is_refused(void **state)
{
	struct error error;
	struct geo *geo;

	(void)state;
	(void)unlink(path);
	assert_int_equal(load(&geo, &error), -ENOENT);
	assert_non_null(strstr(error.text, path));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(load(&geo, &error), -EINVAL);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(load(&geo, &error), -EINVAL);
	assert_int_equal(unlink(path), 0);
	write_file("hello, world\n", 13);
	assert_int_equal(load(&geo, &error), -EINVAL);
	write_file("\xAB\xCD\xEFMaxMind.com", 14);
	assert_int_equal(load(&geo, &error), -EINVAL);
}

static void damaged_bytes_do_no_harm(void **state)
{
	static const uint8_t bytes[] = {0, 1, 0x1F, 0x20, 0x3F, 0x7F, 0x80, 0xE0, 0xFF};
	uint8_t *copy = malloc(whole_size);
	unsigned refused = 0, count = getenv("PENSTOCK_FULL") == NULL ? 3000 : 100000;

	(void)state;
	assert_non_null(copy);
	for (unsigned i = 0; i < count; i++) {
		memcpy(copy, whole, whole_size);
		for (unsigned times = 1 + rig_random_below(4); times > 0; times--) {
			size_t at = rig_random_below(4) == 0 ? whole_size - 1 - rig_random_below(300)
							     : rig_random_below((uint32_t)whole_size);

			copy[at] = rig_random_below(2) == 0 ? bytes[rig_random_below(ARRAY_LENGTH(bytes))]
							    : (uint8_t)rig_random();
		}
		write_file(copy, whole_size);
		refused += survive() != 0;
	}
	free(copy);
	assert_true(refused > count / 10);
	assert_true(refused < count);
}

/* A node of which both records lead back to the root: as a tree it has 2^128 leaves. */
static void a_tree_with_a_loop_is_refused(void **state)
{
	uint8_t *copy = malloc(whole_size);
	struct error error;
	struct geo *geo;

	(void)state;
	assert_non_null(copy);
	for (size_t node = 0; node < 200; node++) {
		memcpy(copy, whole, whole_size);
		memset(copy + node * 6, 0, 6);
		write_file(copy, whole_size);
		assert_int_equal(load(&geo, &error), -EINVAL);
		assert_non_null(strstr(error.text, "loop"));
	}
	free(copy);
}

/* Records nested as deep as the file is long, and members that claim to be millions. */
static void deep_and_endless_records_are_refused(void **state)
{
	static uint8_t deep[200000];
	const struct {
		uint8_t first[8];
		uint32_t first_size;
		uint8_t fill;
	} kinds[] = {{{0xE1, 0x41, 'x'}, 3, 0xE1}, {{0xFF, 0xFF, 0xFF, 0xFF}, 4, 0x40},
		{{0xE1, 0x41, 'x', 0x1F, 4, 0xFF, 0xFF, 0xFF}, 8, 0x07}, {{0xE1, 0x20, 0x00}, 3, 0x00},
		{{0x30, 0xFF, 0xFF, 0xFF}, 4, 0x00}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++) {
		struct geo_writer *writer = geo_writer_new(4, 24);

		memset(deep, kinds[i].fill, sizeof(deep));
		memcpy(deep, kinds[i].first, kinds[i].first_size);
		geo_writer_put_data(writer, address_of_v4(10u << 24), 104, deep, sizeof(deep));
		assert_int_equal(geo_writer_write(writer, path), 0);
		geo_writer_free(writer);
		assert_int_equal(survive(), -EINVAL);
	}
}

static void write_in_place(void)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, whole + 100, 50, 100), 50);
	assert_int_equal(close(fd), 0);
}

static void cut_short(void)
{
	assert_int_equal(truncate(path, (off_t)whole_size - 1), 0);
}

static void append(void)
{
	FILE *file = fopen(path, "ab");

	assert_non_null(file);
	assert_int_equal(fputc(0, file), 0);
	assert_int_equal(fclose(file), 0);
}

/* What was read may be a mixture, which nothing in the file tells. */
static void a_file_that_is_written_to_while_it_is_read_is_refused(void **state)
{
	static void (*const writers[])(void) = {write_in_place, cut_short, append};
	static const struct timespec long_ago[2] = {{1000000, 0}, {1000000, 0}};
	struct error error;
	struct geo *geo;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(writers); i++) {
		write_file(whole, whole_size);
		assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
		meanwhile = writers[i];
		assert_int_equal(load(&geo, &error), -EAGAIN);
		assert_null(meanwhile);
		assert_non_null(strstr(error.text, path));
		assert_non_null(strstr(error.text, "somebody wrote to it while it was read"));
	}
	write_file(whole, whole_size);
	assert_int_equal(survive(), 0);
}

static const uint8_t german[] = "\xE1\x4C" "country_code" "\x42" "DE"; /* and a zero byte */

/* However many lead to it, and however: it is read once. */
static void pointers_to_one_record_are_one_record(void **state)
{
	static const uint8_t near[] = {0x20, 0}, far[] = {0x38, 0, 0, 0, 0};
	struct geo_writer *writer = geo_writer_new(4, 24);
	struct geo_layer layer;
	struct error error = {""};
	int64_t record;

	(void)state;
	geo_writer_put_data(writer, address_of_v4(10u << 24), 104, german, sizeof(german));
	geo_writer_put_data(writer, address_of_v4(11u << 24), 104, near, sizeof(near));
	geo_writer_put_data(writer, address_of_v4(12u << 24), 104, far, sizeof(far));
	assert_int_equal(geo_writer_write(writer, path), 0);
	geo_writer_free(writer);
	assert_int_equal(geo_layer_open(&layer, path, &error), 0);
	record = geo_layer_record(&layer, sizeof(german));
	assert_true(record > 0);
	assert_int_equal(geo_layer_record(&layer, 0), record);
	assert_int_equal(geo_layer_record(&layer, sizeof(german) + sizeof(near)), record);
	assert_int_equal(layer.records[record].known, GEO_COUNTRY);
	geo_layer_fini(&layer);
}

/* Puts `count` records that hold `key`, and under it what the data section begins with. */
static void put_sharers(struct geo_writer *writer, const char *key, unsigned count)
{
	uint8_t record[32] = {0xE1, (uint8_t)(0x40 | strlen(key))};
	size_t size = 2 + strlen(key);

	memcpy(record + 2, key, strlen(key));
	record[size++] = 0x20; /* a pointer to the first byte */
	record[size++] = 0;
	for (unsigned i = 0; i < count; i++) {
		memcpy(record + size, &i, sizeof(i)); /* that they differ */
		geo_writer_put_data(writer, address_of_v4(11u << 24 | i << 8), 120, record, (uint32_t)(size + sizeof(i)));
	}
}

static void expect_endless(struct geo_writer *writer)
{
	struct error error;
	struct geo *geo;

	assert_int_equal(geo_writer_write(writer, path), 0);
	geo_writer_free(writer);
	assert_int_equal(load(&geo, &error), -EINVAL);
	assert_non_null(strstr(error.text, path));
	assert_non_null(strstr(error.text, "its records share so much that reading them would not end"));
}

/* A small file whose records each have a long way to go: 4096 times 60,000 members, or a megabyte of a name. */
static void records_that_share_what_is_large_are_refused(void **state)
{
	static uint8_t map[60004] = {0xFE, (30000 - 285) >> 8, (30000 - 285) & 0xFF};
	static uint8_t name[(1 << 20) + 4] = {0x5F, ((1 << 20) - 65821) >> 16, (((1 << 20) - 65821) >> 8) & 0xFF,
		((1 << 20) - 65821) & 0xFF};
	struct geo_writer *writer = geo_writer_new(4, 24);

	(void)state;
	memset(map + 3, 0x40, sizeof(map) - 3); /* empty names and texts */
	geo_writer_put_data(writer, address_of_v4(10u << 24), 104, map, sizeof(map));
	put_sharers(writer, "country", 4096);
	expect_endless(writer);

	writer = geo_writer_new(4, 24);
	memset(name + 4, 'x', sizeof(name) - 4);
	geo_writer_put_data(writer, address_of_v4(10u << 24), 104, name, sizeof(name));
	put_sharers(writer, "city", 256);
	expect_endless(writer);

	writer = geo_writer_new(4, 24);
	geo_writer_put_data(writer, address_of_v4(10u << 24), 104, map, sizeof(map));
	put_sharers(writer, "country", 16);
	assert_int_equal(geo_writer_write(writer, path), 0);
	geo_writer_free(writer);
	assert_int_equal(survive(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_cut_short_is_refused),
		cmocka_unit_test(what_is_no_database_is_refused),
		cmocka_unit_test(damaged_bytes_do_no_harm),
		cmocka_unit_test(a_tree_with_a_loop_is_refused),
		cmocka_unit_test(deep_and_endless_records_are_refused),
		cmocka_unit_test(a_file_that_is_written_to_while_it_is_read_is_refused),
		cmocka_unit_test(pointers_to_one_record_are_one_record),
		cmocka_unit_test(records_that_share_what_is_large_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
