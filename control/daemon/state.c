/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/daemon/state_file.h"

#define UUID_LENGTH 36
/* A number out of a damaged file is believed up to here (the year 2097), so that damage cannot use the epochs up. */
#define SALVAGE_MAX    0xf0000000ul
#define PARTITIONS_MAX 1000000l
/* Seconds that starts in quick succession bring the epoch ahead of the clock before it is said to be wrong. */
#define RAPID_S        60

#define INSTANCE_TITLE   "penstock instance 1"
#define EPOCH_TITLE      "penstock epoch 1"
#define HOURS_TITLE      "penstock hours 1"
#define PARTITIONS_TITLE "penstock partitions 1"
#define HOURS_MAX        1200000 /* the year 2106 */

struct state {
	char *directory;
	int dir;
	int lock;
	int is_new; /* the instance was made at this start */
	char uuid[UUID_LENGTH + 1];
};

static int fail(const struct state *state, struct error *error, int rc, const char *tried)
{
	return error_set(error, rc, "state directory %s: cannot %s: %s; see that it exists, is writable%s and has room",
		state->directory, tried, strerror(-rc), rc == -EROFS ? " (under systemd: ReadWritePaths= in the unit)" : "");
}

/* Puts a damaged file aside and says so. */
static int put_aside(const struct state *state, struct error *error, const char *name, const char *consequence)
{
	char kept[64];
	int rc = state_file_quarantine(state->dir, name, kept, sizeof(kept));

	if (rc != 0)
		return fail(state, error, rc, "rename a damaged file");
	log_write(LOG_WARNING, "state directory %s: %s is damaged and kept as %s; %s", state->directory, name, kept,
		consequence);
	return 0;
}

static int open_directory(struct state *state, struct error *error)
{
	int rc = mkdir(state->directory, 0750) == 0 ? 0 : -errno;

	state->dir = open(state->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->dir < 0 && rc != 0 && rc != -EEXIST)
		return fail(state, error, rc, "make it");
	if (state->dir < 0)
		return fail(state, error, -errno, "open it");
	if (rc == 0) {
		int parent = openat(state->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (parent >= 0) {
			(void)fsync(parent);
			close(parent);
		}
	}
	return 0;
}

static int take_lock(struct state *state, struct error *error)
{
	char pid[32] = "";
	ssize_t n;

	state->lock = openat(state->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (state->lock < 0)
		return fail(state, error, -errno, "open its lock");
	if (flock(state->lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return fail(state, error, -errno, "lock it");
		n = pread(state->lock, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
		return error_set(error, -EBUSY, "state directory %s belongs to another penstockd that runs (process %s); stop "
						"that one, or give this one a `state` of its own", state->directory,
			pid[0] != '\0' ? pid : "unknown");
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(state->lock, 0) != 0 || pwrite(state->lock, pid, (size_t)n, 0) != n)
		return fail(state, error, errno != 0 ? -errno : -EIO, "write its lock");
	return 0;
}

int state_uuid_is_valid(const char *text)
{
	for (unsigned i = 0; i < UUID_LENGTH; i++) {
		int dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (text[i] == '\0' || (dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL))
			return 0;
	}
	return 1;
}

/* Source: RFC 9562, version 4 (random). */
static int make_uuid(char *out)
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return -errno;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (unsigned i = 0; i < sizeof(b); i++)
		out += sprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	return 0;
}

static int new_instance(struct state *state, struct error *error)
{
	char content[UUID_LENGTH + 2];
	int rc = make_uuid(state->uuid);

	if (rc == 0) {
		(void)snprintf(content, sizeof(content), "%s\n", state->uuid);
		rc = state_file_write(state->dir, "instance", INSTANCE_TITLE, content);
	}
	if (rc != 0)
		return fail(state, error, rc, "write its instance");
	state->is_new = 1;
	return 0;
}

static int read_instance(struct state *state, struct error *error)
{
	char *text;
	int rc = state_file_read(state->dir, "instance", INSTANCE_TITLE, &text);

	if (rc == 0 && (!state_uuid_is_valid(text) || strcmp(text + UUID_LENGTH, "\n") != 0))
		rc = -EBADMSG;
	if (rc == 0)
		memcpy(state->uuid, text, UUID_LENGTH);
	free(text);
	if (rc == 0)
		return 0;
	if (rc == -EBADMSG) {
		rc = put_aside(state, error, "instance", "this box gets a new instance");
		if (rc != 0)
			return rc;
	} else if (rc != -ENOENT) {
		return fail(state, error, rc, "read its instance");
	}
	return new_instance(state, error);
}

int state_open(struct state **state, const char *directory, struct error *error)
{
	struct state *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return error_set(error, -ENOMEM, "state directory %s: out of memory", directory);
	s->dir = s->lock = -1;
	s->directory = strdup(directory);
	rc = s->directory != NULL ? open_directory(s, error) : error_set(error, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = take_lock(s, error);
	if (rc == 0)
		rc = read_instance(s, error);
	if (rc != 0) {
		state_close(s);
		return rc;
	}
	*state = s;
	return 0;
}

void state_close(struct state *state)
{
	if (state == NULL)
		return;
	if (state->lock >= 0)
		close(state->lock);
	if (state->dir >= 0)
		close(state->dir);
	free(state->directory);
	free(state);
}

const char *state_uuid(const struct state *state)
{
	return state->uuid;
}

int state_directory(const struct state *state)
{
	return state->dir;
}

static int parse_epoch(const char *text, unsigned long *epoch)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 10 || strcmp(text + digits, "\n") != 0)
		return -EBADMSG;
	*epoch = strtoul(text, NULL, 10);
	return *epoch == 0 || *epoch > UINT32_MAX ? -EBADMSG : 0;
}

/* The highest epoch that may have been begun here; 0: none. */
static int last_epoch(struct state *state, unsigned long *last, struct error *error)
{
	char *text;
	int rc = state_file_read(state->dir, "epoch", EPOCH_TITLE, &text);

	if (rc == 0)
		rc = parse_epoch(text, last);
	free(text);
	if (rc == 0)
		return 0;
	if (rc != -EBADMSG && rc != -ENOENT)
		return fail(state, error, rc, "read its epoch");
	*last = state_file_salvage(state->dir, "epoch", SALVAGE_MAX);
	if (rc == -EBADMSG)
		return put_aside(state, error, "epoch",
			*last != 0 ? "what it still tells and the clock give the next one" : "the clock gives the next one");
	if (!state->is_new)
		log_write(LOG_WARNING, "state directory %s: epoch is missing; %s", state->directory,
			*last != 0 ? "leftovers and the clock give the next one" : "the clock gives the next one");
	return 0;
}

int state_epoch_begin(struct state *state, int64_t utc_seconds, uint32_t *epoch, struct error *error)
{
	unsigned long last = 0, next;
	char content[32];
	int rc = last_epoch(state, &last, error);

	if (rc != 0)
		return rc;
	next = last + 1;
	if (utc_seconds > 0 && (uint64_t)utc_seconds > next)
		next = (unsigned long)utc_seconds;
	else if (last != 0 && utc_seconds + RAPID_S < (int64_t)last)
		log_write(LOG_WARNING, "the clock is %lld s behind the last start here: the epoch rises by one all the same",
			(long long)last - (long long)utc_seconds);
	if (next > UINT32_MAX)
		return error_set(error, -EOVERFLOW, "state directory %s: no epoch is left after %lu; set the clock right, and give "
						    "this box another `node` and a new `state`", state->directory, last);
	(void)snprintf(content, sizeof(content), "%lu\n", next);
	rc = state_file_write(state->dir, "epoch", EPOCH_TITLE, content);
	if (rc != 0)
		return fail(state, error, rc, "write its epoch");
	*epoch = (uint32_t)next;
	return 0;
}

/* Daemons before kept two of the numbers. */
static int parse_hours(const char *text, struct state_hours *hours)
{
	long long current, oldest, complete;
	int two = 0, three = 0;

	if (sscanf(text, "%8lld %8lld%n %8lld%n", &current, &oldest, &two, &complete, &three) == 2)
		complete = oldest;
	if (two == 0 || strcmp(text + (three != 0 ? three : two), "\n") != 0)
		return -EBADMSG;
	if (complete < 0 || complete > oldest || oldest > current || current > HOURS_MAX)
		return -EBADMSG;
	*hours = (struct state_hours){current, oldest, complete};
	return 0;
}

void state_hours_load(struct state *state, struct state_hours *hours)
{
	struct error error = {""};
	char *text;
	int rc = state_file_read(state->dir, "hours", HOURS_TITLE, &text);

	*hours = (struct state_hours){0};
	if (rc == 0)
		rc = parse_hours(text, hours);
	if (rc == -EBADMSG && put_aside(state, &error, "hours", "the clock gives the hours") != 0)
		log_write(LOG_WARNING, "%s", error.text);
	else if (rc != 0 && rc != -EBADMSG && rc != -ENOENT)
		log_write(LOG_WARNING, "state directory %s: cannot read its hours: %s; the clock gives them", state->directory,
			strerror(-rc));
	free(text);
}

int state_hours_store(struct state *state, const struct state_hours *hours, struct error *error)
{
	char content[80];
	int rc;

	(void)snprintf(content, sizeof(content), "%lld %lld %lld\n", (long long)hours->current, (long long)hours->oldest,
		(long long)hours->complete);
	rc = state_file_write(state->dir, "hours", HOURS_TITLE, content);
	return rc == 0 ? 0 : fail(state, error, rc, "write its hours");
}

static struct topic *find_topic(struct topic_table *topics, const char *name, size_t length)
{
	for (unsigned i = 0; i < topics->count; i++)
		if (strlen(topics->topics[i].name) == length && memcmp(topics->topics[i].name, name, length) == 0)
			return &topics->topics[i];
	return NULL;
}

/* One line "topic count\n"; NULL: it is none. */
static const char *parse_line(const char *line, size_t *name_length, long *count)
{
	char *end;

	*name_length = strcspn(line, " \n");
	if (*name_length == 0 || *name_length > TOPIC_NAME_MAX || line[*name_length] != ' ')
		return NULL;
	line += *name_length + 1;
	if (*line < '0' || *line > '9')
		return NULL;
	errno = 0;
	*count = strtol(line, &end, 10);
	if (errno != 0 || *count < 1 || *count > PARTITIONS_MAX || *end != '\n')
		return NULL;
	return end + 1;
}

/* Counts lines, and gives the counts to `topics` when it is not NULL. -1: one line is none. */
static int each_line(const char *text, struct topic_table *topics)
{
	int found = 0;

	while (*text != '\0') {
		const char *line = text;
		size_t length;
		long count;
		struct topic *topic;

		text = parse_line(line, &length, &count);
		if (text == NULL)
			return -1;
		topic = topics != NULL ? find_topic(topics, line, length) : NULL;
		if (topic != NULL)
			atomic_store(&topic->partitions, (int)count);
		found += topic != NULL;
	}
	return found;
}

unsigned state_partitions_load(struct state *state, struct topic_table *topics)
{
	struct error error = {""};
	char *text;
	int rc = state_file_read(state->dir, "partitions", PARTITIONS_TITLE, &text), found = 0;

	if (rc == 0 && each_line(text, NULL) < 0)
		rc = -EBADMSG;
	if (rc == 0) {
		found = each_line(text, topics);
	} else if (rc == -EBADMSG) {
		if (put_aside(state, &error, "partitions", "counts come from Kafka again") != 0)
			log_write(LOG_WARNING, "%s", error.text);
	} else if (rc != -ENOENT) {
		log_write(LOG_WARNING, "state directory %s: cannot read its partitions: %s; counts come from Kafka again",
			state->directory, strerror(-rc));
	}
	free(text);
	return (unsigned)found;
}

int state_partitions_store(struct state *state, const struct topic_table *topics, struct error *error)
{
	unsigned topic_count = atomic_load(&topics->count);
	size_t size = (size_t)topic_count * (TOPIC_NAME_MAX + 16) + 1, n = 0;
	char *content = malloc(size), *old;
	int rc;

	if (content == NULL)
		return fail(state, error, -ENOMEM, "write its partitions");
	content[0] = '\0';
	for (unsigned i = 0; i < topic_count; i++) {
		int count = atomic_load(&topics->topics[i].partitions);

		if (count > 0 && count <= PARTITIONS_MAX)
			n += (size_t)snprintf(content + n, size - n, "%s %d\n", topics->topics[i].name, count);
	}
	rc = state_file_read(state->dir, "partitions", PARTITIONS_TITLE, &old);
	if (rc != 0 || strcmp(old, content) != 0)
		rc = state_file_write(state->dir, "partitions", PARTITIONS_TITLE, content);
	free(old);
	free(content);
	return rc == 0 ? 0 : fail(state, error, rc, "write its partitions");
}
