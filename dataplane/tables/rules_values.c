/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "tables/rules_compile.h"
#include "wire/number.h"

#define EXPECTED_VALUE "expected a value such as 3, \"text\" or true"

static int is(struct slice text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* What was read and is not what it should be, for an error. */
static int fail_scalar(struct rules_compile *c, struct slice scalar, const char *expected)
{
	char found[40];

	c->at = (uint32_t)((const char *)scalar.data - c->text);
	if (scalar.len == 0)
		return rules_fail(c, c->at, "found %s, %s", rules_found(c, found), expected);
	return rules_fail(c, c->at, "found '%.*s', %s", (int)(scalar.len < 60 ? scalar.len : 60),
		(const char *)scalar.data, expected);
}

int rules_add_range(struct rules_compile *c, struct rules_atom *atom, rules_key from, rules_key last)
{
	struct rules_range *range;

	if (last < from)
		return 0;
	range = rules_vector_add(&c->ranges, sizeof(*range), 1);
	if (range == NULL)
		return rules_fail_memory(c);
	*range = (struct rules_range){from, last};
	atom->ranges++;
	return 0;
}

static int add_order(struct rules_compile *c, struct rules_atom *atom, enum rules_order order, rules_key key)
{
	switch (order) {
	case RULES_BELOW:
		return key == 0 ? 0 : rules_add_range(c, atom, 0, key - 1);
	case RULES_AT_MOST:
		return rules_add_range(c, atom, 0, key);
	case RULES_ABOVE:
		return key == RULES_KEY_MAX ? 0 : rules_add_range(c, atom, key + 1, RULES_KEY_MAX);
	case RULES_AT_LEAST:
		return rules_add_range(c, atom, key, RULES_KEY_MAX);
	default:
		return rules_add_range(c, atom, key, key);
	}
}

/* One atom asks one thing: a list of addresses has nothing else in it. */
static int decide(struct rules_compile *c, struct rules_atom *atom, enum rules_aspect aspect, uint32_t offset)
{
	if (atom->aspect == RULES_UNDECIDED)
		atom->aspect = (uint8_t)aspect;
	if (atom->aspect != aspect)
		return rules_fail(
			c, offset, "a list holds either addresses or other values, expected two lists joined by 'or'");
	return 0;
}

/* --- scalars --- */

/* Decimal digits at the start of *text, which moves behind them; -1: none or above `most`. */
static int64_t read_whole(struct slice *text, int64_t most)
{
	int64_t value = 0;
	uint32_t at = 0;

	for (; at < text->len && text->data[at] >= '0' && text->data[at] <= '9'; at++) {
		value = value * 10 + (text->data[at] - '0');
		if (value > most)
			return -1;
	}
	text->data += at;
	text->len -= at;
	return at > 0 ? value : -1;
}

static int read_duration(struct slice text, rules_key *key)
{
	static const struct unit {
		const char *name;
		int64_t us;
	} units[] = {
		{"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", INT64_C(3600000000)}, {"d", INT64_C(86400000000)}};
	int negative = text.len > 0 && text.data[0] == '-';
	int64_t value;

	text.data += negative;
	text.len -= (uint32_t)negative;
	value = read_whole(&text, 100000000000);
	if (value < 0)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_LENGTH(units); i++) {
		if (!is(text, units[i].name) && !(text.len == 0 && value == 0))
			continue;
		if (__builtin_mul_overflow(value, units[i].us, &value))
			return -EINVAL;
		*key = rules_time_key(negative ? -value : value);
		return 0;
	}
	return -EINVAL;
}

static int read_number(struct slice text, rules_key *key)
{
	struct number number;

	if (number_parse(text, &number) != 0)
		return -EINVAL;
	*key = RULES_KEY(number);
	return 0;
}

/* A number or a duration, by the subject; `allow_range`: or two of them with .. between. */
static int take_ordered(
	struct rules_compile *c, struct rules_atom *atom, enum rules_order order, int allow_range, struct slice first)
{
	int (*read)(struct slice, rules_key *) = atom->subject == RULES_AGE ? read_duration : read_number;
	const char *expected = atom->subject == RULES_AGE
				       ? "expected a duration such as 90s, -5m or 2h (units ms, s, m, h, d)"
			       : order == RULES_EQUAL ? EXPECTED_VALUE
						      : "expected a number to compare with";
	struct slice second;
	rules_key from, last;

	if (read(first, &from) != 0)
		return fail_scalar(c, first, expected);
	if (!rules_take_sign(c, ".."))
		return add_order(c, atom, order, from);
	if (!allow_range)
		return rules_fail(c, c->at - 2, "found '..', which makes a range; expected it behind 'in'");
	second = rules_take_scalar(c);
	if (read(second, &last) != 0)
		return fail_scalar(c, second, "expected the end of the range");
	if (last < from)
		return fail_scalar(c, first, "which is above the range's end; expected the lower value first");
	return rules_add_range(c, atom, from, last);
}

static int take_address(struct rules_compile *c, struct rules_atom *atom, int allow_network, struct slice text)
{
	struct ip_address address;
	unsigned length;
	rules_key from;

	if (address_parse_prefix(text, &address, &length) != 0)
		return fail_scalar(c, text,
			"expected an address or a network such as 10.0.0.0/8 or 2001:db8::/32, no bits set behind its "
			"length");
	if (length < 128 && !allow_network)
		return fail_scalar(c, text, "which is a network; expected 'in' before it, or one address");
	from = RULES_KEY(address);
	return rules_add_range(c, atom, from, length == 128 ? from : from | RULES_KEY_MAX >> length);
}

/* A colon, a slash or two dots: no number has them. */
static int looks_like_address(struct slice text)
{
	unsigned dots = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		if (text.data[i] == ':' || text.data[i] == '/')
			return 1;
		dots += text.data[i] == '.';
	}
	return dots > 1;
}

static int kind_of(struct slice text)
{
	return is(text, "true")    ? JSON_TRUE
	       : is(text, "false") ? JSON_FALSE
	       : is(text, "null")  ? JSON_NULL
				   : JSON_ABSENT;
}

static int take_text(struct rules_compile *c, struct rules_atom *atom)
{
	struct rules_text text, *added;

	if (rules_take_text(c, &text) != 0)
		return c->result;
	added = rules_vector_add(&c->texts, sizeof(*added), 1);
	if (added == NULL)
		return rules_fail_memory(c);
	*added = text;
	atom->texts++;
	return 0;
}

/* --- what a subject is compared with --- */

static int take_members(struct rules_compile *c, struct rules_atom *atom, enum rules_order order, int in_set)
{
	uint32_t begin;
	struct slice scalar;
	int kind;

	rules_skip_space(c);
	begin = c->at;
	if (c->at < c->len && c->text[c->at] == '"') {
		if (order != RULES_EQUAL)
			return rules_fail(c, begin, "texts have no order, expected a number");
		return decide(c, atom, RULES_VALUE, begin) != 0 ? c->result : take_text(c, atom);
	}
	scalar = rules_take_scalar(c);
	if (order == RULES_EQUAL && looks_like_address(scalar))
		return decide(c, atom, RULES_ADDRESS, begin) != 0 ? c->result : take_address(c, atom, in_set, scalar);
	if (decide(c, atom, RULES_VALUE, begin) != 0)
		return c->result;
	kind = kind_of(scalar);
	if (order != RULES_EQUAL || kind == JSON_ABSENT)
		return take_ordered(c, atom, order, in_set, scalar);
	atom->kinds |= (uint8_t)(1 << kind);
	return 0;
}

static int take_item(struct rules_compile *c, struct rules_atom *atom, enum rules_order order, int in_set)
{
	uint32_t begin;

	if (atom->subject < RULES_PATHS)
		return take_members(c, atom, order, in_set);
	if (atom->subject == RULES_AGE) {
		atom->aspect = RULES_TIME;
		return take_ordered(c, atom, order, in_set, rules_take_scalar(c));
	}
	atom->aspect = RULES_ADDRESS;
	rules_skip_space(c);
	begin = c->at;
	if (order != RULES_EQUAL)
		return rules_fail(c, begin,
			"addresses are not compared by order, expected 'in' and a network such as 10.0.0.0/8");
	return take_address(c, atom, in_set, rules_take_scalar(c));
}

int rules_take_value(struct rules_compile *c, struct rules_atom *atom, enum rules_order order)
{
	rules_skip_space(c);
	if (c->at < c->len && c->text[c->at] == '[')
		return rules_fail(c, c->at, "found '[', which begins a list, expected 'in' before it");
	return take_item(c, atom, order, 0);
}

int rules_take_set(struct rules_compile *c, struct rules_atom *atom)
{
	char found[40];

	if (!rules_take_sign(c, "["))
		return take_item(c, atom, RULES_EQUAL, 1);
	do {
		if (take_item(c, atom, RULES_EQUAL, 1) != 0)
			return c->result;
	} while (rules_take_sign(c, ","));
	if (!rules_take_sign(c, "]"))
		return rules_fail(c, c->at, "found %s in a list, expected ',' or ']'", rules_found(c, found));
	return 0;
}

int rules_take_share(struct rules_compile *c, struct rules_atom *atom)
{
	static const char expected[] = "expected a share such as 10% or 0.25% (0 to 100, at most four decimals)";
	struct slice scalar = rules_take_scalar(c), text = scalar;
	int64_t whole = read_whole(&text, 100), share;

	share = whole * 10000;
	if (whole >= 0 && text.len > 1 && text.data[0] == '.') {
		uint32_t digits;
		int64_t decimals;

		text.data++;
		digits = --text.len;
		decimals = read_whole(&text, 9999);
		digits -= text.len;
		if (decimals < 0 || digits > 4)
			return fail_scalar(c, scalar, expected);
		for (; digits < 4; digits++)
			decimals *= 10;
		share += decimals;
	}
	if (whole < 0 || !is(text, "%") || share > RULES_SHARE_ALL)
		return fail_scalar(c, scalar, expected);
	return share == 0 ? 0 : rules_add_range(c, atom, 0, (rules_key)share - 1);
}
