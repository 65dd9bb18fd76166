/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The one table that the configuration's reader, its error lines, the sample and the manual page stand on: every key with
 * its section, kind, range, default and meaning. A key that is not in this table does not exist.
 *
 * A section is a map of the file: "" the top, "ports[]" each entry of that list, "types.NAME" each entry of that map. Keys
 * of the top and of the sections below it are stored in struct config_file, those of ports[], inputs[], types.NAME and its
 * rules[] in a struct of their own.
 */

#include <stddef.h>
#include <stdint.h>

#include "control/daemon/config.h"
#include "control/daemon/yaml_tree.h"
#include "tables/type_plan.h"

enum key_kind {
	KEY_TEXT,      /* const char *; min..max bytes, printable, further limits in `form` */
	KEY_NUMBER,    /* unsigned of `width` bytes */
	KEY_SIZE,      /* the same, in units of `unit` bytes */
	KEY_DURATION,  /* the same, in units of `unit` microseconds */
	KEY_PERCENT,   /* the same */
	KEY_MODE,      /* the same, octal */
	KEY_CHOICE,    /* the same: index into `form`, words separated by '|' */
	KEY_BOOLEAN,   /* the same, 0 or 1 */
	KEY_CPUS,      /* int[CONFIG_CPUS] and its count */
	KEY_WORKERS,   /* int[CONFIG_WORKERS] and its count */
	KEY_VLAN,      /* uint16_t[2] */
	KEY_ADDRESSES, /* struct source_address[SOURCE_ADDRESSES] and its count */
	KEY_RSS_KEY,   /* const uint8_t * and its length */
	KEY_LINES,     /* as KEY_TEXT, over several lines */
	KEY_SECTION,   /* a map whose keys are the section of this name */
	KEY_NODE,      /* const struct tree_node *: read by code of its own. `width` is the tree_kind it must have */
};

struct config_key {
	const char *section;
	const char *name;
	enum key_kind kind;
	uint32_t width;        /* bytes of the field */
	uint32_t offset;       /* of the field in its struct */
	uint32_t count_offset; /* of the count (unsigned) that goes with it */
	uint64_t min, max;     /* in the words of the file: bytes, microseconds, the number itself */
	uint64_t unit;         /* what the field counts in; a value must be a multiple of it */
	const char *fallback;  /* default as it would be written; "": none, the field stays zero; NULL: must be given */
	const char *form;      /* what it looks like, for kinds whose range does not say it */
	const char *help;      /* one sentence for the manual page */
};

/* The whole reading of one file; struct config is its first member, so that config_free finds the rest. */
struct config_file {
	struct config config;
	struct tree *tree; /* owns every string of the configuration */
	const char *node;
	const char *topic_template;
	const char *unknown;
	const char *quarantine;
	uint64_t time_back_us, time_ahead_us;
	const struct tree_node *ports, *inputs, *types, *properties, *geo_files, *geo_fields, *classes, *quotas;
};

struct input_draft {
	struct input input;
	uint16_t port;
	const char *type, *time, *key, *client, *item;
	const char *event;
	const struct tree_node *ports;
};

enum type_timestamp { TIMESTAMP_PRODUCE, TIMESTAMP_RECEIVE, TIMESTAMP_EVENT };

struct type_draft {
	struct event_type type;
	const char *topic, *copy, *key, *class;
	uint8_t raw, geo, category;
	uint8_t timestamp; /* enum type_timestamp */
	const struct tree_node *require, *rules;
};

struct quota_draft {
	const struct tree_node *from;
	uint64_t datagrams, bytes, burst_us;
};

struct class_draft {
	const char *name;
	unsigned share;
	uint8_t full; /* enum spool_policy */
};

struct rule_draft {
	const char *name, *condition, *share, *by, *topic, *copy;
	uint8_t what; /* enum rule_do */
};

extern const struct config_key config_keys[];
extern const unsigned config_key_count;

/* Writes what a value of this key has to be, "a whole number from 1500 to 9000", for messages and the manual. */
const char *config_expected(char *out, size_t size, const struct config_key *key);
