/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/reached_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/daemon/state_file.h"

#define TITLE "penstock reached 1"

static const char *name_of(uint32_t epoch, char name[32])
{
	(void)snprintf(name, 32, "reached.%u", epoch);
	return name;
}

void reached_epoch_fini(struct reached_epoch *epoch)
{
	reached_fini(&epoch->set);
}

int reached_file_store(int dir, const struct reached_epoch *epoch)
{
	char *text = NULL, name[32];
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int rc;

	if (out == NULL)
		return -ENOMEM;
	(void)fprintf(out,
		"node %s\ninstance %s\nboot %s\nmode %s\nstate %s\nexact %d\nbound %llu\nlanes %u\nproducers %u\nspool %s\n",
		epoch->node, epoch->instance, epoch->boot, epoch->mode, epoch->ended ? "ended" : "running", epoch->exact,
		(unsigned long long)epoch->bound, epoch->lanes, epoch->producers, epoch->spool);
	reached_print(&epoch->set, out);
	rc = fclose(out) != 0 ? -ENOMEM : state_file_write(dir, name_of(epoch->epoch, name), TITLE, text);
	free(text);
	return rc;
}

/* Copies what stands behind the spool's word; returns where the topics begin, or NULL. */
static const char *parse_spool(const char *line, char spool[REACHED_PATH])
{
	const char *end = strchr(line, '\n');

	if (end == NULL || (size_t)(end - line) >= REACHED_PATH)
		return NULL;
	memcpy(spool, line, (size_t)(end - line));
	spool[end - line] = '\0';
	return end + 1;
}

static const char *parse_head(const char *text, struct reached_epoch *epoch)
{
	unsigned long long bound;
	char state[8];
	int end = 0;

	if (sscanf(text,
		    "node %63s instance %39s boot %39s mode %7s state %7s exact %1d bound %19llu lanes %4u producers %4u spool%n",
		    epoch->node, epoch->instance, epoch->boot, epoch->mode, state, &epoch->exact, &bound, &epoch->lanes,
		    &epoch->producers, &end) != 9 ||
		end == 0 || text[end] != ' ' || epoch->lanes > REACHED_LANES)
		return NULL;
	epoch->ended = strcmp(state, "ended") == 0;
	epoch->bound = bound;
	return parse_spool(text + end + 1, epoch->spool);
}

static int parse(const char *text, struct reached_epoch *epoch)
{
	const char *line = parse_head(text, epoch);
	int rc = line != NULL ? 0 : -EBADMSG;

	while (rc == 0 && *line != '\0') {
		const char *end = strchr(line, '\n');

		rc = end != NULL ? reached_parse(&epoch->set, line, (size_t)(end - line)) : -EBADMSG;
		line = end != NULL ? end + 1 : line;
	}
	return rc;
}

int reached_file_load(int dir, struct reached_epoch *epoch)
{
	char name[32], *text;
	int rc = state_file_read(dir, name_of(epoch->epoch, name), TITLE, &text);

	if (rc == 0)
		rc = parse(text, epoch);
	free(text);
	return rc;
}

void reached_file_remove(int dir, uint32_t epoch)
{
	char name[32];

	if (unlinkat(dir, name_of(epoch, name), 0) == 0)
		(void)fsync(dir);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Puts one more into the list, for the lowest of it when it is full. */
static unsigned keep(uint32_t *epochs, unsigned count, unsigned max, uint32_t epoch)
{
	if (count < max) {
		epochs[count] = epoch;
		return count + 1;
	}
	qsort(epochs, count, sizeof(*epochs), compare);
	if (epoch > epochs[0])
		epochs[0] = epoch;
	return count;
}

unsigned reached_file_list(int dir, uint32_t *epochs, unsigned max)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	unsigned count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		unsigned epoch;
		int end = 0;

		if (sscanf(entry->d_name, "reached.%10u%n", &epoch, &end) == 1 && entry->d_name[end] == '\0')
			count = keep(epochs, count, max, epoch);
	}
	if (directory != NULL)
		(void)closedir(directory);
	else if (copy >= 0)
		(void)close(copy);
	qsort(epochs, count, sizeof(*epochs), compare);
	return count;
}
