/* SPDX-License-Identifier: Apache-2.0 */
/* Prebuilt files: what was saved comes back, and what was cut or changed anywhere is refused. */
#include "category_rig.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tables/category_file.h"

static uint8_t *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(4 << 20);

	assert_non_null(file);
	*len = fread(data, 1, 4 << 20, file);
	fclose(file);
	return data;
}

static const char *save(const struct category *category, const char *name)
{
	const char *path = rig_path(name);
	struct error error;

	if (category_save(category, path, &error) != 0)
		fail_msg("%s", error.text);
	return path;
}

/* A small prebuilt file's bytes. */
static uint8_t *make_small(size_t *len)
{
	struct category *category = rig_table("a.tsv", "k1\ta\nk2\tb\n7\ta\n");
	uint8_t *data = read_file(save(category, "small"), len);

	category_free(category);
	return data;
}

static int load_bytes(const uint8_t *data, size_t len, struct category **category, struct error *error)
{
	*category = NULL;
	return rig_load(category, rig_write("other", data, len), error);
}

static void a_saved_table_comes_back(void **state)
{
	struct category *category = rig_table("a.tsv", "k1\ta\nk2\tb \"c\"\n7\ta\n"), *again;
	struct category_info before, after;
	struct error error;
	struct stat st;

	(void)state;
	assert_int_equal(rig_load(&again, save(category, "table"), &error), 0);
	category_describe(category, &before);
	category_describe(again, &after);
	assert_int_equal(before.entries, after.entries);
	assert_int_equal(before.values, after.values);
	assert_true(after.built_us >= before.built_us && after.built_us < before.built_us + 60000000);
	assert_category(again, "k1", "\"a\"");
	assert_category(again, "k2", "\"b \\\"c\\\"\"");
	assert_category(again, "7", "\"a\"");
	assert_category(again, "8", "null");
	assert_int_equal(category_save(again, rig_path("table"), &error), 0);
	assert_int_equal(stat(rig_path("table"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(access(rig_path("table.new"), F_OK), -1);
	category_free(again);
	category_free(category);
}

static void a_table_of_many_blocks_comes_back(void **state)
{
	struct category *category, *again;
	struct error error;
	size_t len;
	FILE *file = fopen(rig_path("a.tsv"), "wb");
	uint8_t *data;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		fprintf(file, "key-%u\tname-%u\n", i, i % 60000);
	fclose(file);
	assert_int_equal(rig_load(&category, rig_path("a.tsv"), &error), 0);
	data = read_file(save(category, "table"), &len);
	assert_in_range(len, 2u << 20, 4u << 20);
	assert_int_equal(load_bytes(data, len, &again, &error), 0);
	for (unsigned i = 0; i < 100000; i++) {
		char key[32], name[32];

		(void)snprintf(key, sizeof(key), "key-%u", i);
		(void)snprintf(name, sizeof(name), ",\"category\":\"name-%u\"", i % 60000);
		assert_string_equal(rig_find(again, key), name);
	}
	category_free(again);
	data[280 + (1 << 20) + 8 + 5000] ^= 1;
	assert_int_equal(load_bytes(data, len, &again, &error), -EBADMSG);
	assert_non_null(strstr(error.text, "is damaged between byte 1048864 and 2097448; copy it again"));
	/* Two whole blocks that have changed places. */
	data[280 + (1 << 20) + 8 + 5000] ^= 1;
	for (size_t i = 0; i < (1 << 20) + 8; i++) {
		uint8_t byte = data[280 + i];

		data[280 + i] = data[280 + i + (1 << 20) + 8];
		data[280 + i + (1 << 20) + 8] = byte;
	}
	assert_int_equal(load_bytes(data, len, &again, &error), -EBADMSG);
	free(data);
	category_free(category);
}

static void every_flipped_byte_is_refused(void **state)
{
	struct category *category;
	struct error error;
	size_t len;
	uint8_t *data = make_small(&len);

	(void)state;
	assert_int_equal(load_bytes(data, len, &category, &error), 0);
	category_free(category);
	for (size_t i = 0; i < len; i++) {
		data[i] ^= (uint8_t)(1u << i % 8);
		assert_true(load_bytes(data, len, &category, &error) < 0);
		assert_null(category);
		assert_non_null(strstr(error.text, "other: "));
		data[i] ^= (uint8_t)(1u << i % 8);
	}
	free(data);
}

static void every_truncation_is_refused(void **state)
{
	struct category *category;
	struct error error;
	size_t len;
	uint8_t *data = make_small(&len);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, data, cut);
		assert_true(load_bytes(exact, cut, &category, &error) < 0);
		assert_null(category);
		free(exact);
	}
	data = realloc(data, len + 1);
	data[len] = 0;
	assert_int_equal(load_bytes(data, len + 1, &category, &error), -EBADMSG);
	free(data);
}

/* The header's own checksum made right again. */
static void seal(uint8_t *data)
{
	struct category_file_header header;

	memcpy(&header, data, sizeof(header));
	header.checksum = category_file_checksum(&header, offsetof(struct category_file_header, checksum), 0);
	memcpy(data, &header, sizeof(header));
}

static void other_versions_are_refused_by_name(void **state)
{
	struct category *category;
	struct error error;
	size_t len;
	uint8_t *data = make_small(&len);

	(void)state;
	data[8] = 2;
	assert_int_equal(load_bytes(data, len, &category, &error), -ENOTSUP);
	assert_non_null(strstr(error.text, "is of version 2, this program reads version 1"));
	data[8] = 1;
	memcpy(data + 12, "\x01\x02\x03\x04", 4);
	assert_int_equal(load_bytes(data, len, &category, &error), -EBADMSG);
	assert_non_null(strstr(error.text, "byte order"));
	free(data);
}

/* Counts that a checksum does not contradict. */
static void a_header_that_lies_is_refused(void **state)
{
	static const struct {
		unsigned offset;
		uint32_t value;
	} lies[] = {{16, 4}, {16, UINT32_MAX}, {24, 1}, {24, 3}, {24, UINT32_MAX}, {28, 0}, {28, 1}, {28, 17},
		{28, UINT32_MAX}, {40, 3}, {40, UINT32_MAX}, {44, UINT32_MAX}};

	(void)state;
	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct category *category;
		struct error error;
		size_t len;
		uint8_t *data = make_small(&len);

		memcpy(data + lies[i].offset, &lies[i].value, sizeof(lies[i].value));
		seal(data);
		assert_int_equal(load_bytes(data, len, &category, &error), -EBADMSG);
		free(data);
	}
}

/* Ages are counted from it. */
static void a_time_before_all_times_is_refused(void **state)
{
	const int64_t made_us = INT64_MIN;
	struct category *category;
	struct error error;
	size_t len;
	uint8_t *data = make_small(&len);

	(void)state;
	memcpy(data + offsetof(struct category_file_header, made_us), &made_us, sizeof(made_us));
	seal(data);
	assert_int_equal(load_bytes(data, len, &category, &error), -EBADMSG);
	assert_non_null(strstr(error.text, ": the prebuilt table contradicts itself in its header; "));
	free(data);
}

/* The small file's one block with its own checksum made right again. */
static void seal_block(uint8_t *data, size_t len)
{
	struct category_file_header header;
	uint64_t checksum;

	memcpy(&header, data, sizeof(header));
	len -= sizeof(checksum);
	checksum = category_file_checksum(data + sizeof(header), len - sizeof(header), header.checksum);
	memcpy(data + len, &checksum, sizeof(checksum));
}

/* Bytes of names, values and places that are wrong although their checksum is right. */
static void a_body_that_lies_is_refused(void **state)
{
	size_t len, changed = 0;
	uint8_t *data = make_small(&len);

	(void)state;
	for (size_t i = sizeof(struct category_file_header); i < len - sizeof(uint64_t); i++) {
		uint8_t kept = data[i];
		struct category *category;
		struct error error;

		data[i] = 0xff;
		seal_block(data, len);
		if (load_bytes(data, len, &category, &error) != 0) {
			assert_non_null(strstr(error.text, "the prebuilt table contradicts itself"));
			changed++;
		}
		category_free(category);
		data[i] = kept;
	}
	/* At least the names, all values, and the highest bytes of the entries' checks or places. */
	assert_in_range(changed, 4 + 2 * 16 * 6, len);
	free(data);
}

static void a_prebuilt_table_keeps_to_its_budget(void **state)
{
	struct category_config config = {.name = "category", .budget_bytes = 1000, .node = MEMORY_ANY_NODE};
	struct category *category = rig_table("a.tsv", "k1\ta\n");
	struct error error;

	(void)state;
	config.path = save(category, "table");
	category_free(category);
	assert_int_equal(category_new(&category, &config, &error), -EFBIG);
	assert_non_null(strstr(error.text, "table: the table would take 1 MiB, its budget is 0 MiB; raise the budget"));
}

static void what_cannot_be_written_is_told(void **state)
{
	struct category *category = rig_table("a.tsv", "k1\ta\n");
	struct error error;

	(void)state;
	assert_int_equal(category_save(category, rig_path("none/table"), &error), -ENOENT);
	assert_non_null(strstr(error.text, "none/table: cannot write the prebuilt table: No such file"));
	assert_int_equal(mkdir(rig_path("folder"), 0700), 0);
	assert_int_equal(category_save(category, rig_path("folder"), &error), -EISDIR);
	assert_int_equal(access(rig_path("folder.new"), F_OK), -1);
	category_free(category);
}

static void only_one_at_a_time_writes_a_file(void **state)
{
	struct category *category = rig_table("a.tsv", "k1\ta\n"), *read;
	struct error error = {""};
	int fd = open(rig_path("table.new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	(void)state;
	assert_int_equal(write(fd, "half a table", 12), 12);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(category_save(category, rig_path("table"), &error), -EBUSY);
	assert_non_null(strstr(error.text, "table.new is being written by another process; let one at a time"));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 12);
	close(fd); /* as a process that was killed */
	assert_int_equal(rig_load(&read, save(category, "table"), &error), 0);
	category_free(read);
	category_free(category);
}

static void expect_no_file(const struct category *category, const char *name, const char *pipe)
{
	struct error error = {""};
	struct stat st;

	assert_int_equal(category_save(category, rig_path(name), &error), -EINVAL);
	assert_non_null(strstr(error.text, pipe));
	assert_non_null(strstr(error.text, " is no regular file"));
	assert_int_equal(stat(rig_path(pipe), &st), 0);
	assert_true(S_ISFIFO(st.st_mode)); /* as a device would be: all of them are lost by a rename */
}

static void only_a_file_or_a_link_is_replaced(void **state)
{
	struct category *category = rig_table("a.tsv", "k1\ta\n");
	struct stat st;

	(void)state;
	assert_int_equal(mkfifo(rig_path("pipe"), 0600), 0);
	expect_no_file(category, "pipe", "pipe");
	assert_int_equal(access(rig_path("pipe.new"), F_OK), -1);
	assert_int_equal(mkfifo(rig_path("beside.new"), 0600), 0);
	expect_no_file(category, "beside", "beside.new");
	assert_int_equal(symlink("pipe", rig_path("link")), 0);
	(void)save(category, "link");
	assert_int_equal(lstat(rig_path("link"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	category_free(category);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saved_table_comes_back),
		cmocka_unit_test(a_table_of_many_blocks_comes_back),
		cmocka_unit_test(every_flipped_byte_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(other_versions_are_refused_by_name),
		cmocka_unit_test(a_header_that_lies_is_refused),
		cmocka_unit_test(a_time_before_all_times_is_refused),
		cmocka_unit_test(a_body_that_lies_is_refused),
		cmocka_unit_test(a_prebuilt_table_keeps_to_its_budget),
		cmocka_unit_test(what_cannot_be_written_is_told),
		cmocka_unit_test(only_one_at_a_time_writes_a_file),
		cmocka_unit_test(only_a_file_or_a_link_is_replaced),
	};

	return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
