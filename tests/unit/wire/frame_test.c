/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "wire/frame.h"

static const struct frame_header plain = {.source_id = 5, .source_epoch = 6, .sequence = 7};

static struct frame_event event_of(const char *body)
{
	return (struct frame_event){
		.type_id = 9,
		.time_us = -5,
		.body = {(const uint8_t *)body, (uint32_t)strlen(body)},
	};
}

static void frame_add_refuses_what_does_not_fit_and_leaves_the_frame_as_it_was(void **state)
{
	struct frame_event event = event_of("{}"), got;
	struct frame_header header;
	struct frame_writer writer;
	uint32_t offset, len = FRAME_HEADER_LEN + 2 * (FRAME_EVENT_LEN + 2) + 17;
	uint8_t *data = malloc(len);

	(void)state;
	assert_int_equal(frame_begin(&writer, data, len, &plain), 0);
	assert_int_equal(frame_add(&writer, &event), 0);
	assert_int_equal(frame_add(&writer, &event), 0);
	assert_int_equal(frame_add(&writer, &event), -ENOSPC);
	event.body.len = 1;
	assert_int_equal(frame_add(&writer, &event), 0);
	assert_int_equal(frame_end(&writer), len);
	assert_int_equal(frame_header_get(data, len, &header, &offset), 0);
	assert_int_equal(header.event_count, 3);
	assert_int_equal(header.sequence, 7);
	assert_int_equal(header.source_epoch, 6);
	assert_int_equal(header.source_id, 5);
	assert_int_equal(frame_event_get(data, header.end, &offset, &got), 0);
	assert_int_equal(got.type_id, 9);
	assert_true(got.time_us == -5);
	assert_int_equal(got.body.len, 2);
	assert_false(got.has_address);
	assert_false(got.has_item);
	free(data);
}

static void frame_begin_wants_room_for_header_and_trailer(void **state)
{
	uint8_t data[FRAME_HEADER_LEN + 4];
	struct frame_header header = plain;
	struct frame_writer writer;

	(void)state;
	assert_int_equal(frame_begin(&writer, data, FRAME_HEADER_LEN - 1, &header), -ENOSPC);
	assert_int_equal(frame_begin(&writer, data, FRAME_HEADER_LEN, &header), 0);
	header.trailer_len = 4;
	assert_int_equal(frame_begin(&writer, data, FRAME_HEADER_LEN + 3, &header), -ENOSPC);
	assert_int_equal(frame_begin(&writer, data, FRAME_HEADER_LEN + 4, &header), 0);
	assert_int_equal(frame_end(&writer), FRAME_HEADER_LEN + 4);
	header.flags = 0x04;
	assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), -EINVAL);
}

static void frame_add_refuses_what_cannot_be_said(void **state)
{
	static uint8_t data[2 * FRAME_LEN_MAX];
	struct frame_event event = event_of("");
	struct frame_header header = plain;
	struct frame_writer writer;

	(void)state;
	assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
	assert_int_equal(frame_add(&writer, &event), -EINVAL);
	event = event_of("{}");
	event.has_address = 1;
	event.client.family = 5;
	assert_int_equal(frame_add(&writer, &event), -EINVAL);
	event = (struct frame_event){.body = {data, UINT16_MAX + 1}};
	assert_int_equal(frame_add(&writer, &event), -EINVAL);
	event.body.len = UINT16_MAX;
	assert_int_equal(frame_add(&writer, &event), -ENOSPC);
	header.flags = FRAME_HEARTBEAT;
	assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
	event = event_of("{}");
	assert_int_equal(frame_add(&writer, &event), -EINVAL);
}

static void the_largest_frame_is_read_back(void **state)
{
	static uint8_t data[FRAME_LEN_MAX], body[FRAME_LEN_MAX];
	struct frame_event event = {.body = {body, FRAME_LEN_MAX - FRAME_HEADER_LEN - FRAME_EVENT_LEN}}, got;
	struct frame_header header;
	struct frame_writer writer;
	uint32_t offset;

	(void)state;
	assert_int_equal(frame_begin(&writer, data, sizeof(data), &plain), 0);
	assert_int_equal(frame_add(&writer, &event), 0);
	assert_int_equal(frame_end(&writer), FRAME_LEN_MAX);
	assert_int_equal(frame_header_get(data, FRAME_LEN_MAX, &header, &offset), 0);
	assert_int_equal(frame_event_get(data, header.end, &offset, &got), 0);
	assert_int_equal(got.body.len, event.body.len);
	assert_int_equal(frame_finish(&header, offset), 0);
}

static void an_event_with_unknown_flags_is_stepped_over(void **state)
{
	uint8_t data[256];
	struct frame_event event = event_of("{}"), got;
	struct frame_header header;
	struct frame_writer writer;
	uint32_t offset, before;

	(void)state;
	assert_int_equal(frame_begin(&writer, data, sizeof(data), &plain), 0);
	assert_int_equal(frame_add(&writer, &event), 0);
	event.type_id = 10;
	assert_int_equal(frame_add(&writer, &event), 0);
	data[FRAME_HEADER_LEN + 6] = 0x10;
	assert_int_equal(frame_header_get(data, frame_end(&writer), &header, &offset), 0);
	before = offset;
	assert_int_equal(frame_event_get(data, header.end, &offset, &got), -FRAME_BAD_EVENT_FLAGS);
	assert_true(offset > before);
	assert_int_equal(frame_event_get(data, header.end, &offset, &got), 0);
	assert_int_equal(got.type_id, 10);
	before = offset;
	assert_int_equal(frame_event_get(data, header.end, &offset, &got), -FRAME_BAD_EVENT_TRUNCATED);
	assert_int_equal(offset, before);
	offset = header.end + 1u;
	assert_int_equal(frame_event_get(data, header.end, &offset, &got), -FRAME_BAD_EVENT_TRUNCATED);
}

static void an_error_has_a_name_and_a_meaning(void **state)
{
	(void)state;
	for (int i = 0; i < FRAME_ERRORS; i++) {
		assert_non_null(frame_error_name(-i));
		assert_true(strlen(frame_error_meaning(-i)) > 8);
	}
	assert_string_equal(frame_error_name(-FRAME_BAD_EVENT_FLAGS), "event_flags");
	assert_non_null(frame_error_name(-4096));
	assert_non_null(frame_error_name(INT32_MIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_add_refuses_what_does_not_fit_and_leaves_the_frame_as_it_was),
		cmocka_unit_test(frame_begin_wants_room_for_header_and_trailer),
		cmocka_unit_test(frame_add_refuses_what_cannot_be_said),
		cmocka_unit_test(the_largest_frame_is_read_back),
		cmocka_unit_test(an_event_with_unknown_flags_is_stepped_over),
		cmocka_unit_test(an_error_has_a_name_and_a_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
