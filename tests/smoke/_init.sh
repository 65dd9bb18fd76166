# SPDX-License-Identifier: Apache-2.0
# Sourced first by every smoke and end-to-end test. Gives it a private world (mount, network and process namespaces that
# vanish with the test), a veth pair whose far end belongs to a sender with an ordinary Linux network stack, a broker on
# loopback, the daemon, and words to wait and to judge. A test ends with `finish`; exit 77 means skipped, with a reason.
#
#   sender namespace `sender`                      this namespace
#   gen0 10.9.0.1/24 fd09::1/64  ---- veth ----  bed0 (no address: Penstock answers for 10.9.0.2, fd09::2)
#                                                lo: the broker

set -euo pipefail
shopt -s inherit_errexit

test_file=$(readlink -f "$0")
test_name=$(basename "$test_file" .sh)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${PENSTOCK_BUILD:-$root/build}
penstockd=$build/control/daemon/penstockd
penstock=$build/control/cli/penstock
pktgen=$build/tests/pktgen/penstock-pktgen
kafka=$root/tests/broker/kafka
cluster=
failures=0
generated=0
daemon_pid=
hugepages_before=

skip() {
	echo "SKIP $test_name: $*"
	exit 77
}

fail() {
	failures=$((failures + 1))
	echo "FAIL $test_name: $*" >&2
}

die() {
	fail "$@"
	exit 1
}

# --- the private world -----------------------------------------------------------------------------------------------

if [ -z "${PENSTOCK_BED:-}" ]; then
	[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
	unshare --mount --net --pid --fork true 2>/dev/null || skip "this machine gives no namespaces"
	PENSTOCK_BED=fresh exec unshare --mount --net --pid --fork --kill-child --mount-proc "$test_file" "$@"
fi
if [ "$PENSTOCK_BED" = fresh ]; then
	export PENSTOCK_BED=inside
	mkdir -p /run/netns
	mount -t tmpfs -o mode=755 penstock-netns /run/netns
	ip link set lo up
	. "$root/tests/smoke/_memory.sh"
fi
[ -x "$penstockd" ] && [ -x "$penstock" ] && [ -x "$pktgen" ] ||
	{ [ -n "${PENSTOCK_BED_ONLY:-}" ] || die "not built: $build (meson setup build && ninja -C build)"; }

work=$(mktemp -d "${TMPDIR:-/tmp}/penstock-$test_name.XXXXXX")
logs=${PENSTOCK_LOGS:-}
[ -z "$logs" ] || mkdir -p "$logs"
background=()

# What ran in the background is ended by its own pid; what it said is kept, and shown when the test failed.
cleanup() {
	local code=$? pid file
	trap - EXIT
	set +e
	[ "$failures" = 0 ] || [ "$code" != 0 ] || code=1
	if [ "$code" != 0 ] && [ "$code" != 77 ]; then
		echo "--- $test_name failed with $code; the state at that time:"
		[ -z "$daemon_pid" ] || timeout 5 "$penstock" -s "$socket" ledger 2>&1 | tail -40
		[ -z "$daemon_pid" ] || timeout 5 "$penstock" -s "$socket" show drops 2>&1 | tail -20
		[ -z "$daemon_pid" ] || timeout 5 "$penstock" -s "$socket" show kafka 2>&1 | head -40
		[ -z "$cluster" ] || { echo "--- the end of the brokers' logs:" && timeout 5 "$kafka" said "$cluster" 2>&1; }
		for file in "$work"/*.log; do
			[ ! -s "$file" ] || { echo "--- the end of $(basename "$file"):" && tail -25 "$file"; }
		done
	fi
	for pid in "${background[@]}" $daemon_pid; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	[ -z "$cluster" ] || "$kafka" purge "$cluster"
	bed_down
	[ -z "$hugepages_before" ] || echo "$hugepages_before" >/proc/sys/vm/nr_hugepages
	[ -z "$logs" ] || cp "$work"/*.log "$work"/*.json "$work"/*.yaml "$logs/" 2>/dev/null
	rm -rf "$work"
	exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

in_background() { # LOG COMMAND...: $! is its pid
	local log=$1
	shift
	[ "$1" != in_sender ] || set -- ip netns exec sender "${@:2}" # a function would run below a shell, whose pid $! were
	"$@" >"$work/$log.log" 2>&1 </dev/null &
	background+=($!)
}

# --- waiting and judging ---------------------------------------------------------------------------------------------

# Polls a condition until it holds; the only place that sleeps. Fails the test with the description when time is up.
wait_for() { # SECONDS DESCRIPTION COMMAND...
	local limit=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ -z "$daemon_pid" ] || kill -0 "$daemon_pid" 2>/dev/null || die "the daemon ended while waiting for: $what"
		[ $SECONDS -lt "$limit" ] || die "not within time: $what"
		sleep 0.1
	done
}

# Lets time pass, where the passing of time is what is tested (an outage of so many seconds).
let_pass() { # SECONDS WHY
	echo "   ($2: $1 s)"
	sleep "$1"
}

expect() { # DESCRIPTION ACTUAL OPERATOR EXPECTED, as test(1) compares
	if [ "$2" "$3" "$4" ]; then
		echo "ok   $1: $2"
	else
		fail "$1: $2, expected $3 $4"
	fi
}

finish() {
	[ "$failures" = 0 ] || exit 1
	echo "PASS $test_name"
	exit 0
}

# A value of a JSON document: `json EXPRESSION < document`, where the document is `d` in a Python expression.
json() {
	/usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
v = eval(sys.argv[1])
print(json.dumps(v) if isinstance(v, (dict, list, bool)) or v is None else v)' "$1"
}

# What the daemon's ledger says: `ledger records` is the left side of an equation, `ledger records acked` a term of its
# right side, `ledger events dropped.` the sum of the terms that begin so, `ledger frames difference` what is missing.
ledger() { # EQUATION [TERM]
	cli -j ledger >"$work/ledger.json" || true
	json "next(e['left']['value'] if not '${2:-}' else e['difference'] if '${2:-}' == 'difference'
		else sum(t['value'] for t in e['right']
			if t['name'] == '${2:-}' or '${2:-}'.endswith('.') and t['name'].startswith('${2:-}'))
		for e in d['equations'] if e['name'] == '$1')" <"$work/ledger.json"
}

# Every equation closes and nothing is on its way.
expect_ledger_closed() {
	local equation
	cli -j ledger >"$work/ledger.json" || true
	expect "ledger: equations that do not close" \
		"$(json '[e["name"] for e in d["equations"] if e["difference"] != 0 or not e["ok"]]' <"$work/ledger.json")" = "[]"
	expect "ledger: events in flight" "$(ledger records in_flight.)" = 0
	expect "ledger: alarms raised" "$(json 'd["alarms"]' <"$work/ledger.json")" = 0
}

drops() { # NAME: the count of a drop, over all stages
	cli -j show drops | json "sum(x['count'] for x in d['drops'] if x['name'] == '$1')"
}

# --- network ---------------------------------------------------------------------------------------------------------

bed_up() { # [MTU]
	local mtu=${1:-1500}
	ip netns add sender
	ip link add bed0 mtu "$mtu" type veth peer name gen0 mtu "$mtu" netns sender
	# The kernel on the daemon's side stays silent; the sender's neither announces half-done checksums nor waits for DAD.
	echo 1 >/proc/sys/net/ipv6/conf/bed0/disable_ipv6
	ethtool -K bed0 tx off rx off gro off >/dev/null 2>&1 || true
	ip link set bed0 up
	in_sender ethtool -K gen0 tx off >/dev/null
	in_sender sysctl -qw net.ipv6.conf.gen0.accept_dad=0 net.core.wmem_max=16777216 2>/dev/null ||
		in_sender sysctl -qw net.ipv6.conf.gen0.accept_dad=0
	in_sender ip link set lo up
	in_sender ip link set gen0 up
	in_sender ip addr add 10.9.0.1/24 dev gen0
	in_sender ip addr add fd09::1/64 dev gen0 nodad
}

bed_down() {
	ip netns del sender 2>/dev/null || true
	ip link del bed0 2>/dev/null || true
}

in_sender() {
	ip netns exec sender "$@"
}

# --- broker ----------------------------------------------------------------------------------------------------------

# Sets $bootstrap: the broker that the caller shares between tests, or one of the test's own. Options: a broker of its own.
broker_up() {
	if [ $# = 0 ] && [ -n "${PENSTOCK_BOOTSTRAP:-}" ]; then
		bootstrap=$PENSTOCK_BOOTSTRAP
		return
	fi
	cluster=$test_name-$RANDOM$RANDOM # process numbers repeat in namespaces
	bootstrap=$("$kafka" start "$cluster" "$@") || die "no broker"
}

# --- daemon ----------------------------------------------------------------------------------------------------------

node=bed
topics=$test_name.{type} # tests share a broker: each has topics of its own
state=$work/state
socket=$work/control.sock
config=$work/penstockd.yaml
# The driver has the kernel put fragments together, so a frame may be longer than the MTU.
device=net_af_packet0,iface=bed0,framesz=4096,framecnt=8192
IFS= read -r -d '' inputs <<'EOF' || true
  - {port: 9000, format: json}
  - {port: 9001, format: frame}
  - {port: 9002, format: raw, event: rawline}
EOF
types=64       # event types that are configured and generated
port_more=''   # further lines of the port, four spaces deep
kafka_more=''  # further properties, four spaces deep
memory_more='' # further members of memory, as a flow mapping has them
huge=false     # whether DPDK uses hugepages; see take_hugepages
config_more='' # further top-level sections
spool='mode: off' # members of the spool, as a flow mapping has them
replicas=1     # of the topics that are made

types_section() { # the generator's types under the numbers it uses
	"$pktgen" --list-types --types "$types" | awk '{ printf "  %s: {id: %s}\n", $2, $1 }'
	echo "  rawline: {id: 9999, record: raw}"
}

# Has DPDK use hugepages where the machine can spare them; what was reserved before is reserved again at the end.
take_hugepages() { # COUNT of 2 MiB
	local free before
	before=$(cat /proc/sys/vm/nr_hugepages 2>/dev/null) || true
	[ -n "$before" ] || { echo "no hugepages: the kernel has none" && return; }
	hugepages_before=$before
	echo $((before + $1)) >/proc/sys/vm/nr_hugepages || true
	free=$(free_hugepages)
	if [ "${free:-0}" -ge "$1" ]; then
		huge=true
	else
		echo "no hugepages: the kernel spares ${free:-0}, not $1"
	fi
}

free_hugepages() {
	awk '/^HugePages_Free/ { print $2 }' /proc/meminfo
}

# Writes $config for a source kind (dpdk or socket) and a number of workers, from the variables above.
write_config() { # [KIND [WORKERS]]
	local kind=${1:-dpdk} workers=${2:-1}
	mkdir -p "$state"
	{
		echo "node: $node"
		echo "state: $state"
		echo "control: {socket: $socket}"
		echo "ports:"
		echo "  - name: lan0"
		echo "    source: $kind"
		if [ "$kind" = dpdk ]; then
			echo "    device: $device"
			echo "    addresses: [10.9.0.2/24, fd09::2/64]"
		else
			echo "    receive_buffer: 32MiB"
		fi
		echo "    workers: $workers"
		echo "    idle: sleep"
		[ -z "$port_more" ] || echo "$port_more"
		echo "inputs:"
		echo "$inputs"
		echo "types:"
		types_section
		echo "topics: {template: \"$topics\", partitions: 4, replicas: $replicas}"
		echo "kafka:"
		echo "  properties:"
		echo "    bootstrap.servers: $bootstrap"
		[ -z "$kafka_more" ] || echo "$kafka_more"
		[ -z "$config_more" ] || echo "$config_more"
		echo "spool: {$spool}"
		echo "memory: {huge: $huge${memory_more:+, $memory_more}}"
	} >"$config"
}

cli() {
	"$penstock" -s "$socket" "$@"
}

# Starts the daemon (arguments: NAME=VALUE for its environment) and waits until it receives and the sender knows its way.
start_daemon() {
	env "$@" "$penstockd" -c "$config" >>"$work/penstockd.log" 2>&1 </dev/null &
	daemon_pid=$!
	wait_for 30 "the daemon receives" receiving
	if grep -q '^    device: .*iface=bed0' "$config"; then meet; fi
}

# A service manager that listens at $work/NAME, and writes what it is told to NAME.log, a message a line.
manager() { # NAME
	in_background "$1" /usr/bin/python3 -uc 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
	print(" ".join(s.recv(4096).decode().split()))' "$work/$1"
	wait_for 10 "the service manager listens" test -S "$work/$1"
}

# The sender finds the daemon's addresses: until then its kernel keeps some 200 KiB of packets, and no more.
meet() {
	wait_for 10 "the sender finds 10.9.0.2" "$place" ping -c 1 -W 1 10.9.0.2
	wait_for 10 "the sender finds fd09::2" "$place" ping -c 1 -W 1 fd09::2
}

# Everything that was sent has come to rest: Kafka has it, or it is counted under a name.
wait_idle() { # [SECONDS]
	cli wait idle -t "${1:-60}" >/dev/null || die "not all events came to rest within ${1:-60} s"
}

place=in_sender # where the generator runs; env: in this namespace

# The generator; $truth and $events are what it wrote.
generate() { # OPTION...
	truth=$work/truth-$((generated + 1)).json
	events=$work/events-$((++generated)).txt
	"$place" "$pktgen" --types "$types" --truth "$truth" --truth-events "$events" --raw-type rawline "$@" >>"$work/pktgen.log" 2>&1 ||
		die "the generator failed: $(tail -1 "$work/pktgen.log")"
}

truth() { # EXPRESSION over the last generator's truth
	json "$1" <"$truth"
}

# Creates the configured topics through the daemon. With an argument, sends so many events and waits for them: a broker is
# slow with topics that it is still making. Later runs of the generator number on with --first.
create_topics() { # [EVENTS]
	cli topics create >"$work/topics.log" 2>&1 || die "topics create failed: $(tail -3 "$work/topics.log")"
	[ -z "${1:-}" ] || { generate --to 10.9.0.2 --format json --count "$1" --rate 1000 && wait_idle 60; }
}

# Compares the test's topics with everything that was generated so far.
read_back() { # OPTION...
	local file options=()
	for file in "$work"/events-*.txt; do options+=(--truth-events "$file"); done
	if "$root/tests/e2e/read_back.py" --bootstrap "$bootstrap" --template "$topics" --raw rawline "${options[@]}" \
		--summary "$work/read_back.json" "$@"; then
		echo "ok   read back"
	else
		fail "what Kafka holds is not what was sent"
	fi
}

receiving() {
	[ "$(cli -j status | json 'd["state"]')" = receiving ]
}

# SIGTERM and the exit code in $daemon_code.
stop_daemon() { # [SECONDS]
	kill -TERM "$daemon_pid"
	daemon_ends "$@"
}

# The same for one that has been told already.
daemon_ends() { # [SECONDS]
	local pid=$daemon_pid limit=$((SECONDS + ${1:-30}))
	daemon_pid= daemon_code=0
	while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $limit ]; do sleep 0.1; done
	if kill -0 "$pid" 2>/dev/null; then
		kill -KILL "$pid"
		fail "the daemon did not stop within ${1:-30} s"
	fi
	wait "$pid" || daemon_code=$?
}

kill_daemon() {
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null || true
	daemon_pid=
}
