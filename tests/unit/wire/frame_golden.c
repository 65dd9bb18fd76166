/* SPDX-License-Identifier: Apache-2.0 */
/* The files in tests/golden/frame, which were not made by the code under test, and the example in the documentation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>

#include "frame_golden.h"
#include "wire/frame.h"

/* Reads a whole frame; returns 0 or the first error. Gives what it has to `writer`, unless NULL. */
static int walk(const uint8_t *data, uint32_t len, struct frame_header *header, struct frame_writer *writer)
{
	struct frame_event event;
	uint32_t offset = 0;
	int rc = frame_header_get(data, len, header, &offset);

	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < header->event_count; i++) {
		rc = frame_event_get(data, header->end, &offset, &event);
		if (rc != 0)
			return rc;
		assert_true(event.body.data >= data && event.body.data + event.body.len <= data + header->end);
		if (writer != NULL)
			assert_int_equal(frame_add(writer, &event), 0);
	}
	return frame_finish(header, offset);
}

static void each(const char *pattern, void (*check)(const char *path, const uint8_t *data, uint32_t len), size_t least)
{
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= least);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct golden golden = golden_read(found.gl_pathv[i]);

		if (golden.data == NULL)
			fail_msg("%s cannot be read", found.gl_pathv[i]);
		check(found.gl_pathv[i], golden.data, golden.len);
		free(golden.data);
	}
	globfree(&found);
}

static void check_same_bytes(const char *path, const uint8_t *data, uint32_t len)
{
	uint8_t again[4096];
	struct frame_writer writer;
	struct frame_header header;
	uint32_t offset;
	int rc = frame_header_get(data, len, &header, &offset);

	if (rc == 0)
		rc = frame_begin(&writer, again, sizeof(again), &header);
	if (rc == 0)
		rc = walk(data, len, &header, &writer);
	if (rc != 0)
		fail_msg("%s: %s", path, frame_error_name(rc));
	assert_int_equal(frame_end(&writer), len);
	memcpy(again + header.end, data + header.end, header.trailer_len);
	assert_memory_equal(again, data, len);
}

static void good_frames_are_read_and_written_back_byte_for_byte(void **state)
{
	(void)state;
	each(GOLDEN "/good/*.hex", check_same_bytes, 10);
}

static void check_error(const char *path, const uint8_t *data, uint32_t len)
{
	struct frame_header header;
	const char *name = strrchr(path, '/') + 1, *got = frame_error_name(walk(data, len, &header, NULL));
	size_t want = strcspn(name, ".");

	if (strlen(got) != want || strncmp(name, got, want) != 0)
		fail_msg("%s: got %s", path, got);
}

static void bad_frames_are_refused_by_the_name_of_their_file(void **state)
{
	(void)state;
	each(GOLDEN "/refused/*.hex", check_error, 21);
}

static void check_truncations(const char *path, const uint8_t *data, uint32_t len)
{
	struct frame_header header;

	for (uint32_t cut = 0; cut < len; cut++) {
		uint8_t *copy = golden_copy(data, cut);
		int rc = walk(copy, cut, &header, NULL);

		free(copy);
		if (rc != (cut < FRAME_HEADER_LEN ? -FRAME_BAD_SHORT : -FRAME_BAD_LENGTH))
			fail_msg("%s cut to %u bytes: %s", path, cut, frame_error_name(rc));
	}
}

/* As above, but the header's length is made to agree with the cut: the events must be found to be cut. */
static void check_lying_truncations(const char *path, const uint8_t *data, uint32_t len)
{
	struct frame_header header;

	for (uint32_t cut = FRAME_HEADER_LEN; cut < len; cut++) {
		uint8_t *copy = golden_copy(data, cut);
		int rc;

		copy[6] = (uint8_t)cut;
		copy[7] = (uint8_t)(cut >> 8);
		copy[5] &= (uint8_t)~FRAME_TRAILER;
		copy[10] = 0;
		rc = walk(copy, cut, &header, NULL);
		free(copy);
		if (rc != -FRAME_BAD_COUNT && rc != -FRAME_BAD_EVENT_TRUNCATED && rc != -FRAME_BAD_SURPLUS &&
			((data[5] & FRAME_HEARTBEAT) == 0 || (rc != -FRAME_BAD_HEARTBEAT_EVENTS && rc != 0)) &&
			(data[10] == 0 || rc != 0))
			fail_msg("%s cut to %u bytes: %s", path, cut, frame_error_name(rc));
	}
}

static void every_truncation_is_named(void **state)
{
	(void)state;
	each(GOLDEN "/good/*.hex", check_truncations, 10);
	each(GOLDEN "/good/*.hex", check_lying_truncations, 10);
}

/* Any value of any byte: an error or not, but never a read outside. */
static void check_mutations(const char *path, const uint8_t *data, uint32_t len)
{
	struct frame_header header;
	uint8_t *copy = golden_copy(data, len);

	for (uint32_t at = 0; at < len; at++) {
		for (unsigned value = 0; value < 256; value++) {
			int rc;

			copy[at] = (uint8_t)value;
			rc = walk(copy, len, &header, NULL);
			if (rc > 0 || rc <= -(int)FRAME_ERRORS)
				fail_msg("%s: error %d", path, rc);
		}
		copy[at] = data[at];
	}
	free(copy);
}

static void every_value_of_every_byte_is_harmless(void **state)
{
	(void)state;
	each(GOLDEN "/good/*.hex", check_mutations, 10);
}

/* Lines of the documentation's example: a decimal offset, two spaces, bytes, two spaces, words. */
static void the_example_of_the_documentation_is_the_golden_file(void **state)
{
	struct golden golden = golden_read(GOLDEN "/good/example.hex");
	FILE *file = fopen(FORMAT, "r");
	char line[512];
	uint32_t at = 0;
	int inside = 0;

	(void)state;
	assert_non_null(golden.data);
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned offset, value;
		int used;

		if (strncmp(line, "```", 3) == 0)
			inside = strncmp(line + 3, "example", 7) == 0;
		if (!inside || sscanf(line, "%u%n", &offset, &used) != 1)
			continue;
		assert_int_equal(offset, at);
		for (char *hex = line + used + 2; hex[0] != ' ' && sscanf(hex, "%2x", &value) == 1; hex += 3) {
			assert_true(at < golden.len);
			assert_int_equal(value, golden.data[at++]);
		}
	}
	assert_int_equal(at, golden.len);
	fclose(file);
	free(golden.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_frames_are_read_and_written_back_byte_for_byte),
		cmocka_unit_test(bad_frames_are_refused_by_the_name_of_their_file),
		cmocka_unit_test(every_truncation_is_named),
		cmocka_unit_test(every_value_of_every_byte_is_harmless),
		cmocka_unit_test(the_example_of_the_documentation_is_the_golden_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
