/* SPDX-License-Identifier: Apache-2.0 */
/* Plans for machines of one and two NUMA nodes, written down here, and the reading of a machine from a tree of files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/daemon/topology.h"

static struct machine machine;
static struct topology plan;
static struct error error;

/* `per_node` CPUs on each node, numbered node by node. */
static void machine_of(unsigned nodes, unsigned per_node)
{
	memset(&machine, 0, sizeof(machine));
	machine.cpu_count = nodes * per_node;
	for (unsigned i = 0; i < machine.cpu_count; i++)
		machine.cpus[i] = (struct machine_cpu){.present = 1, .online = 1, .node = (uint8_t)(i / per_node)};
}

/* Ports with the given workers, and the lists of control and producer CPUs. */
static int plan_for(const char *ports, const char *control, const char *producers, const int *nic_nodes)
{
	char text[1024];
	struct config *config = NULL;
	int rc;

	(void)snprintf(text, sizeof(text),
		"node: n\nports: %s\ntypes: {t: {id: 1}}\ncontrol: {cpus: %s}\n"
		"kafka: {cpus: %s, properties: {bootstrap.servers: k}}\n", ports, control, producers);
	rc = config_read_text(&config, "f", text, strlen(text), &error);
	if (rc != 0)
		fail_msg("%s", error.text);
	error.text[0] = '\0';
	rc = topology_plan(&plan, config, &machine, nic_nodes, &error);
	config_free(config);
	return rc;
}

static const char *cpus_of(const struct topology_cpus *set)
{
	static char text[4][96];
	static unsigned turn;

	return topology_print_cpus(text[turn++ % 4], sizeof(text[0]), set->cpus, set->count);
}

static void assert_warnings(unsigned count, const char *first)
{
	assert_int_equal(plan.warning_count, count);
	if (count > 0)
		assert_string_equal(plan.warnings[0], first);
}

static void each_has_cpus_of_its_own_as_asked(void **state)
{
	(void)state;
	machine_of(1, 4);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [2, 3]}]", "[0]", "[1]", NULL), 0);
	assert_warnings(0, NULL);
	assert_int_equal(plan.worker_count, 2);
	assert_int_equal(plan.workers[0].cpu, 2);
	assert_int_equal(plan.workers[1].cpu, 3);
	assert_int_equal(plan.workers[1].queue, 1);
	assert_int_equal(plan.workers[1].node, 0);
	assert_int_equal(plan.producer_count, 1);
	assert_int_equal(plan.producers[0].lanes, 2);
	assert_string_equal(cpus_of(&plan.producers[0].cpus), "1");
	assert_string_equal(cpus_of(&plan.control), "0");
}

static void unnamed_cpus_leave_the_poll_cores_alone(void **state)
{
	(void)state;
	machine_of(1, 8);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [2, 4-5]}]", "[]", "[]", NULL), 0);
	assert_warnings(0, NULL);
	assert_string_equal(cpus_of(&plan.producers[0].cpus), "0-1, 3, 6-7");
	assert_string_equal(cpus_of(&plan.control), "0-1, 3, 6-7");
}

static void each_node_with_workers_has_a_producer_on_its_own_cpus(void **state)
{
	int nodes[] = {0, 1};

	(void)state;
	machine_of(2, 4);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [2]}, {name: b, device: e, workers: [6-7]}]", "[0]",
				 "[1, 4, 5]", nodes), 0);
	assert_warnings(0, NULL);
	assert_int_equal(plan.producer_count, 2);
	assert_int_equal(plan.producers[0].node, 0);
	assert_int_equal(plan.producers[1].node, 1);
	assert_string_equal(cpus_of(&plan.producers[0].cpus), "1");
	assert_string_equal(cpus_of(&plan.producers[1].cpus), "4-5");
	assert_int_equal(plan.workers[0].producer, 0);
	assert_int_equal(plan.workers[1].producer, 1);
	assert_int_equal(plan.workers[2].producer, 1);
	assert_int_equal(plan.workers[2].port, 1);
	assert_int_equal(plan.producers[1].lanes, 2);
}

static void a_node_without_workers_has_no_producer(void **state)
{
	(void)state;
	machine_of(2, 4);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [5]}]", "[0]", "[1, 4]", NULL), 0);
	assert_warnings(0, NULL);
	assert_int_equal(plan.producer_count, 1);
	assert_int_equal(plan.producers[0].node, 1);
	assert_string_equal(cpus_of(&plan.producers[0].cpus), "4");
}

static void a_node_without_producer_cpus_is_served_by_another(void **state)
{
	(void)state;
	machine_of(2, 4);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [2, 6, 7]}]", "[0]", "[1]", NULL), 0);
	assert_warnings(1, "NUMA node 1 has workers but none of kafka.cpus: the producer of node 0 serves them, and every batch "
			   "crosses between nodes");
	assert_int_equal(plan.producer_count, 1);
	assert_int_equal(plan.producers[0].lanes, 3);
	assert_int_equal(plan.workers[2].producer, 0);
	assert_int_equal(plan.workers[2].node, 1);
}

static void producers_on_another_node_than_all_workers_still_serve(void **state)
{
	(void)state;
	machine_of(2, 2);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [1]}]", "[0]", "[2-3]", NULL), 0);
	assert_int_equal(plan.producer_count, 1);
	assert_int_equal(plan.producers[0].node, 1);
	assert_int_equal(plan.workers[0].producer, 0);
	assert_warnings(1, "NUMA node 0 has workers but none of kafka.cpus: the producer of node 1 serves them, and every batch "
			   "crosses between nodes");
}

static void workers_away_from_their_device_are_warned_of(void **state)
{
	int nodes[] = {1, -1};

	(void)state;
	machine_of(2, 4);
	assert_int_equal(plan_for("[{name: lan0, device: d, workers: [1-3, 5]}, {name: b, device: e, workers: [6]}]", "[0]",
				 "[0, 4]", nodes), 0);
	assert_warnings(1, "port lan0: its device is on NUMA node 1, its workers on CPU 1-3 are not: every packet crosses between "
			   "nodes; name CPUs of node 1 (4-7)");
	assert_int_equal(plan.workers[0].node, 0); /* memory follows the CPU */
}

static void unpinned_workers_belong_to_their_devices_node(void **state)
{
	int nodes[] = {1, -1};

	(void)state;
	machine_of(2, 4);
	assert_int_equal(plan_for("[{name: a, device: d, workers: 2}, {name: b, source: socket, workers: 1}]", "[]", "[]", nodes),
		0);
	assert_warnings(0, NULL);
	assert_int_equal(plan.workers[0].cpu, -1);
	assert_int_equal(plan.workers[0].node, 1);
	assert_int_equal(plan.workers[2].node, -1);
	assert_int_equal(plan.producer_count, 1);
	assert_int_equal(plan.producers[0].node, 1);
	assert_int_equal(plan.producers[0].lanes, 3);
	assert_string_equal(cpus_of(&plan.producers[0].cpus), "4-7");
}

static void workers_of_unknown_node_are_served_by_the_first_one(void **state)
{
	(void)state;
	machine_of(2, 2);
	machine.cpus[0].online = machine.cpus[1].online = 0;
	assert_int_equal(plan_for("[{name: a, device: d, workers: 2}]", "[]", "[]", NULL), 0);
	assert_int_equal(plan.producer_count, 1);
	assert_int_equal(plan.producers[0].node, 1);
	assert_string_equal(cpus_of(&plan.producers[0].cpus), "2-3");
}

static void producers_and_control_give_way_on_a_poll_core(void **state)
{
	(void)state;
	machine_of(1, 4);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [1]}]", "[0-1]", "[1-3]", NULL), 0);
	assert_warnings(2, "kafka.cpus: CPU 1 polls for a worker: producers of node 0 leave it alone; take it out of one of the "
			   "lists");
	assert_string_equal(plan.warnings[1],
		"control.cpus: CPU 1 polls for a worker: control threads leave it alone; take it out of one of the lists");
	assert_string_equal(cpus_of(&plan.producers[0].cpus), "2-3");
	assert_string_equal(cpus_of(&plan.control), "0");
	assert_int_equal(plan.workers[0].cpu, 1);
}

static void who_has_poll_cores_alone_runs_unpinned(void **state)
{
	(void)state;
	machine_of(1, 2);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [1]}]", "[0]", "[1]", NULL), 0);
	assert_warnings(1, "every CPU for producers of node 0 (1) polls for a worker: they run unpinned and compete with it; name "
			   "other CPUs");
	assert_int_equal(plan.producers[0].cpus.count, 0);
	assert_string_equal(cpus_of(&plan.control), "0");
}

static void a_machine_that_polls_throughout_still_has_a_plan(void **state)
{
	(void)state;
	machine_of(1, 2);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [0-1]}]", "[]", "[]", NULL), 0);
	assert_int_equal(plan.warning_count, 2);
	assert_int_equal(plan.producers[0].cpus.count, 0);
	assert_int_equal(plan.control.count, 0);
}

static void the_second_worker_of_a_cpu_runs_unpinned(void **state)
{
	(void)state;
	machine_of(1, 4);
	assert_int_equal(plan_for("[{name: a, device: d, workers: [2]}, {name: b, device: e, workers: [2-3]}]", "[0]", "[1]",
				 NULL), 0);
	assert_warnings(1, "CPU 2 polls for port a already: a worker of port b runs unpinned; name a CPU of its own");
	assert_int_equal(plan.workers[0].cpu, 2);
	assert_int_equal(plan.workers[1].cpu, -1);
	assert_int_equal(plan.workers[1].node, 0);
	assert_int_equal(plan.workers[2].cpu, 3);
}

static void a_cpu_that_does_not_exist_is_an_error(void **state)
{
	(void)state;
	machine_of(1, 4);
	assert_int_equal(plan_for("[{name: lan0, device: d, workers: [9]}]", "[0]", "[1]", NULL), -EINVAL);
	assert_string_equal(error.text, "f: workers of port lan0: CPU 9 does not exist; this machine has 0-3");
	assert_int_equal(plan_for("[{name: lan0, device: d, workers: [2]}]", "[4]", "[1]", NULL), -EINVAL);
	assert_string_equal(error.text, "f: control.cpus: CPU 4 does not exist; this machine has 0-3");
	assert_int_equal(plan_for("[{name: lan0, device: d, workers: [2]}]", "[0]", "[1023]", NULL), -EINVAL);
	assert_string_equal(error.text, "f: kafka.cpus: CPU 1023 does not exist; this machine has 0-3");
}

static void a_cpu_that_is_offline_is_an_error(void **state)
{
	(void)state;
	machine_of(1, 4);
	machine.cpus[3].online = 0;
	assert_int_equal(plan_for("[{name: lan0, device: d, workers: [3]}]", "[0]", "[1]", NULL), -EINVAL);
	assert_string_equal(error.text, "f: workers of port lan0: CPU 3 is offline; switch it on (echo 1 > "
					"/sys/devices/system/cpu/cpu3/online) or name another");
}

static void the_largest_configuration_has_a_plan(void **state)
{
	char ports[1024] = "[";
	size_t n = 1;

	(void)state;
	machine_of(2, 32);
	for (unsigned i = 0; i < CONFIG_PORTS; i++)
		n += (size_t)snprintf(ports + n, sizeof(ports) - n, "%s{name: p%u, device: d%u, workers: [%u-%u]}",
			i > 0 ? ", " : "", i, i, i * 4, i * 4 + 3);
	(void)snprintf(ports + n, sizeof(ports) - n, "]");
	assert_int_equal(plan_for(ports, "[]", "[]", NULL), 0);
	assert_int_equal(plan.worker_count, CONFIG_WORKERS);
	assert_int_equal(plan.producer_count, 2);
	assert_int_equal(plan.producers[0].lanes, 32);
	assert_int_equal(plan.warning_count, 3);
}

static void put(const char *root, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void the_machine_is_read_from_sysfs(void **state)
{
	static const char *const folders[] = {"cpu", "node", "node/node0", "node/node3"};
	static const char *const files[] = {"cpu/present", "cpu/online", "node/node0/cpulist", "node/node3/cpulist"};
	char root[] = "/tmp/penstock-sysfs-XXXXXX", path[256];

	(void)state;
	assert_non_null(mkdtemp(root));
	for (unsigned i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	put(root, "cpu/present", "0-5,2000\n");
	assert_int_equal(machine_read(&machine, root, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/cpu/online: No such file or directory; expected the kernel's list of CPUs"));
	put(root, "cpu/online", "0-2,4\n");
	put(root, "node/node0/cpulist", "0,2,4\n");
	put(root, "node/node3/cpulist", "1,3,5\n");
	assert_int_equal(machine_read(&machine, root, &error), 0);
	assert_int_equal(machine.cpu_count, 6);
	assert_int_equal(machine.cpus[2].online, 1);
	assert_int_equal(machine.cpus[3].online, 0);
	assert_int_equal(machine.cpus[3].present, 1);
	assert_int_equal(machine.cpus[4].node, 0);
	assert_int_equal(machine.cpus[1].node, 3);
	put(root, "cpu/online", "zero\n");
	assert_int_equal(machine_read(&machine, root, &error), -EBADMSG);
	for (unsigned i = 4; i-- > 0;) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, files[i]);
		assert_int_equal(unlink(path), 0);
	}
	for (unsigned i = 4; i-- > 0;) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
		assert_int_equal(rmdir(path), 0);
	}
	assert_int_equal(rmdir(root), 0);
}

static void this_machine_is_read(void **state)
{
	(void)state;
	if (access("/sys/devices/system/cpu/online", R_OK) != 0)
		skip();
	assert_int_equal(machine_read(&machine, "/sys/devices/system", &error), 0);
	assert_in_range(machine.cpu_count, sysconf(_SC_NPROCESSORS_ONLN), TOPOLOGY_CPUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_cpus_of_its_own_as_asked),
		cmocka_unit_test(unnamed_cpus_leave_the_poll_cores_alone),
		cmocka_unit_test(each_node_with_workers_has_a_producer_on_its_own_cpus),
		cmocka_unit_test(a_node_without_workers_has_no_producer),
		cmocka_unit_test(a_node_without_producer_cpus_is_served_by_another),
		cmocka_unit_test(producers_on_another_node_than_all_workers_still_serve),
		cmocka_unit_test(workers_away_from_their_device_are_warned_of),
		cmocka_unit_test(unpinned_workers_belong_to_their_devices_node),
		cmocka_unit_test(workers_of_unknown_node_are_served_by_the_first_one),
		cmocka_unit_test(producers_and_control_give_way_on_a_poll_core),
		cmocka_unit_test(who_has_poll_cores_alone_runs_unpinned),
		cmocka_unit_test(a_machine_that_polls_throughout_still_has_a_plan),
		cmocka_unit_test(the_second_worker_of_a_cpu_runs_unpinned),
		cmocka_unit_test(a_cpu_that_does_not_exist_is_an_error),
		cmocka_unit_test(a_cpu_that_is_offline_is_an_error),
		cmocka_unit_test(the_largest_configuration_has_a_plan),
		cmocka_unit_test(the_machine_is_read_from_sysfs),
		cmocka_unit_test(this_machine_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
