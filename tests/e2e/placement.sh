#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Keys go where Kafka's own Java producer puts them: random keys, topics of several partition counts, and partitions added while the
# daemon runs.
. "$(dirname "$0")/../smoke/_init.sh"

keys=${PENSTOCK_KEYS:-1500}
counts=(1 3 7 12 64 100) # more than 64: the client places them

types_section() {
	local n
	for n in "${counts[@]}"; do echo "  p$n: {id: $n, key: user.id}"; done
	echo "  rawline: {id: 9999, record: raw}"
}

random_keys() { # ROUND: as JSON strings, a line each; of every length, also beyond ASCII
	/usr/bin/python3 -c 'import json, random, sys
rng = random.Random(int(sys.argv[2]))
letters = "abcXYZ0189-_.:/ äßжλ中🎈\\"
for _ in range(int(sys.argv[1])):
    print(json.dumps("".join(rng.choice(letters) for _ in range(rng.randint(1, 24))), ensure_ascii=rng.random() < 0.3))' "$keys" "$1"
}

# Sends the keys of a round through Penstock, and through the Java producer.
send_round() { # ROUND
	local n
	random_keys "$1" >"$work/keys"
	for n in "${counts[@]}"; do
		awk -v n="$n" '{ print "{\"type\":\"p" n "\",\"by\":\"penstock\",\"user\":{\"id\":" $0 "}}" }' "$work/keys"
	done >"$work/events"
	place=in_sender
	in_sender /usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number, line in enumerate(open(sys.argv[1], "rb")):
    s.sendto(line, ("10.9.0.2", 9000))
    if number % 20 == 0: time.sleep(0.005)' "$work/events"
	/usr/bin/python3 -c 'import json, sys
for line in open(sys.argv[1]): print(json.loads(line) + "\t{\"by\":\"java\"}")' "$work/keys" >"$work/java"
	for n in "${counts[@]}"; do
		"$kafka" produce "$cluster" --topic "placement.p$n" --property parse.key=true --property "key.separator=	" \
			<"$work/java" >>"$work/java.log" 2>&1 || die "Kafka's producer failed: $(tail -1 "$work/java.log")"
	done
	wait_idle
}

# Both put every key of the topic into the same partition.
compare() { # ROUND
	/usr/bin/python3 - "$root/tests/e2e" "$bootstrap" "$1" <<'PY' || fail "keys are placed differently in round $1"
import json
import sys
from collections import defaultdict
sys.path.insert(0, sys.argv[1])
import read_back
places, bad = defaultdict(lambda: defaultdict(set)), []
counts = defaultdict(set)
def record(topic, partition, _offset, key, value):
    by = json.loads(value)["by"]
    places[topic, key][by].add(partition)
    counts[topic].add(partition)
topics = [name for name, _ in read_back.topics_with(sys.argv[2], "placement.p")]
read_back.consume(sys.argv[2], topics, record)
for (topic, key), by in places.items():
    if set(by) != {"penstock", "java"} or by["penstock"] != by["java"]:
        bad.append(f"{topic}: {key!r} {dict(by)}")
print("placement:", len(places), "keys of", len(topics), "topics, partitions used:", sorted(len(used) for used in counts.values()))
for line in bad[:5]:
    print("   ", line)
sys.exit(1 if bad or len(places) < 1000 else 0)
PY
}

partitions_are() { # COUNT: of every topic, as the daemon knows them
	[ "$(cli -j show kafka | json "sorted(t['partitions'] for t in d['topics'] if t['name'].startswith('placement.p'))")" = "$1" ]
}

broker_up --heap 256
for n in "${counts[@]}"; do
	"$kafka" topics "$cluster" --create --topic "placement.p$n" --partitions "$n" --replication-factor 1 >>"$work/topics.log" 2>&1
done
bed_up
kafka_more="    topic.metadata.refresh.interval.ms: 600000" # the client itself learns of new partitions last
write_config dpdk 1
start_daemon
cli topics create >>"$work/topics.log" 2>&1 || die "topics create failed"
wait_for 60 "the daemon knows all partitions" partitions_are "[1, 3, 7, 12, 64, 100]"
send_round 1
compare 1

# --- partitions are added: from then on keys go where they go among the new ones ---

for n in 3 12; do
	"$kafka" topics "$cluster" --alter --topic "placement.p$n" --partitions $((n + 2)) >>"$work/topics.log" 2>&1
done
wait_for 60 "the daemon knows the new partitions" partitions_are "[1, 5, 7, 14, 64, 100]"
keys=$((keys + 1)) # other random ones
send_round 2
/usr/bin/python3 - "$root/tests/e2e" "$bootstrap" "$work/keys" <<'PY' && echo "ok   placement among added partitions" || fail "keys of added partitions"
import json
import sys
sys.path.insert(0, sys.argv[1])
import read_back
wanted = {json.loads(line).encode() for line in open(sys.argv[3])}
counts = {"placement.p3": 5, "placement.p12": 14}
last, bad = {}, []
def record(topic, partition, _offset, key, value):
    by = json.loads(value)["by"]
    if topic in counts and key in wanted:
        last.setdefault((topic, key, by), []).append(partition)
read_back.consume(sys.argv[2], list(counts), record)
seen = {by: 0 for by in ("penstock", "java")}
for (topic, key, by), partitions in last.items():
    seen[by] += 1
    if read_back.murmur2(key) % counts[topic] not in partitions:
        bad.append((topic, key, by, partitions))
print("added:", seen, bad[:5])
sys.exit(1 if bad or min(seen.values()) < 1000 else 0)
PY
expect "events dropped" "$(ledger events dropped.)" = 0
expect_ledger_closed
stop_daemon
expect "exit code" "$daemon_code" = 0
finish
