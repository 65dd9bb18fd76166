/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tables/rules_builder.h"

static void fill_marks(const struct rules_builder *b, uint32_t atom, struct rules_mark *marks, struct rules_test *test)
{
	uint32_t count;
	const uint32_t *uses = rules_rows_uses(&b->rows, atom, &count);

	for (uint32_t i = 0; i < count; i++) { /* alternatives rise */
		uint32_t alternative = uses[i] / 2;
		uint64_t bit = UINT64_C(1) << alternative % 64;

		if (test->mark_count == 0 || marks[test->mark_count - 1].word != alternative / 64)
			marks[test->mark_count++].word = alternative / 64;
		if (uses[i] & 1)
			marks[test->mark_count - 1].refuses |= bit;
		else
			marks[test->mark_count - 1].wants |= bit;
	}
}

int rules_build_tests(struct rules_builder *b, struct rules_group group, struct rules_member *member)
{
	struct rules_test *tests = rules_take(b->rules, (member->test_count + group.count) * sizeof(*tests));

	if (tests == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < member->test_count; i++)
		tests[i] = member->tests[i];
	for (uint32_t i = 0; i < group.count; i++) {
		const struct rules_atom *atom = rules_atom_at(b, group.atoms[i]);
		const struct rules_text *text = RULES_AT(b->c->texts, struct rules_text, atom->first_text);
		struct rules_test *test = &tests[member->test_count + i];
		struct rules_mark *marks;
		uint32_t uses;

		(void)rules_rows_uses(&b->rows, group.atoms[i], &uses);
		marks = rules_take(b->rules, uses * sizeof(*marks));
		if (marks == NULL)
			return -ENOMEM;
		*test = (struct rules_test){
			.aspect = atom->aspect, .len = text->len, .text = b->bytes + text->offset, .marks = marks};
		fill_marks(b, group.atoms[i], marks, test);
	}
	member->tests = tests;
	member->test_count += group.count;
	return 0;
}
