#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kafka away for a while under traffic, for Penstock and for the log shippers that Debian has: what is lost is counted by reading
# Kafka back. Ours must lose nothing and account for everything; the others' figures are printed. Everyone gets the same events over
# a kernel socket with the same buffer, and is configured as its manual says (outage_*.conf beside this file).
#
# PENSTOCK_OUTAGE=SECONDS for a shorter or longer outage, PENSTOCK_SUBJECTS="penstock-wal rsyslog ..." for some of them.
root=$(cd "$(dirname "$0")/../.." && pwd)
export PENSTOCK_BUILD=${PENSTOCK_BUILD:-$root/build-check/gcc}
shipped=${PENSTOCK_CACHE:-$root/.cache}/syslog-ng

# Debian's packages of rsyslog and syslog-ng exclude each other, so the latter is only unpacked; here, where there is a network.
fetch_syslog_ng() {
	local package
	mkdir -p "$shipped/partial" &&
		apt-get -q -y --download-only -o Dpkg::Use-Pty=0 -o APT::Install-Recommends=false -o Dir::Cache::archives="$shipped" \
			-o APT::Sandbox::User=root install syslog-ng-core syslog-ng-mod-rdkafka || return 1
	for package in "$shipped"/*.deb; do
		dpkg-deb -x "$package" "$shipped/root" || return 1
	done
}
if [ -z "${PENSTOCK_BED:-}" ] && [ ! -d "$shipped/root" ]; then
	fetch_syslog_ng >"${TMPDIR:-/tmp}/penstock-fetch-syslog-ng.$$.log" 2>&1 || rm -rf "$shipped/root"
	rm -f "${TMPDIR:-/tmp}/penstock-fetch-syslog-ng.$$.log"
fi
. "$root/tests/smoke/_init.sh"

outage=${PENSTOCK_OUTAGE:-15}
subjects=${PENSTOCK_SUBJECTS:-penstock-direct penstock-wal syslog-ng syslog-ng-disk rsyslog rsyslog-disk \
	syslog-ng-disk-expired rsyslog-disk-expired}
here=$root/tests/full
rate=10000
before=6 # seconds of traffic before the outage,
after=7  # and after it
sent=$(((before + outage + after) * rate))
warm=1000   # events that must come through when all is well
quiet=65    # seconds without a new record after which nothing more is expected: rsyslog tries again every 30 s
starting=5  # seconds that the broker's start takes, as the last one did
buffer=$((32 << 20)) # bytes asked for; the kernel counts twice as many
port=9000
place=env
types=8
inputs="  - {port: $port, format: json}"
peer=
libraries=

tool() { /usr/bin/python3 "$here/outage_tools.py" "$@"; }
bound() { [ -n "$(ss -Hnulp "sport = :$port")" ]; }
holds() { [ "$(tool held "$bootstrap" "$topic")" -ge "$1" ]; }
ended() { ! kill -0 "$1" 2>/dev/null; }

types_section() { # in place of the bed's: all types go to one topic
	"$pktgen" --list-types --types "$types" | awk -v topic="$topic" '{ printf "  %s: {id: %s, topic: %s}\n", $2, $1, topic }'
}

generator() { # FIRST COUNT RATE: one event a datagram
	"$pktgen" --to 127.0.0.1 --port json=$port --types $types --preset mix225 --max-body 1400 --pretty 0 -k 1 --time-base now \
		--first "$1" --count "$2" --rate "$3" >>"$work/pktgen.log" 2>&1
}

# --- who is compared: each is started in the background, and says what it believes ---

syslog_ng() { # PROGRAM ARGUMENT...
	LD_LIBRARY_PATH=$libraries "$shipped/root/usr/sbin/$1" "${@:2}"
}

configure() { # FILE: for this subject, with the client's time-out
	local timeout=300000 # librdkafka's default
	[[ $subject != *-expired ]] || timeout=4000
	sed -e "s|@PORT@|$port|; s|@BROKER@|$bootstrap|; s|@TOPIC@|$topic|; s|@DIRECTORY@|$work/$subject|" \
		-e "s|@CLIENT@|message.timeout.ms=$timeout|; s|@CLIENT_NAME@|message.timeout.ms|; s|@CLIENT_VALUE@|$timeout|" \
		"$here/$1" >"$work/$subject.conf"
}

present() {
	case $subject in
	syslog-ng*) [ -d "$shipped/root" ] ;;
	rsyslog*) command -v rsyslogd >/dev/null ;;
	esac
}

start_subject() {
	local kind=${subject%-expired}
	mkdir -p "$work/$subject"
	case $kind in
	penstock-*)
		spool="mode: ${kind#penstock-}" state=$work/$subject
		write_config socket 1
		start_daemon
		peer=$daemon_pid
		return
		;;
	syslog-ng*)
		configure "outage_${kind//-disk/_disk}.conf"
		in_background "$subject" env LD_LIBRARY_PATH="$libraries" "$shipped/root/usr/sbin/syslog-ng" -F -f "$work/$subject.conf" \
			-R "$work/$subject/persist" -c "$work/$subject/ctl" -p "$work/$subject/pid" --module-path "$modules"
		;;
	rsyslog*)
		configure "outage_${kind//-disk/_disk}.conf"
		in_background "$subject" rsyslogd -n -f "$work/$subject.conf" -i "$work/$subject/pid"
		;;
	*) die "nobody is named $subject" ;;
	esac
	peer=$!
	wait_for 20 "$subject listens" bound
}

told() {
	case $subject in
	penstock-*) echo "acked $(ledger records acked), dropped $(ledger events dropped.), given up $(ledger records given_up.)" ;;
	syslog-ng*)
		syslog_ng syslog-ng-ctl stats -c "$work/$subject/ctl" |
			awk -F';' '$1 == "dst.kafka" { n[$5] = $6 } END { print "written " n["written"] ", dropped " n["dropped"] + 0 }'
		;;
	rsyslog*)
		/usr/bin/python3 - "$work/$subject/stats" <<-'PY'
			import json, sys
			rows = [json.loads(line[line.index("{"):]) for line in open(sys.argv[1]) if "{" in line]
			last = {row["name"]: row for row in rows}
			discarded = sum(row.get("discarded.full", 0) + row.get("discarded.nf", 0) for row in last.values())
			client = last["omkafka"]
			print(f"submitted {client['submitted']}, failures {client['failures']}, failed by action"
			      f" {last['kafka']['failed']}, discarded {discarded}")
		PY
		;;
	esac
}

stop_subject() {
	if [ -n "$daemon_pid" ]; then
		stop_daemon 60
		expect "$subject: exit code" "$daemon_code" = 0
		return
	fi
	kill -TERM "$peer"
	wait_for 90 "$subject ends" ended "$peer"
}

# --- one run ---

come_to_rest() { # until all is there, or nothing has come for long
	local now last=-1 since=$SECONDS
	while [ $((SECONDS - since)) -lt $quiet ]; do
		now=$(tool held "$bootstrap" "$topic")
		[ "$now" -lt $((warm + sent)) ] || return 0
		[ "$now" = "$last" ] || since=$SECONDS
		last=$now
		sleep 1
	done
}

row() {
	printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$@"
}

run_subject() {
	local granted dropped missing repeated account generating killed away
	topic=outage-$subject
	kcat -b "$bootstrap" -L -t "$topic" -X allow.auto.create.topics=true -m 10 >/dev/null
	start_subject
	granted=$(tool buffer "$peer" $port $buffer)
	generator 0 $warm 1000 || die "the generator failed: $(tail -1 "$work/pktgen.log")"
	wait_for 60 "$subject delivers $warm events when all is well (if not, it is set up wrongly)" holds $warm

	generator $warm $sent $rate &
	generating=$!
	background+=("$generating")
	let_pass $before "$subject: traffic"
	killed=$SECONDS
	"$kafka" kill9 "$cluster"
	let_pass $((outage > starting ? outage - starting : 0)) "$subject: Kafka is away, besides the $starting s that its start takes"
	away=$((SECONDS - killed))
	"$kafka" start "$cluster" >/dev/null
	starting=$((SECONDS - killed - away))
	away=$((SECONDS - killed))
	wait "$generating" || die "the generator failed: $(tail -1 "$work/pktgen.log")"
	come_to_rest
	dropped=$(tool drops $port)
	if [ -n "$daemon_pid" ]; then
		wait_idle 60
		expect "$subject: events acked and, before it, dropped by the kernel" $(($(ledger records acked) + dropped)) = $((warm + sent))
		expect "$subject: events dropped or given up" $(($(ledger events dropped.) + $(ledger records given_up.))) = 0
		expect_ledger_closed
	fi
	account=$(told)
	stop_subject
	read -r missing repeated < <(tool count "$bootstrap" "$topic" $warm $sent)
	if [[ $subject == penstock-* ]]; then
		expect "$subject: events that Kafka does not have" "$missing" = 0
		expect "$subject: events that Kafka has twice" "$repeated" = 0
	fi
	row "$subject" $sent $away "$missing" "$dropped" "$repeated" "$account" >>"$work/table"
	echo "     $subject: buffer $granted, Kafka away for $away s, lost $missing of $sent ($dropped of them before it read them), twice $repeated; $account"
}

broker_up --heap 512 --auto-create
if [ -d "$shipped/root" ]; then
	libraries=$(find "$shipped/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
	modules=$(dirname "$(find "$shipped/root" -name libafsocket.so)")
fi
for subject in $subjects; do
	if ! present; then
		echo "skip $subject: it is not there and cannot be fetched"
		continue
	fi
	run_subject
done

echo
echo "$(dpkg-query -W -f '${Package} ${Version}, ' rsyslog librdkafka1 2>/dev/null)$([ ! -d "$shipped/root" ] ||
	syslog_ng syslog-ng --version | head -1), about $outage s away in $((before + outage + after)) s at $rate events/s"
row subject sent "s away" lost "of it in the socket" twice "what it says itself"
row --- --- --- --- --- --- ---
cat "$work/table"
finish
