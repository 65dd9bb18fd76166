/* SPDX-License-Identifier: Apache-2.0 */
/* Random conditions on random events: the compiled rules and the plain evaluator name the same first rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/compiler.h"
#include "rules_model.h"
#include "rules_rig.h"

#define EVENTS     1500
#define RULES      200
#define CONDITION  4096
#define RECEIVE_US INT64_C(1700000000000000)

static const char *const names[] = {"a", "b", "c", "d.e", "`odd name`", "ab", "`x.y`"};
#define NAMES ARRAY_LENGTH(names)

static const char *const texts[] = {"", "a", "ab", "abc", "abcd", "abcde", "b", "bc", "zz", "user-7",
	"the first sixteen", "the first sixteen bytes", "the first sixte",
	"a text of 64 bytes, so that the bit of long ones is asked for", "/", "10.0.0.1", "10.1.2.3", "11.0.0.1",
	"192.168.1.77", "2001:db8::1", "::1", "::ffff:10.0.0.1", "10.0.0.01", "7", "true", "A/B", "x\"y",
	"tail of the first sixteen"};
static const char *const numbers[] = {"0", "-0", "1", "1.0", "10e-1", "2", "-1", "-2.5", "7", "10", "15", "20", "20.5",
	"1e3", "999.999", "9007199254740992", "9007199254740993", "-9007199254740993", "1e-7", "1e999", "-1E+400",
	"123456789012", "0.1", "0.10", "1234567890123456789"};
static const char *const networks[] = {"10.0.0.0/8", "10.0.0.0/31", "0.0.0.0/0", "::/0", "2001:db8::/32",
	"::ffff:10.0.0.0/104", "192.168.1.64/26", "10.0.0.1", "::1", "2001:db8::1/128"};
static const char *const durations[] = {"0", "5m", "-5m", "1h", "2h", "90s", "1d", "1500ms", "-10d", "-1ms"};
static const char *const shares[] = {"0%", "1%", "10%", "33.3%", "50%", "99.9999%", "100%"};
static const char *const others[] = {"true", "false", "null"};

static uint64_t random_state = 1;

static uint32_t below(size_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % bound);
}

#define ANY(list) ((list)[below(ARRAY_LENGTH(list))])

/* --- events --- */

struct sample {
	struct model_value values[NAMES];
	struct model_event model;
	uint8_t *json[NAMES];
	struct json_member members[NAMES];
	struct rules_event event;
};

static struct sample samples[EVENTS];

/* The text as JSON, some bytes of it escaped. */
static size_t write_escaped(char *out, const char *text, unsigned odds)
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		if (odds > 0 && below(odds) == 0)
			len += (size_t)sprintf(out + len, "\\u%04x", (unsigned)*text);
		else
			len += (size_t)sprintf(out + len, *text == '"' ? "\\%c" : "%c", *text);
	}
	return len;
}

static void set_member(struct sample *sample, unsigned index, enum model_kind kind, const char *text)
{
	static const uint8_t kinds[] = {
		JSON_ABSENT, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL, JSON_OBJECT, JSON_ARRAY};
	struct model_value *value = &sample->values[index];
	struct json_member *member = &sample->members[index];
	char escaped[8 * MODEL_TEXT];
	size_t len = strlen(text);

	*value = (struct model_value){.kind = kind, .len = (unsigned)len};
	memcpy(value->text, text, len + 1);
	*member = (struct json_member){.kind = kinds[kind]};
	if (kind == MODEL_ABSENT)
		return;
	if (kind == MODEL_TEXT_KIND)
		len = write_escaped(escaped, text, below(4) == 0 ? 4 : 0);
	else
		memcpy(escaped, text, len + 1);
	sample->json[index] = malloc(len);
	assert_true(len == 0 || sample->json[index] != NULL);
	memcpy(sample->json[index], escaped, len);
	member->value = (struct slice){sample->json[index], (uint32_t)len};
	member->escaped = kind == MODEL_TEXT_KIND && memchr(escaped, '\\', len) != NULL;
}

static void make_member(struct sample *sample, unsigned index)
{
	switch (below(8)) {
	case 0:
		set_member(sample, index, MODEL_ABSENT, "");
		break;
	case 1:
	case 2:
		set_member(sample, index, MODEL_NUMBER, ANY(numbers));
		break;
	case 3:
		switch (below(5)) {
		case 0:
			set_member(sample, index, MODEL_TRUE, "true");
			break;
		case 1:
			set_member(sample, index, MODEL_FALSE, "false");
			break;
		case 2:
			set_member(sample, index, MODEL_NULL, "null");
			break;
		case 3:
			set_member(sample, index, MODEL_OBJECT, "{\"a\":1}");
			break;
		default:
			set_member(sample, index, MODEL_ARRAY, "[\"a\"]");
			break;
		}
		break;
	default:
		set_member(sample, index, MODEL_TEXT_KIND, ANY(texts));
		break;
	}
}

static struct ip_address parse_address(const char *text)
{
	struct ip_address address = {0, 0};

	assert_int_equal(address_parse((struct slice){(const uint8_t *)text, (uint32_t)strlen(text)}, &address), 0);
	return address;
}

static void make_sample(struct sample *sample)
{
	static const char *const addresses[] = {
		"10.0.0.1", "10.1.2.3", "192.168.1.77", "2001:db8::1", "::1", "8.8.8.8"};
	static const int64_t ages[] = {
		0, 1, -1, 1000, 1500000, 90000000, 300000000, -300000000, 3600000000, 7200000001, 86400000000};

	for (unsigned i = 0; i < NAMES; i++)
		make_member(sample, i);
	sample->model = (struct model_event){
		.names = names, .values = sample->values, .count = NAMES, .source = ANY(addresses)};
	sample->event = (struct rules_event){
		.source = parse_address(sample->model.source), .time_us = EVENT_NO_TIME, .receive_us = RECEIVE_US};
	if (below(3) > 0) {
		sample->model.client = ANY(addresses);
		sample->event.client = parse_address(sample->model.client);
		sample->event.has_client = 1;
	}
	if (below(3) > 0) {
		sample->model.has_age = 1;
		sample->model.age_us = ANY(ages);
		sample->event.time_us = RECEIVE_US - sample->model.age_us;
	}
}

/* --- conditions --- */

struct text {
	char *data;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *out, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(out->data + out->len, CONDITION - out->len, format, arguments);
	va_end(arguments);
	assert_true(len >= 0 && (size_t)len < CONDITION - out->len);
	out->len += (size_t)len;
}

static void put_text(struct text *out)
{
	put(out, "\"");
	out->len += write_escaped(out->data + out->len, ANY(texts), below(4) == 0 ? 3 : 0);
	put(out, "\"");
}

static void put_range(struct text *out)
{
	static const char *const rising[] = {
		"-1E+400", "-9007199254740993", "-2.5", "-1", "0", "1", "2", "7", "10", "15", "20", "20.5", "1e999"};
	unsigned first = below(ARRAY_LENGTH(rising));

	put(out, below(2) ? "%s..%s" : "%s .. %s", rising[first], rising[first + below(ARRAY_LENGTH(rising) - first)]);
}

static void put_value(struct text *out, int in_list)
{
	switch (below(in_list ? 6 : 5)) {
	case 0:
		put(out, "%s", ANY(others));
		break;
	case 1:
	case 2:
		put(out, "%s", ANY(numbers));
		break;
	case 5:
		put_range(out);
		break;
	default:
		put_text(out);
		break;
	}
}

static void put_list(struct text *out, int of_networks)
{
	unsigned count = 1 + below(below(10) == 0 ? 40 : 4);

	put(out, "[");
	for (unsigned i = 0; i < count; i++) {
		put(out, i == 0 ? "%s" : ", %s", of_networks ? ANY(networks) : "");
		if (!of_networks)
			put_value(out, 1);
	}
	put(out, "]");
}

static void put_networks(struct text *out)
{
	put(out, below(2) ? " in " : " not in ");
	if (below(2))
		put(out, "%s", ANY(networks));
	else
		put_list(out, 1);
}

static void put_member_question(struct text *out)
{
	static const char *const orders[] = {"<", "<=", ">", ">="};

	put(out, "%s", ANY(names));
	switch (below(9)) {
	case 0:
	case 1:
		put(out, below(3) ? " == " : " != ");
		put_value(out, 0);
		break;
	case 2:
		put(out, " %s %s", ANY(orders), ANY(numbers));
		break;
	case 3:
		put(out, below(2) ? " in " : " not in ");
		put_list(out, 0);
		break;
	case 4:
		put(out, " in ");
		put_range(out);
		break;
	case 5:
		put_networks(out);
		break;
	case 6:
		put(out, " starts with ");
		put_text(out);
		break;
	case 7:
		put(out, " ends with ");
		put_text(out);
		break;
	default:
		put(out, " contains ");
		put_text(out);
		break;
	}
}

static void put_question(struct text *out)
{
	static const char *const orders[] = {"==", "!=", "<", "<=", ">", ">="};
	static const char *const places[] = {"@client", "@source", "@age"};

	switch (below(16)) {
	case 0:
		put(out, "exists %s", ANY(names));
		break;
	case 1:
		put(out, "exists %s", ANY(places));
		break;
	case 2:
		put(out, "sample(%s, %s)", ANY(names), ANY(shares));
		break;
	case 3:
		put(out, "@age %s %s", ANY(orders), ANY(durations));
		break;
	case 4:
		put(out, "@age in [-5m..1h, %s]", ANY(durations));
		break;
	case 5:
		put(out, "%s", places[below(2)]);
		put_networks(out);
		break;
	default:
		put_member_question(out);
		break;
	}
}

static void put_condition(struct text *out, unsigned depth)
{
	unsigned terms = 2 + below(3);

	if (below(5) == 0)
		put(out, "not ");
	if (depth == 0 || below(4) == 0) {
		put_question(out);
		return;
	}
	put(out, "(");
	for (unsigned i = 0; i < terms; i++) {
		if (i > 0)
			put(out, below(2) ? " and " : " or ");
		put_condition(out, depth - 1);
	}
	put(out, ")");
}

/* --- the two beside each other --- */

static char conditions[RULES][CONDITION];

/* Some conditions; of those that multiply too much, shorter ones. */
static struct rules *make_rules(unsigned count, unsigned depth, struct rules_paths *paths)
{
	const char *pointers[RULES];
	struct rules_error error;
	struct rules *rules;

	for (unsigned i = 0; i < count; i++) {
		struct text text = {conditions[i], 0};

		conditions[i][0] = '\0';
		if (below(30) > 0)
			put_condition(&text, below(depth + 1));
		pointers[i] = conditions[i];
	}
	paths->count = 0;
	switch (rules_new(&rules, pointers, count, paths, &error)) {
	case 0:
		return rules;
	case -EINVAL:
		if (strstr(error.text, "alternatives") == NULL)
			fail_msg("%s: at %u: %s", conditions[error.rule], error.offset, error.text);
		return make_rules(count, depth - 1, paths);
	default:
		fail_msg("no memory");
		return NULL;
	}
}

/* A path as conditions write it. */
static unsigned index_of(const char *path)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (strcmp(names[i], path) == 0)
			return i;
	if (strcmp(path, "odd name") == 0)
		return 4;
	assert_string_equal(path, "x\\.y");
	return 6;
}

static uint32_t model_first(unsigned count, const struct model_event *event)
{
	for (unsigned i = 0; i < count; i++)
		if (model_holds(conditions[i], event))
			return i;
	return RULES_NONE;
}

static void judge_some(unsigned count, unsigned depth, unsigned events, unsigned *hits)
{
	struct rules_paths paths;
	struct rules *rules = make_rules(count, depth, &paths);

	for (unsigned i = 0; i < events; i++) {
		struct sample *sample = &samples[below(EVENTS)];
		struct json_member *members = malloc((paths.count + 1) * sizeof(*members));
		uint32_t expected = model_first(count, &sample->model), found;

		assert_non_null(members);
		for (unsigned path = 0; path < paths.count; path++)
			members[path] = sample->members[index_of(paths.names[path])];
		sample->event.members = members;
		found = rules_judge(rules, &sample->event);
		if (found != expected)
			fail_msg("rule %d, expected %d: %s", (int)found, (int)expected,
				conditions[found < expected ? found : expected]);
		*hits += found != RULES_NONE;
		free(members);
	}
	rules_free(rules);
}

static void both_name_the_same_rule(void **state)
{
	unsigned hits = 0, cases = 0;

	(void)state;
	for (unsigned round = 0; round < 6000; round++) {
		unsigned count = round % 50 == 0 ? 1 + below(RULES) : 1 + below(6);

		judge_some(count, count > 6 ? 1 : 3, 50, &hits);
		cases += 50;
	}
	assert_in_range(hits, cases / 10, cases - cases / 10);
}

static int make_samples(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EVENTS; i++)
		make_sample(&samples[i]);
	return 0;
}

static int free_samples(void **state)
{
	(void)state;
	for (unsigned i = 0; i < EVENTS; i++)
		for (unsigned j = 0; j < NAMES; j++)
			free(samples[i].json[j]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_name_the_same_rule),
	};

	return cmocka_run_group_tests(tests, make_samples, free_samples);
}
