/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The configuration file: strict YAML, read whole or refused with one line "file:line:column: what is wrong, what was
 * expected". Reading needs neither root nor Kafka nor the devices it names. Everything has a default but `node`, `ports`,
 * `types` and `kafka.bootstrap.servers`. configs/penstockd.yaml.sample shows every key.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "batch/topic.h"
#include "nic/source.h"
#include "spool/spool.h"
#include "tables/geo.h"
#include "tables/input.h"
#include "tables/quotas.h"
#include "tables/types.h"

#define CONFIG_PORTS      16
#define CONFIG_WORKERS    64
#define CONFIG_PROPERTIES 128
#define CONFIG_CPUS       64 /* CPUs in one list */
#define CONFIG_INPUTS     64

enum config_idle { IDLE_SPIN, IDLE_PAUSE, IDLE_SLEEP };

struct config_port {
	struct source_config source; /* strings point into struct config; queues = worker_count */
	enum config_idle idle;
	unsigned worker_count;
	int worker_cpus[CONFIG_WORKERS]; /* -1: not pinned */
};

struct config_property {
	const char *name;
	const char *value; /* "" until config_secrets_read, when it comes from: */
	const char *file;  /* NULL: it stands in the configuration */
};

enum config_spool { CONFIG_SPOOL_OFF, CONFIG_SPOOL_DIRECT, CONFIG_SPOOL_WAL };
enum config_forbidden { CONFIG_FORBIDDEN_WAIT, CONFIG_FORBIDDEN_BURY };

struct config {
	const char *path;     /* of the file, for messages */
	const char *text;     /* the file, as it was read; ends with NUL */
	char node[17];        /* 1 to 16 of [a-z0-9_], the first part of every identity */
	const char *state_directory;
	const char *control_socket;
	unsigned control_mode; /* permission bits of the socket */
	int control_cpus[CONFIG_CPUS]; /* of control threads; count 0: anywhere */
	unsigned control_cpu_count;
	int producer_cpus[CONFIG_CPUS]; /* of producer threads and the client's own; split by NUMA node; count 0: anywhere */
	unsigned producer_cpu_count;

	unsigned port_count;
	struct config_port ports[CONFIG_PORTS];
	unsigned input_count;
	struct input inputs[CONFIG_INPUTS];

	struct quotas quotas; /* not sealed */

	struct event_types *types;
	struct topic_table *topics;

	unsigned watch_ms; /* between two looks at the files; 0: never */
	const char *geo_files[GEO_LAYERS]; /* by precedence */
	unsigned geo_file_count;           /* 0: no geo table */
	unsigned geo_fields;               /* enum geo_field, or-ed */
	uint64_t geo_budget;
	const char *category_file;    /* NULL: no category table */
	const char *category_changes; /* NULL: none */
	uint64_t category_budget;

	unsigned property_count; /* passed through to the Kafka client, first `bootstrap.servers` */
	struct config_property properties[CONFIG_PROPERTIES];
	unsigned handles;          /* client handles per producer thread, 1..8 */
	unsigned create_partitions; /* what `topics create` asks for */
	unsigned create_replicas;

	uint64_t pool_bytes;   /* batch memory per worker */
	uint32_t batch_bytes;  /* of one batch, a multiple of BATCH_ALIGN */
	unsigned credit_percent; /* of a worker's pool that one topic may hold */
	unsigned batch_age_min_us, batch_age_max_us; /* an open batch is handed over at this age; follows the rate */
	enum config_spool spool_mode;
	const char *spool_directory; /* NULL: `spool` in the state directory */
	uint64_t spool_bytes;        /* of all its files */
	unsigned spool_keep_free;    /* percent of the file system */
	uint64_t spool_segment;      /* of one */
	uint64_t spool_group;        /* bytes made durable at once */
	unsigned spool_group_us;
	enum config_forbidden spool_forbidden; /* records of topics that the box's user may not write to */
	uint64_t spool_replay;       /* memory per producer for what is read back */
	uint64_t spool_replay_rate;  /* bytes a second that are read back; 0: no limit */
	unsigned class_count; /* 1 to TOPIC_CLASSES; topics name theirs */
	struct spool_class classes[TOPIC_CLASSES];
	unsigned drain_seconds; /* at stop */
	unsigned sources;      /* numbered sources tracked, power of two */
	unsigned senders;      /* whose quotas are kept, power of two */
	unsigned huge_pages;   /* 1: EAL takes hugepages, 0: it does without */
	unsigned eal_memory_mb; /* without hugepages: what EAL maps */
};

/* Reads and checks the file. 0, or -errno with the line in `error` (-EINVAL: the content; else the file).
 * Main thread. Free with config_free. */
int config_read(struct config **config, const char *path, struct error *error);

/* The same from memory; `name` stands for the file in messages. */
int config_read_text(struct config **config, const char *name, const char *text, size_t length, struct error *error);

/* Reads the values of properties that are in files of their own, which not everybody may read who may read the configuration.
 * 0, -EINVAL or -ENOMEM with the line in `error`; no value is in it. Main thread, before the properties are used. */
int config_secrets_read(struct config *config, struct error *error);

/* Puts the place that names a table's file, the value of `key` in `section`, before the sentence that says what is wrong with the
 * file, and returns `rc`. Any thread. */
int config_tables_fail(const struct config *config, const char *section, const char *key, int rc, struct error *error);

/* Writes stars over the values of the client's properties that may be secret, and over what looks like one in comments. `text` is
 * a copy of config->text. Any thread. */
void config_redact(const struct config *config, char *text);

/* Whether both say the same in a top-level section, or nothing. Any thread. */
int config_says_same(const struct config *one, const struct config *other, const char *section);

/*
 * Whether `now` says other things than `before` where a running daemon cannot follow: all but types, topics, quotas and tables.
 * `text` gets a sentence that names those sections, or "".
 */
int config_needs_restart(const struct config *before, const struct config *now, char *text, size_t size);

/* Whether a daemon that runs by `running` has memory for the topics of `next`, a spool that takes their names, and no raw input of
 * a type that asks something: 0, or -ENOSPC, -ENAMETOOLONG or -EINVAL with a sentence. */
int config_fits(const struct config *running, const struct config *next, struct error *error);

/* NULL is fine. Every string of the configuration goes too. */
void config_free(struct config *config);
