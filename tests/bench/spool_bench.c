/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's log beside the plainest thing that does the same: groups of 1 MiB, appended as batches and synced,
 * against the same bytes written to a file one after the other with an fdatasync behind each MiB. In turns, on the same
 * disk; prints both rates, their ratio by the whole time of all rounds, and the CPU time a MiB.
 *
 * Usage: bench-spool [DIRECTORY [ROUNDS [MIB [BATCH_BYTES]]]]     (default: . 10 64 262000)
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu.h"
#include "spool/log.h"

#define MIB (1u << 20)

struct side {
	uint64_t wall, cpu;
};

struct bench {
	const char *directory;
	unsigned rounds, mib;
	uint32_t batch;
	uint8_t *payload;
};

static void begin(struct side *side)
{
	side->wall -= cpu_wall_ns();
	side->cpu -= cpu_thread_ns();
}

static void end(struct side *side)
{
	side->wall += cpu_wall_ns();
	side->cpu += cpu_thread_ns();
}

/* Bytes of the group's next batch. */
static uint32_t next_bytes(const struct bench *bench, uint32_t done)
{
	return MIB - done < bench->batch ? MIB - done : bench->batch;
}

static void write_plain(const struct bench *bench, struct side *side)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/plain", bench->directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		err(1, "%s", path);
	begin(side);
	for (unsigned i = 0; i < bench->mib; i++) {
		for (uint32_t done = 0, n; done < MIB; done += n) {
			n = next_bytes(bench, done);
			if (write(fd, bench->payload + done, n) != (ssize_t)n)
				err(1, "%s", path);
		}
		if (fdatasync(fd) != 0)
			err(1, "%s", path);
	}
	end(side);
	(void)close(fd);
	(void)unlink(path);
}

static void append_group(const struct bench *bench, struct spool_log *spool)
{
	for (uint32_t done = 0, n; done < MIB; done += n) {
		struct spool_entry entry = {.topic = "requests", .records = 1000, .events = 1000, .pack = 1};
		struct slice piece;

		n = next_bytes(bench, done);
		entry.bytes = n;
		piece = (struct slice){bench->payload + done, n};
		if (spool_log_append(spool, &entry, &piece, 1) != 0)
			errx(1, "cannot append");
		spool_log_mark(spool, entry.position, SPOOL_SETTLED);
	}
	if (spool_log_sync(spool) != 0)
		errx(1, "cannot sync");
}

static void write_spool(const struct bench *bench, struct side *side)
{
	struct spool_log_config config = {.segment_bytes = 64 * MIB, .name = "bench"};
	struct spool_log *spool;
	struct error error;
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/spool", bench->directory);
	if (spool_disk_posix_new(&config.disk, path, &error) != 0 || spool_log_open(&spool, &config, &error) != 0)
		errx(1, "%s", error.text);
	begin(side);
	for (unsigned i = 0; i < bench->mib; i++)
		append_group(bench, spool);
	end(side);
	spool_log_close(spool); /* nothing is left of it */
	spool_disk_posix_free(config.disk);
}

static void show(const char *what, const struct bench *bench, const struct side *side)
{
	double mib = (double)bench->rounds * bench->mib;

	printf("%-6s %8.1f MiB/s  %7.1f us of CPU a MiB\n", what, mib * 1e9 / (double)side->wall,
		(double)side->cpu / mib / 1e3);
}

int main(int argc, char **argv)
{
	struct bench bench = {.directory = argc > 1 ? argv[1] : ".",
		.rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 10,
		.mib = argc > 3 ? (unsigned)atoi(argv[3]) : 64,
		.batch = argc > 4 ? (uint32_t)atoi(argv[4]) : 262000,
		.payload = malloc(MIB)};
	struct side plain = {0, 0}, spool = {0, 0};

	if (bench.payload == NULL || bench.rounds == 0 || bench.mib == 0 || bench.batch == 0)
		errx(1, "usage: bench-spool [DIRECTORY [ROUNDS [MIB [BATCH_BYTES]]]]");
	for (uint32_t i = 0; i < MIB; i++)
		bench.payload[i] = (uint8_t)(i * 2654435761u >> 24);
	for (unsigned round = 0; round < bench.rounds; round++) {
		write_plain(&bench, &plain);
		write_spool(&bench, &spool);
	}
	show("plain", &bench, &plain);
	show("spool", &bench, &spool);
	printf("ratio  %8.2f\n", (double)plain.wall / (double)spool.wall);
	free(bench.payload);
	return 0;
}
