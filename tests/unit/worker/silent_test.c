/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A burst of events that are judged by quotas and rules, looked up and written makes no system call, takes and gives back no
 * memory, and locks nothing: the linker leads those calls here, and the kernel ends a process that makes another system call than
 * exit.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "judge_rig.h"

#define ROUNDS 200

static int burst_runs;
static unsigned calls;

#define WATCH(type, name, parameters, ...)                                                                            \
	type __real_##name parameters;                                                                                \
	type __wrap_##name parameters;                                                                                \
	type __wrap_##name parameters                                                                                 \
	{                                                                                                             \
		calls += burst_runs != 0;                                                                             \
		return __real_##name(__VA_ARGS__);                                                                    \
	}

WATCH(void *, malloc, (size_t size), size)
WATCH(void *, calloc, (size_t count, size_t size), count, size)
WATCH(void *, realloc, (void *old, size_t size), old, size)
WATCH(int, pthread_mutex_lock, (pthread_mutex_t * mutex), mutex)

static const char types[] =
	"types:\n"
	"  click:\n"
	"    id: 1\n"
	"    key: '@source'\n"
	"    require: {item: string|number}\n"
	"    rules:\n"
	"      - {if: 'agent contains \"bot\" or agent ends with \"crawler\" or @client in [10.0.0.0/8, fd00::/8]', then: drop}\n"
	"      - {if: 'price < 10 and user.name in [\"a\", \"b\"]', then: sample, share: 50%, by: user.id}\n"
	"      - {if: '@age > 2h or sample(user.id, 10%)', then: quarantine}\n"
	"      - {if: 'price in 20..30', then: keep, topic: other, copy: everything}\n";

/* One sender's quota, which is one datagram of any length at least: the last of its events are too much. */
static const char more[] = "topics: {quarantine: aside}\nquotas: [{from: [10.0.0.0/8]}, {bytes: 1KiB, burst: 1ms}]\n";

static const char *const events[] = {
	"{\"type\":\"click\",\"item\":7,\"ip\":\"200.1.2.3\",\"price\":25,\"user\":{\"id\":\"u1\",\"name\":\"c\"}}",
	"{\"type\":\"click\",\"item\":\"a\\u0062c\",\"ip\":\"2001:db8::1\",\"price\":1e3,\"agent\":\"x\\u0062\",\"geo\":1}",
	"{\"type\":\"click\",\"item\":\"none\",\"ip\":\"10.1.2.3\",\"agent\":\"a bot of a crawler\"}",
	"{\"type\":\"click\",\"price\":3}",
	"{\"type\":\"click\",\"item\":1,\"price\":3,\"user\":{\"name\":\"a\",\"id\":[1]},\"category\":null,\"ingest\":0}",
	"{\"type\":\"click\",\"item\":1,\"ts\":1000000000}",
	"{\"type\":\"nobody\"}",
	"{\"type\":",
};

static void run_bursts(struct judged *j)
{
	struct datagram datagrams[sizeof(events) / sizeof(events[0])];
	unsigned count = sizeof(events) / sizeof(events[0]);

	for (unsigned i = 0; i < count; i++) {
		datagrams[i] = (struct datagram){.data = (const uint8_t *)events[i], .len = (uint32_t)strlen(events[i]),
			.destination_port = RIG_PORT_JSON};
		datagrams[i].source.family = ADDRESS_IPV4;
	}
	burst_runs = 1;
	for (unsigned i = 0; i < ROUNDS; i++)
		worker_burst(j->rig->worker, datagrams, count, clock_tsc());
	burst_runs = 0;
}

static void check_outcomes(const struct judged *j)
{
	const struct worker_counters *c = j->rig->counters;

	uint64_t spent = counter_read(&c->datagram_drops[DATAGRAM_DROP_sender_quota]);

	assert_int_equal(counter_read(&c->found) + spent, ROUNDS * sizeof(events) / sizeof(events[0]));
	assert_true(spent > 0);
	assert_true(counter_read(&c->numbered) > 0 && counter_read(&c->filtered) > 0 && counter_read(&c->copies) > 0);
	assert_true(counter_read(&c->types[0].quarantined) > 0);
}

static void a_burst_takes_no_memory_and_locks_nothing(void **state)
{
	struct judged j = judged_new(types, more, 1);

	(void)state;
	calls = 0;
	run_bursts(&j);
	assert_int_equal(calls, 0);
	check_outcomes(&j);
	judged_free(&j);
}

/* From here on the thread may do nothing but end. (Strict mode would forbid reading the time stamp counter, too.) */
static int allow_nothing(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static void a_burst_makes_no_system_call(void **state)
{
	struct judged j = judged_new(types, more, 1);
	int status;
	pid_t child;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	judged_free(&j);
	skip();
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	judged_free(&j);
	skip();
#endif
#endif
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (allow_nothing() != 0)
			syscall(SYS_exit, 77);
		run_bursts(&j);
		syscall(SYS_exit, calls == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	judged_free(&j);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	if (WIFSIGNALED(status))
		fail_msg("the burst was ended by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_takes_no_memory_and_locks_nothing),
		cmocka_unit_test(a_burst_makes_no_system_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
