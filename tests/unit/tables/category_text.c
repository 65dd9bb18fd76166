/* SPDX-License-Identifier: Apache-2.0 */
/* Tables out of text: what is taken, and the sentence about what is not. */
#include "category_rig.h"

#include <pthread.h>
#include <sys/stat.h>
#include <zstd.h>

#include "tables/category_source.h"

static void a_tsv_file_gives_its_categories(void **state)
{
	struct category *table =
		rig_table("a.tsv", "k1\tshoes\nk2\that \"large\"\nk 3,x\tshoes\n\"q\"\tb\xc3\xa9\x01\n");
	struct category_info info;

	(void)state;
	assert_category(table, "k1", "\"shoes\"");
	assert_category(table, "k2", "\"hat \\\"large\\\"\"");
	assert_category(table, "k 3,x", "\"shoes\"");
	assert_category(table, "\"q\"", "\"b\xc3\xa9\\u0001\"");
	assert_category(table, "k3", "null");
	assert_category(table, "", "null");
	category_describe(table, &info);
	assert_int_equal(info.entries, 4);
	assert_int_equal(info.values, 3);
	assert_true(info.built_us > INT64_C(1700000000000000));
	assert_in_range(info.bytes, 1000, 100000);
	category_free(table);
}

static void a_csv_file_may_quote(void **state)
{
	struct category *table = rig_table("a.csv", "\"k,1\",\"a \"\"b\"\"\"\nk\t2,c\n\"\"\"\",d\n");

	(void)state;
	assert_category(table, "k,1", "\"a \\\"b\\\"\"");
	assert_category(table, "k\t2", "\"c\"");
	assert_category(table, "\"", "\"d\"");
	category_free(table);
}

static void line_ends_and_the_byte_order_mark_are_no_part_of_it(void **state)
{
	struct category *table = rig_table("a.tsv", "\xef\xbb\xbfk1\ta\r\nk2\tb\r\nk3\tc");

	(void)state;
	assert_category(table, "k1", "\"a\"");
	assert_category(table, "k2", "\"b\"");
	assert_category(table, "k3", "\"c\"");
	category_free(table);
}

static void a_whole_number_is_one_key_in_all_its_forms(void **state)
{
	struct category *table = rig_table(
		"a.tsv", "7\tseven\n0\tzero\n18446744073709551615\tmost\n18446744073709551616\tmore\n07\ttext\n");
	const uint64_t numbers[] = {7, 0, UINT64_MAX};
	const char *const names[] = {"\"seven\"", "\"zero\"", "\"most\""};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct category_key key = category_key_number(table, numbers[i]);
		const char *found = rig_text(category_fragment(table, category_find(table, key)));

		assert_string_equal(found + strlen(",\"category\":"), names[i]);
	}
	assert_category(table, "7", "\"seven\"");
	assert_category(table, "07", "\"text\"");
	assert_category(table, "18446744073709551615", "\"most\"");
	assert_category(table, "18446744073709551616", "\"more\"");
	assert_category(table, "18446744073709551617", "null");
	assert_category(table, "99999999999999999999", "null");
	assert_category(table, "-7", "null");
	assert_category(table, "7.0", "null");
	category_free(table);
}

static void an_empty_file_is_an_empty_table(void **state)
{
	struct category *table = rig_table("a.csv", "");

	(void)state;
	assert_category(table, "k", "null");
	category_free(table);
}

static void assert_refused(const char *name, const void *text, size_t len, int rc, const char *sentence)
{
	struct category *category = NULL;
	const char *path = rig_write(name, text, len);
	struct error error;

	assert_int_equal(rig_load(&category, path, &error), rc);
	assert_null(category);
	assert_memory_equal(error.text, path, strlen(path));
	if (strncmp(error.text + strlen(path), sentence, strlen(sentence)) != 0)
		fail_msg("%s\nis not %s", error.text, sentence);
}

#define assert_line_refused(name, text, sentence) assert_refused(name, text, strlen(text), -EINVAL, sentence)

static void a_bad_line_is_named(void **state)
{
	(void)state;
	assert_line_refused("a.tsv", "a\tb\nc\n", ":2: there is one column");
	assert_line_refused("a.tsv", "a\tb\n\nc\td\n", ":2: the line is empty");
	assert_line_refused("a.tsv", "a\tb\tc\n", ":1: there are more than two columns");
	assert_line_refused("a.tsv", "a\tb\tc\td\te\tf\n", ":1: there are more than two columns");
	assert_line_refused("a.csv", "a,b,c\n", ":1: there are more than two columns; quote");
	assert_line_refused("a.csv", "a;b\n", ":1: there is one column instead of two; a line is a key, a comma");
	assert_line_refused("a.tsv", "\tb\n", ":1: the key is empty");
	assert_line_refused("a.tsv", "a\t\n", ":1: the category is empty");
	assert_line_refused("a.tsv", "a\tb\n\xc3\tb\n", ":2: the key is not valid UTF-8");
	assert_line_refused("a.tsv", "a\tb\n12345678\xc3(\tb\n", ":2: the key is not valid UTF-8");
	assert_line_refused("a.tsv", "a\txx\xed\xa0\x80\n", ":1: the category is not valid UTF-8");
	assert_refused("a.tsv", "a\tb\nb\tx\0y\n", 10, -EINVAL, ":2: the category has a zero byte");
	assert_line_refused("a.csv", "a,\"b\n", ":1: a quoted column is not closed");
	assert_line_refused("a.csv", "a,\"\n", ":1: a quoted column is not closed");
	assert_line_refused("a.csv", "a\"b,c\n", ":1: there is a quote inside a column");
	assert_line_refused("a.csv", "\"a\"b,c\n", ":1: there is something between a closing quote and the separator");
	assert_line_refused("a.csv", "\"a\" ,c\n", ":1: there is something between a closing quote and the separator");
}

static void a_key_twice_names_both_lines(void **state)
{
	(void)state;
	assert_refused("a.tsv", "a\tb\nb\tb\nc\tb\nb\tc\n", 16, -EEXIST, ":4: this key is also in line 2");
	assert_refused("a.csv", "7,b\n\"7\",b\n", 10, -EEXIST, ":2: this key is also in line 1");
}

static void lengths_have_limits(void **state)
{
	char text[8192];
	int len;

	(void)state;
	len = snprintf(text, sizeof(text), "%0255d\t%096d\n%0256d\tb\n", 1, 1, 1);
	assert_refused("a.tsv", text, (size_t)len, -EINVAL, ":2: the key is longer than 255 bytes");
	len = snprintf(text, sizeof(text), "a\tb\nb\t%097d\n", 1);
	assert_refused("a.tsv", text, (size_t)len, -EINVAL, ":2: the category is longer than 96 bytes");
	len = snprintf(text, sizeof(text), "a\tb\n%05000d\tb\n", 1);
	assert_refused("a.tsv", text, (size_t)len, -EINVAL, ":2: the line is longer than 4096 bytes");
	memset(text, '"', sizeof(text));
	text[4000] = '\n';
	assert_refused("a.csv", text, 4001, -EINVAL, ":1: there is one column");
	assert_refused("a.csv", text, 4000, -EINVAL, ":1: there is one column");
	assert_refused("a.csv", text + 1, 4000, -EINVAL, ":1: a quoted column is not closed");
}

static void the_name_says_how_columns_are_separated(void **state)
{
	struct category *category;
	struct error error;

	(void)state;
	assert_line_refused("a.txt", "a\tb\n", ": this is no prebuilt table, and the name does not tell");
	assert_line_refused("a.zst", "a\tb\n", ": it does not begin as zstd data do");
	assert_line_refused("tsv", "a\tb\n", ": this is no prebuilt table");
	assert_line_refused("a.tsv.zst", "a\tb\n", ": it does not begin as zstd data do");
	assert_int_equal(rig_load(&category, rig_path("none.tsv"), &error), -ENOENT);
	assert_non_null(strstr(error.text, "none.tsv: cannot open it: No such file"));
	assert_int_equal(rig_load(&category, rig_folder, &error), -EINVAL);
	assert_non_null(strstr(error.text, "no regular file"));
	assert_int_equal(mkfifo(rig_path("pipe.tsv"), 0600), 0);
	assert_int_equal(rig_load(&category, rig_path("pipe.tsv"), &error), -EINVAL);
}

static char *make_lines(unsigned lines, size_t *len)
{
	char *text = malloc(lines * 32);
	size_t at = 0;

	assert_non_null(text);
	for (unsigned i = 0; i < lines; i++)
		at += (size_t)sprintf(text + at, "key-%u\tname-%u\n", i, i % 100);
	*len = at;
	return text;
}

static void more_categories_than_there_are_numbers_are_refused(void **state)
{
	char *text = malloc(65535 * 16);
	struct category *category;
	struct category_info info;
	struct error error;
	size_t len = 0, last = 0;

	(void)state;
	for (unsigned i = 0; i < 65535; i++) {
		last = len;
		len += (size_t)sprintf(text + len, "%u\tc%u\n", i, i);
	}
	assert_refused("a.tsv", text, len, -EINVAL, ":65535: there are more than 65,534 different categories");
	assert_int_equal(rig_load(&category, rig_write("a.tsv", text, last), &error), 0);
	category_describe(category, &info);
	assert_int_equal(info.values, 65534);
	assert_category(category, "65533", "\"c65533\"");
	category_free(category);
	free(text);
}

static void a_table_keeps_to_its_budget(void **state)
{
	struct category_config config = {.name = "category", .node = MEMORY_ANY_NODE};
	struct category *category;
	struct category_info info;
	struct error error;
	size_t len;
	char *text = make_lines(20000, &len);

	(void)state;
	config.path = rig_write("a.tsv", text, len);
	for (config.budget_bytes = 1000; config.budget_bytes < 400000; config.budget_bytes += 50000) {
		assert_int_equal(category_new(&category, &config, &error), -EFBIG);
		assert_non_null(strstr(error.text, "raise the budget"));
	}
	config.budget_bytes = 600000;
	assert_int_equal(category_new(&category, &config, &error), 0);
	category_describe(category, &info);
	assert_in_range(info.bytes, 400000, 600000);
	category_free(category);
	free(text);
}

/* As the program zstd does it, with a checksum. */
static size_t pack(char *out, const char *text, size_t len)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t size;

	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
	size = ZSTD_compress2(context, out, ZSTD_compressBound(len), text, len);
	assert_false(ZSTD_isError(size));
	ZSTD_freeCCtx(context);
	return size;
}

static void zstd_is_unpacked_and_its_damage_told(void **state)
{
	struct category *category;
	struct error error;
	size_t len, packed_len;
	char *text = make_lines(50000, &len), *packed = malloc(ZSTD_compressBound(len) * 2);

	(void)state;
	packed_len = pack(packed, text, len / 2);
	packed_len += pack(packed + packed_len, text + len / 2, len - len / 2);
	assert_int_equal(rig_load(&category, rig_write("a.tsv.zst", packed, packed_len), &error), 0);
	for (unsigned i = 0; i < 50000; i++) {
		char key[32], name[32];

		(void)snprintf(key, sizeof(key), "key-%u", i);
		(void)snprintf(name, sizeof(name), ",\"category\":\"name-%u\"", i % 100);
		assert_string_equal(rig_find(category, key), name);
	}
	category_free(category);
	assert_refused("a.tsv.zst", packed, packed_len - 1, -EBADMSG, ": its zstd data is cut short after ");
	assert_refused("a.tsv.zst", packed, 4, -EBADMSG, ": its zstd data is cut short after 4 bytes");
	packed[packed_len] = 'x';
	assert_refused("a.tsv.zst", packed, packed_len + 1, -EBADMSG, ": its zstd data is ");
	memset(packed + packed_len / 2, 0xff, 64);
	assert_refused("a.tsv.zst", packed, packed_len, -EBADMSG, ": its zstd data is damaged before byte ");
	free(packed);
	free(text);
}

/* pzstd puts one with the next frame's length before each frame. */
static void frames_to_skip_are_zstd_data_too(void **state)
{
	static const char text[] = "k1\ta\nk2\tb\n";
	char packed[256];

	(void)state;
	for (unsigned magic = 0x50; magic <= 0x5f; magic++) {
		const char skip[] = {(char)magic, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
		struct category *category;
		struct error error;
		size_t len = sizeof(skip);

		memcpy(packed, skip, sizeof(skip));
		len += pack(packed + len, text, 5);
		memcpy(packed + len, skip, sizeof(skip));
		len += sizeof(skip);
		len += pack(packed + len, text + 5, 5);
		if (rig_load(&category, rig_write("a.tsv.zst", packed, len), &error) != 0)
			fail_msg("%s", error.text);
		assert_category(category, "k1", "\"a\"");
		assert_category(category, "k2", "\"b\"");
		category_free(category);
		assert_refused("a.tsv.zst", packed, 10, -EBADMSG, ": its zstd data is cut short after 10 bytes");
	}
	packed[0] = 0x60;
	assert_refused("a.tsv.zst", packed, 12, -EINVAL, ": it does not begin as zstd data do");
}

static void a_file_that_grows_is_noticed(void **state)
{
	struct category_source *source;
	struct slice line;
	struct error error;
	const char *path = rig_write("a.tsv", "a\tb\n", 4);
	FILE *file;

	(void)state;
	assert_int_equal(category_source_open(&source, path, NULL, &error), 0);
	assert_int_equal(category_source_line(source, &line, &error), 1);
	assert_int_equal(category_source_unchanged(source, &error), 0);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("c\td\n", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(category_source_line(source, &line, &error), 1);
	assert_int_equal(category_source_line(source, &line, &error), 0);
	assert_int_equal(category_source_unchanged(source, &error), -EAGAIN);
	assert_non_null(strstr(error.text, "a.tsv: somebody wrote to it while it was read"));
	category_source_close(source);
}

static void a_table_that_nobody_wants_any_more_is_not_built(void **state)
{
	atomic_int leave = 1;
	struct category_config config = {.name = "category", .budget_bytes = RIG_BUDGET, .node = MEMORY_ANY_NODE, .leave = &leave};
	struct category *category;
	struct error error;
	size_t len;
	char *text = make_lines(20000, &len);

	(void)state;
	config.path = rig_write("a.tsv", text, len);
	assert_int_equal(category_new(&category, &config, &error), -ECANCELED);
	atomic_store(&leave, 0);
	assert_int_equal(category_new(&category, &config, &error), 0);
	category_free(category);
	free(text);
}

static void the_member_has_the_name_that_was_asked_for(void **state)
{
	struct category_config config = {.name = "a\"b", .budget_bytes = RIG_BUDGET, .node = MEMORY_ANY_NODE};
	struct category *category;
	struct error error;

	(void)state;
	config.path = rig_write("a.tsv", "k\tv\n", 4);
	assert_int_equal(category_new(&category, &config, &error), 0);
	assert_string_equal(rig_find(category, "k"), ",\"a\\\"b\":\"v\"");
	assert_string_equal(rig_find(category, "l"), ",\"a\\\"b\":null");
	category_free(category);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tsv_file_gives_its_categories),
		cmocka_unit_test(a_csv_file_may_quote),
		cmocka_unit_test(line_ends_and_the_byte_order_mark_are_no_part_of_it),
		cmocka_unit_test(a_whole_number_is_one_key_in_all_its_forms),
		cmocka_unit_test(an_empty_file_is_an_empty_table),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(a_key_twice_names_both_lines),
		cmocka_unit_test(lengths_have_limits),
		cmocka_unit_test(the_name_says_how_columns_are_separated),
		cmocka_unit_test(more_categories_than_there_are_numbers_are_refused),
		cmocka_unit_test(a_table_keeps_to_its_budget),
		cmocka_unit_test(zstd_is_unpacked_and_its_damage_told),
		cmocka_unit_test(frames_to_skip_are_zstd_data_too),
		cmocka_unit_test(a_file_that_grows_is_noticed),
		cmocka_unit_test(a_table_that_nobody_wants_any_more_is_not_built),
		cmocka_unit_test(the_member_has_the_name_that_was_asked_for),
	};

	return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
