/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters may take seconds to be counted: others are answered meanwhile. */
#include "server_rig.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "control/daemon/handlers.h"

#define CALL(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\"}\n"

/* The other methods are not asked for. */
#define NOT_ASKED(name)                                                                         \
	json_t *name(void *context, const json_t *params, struct error *error, int *code)       \
	{                                                                                       \
		(void)context, (void)params, (void)error, (void)code;                           \
		return NULL;                                                                    \
	}

NOT_ASKED(handle_status)
NOT_ASKED(handle_ledger)
NOT_ASKED(handle_stop)
NOT_ASKED(handle_ports)
NOT_ASKED(handle_workers)
NOT_ASKED(handle_drops)
NOT_ASKED(handle_sources)
NOT_ASKED(handle_quotas)
NOT_ASKED(handle_types)
NOT_ASKED(handle_config)
NOT_ASKED(handle_rules)
NOT_ASKED(handle_reload)
NOT_ASKED(handle_generation)
NOT_ASKED(handle_tables)
NOT_ASKED(handle_lookup)
NOT_ASKED(handle_spool)
NOT_ASKED(handle_kafka)
NOT_ASKED(handle_topics_plan)
NOT_ASKED(handle_topics_create)

static sem_t begun, go_on;
static atomic_uint calls;

/* In the place of the producer's: a disk that is slow. */
int producer_exhume(struct producer *producer, const char *topic, unsigned ms, uint64_t *letters, uint64_t *events)
{
	(void)producer, (void)topic, (void)ms;
	atomic_fetch_add(&calls, 1);
	sem_post(&begun);
	while (sem_wait(&go_on) != 0)
		continue;
	*letters = 3;
	*events = 5;
	return 0;
}

static int set_up(void **state)
{
	static struct rig rig;
	static struct box box;

	box.producer_count = 1;
	rig_open(&rig);
	assert_int_equal(handlers_register(rig.server, &box), 0);
	assert_int_equal(sem_init(&begun, 0, 0), 0);
	assert_int_equal(sem_init(&go_on, 0, 0), 0);
	atomic_store(&calls, 0);
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	rig_close(*state);
	sem_destroy(&begun);
	sem_destroy(&go_on);
	return 0;
}

static void others_are_answered_while_letters_are_counted(void **state)
{
	struct rig *rig = *state;
	int waiting = rig_client(rig), other = rig_client(rig);
	char line[256];

	alarm(30); /* whoever waits in the server's own thread waits for ever */
	rig_write(waiting, CALL(1, "spool.replay"));
	rig_turns(rig, 1);
	while (sem_wait(&begun) != 0)
		continue;
	rig_write(other, CALL(2, "echo"));
	assert_int_equal(rig_code(rig, other), 0);
	rig_write(other, CALL(3, "spool.replay"));
	assert_int_equal(rig_code(rig, other), API_BUSY);
	sem_post(&go_on);
	assert_non_null(strstr(rig_line(rig, waiting, line, sizeof(line)), "\"letters\":3,\"events\":5"));
	assert_int_equal(atomic_load(&calls), 1);
	alarm(0);
	close(waiting);
	close(other);
}

static void no_letters_are_asked_for_in_the_drain(void **state)
{
	struct rig *rig = *state;
	int client = rig_client(rig);

	server_drain(rig->server);
	rig_write(client, CALL(1, "spool.replay"));
	assert_int_equal(rig_code(rig, client), API_UNAVAILABLE);
	assert_int_equal(atomic_load(&calls), 0);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(others_are_answered_while_letters_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_letters_are_asked_for_in_the_drain, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
