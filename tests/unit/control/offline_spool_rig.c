/* SPDX-License-Identifier: Apache-2.0 */
#include "offline_spool_rig.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "batch/record.h"
#include "spool/format.h"

#define WORDS 8

static char directory[64];
static struct spool_disk *disk;
static struct spool_log *spool;
static uint8_t payload[SPOOL_PAYLOAD_MAX];

static const char *path_of(const char *log, const char *file)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s/%s", directory, log, file);
	return path;
}

const char *rig_begin(void)
{
	(void)snprintf(directory, sizeof(directory), "%s/penstock-spool-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	return directory;
}

void rig_end(void)
{
	char command[128];

	rig_close();
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

struct spool_log *rig_log(const char *name)
{
	struct spool_log_config config = {.segment_bytes = SPOOL_SEGMENT_MIN, .name = name};
	struct error error;

	rig_close();
	assert_int_equal(spool_disk_posix_new(&disk, path_of(name, ""), &error), 0);
	config.disk = disk;
	assert_int_equal(spool_log_open(&spool, &config, &error), 0);
	return spool;
}

void rig_close(void)
{
	spool_log_close(spool);
	spool_disk_posix_free(disk);
	spool = NULL;
	disk = NULL;
}

/* As far as the disk can tell: the copy is what there was before the log was closed. */
void rig_kill(void)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "cp -a %s %s.kept", directory, directory);
	assert_int_equal(system(command), 0);
	rig_close();
	(void)snprintf(command, sizeof(command), "rm -rf %s && mv %s.kept %s", directory, directory, directory);
	assert_int_equal(system(command), 0);
}

void rig_append_payload(const char *topic, const void *data, uint32_t size, uint32_t records, int64_t base_ms)
{
	struct spool_entry entry = {.partition = 2,
		.lane = 0,
		.records = records,
		.events = records,
		.pack = 1,
		.bytes = size,
		.first_seq = 1,
		.hour = RIG_HOUR,
		.opened_us = RIG_OPENED_US,
		.base_ms = base_ms};
	struct slice piece = {data, size};

	(void)snprintf(entry.topic, sizeof(entry.topic), "%s", topic);
	assert_int_equal(spool_log_append(spool, &entry, &piece, 1), 0);
	assert_int_equal(spool_log_sync(spool), 0);
}

void rig_append(unsigned count, uint32_t bytes)
{
	struct spool_log_info info;
	char value[64];

	spool_log_info(spool, &info);
	for (unsigned i = 0; i < count; i++) {
		uint64_t number = info.end + i;
		uint8_t *at = payload;

		for (uint32_t k = 0; k <= number; k++) {
			int len = snprintf(value, sizeof(value), "{\"n\":%u,\"of\":%u}", k, (unsigned)number);

			at = record_open_any(at, k, (struct slice){NULL, 0}, bytes, 0);
			memset(at, ' ', bytes);
			memcpy(at, value, (size_t)len);
			at += bytes;
			*at++ = 0;
		}
		rig_append_payload("ev.click", payload, (uint32_t)(at - payload), (uint32_t)number + 1, 0);
	}
}

void rig_settle(uint64_t below)
{
	struct spool_log_info info;

	spool_log_info(spool, &info);
	for (uint64_t position = info.frontier; position < below; position++)
		spool_log_mark(spool, position, SPOOL_SETTLED);
	assert_int_equal(spool_log_commit(spool), 0);
}

uint8_t *rig_read(const char *log, const char *file, size_t *size)
{
	FILE *stream = fopen(path_of(log, file), "rb");
	struct stat st;
	uint8_t *data;

	if (stream == NULL || fstat(fileno(stream), &st) != 0)
		err(1, "%s", path_of(log, file));
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	if (data == NULL || fread(data, 1, *size, stream) != *size)
		err(1, "%s", path_of(log, file));
	(void)fclose(stream);
	return data;
}

void rig_write(const char *log, const char *file, const void *data, size_t size)
{
	FILE *stream = fopen(path_of(log, file), "wb");

	if (stream == NULL || fwrite(data, 1, size, stream) != size || fclose(stream) != 0)
		err(1, "%s", path_of(log, file));
}

int rig_has(const char *log, const char *file)
{
	return access(path_of(log, file), F_OK) == 0;
}

void rig_remove(const char *log, const char *file)
{
	assert_int_equal(remove(path_of(log, file)), 0);
}

unsigned rig_segments(const char *log, uint64_t *firsts, unsigned room)
{
	struct dirent **entries;
	int count = scandir(path_of(log, ""), &entries, NULL, alphasort);
	unsigned found = 0;

	for (int i = 0; i < count; i++) {
		uint64_t first;

		if (spool_segment_first(entries[i]->d_name, &first) && found < room)
			firsts[found++] = first;
		free(entries[i]);
	}
	free(entries);
	return found;
}

unsigned rig_entries(const char *log, uint64_t first, uint64_t *at, unsigned room)
{
	char name[SPOOL_NAME_MAX];
	uint64_t here = sizeof(struct spool_segment_header);
	struct spool_found found;
	unsigned count = 0;
	uint8_t *data;
	size_t size;

	spool_segment_name(name, first);
	data = rig_read(log, name, &size);
	while (here < size && count < room) {
		if (spool_entry_decode(&found, data + here, size - here, here, 0)) {
			at[count++] = here;
			here = found.next;
		} else {
			here += SPOOL_ALIGN;
		}
	}
	free(data);
	return count;
}

void rig_flip(const char *log, const char *file, size_t at)
{
	size_t size;
	uint8_t *data = rig_read(log, file, &size);

	assert_true(at < size);
	data[at] ^= 0xff;
	rig_write(log, file, data, size);
	free(data);
}

static uint32_t sum_file(uint32_t sum, const char *log, const char *file)
{
	size_t size;
	uint8_t *data = rig_read(log, file, &size);

	sum = crc32c(crc32c(sum, file, strlen(file)), data, size);
	free(data);
	return sum;
}

static uint32_t sum_folder(uint32_t sum, const char *name)
{
	struct dirent **entries;
	int count = scandir(path_of(name, ""), &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (entries[i]->d_type == DT_REG)
			sum = sum_file(sum, name, entries[i]->d_name);
		else if (entries[i]->d_name[0] != '.' && name[0] == '.')
			sum = sum_folder(sum, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return sum;
}

uint64_t rig_sum(void)
{
	return sum_folder(0, ".");
}

static void read_back(struct rig_output *output, const struct offline *offline)
{
	if (offline->json && output->out[0] != '\0') {
		output->json = json_loads(output->out, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(output->json);
	}
}

struct rig_output rig_run(offline_run *run, const struct offline *options, ...)
{
	struct offline offline = options != NULL ? *options : (struct offline){0};
	struct rig_output output = {0};
	char *words[WORDS] = {directory};
	size_t out_size, err_size;
	va_list ap;

	offline.count = 1;
	va_start(ap, options);
	while (offline.count < WORDS && (words[offline.count] = va_arg(ap, char *)) != NULL)
		offline.count++;
	va_end(ap);
	if (options != NULL && options->words != NULL)
		words[0] = options->words[0];
	offline.words = words;
	offline.out = open_memstream(&output.out, &out_size);
	offline.err = open_memstream(&output.err, &err_size);
	output.code = run(&offline);
	(void)fclose(offline.out);
	(void)fclose(offline.err);
	read_back(&output, &offline);
	return output;
}

struct rig_output rig_look(offline_run *run, const struct offline *options)
{
	uint64_t sum = rig_sum();
	struct rig_output output = rig_run(run, options, NULL);

	assert_int_equal(rig_sum(), sum);
	return output;
}

void rig_output_free(struct rig_output *output)
{
	free(output->out);
	free(output->err);
	json_decref(output->json);
	*output = (struct rig_output){0};
}

struct rig_read_out rig_read_out(const char *log)
{
	struct spool_log_config config = {.segment_bytes = SPOOL_SEGMENT_MIN, .name = log};
	struct rig_read_out result = {0};
	struct spool_entry entry;
	struct spool_log_info info;
	struct error error;

	assert_int_equal(spool_disk_posix_new(&disk, path_of(log, ""), &error), 0);
	config.disk = disk;
	result.rc = spool_log_open(&spool, &config, &error);
	if (result.rc == 0) {
		while (spool_log_read(spool, 0, &entry, payload, sizeof(payload)) == 1) {
			result.entries++;
			result.events += entry.events;
		}
		spool_log_info(spool, &info);
		result.damaged = info.damaged;
		result.recovered = info.recovered;
		result.end = info.end;
	}
	rig_close();
	return result;
}
