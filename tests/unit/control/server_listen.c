/* SPDX-License-Identifier: Apache-2.0 */
#include "server_rig.h"

#include <fcntl.h>
#include <sys/file.h>

static void the_socket_has_its_mode_and_goes_with_its_server(void **state)
{
	mode_t before = umask(0077);
	struct error error;
	struct rig rig;
	struct stat st;

	(void)state;
	rig_folder(&rig);
	assert_int_equal(server_open(&rig.server, rig.path, 0660, &error), 0);
	(void)umask(before);
	assert_int_equal(stat(rig.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	server_close(rig.server);
	assert_int_equal(stat(rig.path, &st), -1);
	rig.server = NULL;
	rig_close(&rig);
}

static void a_dead_daemons_socket_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), client;
	struct error error;
	struct rig rig;

	(void)state;
	rig_folder(&rig);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig.path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd);
	assert_int_equal(rig_try_connect(rig.path, &client), -ECONNREFUSED);
	assert_int_equal(server_open(&rig.server, rig.path, 0600, &error), 0);
	client = rig_client(&rig);
	rig_write(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"api.version\"}\n");
	assert_int_equal(rig_code(&rig, client), 0);
	close(client);
	rig_close(&rig);
}

static void a_live_daemons_socket_is_left_alone(void **state)
{
	struct server *second = NULL;
	struct error error;
	struct rig rig;
	int client;

	(void)state;
	rig_open(&rig);
	assert_int_equal(server_open(&second, rig.path, 0600, &error), -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(error.text, "another daemon"));
	assert_non_null(strstr(error.text, rig.path));
	client = rig_client(&rig);
	rig_write(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n");
	assert_int_equal(rig_code(&rig, client), 0);
	close(client);
	rig_close(&rig);
}

static void a_live_daemon_too_busy_to_accept_is_left_alone(void **state)
{
	int clients[256], count = 0;
	struct server *second = NULL;
	struct error error;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	while (count < 256 && rig_try_connect(rig.path, &clients[count]) == 0)
		count++;
	assert_in_range(count, 1, 255);
	assert_int_equal(server_open(&second, rig.path, 0600, &error), -EADDRINUSE);
	while (count > 0)
		close(clients[--count]);
	rig_close(&rig);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct server *server = NULL;
	struct error error;
	struct rig rig;
	int fd;

	(void)state;
	rig_folder(&rig);
	fd = open(rig.path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_equal(server_open(&server, rig.path, 0600, &error), -EEXIST);
	assert_null(server);
	assert_int_equal(access(rig.path, F_OK), 0);
	rig_close(&rig);
}

static void a_server_removes_no_socket_but_its_own(void **state)
{
	struct server *second;
	struct error error;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(unlink(rig.path), 0);
	assert_int_equal(server_open(&second, rig.path, 0600, &error), 0);
	server_close(rig.server);
	assert_int_equal(access(rig.path, F_OK), 0);
	rig.server = second;
	rig_close(&rig);
}

static void paths_that_cannot_be_are_refused_with_a_sentence(void **state)
{
	char longest[200] = "/tmp/";
	struct server *server = NULL;
	struct error error = {.text = ""};

	(void)state;
	memset(longest + 5, 'a', 150);
	assert_int_equal(server_open(&server, longest, 0600, &error), -ENAMETOOLONG);
	assert_non_null(strstr(error.text, "107"));
	assert_int_equal(server_open(&server, "", 0600, &error), -EINVAL);
	assert_int_equal(server_open(&server, "/nonexistent/folder/socket", 0600, &error), -ENOENT);
	assert_non_null(strstr(error.text, "folder"));
	assert_null(server);
}

static void a_locked_folder_delays_but_does_not_stop(void **state)
{
	struct error error;
	struct rig rig;
	int lock;

	(void)state;
	rig_folder(&rig);
	lock = open(rig.folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(server_open(&rig.server, rig.path, 0600, &error), 0);
	close(lock);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_socket_has_its_mode_and_goes_with_its_server),
		cmocka_unit_test(a_dead_daemons_socket_is_replaced),
		cmocka_unit_test(a_live_daemons_socket_is_left_alone),
		cmocka_unit_test(a_live_daemon_too_busy_to_accept_is_left_alone),
		cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
		cmocka_unit_test(a_server_removes_no_socket_but_its_own),
		cmocka_unit_test(paths_that_cannot_be_are_refused_with_a_sentence),
		cmocka_unit_test(a_locked_folder_delays_but_does_not_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
