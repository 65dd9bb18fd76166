/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/internal.h"
#include "spool/names.h"
#include "spool/text.h"

/*
 * Which class a log of a lane belongs to: the number in its name stands for a name, which the file `classes` keeps
 * (docs/spool-format.md). So a configuration may have classes in another order, or others. A spool of before that file has the
 * numbers by the order of its classes.
 */

#define NAME   "classes"
#define BESIDE NAME ".new"
#define TITLE  "penstock classes 1\n"

static int number_of(const struct spool *spool, const char *name)
{
	for (unsigned i = 0; i < SPOOL_CLASS_NUMBERS; i++)
		if (strcmp(spool->class_names[i], name) == 0)
			return (int)i;
	return -1;
}

/* --- the file --- */

static int take_line(struct spool *spool, const char *line)
{
	char name[SPOOL_CLASS_MAX + 1];
	unsigned number;
	int length = 0;

	if (sscanf(line, "%3u %31[a-z0-9_-]%n", &number, name, &length) != 2 || line[length] != '\n' ||
		number >= SPOOL_CLASS_NUMBERS || number_of(spool, name) >= 0)
		return -EBADMSG;
	memcpy(spool->class_names[number], name, sizeof(name));
	return length + 1;
}

/* Returns whether it was there, and told the numbers. */
static int read_names(struct spool *spool, struct spool_disk *disk)
{
	char *text = text_read(disk, NAME, TITLE);
	size_t at = strlen(TITLE);
	int rc = text != NULL && text[0] != '\0' ? 0 : -EBADMSG;

	while (rc >= 0 && text[at] != '\0') {
		rc = take_line(spool, text + at);
		at += rc > 0 ? (size_t)rc : 0;
	}
	if (text != NULL && rc < 0)
		log_write(LOG_WARNING,
			"spool %s: " NAME " is damaged, or cannot be read: logs are taken for those of the classes in the configuration, by "
			"their order",
			spool->directory);
	free(text);
	return rc >= 0;
}

static char *print(const struct spool *spool, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (out == NULL)
		return NULL;
	(void)fputs(TITLE, out);
	for (unsigned i = 0; i < SPOOL_CLASS_NUMBERS; i++)
		if (spool->class_names[i][0] != '\0')
			(void)fprintf(out, "%u %s\n", i, spool->class_names[i]);
	return text_end(out, &text, length);
}

static void write_names(const struct spool *spool, struct spool_disk *disk)
{
	size_t length = 0;
	char *text = print(spool, &length);
	int rc = text != NULL ? text_write(disk, BESIDE, text, length) : -ENOMEM;

	free(text);
	if (rc == 0)
		rc = disk->ops->rename(disk, BESIDE, NAME);
	if (rc == 0)
		rc = disk->ops->sync_names(disk);
	if (rc != 0)
		log_write(LOG_WARNING,
			"spool %s: " NAME " cannot be written: %s; until a start has written it, what is left on disk of a new class counts "
			"for another one after the next",
			spool->directory, strerror(-rc));
}

/* --- the numbers --- */

static int take_number(struct spool *spool, const char *name, const uint8_t *is_used, struct error *error)
{
	for (unsigned i = 0; i < SPOOL_CLASS_NUMBERS; i++) {
		if (is_used[i] || classes_of(spool, i) >= 0)
			continue;
		memcpy(spool->class_names[i], name, strlen(name) + 1);
		return 0;
	}
	return error_set(error, -ENOSPC,
		"spool %s: no number for class %s: the logs of %u classes that are gone wait there; start with former names of classes, and "
		"again with the new ones when Kafka has what waits", spool->directory, name, SPOOL_CLASS_NUMBERS);
}

/* Numbers that have a log, whoever's it is: no other class gets them. */
static int look_for_logs(const struct spool *spool, uint8_t *is_used, struct error *error)
{
	DIR *directory = opendir(spool->directory);
	const struct dirent *entry;
	unsigned lane, number;

	if (directory == NULL)
		return error_set(error, -errno, "spool directory %s: %s", spool->directory, strerror(errno));
	while ((entry = readdir(directory)) != NULL)
		if (spool_lane_of(entry->d_name, &lane, &number) && number < SPOOL_CLASS_NUMBERS)
			is_used[number] = 1;
	closedir(directory);
	return 0;
}

/* Returns how many are new, or -errno. */
static int give_numbers(struct spool *spool, struct error *error)
{
	uint8_t is_used[SPOOL_CLASS_NUMBERS] = {0};
	int rc = look_for_logs(spool, is_used, error), added = 0;

	for (unsigned class = 0; rc == 0 && class < spool->config.class_count; class++) {
		const char *name = spool->config.classes[class].name;

		if (number_of(spool, name) >= 0)
			continue;
		rc = take_number(spool, name, is_used, error);
		added++;
	}
	return rc == 0 ? added : rc;
}

int classes_open(struct spool *spool, struct error *error)
{
	struct spool_disk *disk;
	int rc = spool_disk_posix_new(&disk, spool->directory, error);

	if (rc != 0)
		return rc;
	if (read_names(spool, disk)) {
		rc = give_numbers(spool, error);
	} else {
		memset(spool->class_names, 0, sizeof(spool->class_names));
		for (unsigned class = 0; class < spool->config.class_count; class++)
			memcpy(spool->class_names[class], spool->config.classes[class].name, sizeof(spool->class_names[class]));
		rc = 1;
	}
	if (rc > 0)
		write_names(spool, disk);
	spool_disk_posix_free(disk);
	return rc < 0 ? rc : 0;
}

unsigned classes_number(const struct spool *spool, unsigned class)
{
	return (unsigned)number_of(spool, spool->config.classes[class].name);
}

int classes_of(const struct spool *spool, unsigned number)
{
	for (unsigned class = 0; number < SPOOL_CLASS_NUMBERS && class < spool->config.class_count; class++)
		if (strcmp(spool->class_names[number], spool->config.classes[class].name) == 0)
			return (int)class;
	return -1;
}

unsigned classes_left_over(const struct spool *spool, unsigned number)
{
	int class = classes_of(spool, number);

	if (class >= 0)
		return (unsigned)class;
	if (number < SPOOL_CLASS_NUMBERS && strcmp(spool->class_names[number], SPOOL_CLASS_ALL) == 0)
		return 0;
	return spool->config.class_count - 1;
}
