/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "egress/contact.h"

static struct contact contact;
static struct batch batches[4]; /* none has data */

static int setup(void **state)
{
	(void)state;
	memset(&contact, 0, sizeof(contact));
	memset(batches, 0, sizeof(batches));
	return 0;
}

static int begin(unsigned i, int32_t partition)
{
	batches[i].partition = partition;
	return contact_begin(&contact, &batches[i], 1, 1000);
}

static void a_partition_takes_one_batch_until_it_is_settled(void **state)
{
	(void)state;
	assert_true(begin(0, 5));
	assert_true(begin(0, 5)); /* in several parts */
	assert_false(begin(1, 5));
	assert_true(begin(2, 6));
	contact_end(&contact, &batches[0], 0); /* refused: it goes again, and first */
	assert_true(begin(0, 5));
	assert_false(begin(1, 5));
	contact_end(&contact, &batches[0], 1);
	assert_true(begin(1, 5));
	assert_true(begin(3, 5));
	contact_end(&contact, &batches[2], 1);
	assert_int_equal(contact.pending, 0);
}

static void what_the_client_places_is_alone(void **state)
{
	(void)state;
	assert_true(begin(0, 5));
	assert_false(begin(1, BATCH_UNASSIGNED));
	contact_end(&contact, &batches[0], 1);
	assert_true(begin(1, BATCH_UNASSIGNED));
	assert_false(begin(2, BATCH_UNASSIGNED));
	assert_false(begin(3, 6));
	assert_true(begin(0, 5));
	contact_end(&contact, &batches[1], 1);
	assert_true(begin(2, BATCH_UNASSIGNED));
	assert_true(begin(1, BATCH_UNASSIGNED));
	assert_true(begin(3, 6));
}

static void a_new_client_knows_nobody(void **state)
{
	(void)state;
	assert_true(begin(0, 5));
	contact_end(&contact, &batches[0], 1);
	assert_true(begin(1, 5));
	assert_true(contact_begin(&contact, &batches[1], 2, 1000));
	batches[3].partition = 5;
	assert_false(contact_begin(&contact, &batches[3], 2, 1000));
}

static void waiting_ends_after_a_while(void **state)
{
	(void)state;
	batches[0].partition = batches[1].partition = batches[2].partition = 5;
	assert_true(contact_begin(&contact, &batches[0], 1, 1000));
	assert_false(contact_begin(&contact, &batches[1], 1, 2000));
	assert_false(contact_begin(&contact, &batches[1], 1, 1999 + CONTACT_WAIT_MS));
	assert_true(contact_begin(&contact, &batches[1], 1, 2000 + CONTACT_WAIT_MS));
	assert_true(contact_begin(&contact, &batches[2], 1, 2000 + CONTACT_WAIT_MS));
	contact_end(&contact, &batches[0], 1);
	assert_int_equal(contact.pending, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_partition_takes_one_batch_until_it_is_settled),
		TEST(what_the_client_places_is_alone),
		TEST(a_new_client_knows_nobody),
		TEST(waiting_ends_after_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
