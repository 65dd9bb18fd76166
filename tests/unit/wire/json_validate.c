/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the validating scanner accepts, against a table and against Jansson, a strict parser. Every value of the table is
 * tried as a member's value, in an array and behind 0 to 70 spaces, so that it stands everywhere in a block of 64 bytes.
 */

#include "json_levels.h"
#include "json_reference.h"

static const char *const good_values[] = {
	"0", "-0", "1", "-1", "10", "1234567890", "12345678901234567890123456789012345678901234567890", "0.0", "0.10", "-0.5",
	"1.5", "10.25", "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899", "1e5", "1E5",
	"1e+5", "1e-5", "1E+05", "1e00", "0e0", "0E-0", "-1.5e+10", "1.0e1", "1e999", "-1e-999", "true", "false", "null",
	"\"\"", "\"a\"", "\"abc def\"", "\"{\"", "\"}\"", "\"[\"", "\"]\"", "\":\"", "\",\"", "\"{}[]:,\"", "\"'\"", "\"/\"",
	"\"\\\"\"", "\"\\\\\"", "\"\\/\"", "\"\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\u00e9\"", "\"\\uABCD\"", "\"\\uabcd\"",
	"\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\\\\\\\\"", "\"\\\\\\\"\"", "\"\\\\u12\"", "\"a\\\\\"",
	"\"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"",
	"\"\x7f\"", "\"\xc2\x80\"", "\"\xdf\xbf\"", "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"", "\"\xee\x80\x80\"",
	"\"\xef\xbf\xbf\"", "\"\xf0\x90\x80\x80\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80\"",
	"\"\xef\xbb\xbf\"", "[]", "[ ]", "[\n]", "{}", "{ }", "{\t}", "[1]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[{}]", "[[],[]]",
	"[{},{}]", "[\"a\",\"b\"]", "[\"a\",1,true,null,{},[]]", "[true,false]", "[-1,-2.5]", "{\"a\":1}", "{\"a\":{}}",
	"{\"a\":[]}", "{ \"a\" : 1 }", "{\"a\":1,\"b\":2}", "{\"\":0}", "{\"a\":\"b\",\"c\":[\"d\"]}", "{\"a\":1,\"a\":2}",
	"[{\"a\":[{\"b\":[1]}]}]", "{\"a\\\"b\":1}", "{\"\\u0061\":1}", "[[[[[[[[1]]]]]]]]", "[1\n,\r2\t,\n3]", "[\"y_Y\"]",
};

static const char *const bad_values[] = {
	"", " ", "00", "01", "-01", "-", "--1", "-a", "- 1", "+1", ".5", "-.5", "1.", "1.e5", "1..5", "1.2.3", "1.-5", "1e", "1e+",
	"1e-", "1e+-5", "1e++5", "1e5e5", "1e5.5", "1.5e5.5", "1e 5", "1 e5", "1 .5", "1. 5", "1a", "1ea", "0x10", "0b1", "1_000",
	"1-1", "1-", "1+", "1+1", "12-3", "1.5-", "1e5-3", "1e5+", "1e-5-", "00.5", "-00", "01e5", "0123456789", "Infinity",
	"-Infinity", "NaN", "-NaN", "inf", "1f", "1L", "1true", "true1", "tru", "truee", "True", "TRUE", "t", "tr", "rue", "t rue",
	"true false", "truefalse", "fals", "falsee", "False", "fal se", "nul", "nulll", "Null", "n", "none", "undefined", "null null",
	"true-", "true.", "null.5", "-true", ".true", "true\"a\"", "\"a\"true", "1\"a\"", "\"a\"1", "\"a\" \"b\"", "\"a\"\"b\"", "1 2",
	"[] []", "{} {}", "[]1", "1[]", "{}1", "1{}", "\"a\"[]", "[]\"a\"", "\"a\":1", "1:2", "[]:1", "a", "'a'", "`a`", "abc",
	"\"\\a\"", "\"\\x41\"", "\"\\'\"", "\"\\0\"", "\"\\ \"", "\"\\u\"", "\"\\u1\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"",
	"\"\\u 123\"", "\"\\U0041\"", "\"\\u00\\u0041\"", "\"\\\n\"", "\"\t\"", "\"\n\"", "\"\r\"", "\"\x01\"", "\"\x1f\"", "\"a\x0b\"",
	"\\\"a\\\"", "\\n", "\"a\"\\", "\\", "1\\", "true\\", "[\\]",
	"\"\x80\"", "\"\xbf\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xc2\"", "\"\xc2 \"", "\"\xc2\xc2\x80\"", "\"\xe0\x80\x80\"",
	"\"\xe0\x9f\xbf\"", "\"\xe1\x80\"", "\"\xe1\x80 \"", "\"\xe1 \x80\x80\"", "\"\xed\xa0\x80\"", "\"\xed\xbf\xbf\"",
	"\"\xf0\x80\x80\x80\"", "\"\xf0\x8f\xbf\xbf\"", "\"\xf0\x90\x80\"", "\"\xf0\x90\x80 \"", "\"\xf4\x90\x80\x80\"",
	"\"\xf5\x80\x80\x80\"", "\"\xf8\x88\x80\x80\x80\"", "\"\xfc\x84\x80\x80\x80\x80\"", "\"\xfe\"", "\"\xff\"",
	"\"\xc3\xa9\xa9\"", "\"\xe6\xbc\xa2\xa2\"", "\"\xf0\x9f\x98\x80\x80\"", "\xc3\xa9", "\xef\xbb\xbf" "1", "\xc2\xa0" "1",
	"[,]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1:2]", "[\"a\":1]", "[\"a\" 1]", "[1;2]", "[(1)]", "[1}", "{]", "[}", "{\"a\":1]",
	"[{]}", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\",1}", "{\"a\":1,}", "{,\"a\":1}", "{\"a\":1,,\"b\":2}", "{\"a\" 1}", "{\"a\"::1}",
	"{\"a\":1:2}", "{\"a\":\"b\":1}", "{\"a\":1 \"b\":2}", "{1:2}", "{a:1}", "{'a':1}", "{null:1}", "{true:1}", "{[]:1}", "{{}:1}",
	"{\"a\" \"b\":1}", "{\"a\":1,[1]}", "{\"a\":1,{}}", "{\"a\":1,2}", "{\"a\":1,\"b\"}", "{\"a\":1,\"b\",\"c\":2}", "{1}",
	"[\"a\",\"b\":1]", "[{\"a\":1,2}]", "[1,{\"a\"}]", "{\"a\":[1,2,]}", "{\"a\":[1,2],}", "/* */1", "1//", "# 1", "<1>", "*", "&a",
	"\x00b", "true\v", "true\x01x", "null\f", "false\x1f", "-1.5\x01", "[]\x02", "\"a\"\x03",
	"\v1", "\f1", "1\v", "1\f", "\x7f", "y", "_", "Y", "[y]", "{_}", "[1,y,2]", "@", "[\"a\",y]", "1,", ",1", ":1", "1:",
};

static struct json_plan plan;

static int set_up(void **state)
{
	static const char *const names[] = {"v", "type"};

	(void)state;
	make_plan(&plan, 0, names, ARRAY_LENGTH(names));
	return 0;
}

/* The value behind `spaces` spaces, as a member between others. */
static int render(char *out, size_t size, const char *value, unsigned spaces, int in_array)
{
	return snprintf(out, size, "{\"t\":1,%*s\"v\":%s%s%s,\"w\":\"x\"}", (int)spaces, "", in_array ? "[0," : "", value,
		in_array ? ",\"z\"]" : "");
}

static void good_values_are_found_everywhere_in_a_block(void **state)
{
	char text[512];

	(void)state;
	FOR_EACH_LEVEL(level)
	{
		for (size_t i = 0; i < ARRAY_LENGTH(good_values); i++)
			for (unsigned spaces = 0; spaces < 140; spaces++) {
				size_t len = (size_t)render(text, sizeof(text), good_values[i], spaces / 2, spaces % 2);

				if (!finds_alone(&plan, level, text, len) || first_result(&plan, text, len) != JSON_FOUND)
					fail_msg("level %u refuses %s", level, text);
			}
	}
}

static void bad_values_are_refused_everywhere_in_a_block(void **state)
{
	char text[512];

	(void)state;
	FOR_EACH_LEVEL(level)
	{
		for (size_t i = 0; i < ARRAY_LENGTH(bad_values); i++)
			for (unsigned spaces = 0; spaces < 140; spaces++) {
				size_t len = (size_t)render(text, sizeof(text), bad_values[i], spaces / 2, spaces % 2);

				if (finds_alone(&plan, level, text, len) || first_result(&plan, text, len) >= 0)
					fail_msg("level %u accepts %s", level, text);
			}
	}
}

/* The value behind scalars of `bytes` bytes in all, so that it stands everywhere in what is checked side by side. */
static void render_behind_scalars(char *out, const char *value, unsigned bytes)
{
	int len = sprintf(out, "{\"t\":[\"x\"");

	for (unsigned left = bytes; left > 0;) {
		unsigned size = left < 9 ? left : 1 + left % 9;

		len += sprintf(out + len, ",%.*s", (int)size, "123456789");
		left -= size;
	}
	(void)sprintf(out + len, "],\"v\":%s,\"w\":\"x\",\"n\":[0,-1.5,null]}", value);
}

static void values_are_judged_the_same_behind_any_others(void **state)
{
	char text[1024];

	(void)state;
	FOR_EACH_LEVEL(level)
	for (unsigned bytes = 0; bytes < 180; bytes++) {
		for (size_t i = 0; i < ARRAY_LENGTH(good_values); i++) {
			render_behind_scalars(text, good_values[i], bytes);
			if (!finds_alone(&plan, level, text, strlen(text)))
				fail_msg("level %u refuses %s", level, text);
		}
		for (size_t i = 0; i < ARRAY_LENGTH(bad_values); i++) {
			render_behind_scalars(text, bad_values[i], bytes);
			if (finds_alone(&plan, level, text, strlen(text)))
				fail_msg("level %u accepts %s", level, text);
		}
	}
}

/* Tokens fill windows of 64: what may follow what must be judged the same wherever a window ends. */
static void tokens_are_judged_the_same_behind_any_others(void **state)
{
	static const char *const good[] = {"1", "\"a\"", "[]", "{}", "[1,2]", "{\"a\":[{}],\"b\":1}"};
	static const char *const bad[] = {"[1,]", "[,1]", "[1 2]", "[\"a\":1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
		"{1:2}", "{\"a\":1 \"b\":2}", "[1}", "{]", "{\"a\":1,2}", "{\"a\",1}", "\"a\" \"b\"", "[1,,2]",
		"{\"a\"::1}", "{{}:1}"};
	char text[1024];

	(void)state;
	FOR_EACH_LEVEL(level)
	for (unsigned tokens = 0; tokens < 200; tokens++)
		for (size_t i = 0; i < ARRAY_LENGTH(good) + ARRAY_LENGTH(bad); i++) {
			int is_good = i < ARRAY_LENGTH(good),
			    len = sprintf(text, "{\"t\":[%s", tokens % 2 ? "[]" : "1");

			for (unsigned t = 0; t < tokens / 2; t++)
				len += sprintf(text + len, ",%u", t % 10);
			len += sprintf(
				text + len, "],\"v\":%s,\"w\":0}", is_good ? good[i] : bad[i - ARRAY_LENGTH(good)]);
			if (finds_alone(&plan, level, text, (size_t)len) != is_good)
				fail_msg("level %u %s %s", level, is_good ? "refuses" : "accepts", text);
		}
}

static void bad_utf8_is_named(void **state)
{
	static const char *const texts[] = {"{\"a\":\"\xff\"}", "{\"\xc0\x80\":1}", "{\"a\":\"\xed\xa0\x80\"}"};

	(void)state;
	FOR_EACH_LEVEL(level)
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_int_equal(first_result(&plan, texts[i], strlen(texts[i])), JSON_BAD_UTF8);
}

static const char sample[] =
	"{\"type\":\"cl\\u00e9ck\",\"ts\":1700000000123,\"ip\":\"192.0.2.1\",\"f\":-1.25e+3,\"ok\":true,\"no\":null,"
	"\"tags\":[\"a\",{\"b\":[0,false]}],\"\xc3\xa9\":\"\xe6\xbc\xa2\xf0\x9f\x98\x80\\\\\" ,\n\t\"e\":{},\"l\":[]}";

static void every_truncation_is_named(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	{
		for (size_t len = 1; len < sizeof(sample) - 1; len++)
			assert_int_equal(first_result(&plan, sample, len), JSON_TRUNCATED);
		assert_int_equal(first_result(&plan, sample, sizeof(sample) - 1), JSON_FOUND);
		assert_int_equal(first_result(&plan, sample, 0), JSON_END);
	}
}

/* Where Jansson is known to differ: it refuses half surrogate pairs and \u0000 in names, and we have a depth limit. */
static int jansson_differs(const char *text, size_t len)
{
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		depth += text[i] == '{' || text[i] == '[';
		if (text[i] == '\\' && i + 1 < len && text[i + 1] == 'u' && i + 3 < len &&
			((text[i + 2] | 0x20) == 'd' || text[i + 2] == '0'))
			return 1;
	}
	return depth > JSON_DEPTH;
}

/* One datagram that holds one thing: found and nothing behind it, or not. */
static void check_against_jansson(const char *text, size_t len)
{
	int expected = jansson_differs(text, len) ? -1 : reference_accepts(text, len);
	uint8_t *block = exact_copy(text, len);

	FOR_EACH_LEVEL(level)
	{
		struct json_object object;
		uint32_t offset = 0;
		int accepted = json_next(&plan, block, (uint32_t)len, &offset, &object) == JSON_FOUND &&
			json_next(&plan, block, (uint32_t)len, &offset, &object) == JSON_END;

		if (expected >= 0 && accepted != expected)
			fail_msg("level %u %s: %.*s", level, accepted ? "accepts" : "refuses", (int)len, text);
	}
	free(block);
}

static void every_byte_in_every_place_is_judged_as_jansson_does(void **state)
{
	char text[sizeof(sample)];

	(void)state;
	for (size_t at = 0; at < sizeof(sample) - 1; at++)
		for (unsigned byte = 0; byte < 256; byte++) {
			memcpy(text, sample, sizeof(sample));
			text[at] = (char)byte;
			check_against_jansson(text, sizeof(sample) - 1);
		}
}

/* Pieces that make JSON or nearly so. */
static size_t random_text(uint64_t *random, char *out, size_t size)
{
	static const char *const pieces[] = {"{", "}", "[", "]", ":", ",", "\"", "\"a\"", "\"type\":", "1", "-", "0", ".", "e", "+",
		"true", "false", "null", " ", "\n", "\\", "\\u00e9", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80", "x", "{\"a\":1}",
		"[1,2]", "\"b\":\"c\",", "123456789", "                                        ", "{}", "[]", "\"k\":[{", "}]"};
	size_t len = 0;

	for (unsigned i = random_below(random, 40); i > 0; i--) {
		const char *piece = pieces[random_below(random, ARRAY_LENGTH(pieces))];

		if (len + strlen(piece) > size)
			break;
		memcpy(out + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return len;
}

static void random_mutations_are_judged_as_jansson_does(void **state)
{
	uint64_t random = 7;
	char text[1024];

	(void)state;
	for (unsigned i = 0; i < 30000; i++) {
		size_t len = sizeof(sample) - 1, cut = random_below(&random, (uint32_t)len), size;

		/* The sample with some bytes at `cut` replaced by others, and now and then shifted by spaces. */
		memcpy(text, sample, cut);
		size = cut + random_text(&random, text + cut, random_below(&random, 24));
		cut += random_below(&random, 12);
		if (cut < len) {
			memcpy(text + size, sample + cut, len - cut);
			size += len - cut;
		}
		check_against_jansson(text, size);
	}
	for (unsigned i = 0; i < 30000; i++) {
		size_t len = random_text(&random, text + 1, 400);

		text[0] = '{';
		text[len + 1] = '}';
		check_against_jansson(text, len + 2);
	}
}

static void nesting_is_limited(void **state)
{
	char text[256];

	(void)state;
	FOR_EACH_LEVEL(level)
	for (int depth = JSON_DEPTH - 2; depth <= JSON_DEPTH + 2; depth++)
		for (int objects = 0; objects < 2; objects++) {
			int len = sprintf(text, "{\"a\":");

			for (int i = 1; i < depth; i++)
				len += sprintf(text + len, objects && i < depth - 1 ? "{\"\":" : "[");
			for (int i = depth; i > 1; i--)
				len += sprintf(text + len, objects && i < depth ? "}" : "]");
			len += sprintf(text + len, "}");
			assert_int_equal(first_result(&plan, text, (size_t)len),
				depth <= JSON_DEPTH ? JSON_FOUND : JSON_TOO_DEEP);
			if (depth <= JSON_DEPTH)
				assert_true(finds_alone(&plan, level, text, (size_t)len));
		}
}

static void top_level_members_are_limited(void **state)
{
	char text[JSON_MEMBERS * 16];

	(void)state;
	for (int trusted = 0; trusted < 2; trusted++) {
		plan.trusted = (uint8_t)trusted;
		FOR_EACH_LEVEL(level)
		for (int count = JSON_MEMBERS - 1; count <= JSON_MEMBERS + 1; count++)
			for (int short_names = 0; short_names < 2; short_names++) {
				int len = sprintf(text, "{\"x\":[1,2,{\"a\":1,\"b\":2}]");

				for (int i = 1; i < count; i++)
					len += sprintf(text + len, short_names ? ",\"\":1" : ",\"m%d\":%d", i, i);
				len += sprintf(text + len, "}");
				assert_int_equal(first_result(&plan, text, (size_t)len),
					count <= JSON_MEMBERS ? JSON_FOUND : JSON_TOO_MANY);
				if (count <= JSON_MEMBERS)
					assert_true(finds_alone(&plan, level, text, (size_t)len));
			}
	}
	plan.trusted = 0;
}

/* Two windows of tokens are checked in the block that has both the last member allowed and the object's end. */
static void marks_stay_in_their_place_behind_the_last_member(void **state)
{
	static struct {
		struct json_object object;
		uint8_t behind[1024];
	} room;
	char text[JSON_MEMBERS * 8 + 256];

	(void)state;
	for (int trusted = 0; trusted < 2; trusted++) {
		plan.trusted = (uint8_t)trusted;
		FOR_EACH_LEVEL(level)
		for (int count = JSON_MEMBERS - 16; count <= JSON_MEMBERS; count++)
			for (int colons = 1; colons < 200; colons++) {
				uint32_t offset = 0;
				int len = sprintf(text, "{\"a\":1");

				for (int i = 1; i < count; i++)
					len += sprintf(text + len, ",\"a\":1");
				memset(text + len, ':', (size_t)colons);
				text[len + colons] = '}';
				len += colons + 1;
				memset(room.behind, 0xA5, sizeof(room.behind));
				assert_true(json_next(&plan, (uint8_t *)text, (uint32_t)len, &offset, &room.object) < 0);
				for (unsigned i = 0; i < sizeof(room.behind); i++)
					assert_int_equal(room.behind[i], 0xA5);
			}
	}
	plan.trusted = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_values_are_found_everywhere_in_a_block),
		cmocka_unit_test(bad_values_are_refused_everywhere_in_a_block),
		cmocka_unit_test(values_are_judged_the_same_behind_any_others),
		cmocka_unit_test(tokens_are_judged_the_same_behind_any_others),
		cmocka_unit_test(bad_utf8_is_named),
		cmocka_unit_test(every_truncation_is_named),
		cmocka_unit_test(every_byte_in_every_place_is_judged_as_jansson_does),
		cmocka_unit_test(random_mutations_are_judged_as_jansson_does),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(top_level_members_are_limited),
		cmocka_unit_test(marks_stay_in_their_place_behind_the_last_member),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
