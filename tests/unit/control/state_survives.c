/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory after orderly ends, crashes at every step, damage and a clock that runs backwards. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "control/daemon/state.h"
#include "control/daemon/state_file.h"

#define NOW INT64_C(1790000000)

static char directory[64];

static void remove_all(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	(void)rmdir(path);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/penstock-state-XXXXXX");
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_all(directory);
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put(const char *name, const char *text, size_t length)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	close(fd);
}

static size_t get(const char *name, char *text, size_t size)
{
	int fd = open(path_of(name), O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, size - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return (size_t)n;
}

static int exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static struct state *open_ok(void)
{
	struct state *s = NULL;
	struct error error = {""};

	if (state_open(&s, directory, &error) != 0)
		fail_msg("%s", error.text);
	return s;
}

/* One start of a daemon at `utc`: its epoch. */
static uint32_t start(int64_t utc)
{
	struct state *s = open_ok();
	struct error error = {""};
	uint32_t epoch = 0;

	if (state_epoch_begin(s, utc, &epoch, &error) != 0)
		fail_msg("%s", error.text);
	state_close(s);
	return epoch;
}

static void a_missing_directory_is_made(void **state)
{
	struct state *s;
	struct stat st;

	(void)state;
	assert_int_equal(rmdir(directory), 0);
	s = open_ok();
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
	state_close(s);
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
	struct state *s = NULL;
	struct error error = {""};

	(void)state;
	assert_int_equal(state_open(&s, "/nonexistent/state", &error), -ENOENT);
	assert_string_equal(error.text, "state directory /nonexistent/state: cannot open it: No such file or directory; see that "
					"it exists, is writable and has room");
	assert_null(s);
}

static void the_instance_is_made_once(void **state)
{
	struct state *s = open_ok();
	char uuid[37];

	(void)state;
	assert_int_equal(strlen(state_uuid(s)), 36);
	assert_int_equal(state_uuid(s)[14], '4');
	assert_non_null(strchr("89ab", state_uuid(s)[19]));
	memcpy(uuid, state_uuid(s), sizeof(uuid));
	state_close(s);
	s = open_ok();
	assert_string_equal(state_uuid(s), uuid);
	state_close(s);
	assert_int_equal(unlink(path_of("instance")), 0);
	s = open_ok();
	assert_string_not_equal(state_uuid(s), uuid);
	state_close(s);
}

static void two_daemons_cannot_share_a_directory(void **state)
{
	struct state *first = open_ok(), *second = NULL;
	struct error error = {""};
	char expected[300];

	(void)state;
	assert_int_equal(state_open(&second, directory, &error), -EBUSY);
	(void)snprintf(expected, sizeof(expected), "state directory %s belongs to another penstockd that runs (process %ld); stop "
						   "that one, or give this one a `state` of its own", directory, (long)getpid());
	assert_string_equal(error.text, expected);
	assert_null(second);
	state_close(first);
	state_close(open_ok());
}

/* The lock is the kernel's: a daemon that was killed leaves none behind. */
static void a_killed_daemon_leaves_no_lock(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		struct state *s = NULL;

		_exit(state_open(&s, directory, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(exists("lock"));
	state_close(open_ok());
}

static void the_epoch_follows_the_clock_and_always_rises(void **state)
{
	(void)state;
	assert_int_equal(start(NOW), NOW);
	assert_int_equal(start(NOW), NOW + 1);         /* twice in one second */
	assert_int_equal(start(NOW + 100), NOW + 100);
	assert_int_equal(start(NOW - 86400), NOW + 101); /* a day back */
	assert_int_equal(start(0), NOW + 102);
	assert_int_equal(start(-5), NOW + 103);
	assert_int_equal(start(NOW + 200), NOW + 200);
}

static void a_first_start_before_1970_has_an_epoch_too(void **state)
{
	(void)state;
	assert_int_equal(start(-1000), 1);
}

static void epochs_that_are_used_up_are_an_error(void **state)
{
	struct state *s;
	struct error error = {""};
	uint32_t epoch = 7;

	(void)state;
	assert_int_equal(start(UINT32_MAX), UINT32_MAX);
	s = open_ok();
	assert_int_equal(state_epoch_begin(s, NOW, &epoch, &error), -EOVERFLOW);
	assert_non_null(strstr(error.text, "no epoch is left after 4294967295"));
	assert_int_equal(epoch, 7);
	state_close(s);
}

/* Whatever part of the new file reached the disk before the crash, the old one counts. */
static void a_crash_while_the_new_file_is_written_changes_nothing(void **state)
{
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	for (size_t n = 0; n <= length; n++) {
		put("epoch.tmp", text, n);
		assert_int_equal(start(NOW - 86400), NOW + 1 + (int64_t)n);
		assert_false(exists("epoch.tmp"));
		assert_false(exists("epoch.bad"));
	}
}

/* A leftover of the very first start: never used, but no harm is done by going above it. */
static void a_crash_before_the_first_rename_leaves_a_usable_directory(void **state)
{
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	assert_int_equal(unlink(path_of("epoch")), 0);
	put("epoch.tmp", text, length);
	put("instance.tmp", "penstock inst", 13);
	put("partitions.tmp", "", 0);
	assert_int_equal(start(NOW - 1), NOW + 1);
}

/* Damaged in every length: put aside; the clock a day back must not lead below what the file still tells. */
static void a_cut_epoch_file_is_put_aside_and_the_epoch_never_falls(void **state)
{
	static const char title[] = "penstock epoch 1\n1790000000";
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	for (size_t n = 0; n < length; n++) {
		uint32_t epoch;

		remove_all(directory);
		assert_int_equal(mkdir(directory, 0750), 0);
		put("epoch", text, n);
		epoch = start(NOW - 86400);
		if (n >= sizeof(title) - 1)
			assert_int_equal(epoch, NOW + 1);
		else
			assert_int_equal(epoch, NOW - 86400);
		assert_true(exists("epoch.bad"));
		assert_int_equal(start(NOW - 86400), epoch + 1);
	}
}

static void every_flipped_bit_of_the_epoch_file_is_noticed(void **state)
{
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(start(NOW), NOW);
	length = get("epoch", text, sizeof(text));
	for (size_t bit = 0; bit < length * 8; bit++) {
		uint32_t epoch;

		remove_all(directory);
		assert_int_equal(mkdir(directory, 0750), 0);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		put("epoch", text, length);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		epoch = start(NOW + 10);
		assert_in_range(epoch, NOW + 10, 0xf0000001u);
		assert_true(exists("epoch.bad"));
	}
}

/* The crash came after the damaged file was put aside and before the next epoch was written. */
static void a_crash_between_quarantine_and_the_new_epoch_keeps_it_rising(void **state)
{
	static const char text[] = "penstock epoch 1\n1790000500\ncheck 0000";

	(void)state;
	put("epoch.bad", text, sizeof(text) - 1);
	assert_int_equal(start(NOW), NOW + 501);
	assert_int_equal(start(NOW), NOW + 502);
}

static void quarantined_files_are_all_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		char text[64];

		put("epoch", text, (size_t)snprintf(text, sizeof(text), "damage %u", 1000 + i));
		(void)start(NOW);
	}
	assert_true(exists("epoch.bad"));
	assert_true(exists("epoch.bad.1"));
	assert_true(exists("epoch.bad.9"));
	assert_false(exists("epoch.bad.10"));
}

static void damage_cannot_use_the_epochs_up(void **state)
{
	static const char text[] = "99999999999999999999999999 4294967295 4026531841\n";

	(void)state;
	put("epoch", text, sizeof(text) - 1);
	assert_int_equal(start(NOW), NOW);
}

static void a_damaged_instance_is_put_aside_and_made_anew(void **state)
{
	struct state *s;

	(void)state;
	put("instance", "\0\0\0\0", 4);
	s = open_ok();
	assert_int_equal(strlen(state_uuid(s)), 36);
	assert_true(exists("instance.bad"));
	state_close(s);
}

static struct topic_table *table(unsigned count, ...)
{
	struct topic_table *topics = calloc(1, sizeof(*topics));
	va_list ap;

	assert_non_null(topics);
	va_start(ap, count);
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(topics->topics[i].name, sizeof(topics->topics[i].name), "%s", va_arg(ap, const char *));
		atomic_init(&topics->topics[i].partitions, va_arg(ap, int));
	}
	va_end(ap);
	topics->count = count;
	return topics;
}

static void partition_counts_survive_by_name(void **state)
{
	struct topic_table *before = table(4, "ev.a", 4, "ev.b", 0, "ev.c", 64, "ev.d", 1000000);
	struct topic_table *after = table(4, "ev.d", 0, "ev.new", 0, "ev.b", 3, "ev.a", 2);
	struct state *s = open_ok();

	(void)state;
	assert_int_equal(state_partitions_load(s, after), 0); /* nothing is kept yet */
	assert_int_equal(state_partitions_store(s, before, NULL), 0);
	state_close(s);
	s = open_ok();
	assert_int_equal(state_partitions_load(s, after), 2);
	assert_int_equal(after->topics[0].partitions, 1000000);
	assert_int_equal(after->topics[1].partitions, 0);
	assert_int_equal(after->topics[2].partitions, 3);
	assert_int_equal(after->topics[3].partitions, 4);
	state_close(s);
	free(before);
	free(after);
}

static void unchanged_counts_are_not_written_again(void **state)
{
	struct topic_table *topics = table(1, "ev.a", 4);
	struct state *s = open_ok();
	struct stat first, second;

	(void)state;
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	assert_int_equal(stat(path_of("partitions"), &first), 0);
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	assert_int_equal(stat(path_of("partitions"), &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	atomic_store(&topics->topics[0].partitions, 5);
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	atomic_store(&topics->topics[0].partitions, 0);
	assert_int_equal(state_partitions_load(s, topics), 1);
	assert_int_equal(topics->topics[0].partitions, 5);
	state_close(s);
	free(topics);
}

static void damaged_counts_are_put_aside_and_none_is_believed(void **state)
{
	struct topic_table *topics = table(1, "ev.a", 4);
	struct state *s = open_ok();
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	length = get("partitions", text, sizeof(text));
	atomic_store(&topics->topics[0].partitions, 0);
	for (size_t n = 0; n < length; n++) {
		put("partitions", text, n);
		assert_int_equal(state_partitions_load(s, topics), 0);
		assert_int_equal(topics->topics[0].partitions, 0);
		assert_false(exists("partitions"));
	}
	put("partitions", text, length);
	assert_int_equal(state_partitions_load(s, topics), 1);
	state_close(s);
	free(topics);
}

/* Right sum, wrong content: written by something else. */
static void lines_that_are_no_counts_are_refused_whole(void **state)
{
	static const char *const contents[] = {"ev.a 4\nev.b\n", "ev.a 4\nev.b 0\n", "ev.a 4\nev.b 1000001\n", "ev.a 4\n\n",
		"ev.a 4\nev.b -1\n", "ev.a 4\nev.b 99999999999999999999\n", "ev.a 4\nev.b 4 \n"};
	struct state *s = open_ok();
	int dir = open(directory, O_RDONLY | O_DIRECTORY);

	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		struct topic_table *topics = table(2, "ev.a", 0, "ev.b", 0);

		assert_int_equal(state_file_write(dir, "partitions", "penstock partitions 1", contents[i]), 0);
		assert_int_equal(state_partitions_load(s, topics), 0);
		assert_int_equal(topics->topics[0].partitions, 0);
		assert_false(exists("partitions"));
		free(topics);
	}
	close(dir);
	state_close(s);
}

static void hours_survive_and_damaged_ones_are_not_believed(void **state)
{
	static const char *const bad[] = {"500001\n", "500001 500002\n", "500001 -1\n", "99999999 5\n", "5 4 3\n"};
	struct state *s = open_ok();
	int64_t current = 7, oldest = 7;
	char text[256];
	size_t length;

	(void)state;
	state_hours_load(s, &current, &oldest);
	assert_int_equal(current, 0);
	assert_int_equal(oldest, 0);
	assert_int_equal(state_hours_store(s, 500001, 500000, NULL), 0);
	state_hours_load(s, &current, &oldest);
	assert_int_equal(current, 500001);
	assert_int_equal(oldest, 500000);
	length = get("hours", text, sizeof(text));
	for (size_t n = 0; n < length; n++) {
		put("hours", text, n);
		state_hours_load(s, &current, &oldest);
		assert_int_equal(current, 0);
		assert_int_equal(oldest, 0);
		assert_false(exists("hours"));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int dir = open(directory, O_RDONLY | O_DIRECTORY);

		assert_int_equal(state_file_write(dir, "hours", "penstock hours 1", bad[i]), 0);
		close(dir);
		state_hours_load(s, &current, &oldest);
		assert_int_equal(current, 0);
	}
	state_close(s);
}

static void a_file_without_end_is_damage(void **state)
{
	char *text = malloc(2 * STATE_FILE_MAX);

	(void)state;
	assert_non_null(text);
	memset(text, '1', 2 * STATE_FILE_MAX);
	put("epoch", text, 2 * STATE_FILE_MAX);
	assert_int_equal(start(NOW), NOW);
	assert_true(exists("epoch.bad"));
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_missing_directory_is_made),
		T(a_directory_that_cannot_be_made_is_named),
		T(the_instance_is_made_once),
		T(two_daemons_cannot_share_a_directory),
		T(a_killed_daemon_leaves_no_lock),
		T(the_epoch_follows_the_clock_and_always_rises),
		T(a_first_start_before_1970_has_an_epoch_too),
		T(epochs_that_are_used_up_are_an_error),
		T(a_crash_while_the_new_file_is_written_changes_nothing),
		T(a_crash_before_the_first_rename_leaves_a_usable_directory),
		T(a_cut_epoch_file_is_put_aside_and_the_epoch_never_falls),
		T(every_flipped_bit_of_the_epoch_file_is_noticed),
		T(a_crash_between_quarantine_and_the_new_epoch_keeps_it_rising),
		T(quarantined_files_are_all_kept),
		T(damage_cannot_use_the_epochs_up),
		T(a_damaged_instance_is_put_aside_and_made_anew),
		T(partition_counts_survive_by_name),
		T(unchanged_counts_are_not_written_again),
		T(damaged_counts_are_put_aside_and_none_is_believed),
		T(lines_that_are_no_counts_are_refused_whole),
		T(hours_survive_and_damaged_ones_are_not_believed),
		T(a_file_without_end_is_damage),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
