/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/config_schema.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "batch/batch.h"
#include "control/daemon/config_value.h"
#include "worker/senders.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)
#define GIB (MIB * KIB)
#define MS  UINT64_C(1000)
#define SEC (MS * 1000)

#define FIELD(type, member) .offset = offsetof(type, member), .width = sizeof(((type *)0)->member)
#define COUNT(type, member) .count_offset = offsetof(type, member)
#define RANGE(low, high)    .min = (low), .max = (high)
#define TOP(member)         FIELD(struct config_file, member)
#define SECTION(key)        {.section = "", .name = (key), .kind = KEY_SECTION, .fallback = ""}
#define NODE(type, member, kind_of_node)                                                                              \
	.kind = KEY_NODE, .offset = offsetof(type, member), .width = (kind_of_node)

/* clang-format off */
const struct config_key config_keys[] = {
	{"", "node", KEY_TEXT, TOP(node), RANGE(1, 16), .form = "1 to 16 of a-z, 0-9 and _",
		.help = "Name of this box, the first part of every identity. No two boxes may share it."},
	{"", "state", KEY_TEXT, TOP(config.state_directory), RANGE(2, 512), .fallback = "/var/lib/penstock",
		.form = "an absolute path",
		.help = "Directory that keeps instance, epoch, landing hours and partition counts over restarts; one daemon each. Outside "
			"/var/lib/penstock the systemd unit has to name it in ReadWritePaths=. A daemon with another one knows nothing of "
			"what this one tells, nor of the spools that were used with it."},
	SECTION("control"),
	{"", "ports", NODE(struct config_file, ports, TREE_LIST), RANGE(1, CONFIG_PORTS),
		.form = "a list of 1 to 16 ports", .help = "Where datagrams come from."},
	{"", "inputs", NODE(struct config_file, inputs, TREE_LIST), RANGE(1, CONFIG_INPUTS), .fallback = "",
		.form = "a list of 1 to 64 inputs",
		.help = "UDP ports and how to read what arrives there; without it json on port 9000."},
	{"", "quotas", NODE(struct config_file, quotas, TREE_LIST), RANGE(1, QUOTAS_MAX), .fallback = "",
		.form = "a list of 1 to 32 quotas",
		.help = "How much each sender may send, by its address: the first entry that it is in counts. Without it, as much as "
			"comes. See QUOTAS."},
	{"", "types", NODE(struct config_file, types, TREE_MAP), RANGE(1, TYPE_MAX),
		.form = "a map of 1 to 1024 event types", .help = "Event types by name."},
	SECTION("topics"),
	SECTION("geo"),
	SECTION("category"),
	{"", "watch", KEY_DURATION, TOP(config.watch_ms), RANGE(0, 3600 * SEC), .unit = MS, .fallback = "0s",
		.help = "How often this file and those of the tables are looked at for changes, which are then put in force; 0s: "
			"never, only when asked."},
	SECTION("kafka"),
	SECTION("memory"),
	SECTION("batch"),
	SECTION("spool"),
	SECTION("stop"),

	{"control", "socket", KEY_TEXT, TOP(config.control_socket), RANGE(2, 107),
		.fallback = "/run/penstock/control.sock", .form = "an absolute path of at most 107 bytes",
		.help = "Unix socket on which the daemon answers the penstock command. Outside /run/penstock the systemd "
			"unit has to name its directory in ReadWritePaths=, and itself in Environment=PENSTOCK_SOCKET=."},
	{"control", "mode", KEY_MODE, TOP(config.control_mode), RANGE(0600, 0666), .unit = 1, .fallback = "0660",
		.help = "Permission bits of that socket."},
	{"control", "cpus", KEY_CPUS, TOP(config.control_cpus), COUNT(struct config_file, config.control_cpu_count),
		RANGE(0, CONFIG_CPUS), .fallback = "[]", .form = "a list of CPUs such as [0, 2-3]",
		.help = "CPUs of control threads; empty: anywhere but on the workers' CPUs."},

	{"ports[]", "name", KEY_TEXT, FIELD(struct config_port, source.name), RANGE(1, 15),
		.form = "1 to 15 of a-z, 0-9, _ and -", .help = "Name of the port in messages, tables and inputs."},
	{"ports[]", "source", KEY_CHOICE, FIELD(struct config_port, source.kind), .fallback = "dpdk",
		.form = "dpdk|socket", .help = "An Ethernet device of DPDK, or kernel UDP sockets."},
	{"ports[]", "device", KEY_TEXT, FIELD(struct config_port, source.device), RANGE(1, 255), .fallback = "",
		.form = "a PCI address or a virtual device with its arguments",
		.help = "dpdk: the device, needed. socket: the interface to listen on; without it all of them."},
	{"ports[]", "workers", KEY_WORKERS, FIELD(struct config_port, worker_cpus),
		COUNT(struct config_port, worker_count), RANGE(1, CONFIG_WORKERS), .fallback = "1",
		.form = "a list of CPUs such as [1, 3-5], or a number of unpinned workers from 1 to 64",
		.help = "Poll cores of this port, one queue each; 64 at the most in all ports together."},
	{"ports[]", "addresses", KEY_ADDRESSES, FIELD(struct config_port, source.addresses),
		COUNT(struct config_port, source.address_count), RANGE(0, SOURCE_ADDRESSES), .fallback = "[]",
		.form = "a list of up to 8 addresses such as [10.9.0.2/24, fd09::2/64]",
		.help = "Addresses that the port receives on and answers for. dpdk: empty takes any destination and answers "
			"nothing; socket: empty listens on every address."},
	{"ports[]", "vlan", KEY_VLAN, FIELD(struct config_port, source.vlan), RANGE(1, 4094), .fallback = "[]",
		.form = "a list of up to 2 VLAN numbers from 1 to 4094, outer first",
		.help = "VLAN tags that frames carry (dpdk)."},
	{"ports[]", "outer_tag", KEY_CHOICE, FIELD(struct config_port, source.outer_tag), .fallback = "802.1ad",
		.form = "802.1ad|802.1q",
		.help = "Type of the outer of two VLAN tags in what the port sends (dpdk): 0x88a8, or 0x8100 as in the inner one. Frames with "
			"either are received."},
	{"ports[]", "mtu", KEY_NUMBER, FIELD(struct config_port, source.mtu), RANGE(1500, 9000), .unit = 1,
		.fallback = "1500", .help = "Largest IP packet of one frame (dpdk)."},
	{"ports[]", "descriptors", KEY_NUMBER, FIELD(struct config_port, source.descriptors), RANGE(64, 32768),
		.unit = 1, .fallback = "512", .help = "Receive descriptors per queue (dpdk)."},
	{"ports[]", "responder", KEY_CHOICE, FIELD(struct config_port, source.responder), .fallback = "self",
		.form = "self|kernel",
		.help = "Who answers ARP, neighbour solicitation and echo (dpdk): kernel where it still sees the frames. A kernel that "
			"has the port's addresses would also tell senders that nobody listens there; the daemon holds its UDP ports, so "
			"that it does not."},
	{"ports[]", "checksum", KEY_CHOICE, FIELD(struct config_port, source.checksum), .fallback = "auto",
		.form = "auto|software", .help = "Who verifies checksums: the device where it can, or always the worker."},
	{"ports[]", "max_datagram", KEY_NUMBER, FIELD(struct config_port, source.max_datagram), RANGE(64, 65507),
		.unit = 1, .fallback = "65507", .help = "Bytes of the largest UDP payload taken; more is an oversize drop."},
	{"ports[]", "fragments", KEY_NUMBER, FIELD(struct config_port, source.fragments), RANGE(0, 65536), .unit = 1,
		.fallback = "1024",
		.help = "Datagrams under reassembly at once, per worker (dpdk); 0: fragments are dropped."},
	{"ports[]", "fragment_timeout", KEY_DURATION, FIELD(struct config_port, source.fragment_ms),
		RANGE(10 * MS, 60 * SEC), .unit = MS, .fallback = "1s",
		.help = "How long a datagram waits for its missing fragments (dpdk)."},
	{"ports[]", "receive_buffer", KEY_SIZE, FIELD(struct config_port, source.receive_buffer), RANGE(4 * KIB, GIB),
		.unit = 1, .fallback = "8MiB", .help = "Kernel buffer asked for, per worker (socket)."},
	{"ports[]", "rss_key", KEY_RSS_KEY, FIELD(struct config_port, source.rss_key),
		COUNT(struct config_port, source.rss_key_len), .fallback = "random",
		.form = "random, or 80 or 104 hexadecimal digits",
		.help = "Key by which the device spreads senders over workers (dpdk); random: new at every start."},
	{"ports[]", "idle", KEY_CHOICE, FIELD(struct config_port, idle), .fallback = "sleep", .form = "spin|pause|sleep",
		.help = "What a worker without traffic does: spin keeps its core, sleep frees it."},

	{"inputs[]", "port", KEY_NUMBER, FIELD(struct input_draft, port), RANGE(1, 65535), .unit = 1,
		.help = "UDP port, once in the file."},
	{"inputs[]", "ports", NODE(struct input_draft, ports, TREE_LIST), RANGE(1, CONFIG_PORTS), .fallback = "",
		.form = "a list of names of ports", .help = "Ports that take it; without it all of them."},
	{"inputs[]", "format", KEY_CHOICE, FIELD(struct input_draft, input.format), .form = "json|frame|raw",
		.help = "How a datagram is read: JSON objects, Penstock frames, or one event as it is."},
	{"inputs[]", "type", KEY_TEXT, FIELD(struct input_draft, type), RANGE(1, MEMBER_MAX), .fallback = "type",
		.form = "a member's name of 1 to 63 bytes", .help = "json: member that holds the event type."},
	{"inputs[]", "time", KEY_TEXT, FIELD(struct input_draft, time), RANGE(0, MEMBER_MAX), .fallback = "ts",
		.form = "a member's name of up to 63 bytes", .help = "json: member that holds the event's time; \"\": none."},
	{"inputs[]", "key", KEY_TEXT, FIELD(struct input_draft, key), RANGE(0, MEMBER_MAX), .fallback = "",
		.form = "a member's name of up to 63 bytes",
		.help = "json and frame: member that holds the partition key, of up to 1,024 bytes: a longer one counts as none; without it "
			"events have no key, nor have raw records of frames, which are not looked into."},
	{"inputs[]", "client", KEY_TEXT, FIELD(struct input_draft, client), RANGE(0, MEMBER_MAX), .fallback = "ip",
		.form = "a member's name of up to 63 bytes",
		.help = "json: member that holds the client address, for geo and @client in rules; \"\": none."},
	{"inputs[]", "item", KEY_TEXT, FIELD(struct input_draft, item), RANGE(0, MEMBER_MAX), .fallback = "item",
		.form = "a member's name of up to 63 bytes",
		.help = "json: member that holds the item key, for the category; \"\": none."},
	{"inputs[]", "structure", KEY_CHOICE, FIELD(struct input_draft, input.trusted), .fallback = "validated",
		.form = "validated|trusted",
		.help = "json and frame: whether bodies are proven to be JSON, or the sender is trusted to send nothing else. Who sends "
			"trusted frames vouches too that no body has a member named ingest, geo, category or quarantine: it would stay."},
	{"inputs[]", "event", KEY_TEXT, FIELD(struct input_draft, event), RANGE(1, TYPE_NAME_MAX), .fallback = "",
		.form = "the name of an event type",
		.help = "raw: type of every event, needed; one without key, require, rules and pack."},

	{"quotas[]", "from", NODE(struct quota_draft, from, TREE_LIST), RANGE(1, QUOTA_PREFIXES), .fallback = "",
		.form = "a list of 1 to 64 networks such as [10.0.0.0/8, 2001:db8::/32]",
		.help = "Senders that the entry is for; without it all others, and it is the last."},
	{"quotas[]", "datagrams", KEY_NUMBER, FIELD(struct quota_draft, datagrams), RANGE(1, QUOTA_RATE_MAX), .unit = 1, .fallback = "",
		.help = "What each of them may send a second; without it and bytes as much as comes."},
	{"quotas[]", "bytes", KEY_SIZE, FIELD(struct quota_draft, bytes), RANGE(QUOTA_BYTES_MIN, QUOTA_BYTES_MAX), .unit = 1,
		.fallback = "", .help = "What each may send a second, of UDP payload."},
	{"quotas[]", "burst", KEY_DURATION, FIELD(struct quota_draft, burst_us), RANGE(MS, 3600 * SEC), .unit = 1, .fallback = "1s",
		.help = "How much of that a sender may send at once, after it was silent for so long."},

	{"types.NAME", "id", KEY_NUMBER, FIELD(struct type_draft, type.id), RANGE(1, UINT32_MAX - 1), .unit = 1,
		.help = "Number by which frames name the type, once in the file."},
	{"types.NAME", "topic", KEY_TEXT, FIELD(struct type_draft, topic), RANGE(1, TOPIC_NAME_MAX), .fallback = "",
		.form = "a topic name: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'",
		.help = "Topic of its records; without it topics.template."},
	{"types.NAME", "record", KEY_CHOICE, FIELD(struct type_draft, raw), .fallback = "json", .form = "json|raw",
		.help = "json: the event with the ingest member appended. raw: the body as it came."},
	{"types.NAME", "copy", KEY_TEXT, FIELD(struct type_draft, copy), RANGE(1, TOPIC_NAME_MAX), .fallback = "",
		.form = "a topic name: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'",
		.help = "Second topic that gets each record too, under an identity of its own."},
	{"types.NAME", "key", KEY_TEXT, FIELD(struct type_draft, key), RANGE(1, RULES_PATH_MAX), .fallback = "",
		.form = "a member's path such as user.id, @source or @none",
		.help = "Member that holds the partition key, in place of the input's, of up to 1,024 bytes: a longer one counts as none; "
			"@source: the sender's address."},
	{"types.NAME", "pack", KEY_NUMBER, FIELD(struct type_draft, type.way.pack), RANGE(1, 255), .unit = 1, .fallback = "1",
		.help = "Events of one record, a line each; events with a key are not packed."},
	{"types.NAME", "timestamp", KEY_CHOICE, FIELD(struct type_draft, timestamp), .fallback = "produce",
		.form = "produce|receive|event",
		.help = "Kafka's timestamp of its records: produce: when they are handed to the Kafka client; receive: when the event "
			"came; event: when it happened, where it says so. See TIMESTAMPS."},
	{"types.NAME", "geo", KEY_BOOLEAN, FIELD(struct type_draft, geo), .fallback = "true",
		.help = "Whether its records get the geo member, where there is a geo table."},
	{"types.NAME", "category", KEY_BOOLEAN, FIELD(struct type_draft, category), .fallback = "true",
		.help = "Whether its records get the category member, where there is a category table."},
	{"types.NAME", "class", KEY_TEXT, FIELD(struct type_draft, class), RANGE(1, SPOOL_CLASS_MAX), .fallback = "",
		.form = "the name of one of spool.classes",
		.help = "Class of priority of its topics; without it the last of spool.classes. A topic of several types is in the "
			"highest of theirs."},
	{"types.NAME", "require", NODE(struct type_draft, require, TREE_MAP), RANGE(1, REQUIRED_MAX), .fallback = "",
		.form = "a map of 1 to 32 members with their kinds",
		.help = "Members that its events must have, by path, with their kinds: string, number, boolean, null, object, "
			"array or any, several separated by |. Other events are put aside in topics.quarantine."},
	{"types.NAME", "rules", NODE(struct type_draft, rules, TREE_LIST), RANGE(1, RULES_MAX), .fallback = "",
		.form = "a list of 1 to 1024 rules",
		.help = "What becomes of its events: the first rule whose condition holds decides; without one they stay."},

	{"types.NAME.rules[]", "name", KEY_TEXT, FIELD(struct rule_draft, name), RANGE(1, RULE_NAME_MAX), .fallback = "",
		.form = "1 to 63 of a-z, A-Z, 0-9, '_' and '-'",
		.help = "Its name in counters, once in the type; without it rule-1, rule-2 and so on."},
	{"types.NAME.rules[]", "if", KEY_LINES, FIELD(struct rule_draft, condition), RANGE(1, RULES_TEXT_MAX), .fallback = "",
		.form = "a condition such as: action == \"view\" and price < 10",
		.help = "Condition, in the language of rules; without one it always holds."},
	{"types.NAME.rules[]", "then", KEY_CHOICE, FIELD(struct rule_draft, what), .form = "keep|drop|sample|quarantine",
		.help = "What becomes of the event: sample keeps a share of them, quarantine puts it aside."},
	{"types.NAME.rules[]", "share", KEY_TEXT, FIELD(struct rule_draft, share), RANGE(2, 16), .fallback = "",
		.form = "a percentage such as 10% or 0.25%", .help = "sample: how many stay, needed."},
	{"types.NAME.rules[]", "by", KEY_TEXT, FIELD(struct rule_draft, by), RANGE(1, RULES_PATH_MAX), .fallback = "",
		.form = "a member's path such as user.id",
		.help = "sample: member whose value decides, needed: events with equal values stay or go together."},
	{"types.NAME.rules[]", "topic", KEY_TEXT, FIELD(struct rule_draft, topic), RANGE(1, TOPIC_NAME_MAX), .fallback = "",
		.form = "a topic name: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'",
		.help = "keep and sample: topic of the events that stay, in place of the type's."},
	{"types.NAME.rules[]", "copy", KEY_TEXT, FIELD(struct rule_draft, copy), RANGE(1, TOPIC_NAME_MAX), .fallback = "",
		.form = "a topic name: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'",
		.help = "keep and sample: second topic that gets them too."},

	{"topics", "template", KEY_TEXT, TOP(topic_template), RANGE(1, TOPIC_NAME_MAX), .fallback = "ev.{type}",
		.form = "a topic name in which {type} stands for the event type",
		.help = "Topic of every type that names none itself."},
	{"topics", "unknown", KEY_TEXT, TOP(unknown), RANGE(1, TOPIC_NAME_MAX), .fallback = "drop",
		.form = "drop, or a topic name",
		.help = "Where events of a type that is not configured go; drop: nowhere, counted."},
	{"topics", "quarantine", KEY_TEXT, TOP(quarantine), RANGE(1, TOPIC_NAME_MAX), .fallback = "",
		.form = "a topic name in which {type} may stand for the event type",
		.help = "Topic of events that lack what their type requires, or that a rule puts aside, with the reason; without "
			"it they are dropped, counted."},
	{"topics", "timestamp_back", KEY_DURATION, TOP(time_back_us), RANGE(0, 525600 * 60 * SEC), .unit = 1, .fallback = "1d",
		.help = "How far before the box's clock a record's timestamp may lie; older events get that, counted as clamped."},
	{"topics", "timestamp_ahead", KEY_DURATION, TOP(time_ahead_us), RANGE(0, 3600 * SEC), .unit = 1, .fallback = "10m",
		.help = "How far ahead of it; brokers refuse records that are an hour ahead of theirs."},
	{"topics", "partitions", KEY_NUMBER, TOP(config.create_partitions), RANGE(1, 10000), .unit = 1, .fallback = "4",
		.help = "Partitions of topics that topics create makes."},
	{"topics", "replicas", KEY_NUMBER, TOP(config.create_replicas), RANGE(1, 16), .unit = 1, .fallback = "1",
		.help = "Replicas of topics that topics create makes."},

	{"geo", "files", NODE(struct config_file, geo_files, TREE_LIST), RANGE(1, GEO_LAYERS), .fallback = "",
		.form = "a list of 1 to 8 files",
		.help = "Databases in MaxMind's format; of each field the first that knows it counts. Without files records get no "
			"geo member."},
	{"geo", "fields", NODE(struct config_file, geo_fields, TREE_LIST), RANGE(1, 3), .fallback = "",
		.form = "a list of country, city and asn",
		.help = "What the geo member says beside the country; without it the country alone."},
	{"geo", "memory", KEY_SIZE, TOP(config.geo_budget), RANGE(MIB, 1024 * GIB), .unit = 1, .fallback = "512MiB",
		.help = "What the table may take on each NUMA node; twice that while one is replaced."},

	{"category", "file", KEY_TEXT, TOP(config.category_file), RANGE(1, 1024), .fallback = "",
		.form = "a path of up to 1024 bytes",
		.help = "Item keys and their categories: .tsv or .csv, also with .zst behind it, or a file made by penstock tables "
			"build. Without it records get no category member."},
	{"category", "changes", KEY_TEXT, TOP(config.category_changes), RANGE(1, 1024), .fallback = "",
		.form = "a path of up to 1024 bytes",
		.help = "File to which lines are appended that set or delete a key of the table; they count within a second. Takes "
			"category.file. See docs/category-format.md."},
	{"category", "memory", KEY_SIZE, TOP(config.category_budget), RANGE(MIB, 1024 * GIB), .unit = 1, .fallback = "2GiB",
		.help = "What the table may take on each NUMA node; twice that while one is replaced, and once more while changes outgrow it."},

	{"kafka", "handles", KEY_NUMBER, TOP(config.handles), RANGE(1, 8), .unit = 1, .fallback = "1",
		.help = "Client handles per producer thread; topics are spread over them."},
	{"kafka", "cpus", KEY_CPUS, TOP(config.producer_cpus), COUNT(struct config_file, config.producer_cpu_count),
		RANGE(0, CONFIG_CPUS), .fallback = "[]", .form = "a list of CPUs such as [0, 2-3]",
		.help = "CPUs of producer threads and of the client's own; empty: their node's, but not the workers'."},
	{"kafka", "properties", NODE(struct config_file, properties, TREE_MAP), RANGE(1, CONFIG_PROPERTIES),
		.form = "a map of 1 to 128 client properties",
		.help = "Properties of the Kafka client, passed through, but for those that would lose or repeat records, or are for tests; "
			"bootstrap.servers is needed, linger.ms (100 unless told) is 1000 at the most. With {file: PATH} "
			"for a value, that is what the file says."},

	{"memory", "pool", KEY_SIZE, TOP(config.pool_bytes), RANGE(64 * KIB, 1024 * GIB), .unit = 1,
		.fallback = "64MiB", .help = "Batch memory per worker; at least two batches for every topic."},
	{"memory", "batch", KEY_SIZE, TOP(config.batch_bytes), RANGE(8 * KIB, BATCH_BYTES_MAX), .unit = 1,
		.fallback = "128KiB", .help = "Size of one batch, a multiple of 4KiB with room for the largest datagram."},
	{"memory", "credit", KEY_PERCENT, TOP(config.credit_percent), RANGE(1, 100), .unit = 1, .fallback = "25%",
		.help = "Part of a worker's pool that one topic may hold."},
	{"memory", "huge", KEY_BOOLEAN, TOP(config.huge_pages), .fallback = "true",
		.help = "Whether DPDK takes its memory from hugepages."},
	{"memory", "eal", KEY_SIZE, TOP(config.eal_memory_mb), RANGE(64 * MIB, 1024 * GIB), .unit = MIB,
		.fallback = "256MiB", .help = "What DPDK maps where huge is false."},
	{"memory", "sources", KEY_NUMBER, TOP(config.sources), RANGE(16, 16777216), .unit = 1, .fallback = "131072",
		.help = "Numbered sources tracked, a power of two."},
	{"memory", "senders", KEY_NUMBER, TOP(config.senders), RANGE(SENDERS_MIN, SENDERS_MAX), .unit = 1, .fallback = "65536",
		.help = "Senders whose quotas are kept at once, a power of two."},

	{"batch", "age_min", KEY_DURATION, TOP(config.batch_age_min_us), RANGE(100, 10 * SEC), .unit = 1,
		.fallback = "5ms", .help = "Age at which an open batch is handed over when traffic is dense."},
	{"batch", "age_max", KEY_DURATION, TOP(config.batch_age_max_us), RANGE(100, 60 * SEC), .unit = 1,
		.fallback = "100ms", .help = "The same when it is thin; not below age_min. A batch may wait longer while others of its topic "
					       "are on their way (see MEMORY)."},

	{"spool", "mode", KEY_CHOICE, TOP(config.spool_mode), .fallback = "direct", .form = "off|direct|wal",
		.help = "off: what Kafka cannot take waits in memory. direct: it goes to disk while Kafka is away or slow. wal: every "
			"record is written to disk before Kafka gets it, and survives kill -9. Without off, "
			"names of topics have 246 bytes at the most. With off nothing is delivered of what the "
			"directory holds from before, and status warns of it."},
	{"spool", "directory", KEY_TEXT, TOP(config.spool_directory), RANGE(2, 512), .fallback = "",
		.form = "an absolute path of its own",
		.help = "Where its logs are; without it spool in the state directory. Outside /var/lib/penstock the systemd unit "
			"has to name it in ReadWritePaths=. What another one holds "
			"from before is not moved, and not delivered: status warns of it."},
	{"spool", "size", KEY_SIZE, TOP(config.spool_bytes), RANGE(MIB, 1024 * 1024 * GIB), .unit = 1, .fallback = "8GiB",
		.help = "What all its files may take; when it is full, events wait in memory and are then dropped on the way in, counted. In mode "
			"wal a class must have more than its log of each worker reserves at a time: 4MiB (spool.segment where that is "
			"less), or a batch where that is more."},
	{"spool", "keep_free", KEY_PERCENT, TOP(config.spool_keep_free), RANGE(0, 99), .unit = 1, .fallback = "5%",
		.help = "Part of the file system that it leaves free; with less it is full, too."},
	{"spool", "segment", KEY_SIZE, TOP(config.spool_segment), RANGE(64 * KIB, GIB), .unit = 1, .fallback = "64MiB",
		.help = "Size of one file of a log; room is freed by the file."},
	{"spool", "group", KEY_SIZE, TOP(config.spool_group), RANGE(4 * KIB, GIB), .unit = 1, .fallback = "1MiB",
		.help = "What is written is made durable when it is so much, which bounds what a log takes while the disk syncs, ..."},
	{"spool", "group_time", KEY_DURATION, TOP(config.spool_group_us), RANGE(MS, 10 * SEC), .unit = 1, .fallback = "50ms",
		.help = "... or so old: what a power cut may cost in mode wal."},
	{"spool", "forbidden", KEY_CHOICE, TOP(config.spool_forbidden), .fallback = "wait", .form = "wait|bury",
		.help = "What becomes of records of a topic to which Kafka does not let the box's user write. wait: they are kept, in "
			"the topic's log, until the right is given. bury: they are dead letters."},
	{"spool", "replay", KEY_SIZE, TOP(config.spool_replay), RANGE(MIB, 64 * GIB), .unit = 1, .fallback = "32MiB",
		.help = "Memory per producer thread for what is read back from disk: half of it in batches of 16KiB, half in batches of "
			"memory.batch, of each at least four. Larger ones, from before memory.batch was lowered, take as much "
			"again at the most, while there are any."},

	{"spool", "replay_rate", KEY_SIZE, TOP(config.spool_replay_rate), RANGE(0, 1024 * GIB), .unit = 1, .fallback = "0B",
		.help = "What is read back a second, so that it leaves room for what comes; 0B: as much as Kafka takes, which is tried "
			"from a few batches on, one more for each that is acknowledged."},
	{"spool", "classes", NODE(struct config_file, classes, TREE_LIST), RANGE(1, TOPIC_CLASSES), .fallback = "",
		.form = "a list of 1 to 4 classes",
		.help = "Classes of priority, the highest first; without them all topics share all of it. See CLASSES."},

	{"spool.classes[]", "name", KEY_TEXT, FIELD(struct class_draft, name), RANGE(1, SPOOL_CLASS_MAX),
		.form = "1 to 31 of a-z, 0-9, '_' and '-'", .help = "Its name, for types and in what is shown."},
	{"spool.classes[]", "share", KEY_PERCENT, FIELD(struct class_draft, share), RANGE(1, 100), .unit = 1,
		.help = "Part of spool.size that it may use; all of them are 100% at the most."},
	{"spool.classes[]", "full", KEY_CHOICE, FIELD(struct class_draft, full), .fallback = "oldest", .form = "oldest|newest|sample",
		.help = "What is kept when that is used up. oldest: what is there; what comes waits in memory and is then dropped on the "
			"way in. newest: what comes; the oldest file goes. sample: of what comes one batch in two, four, eight and so on, "
			"from half of the share on."},

	{"stop", "drain", KEY_DURATION, TOP(config.drain_seconds), RANGE(0, 3600 * SEC), .unit = SEC, .fallback = "10s",
		.help = "How long a stop waits for Kafka to take what is left."},
};
/* clang-format on */

const unsigned config_key_count = ARRAY_LENGTH(config_keys);

/* "a|b|c" as "a, b or c". */
static void print_choices(char *out, size_t size, const char *words)
{
	size_t n = 0;

	for (const char *at = words; *at != '\0' && n + 5 < size; at++) {
		if (*at != '|')
			out[n++] = *at;
		else
			n += (size_t)snprintf(out + n, size - n, "%s", strchr(at + 1, '|') != NULL ? ", " : " or ");
	}
	out[n] = '\0';
}

const char *config_expected(char *out, size_t size, const struct config_key *key)
{
	char low[32], high[32];

	switch (key->kind) {
	case KEY_NUMBER:
		(void)snprintf(out, size, "a whole number from %llu to %llu", (unsigned long long)key->min,
			(unsigned long long)key->max);
		break;
	case KEY_SIZE:
		(void)snprintf(out, size, "a size from %s to %s, in B, KiB, MiB, GiB or TiB",
			value_print_size(low, sizeof(low), key->min), value_print_size(high, sizeof(high), key->max));
		break;
	case KEY_DURATION:
		(void)snprintf(out, size, "a duration from %s to %s, in us, ms, s, m, h or d",
			value_print_duration(low, sizeof(low), key->min),
			value_print_duration(high, sizeof(high), key->max));
		break;
	case KEY_PERCENT:
		(void)snprintf(out, size, "a percentage from %llu%% to %llu%%", (unsigned long long)key->min,
			(unsigned long long)key->max);
		break;
	case KEY_MODE:
		(void)snprintf(out, size, "octal read and write bits from 0600 to 0666");
		break;
	case KEY_CHOICE:
		print_choices(out, size, key->form);
		break;
	case KEY_BOOLEAN:
		(void)snprintf(out, size, "true or false");
		break;
	case KEY_SECTION:
		(void)snprintf(out, size, "a map with the keys of this section");
		break;
	default:
		(void)snprintf(out, size, "%s", key->form);
		break;
	}
	return out;
}
