#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A secured Kafka. TLS with a wrong authority, a wrong host name or no certificate of ours, and a wrong password: the daemon runs
# on, says what to compare, and keeps every event until the properties are mended. The manual's own examples log in. The right to
# two of eight topics withdrawn under traffic, and the right to all of them: what is forbidden waits alone, and all of it is
# delivered when the right is back; or it is dead letters, where that is asked for. SCRAM: refused in words where the client
# cannot, else logged in. No password is shown anywhere.
. "$(dirname "$0")/../smoke/_init.sh"

types=8
first=0
total=0 # events sent to the daemon that runs
count=24000
[ -z "${PENSTOCK_FULL:-}" ] || count=240000
config_more='stop: {drain: 0s}'
spool='mode: direct'
life=0

send() { # COUNT
	generate --to 10.9.0.2 --to fd09::2 --first $first --count "$1" --rate 4000
	first=$((first + $1)) total=$((total + $1))
}

numbered() { [ "$(ledger records)" = "$total" ]; }
acked() { [ "$(ledger records acked)" -ge "$1" ]; }
said() { grep -qF -- "$1" "$work/penstockd.log"; }
of_topic() { cli -j show kafka | json "next(t['$2'] for t in d['topics'] if t['name'] == '$test_name.$1')"; }
of_others() { cli -j show kafka | json "sum(t['$1'] for t in d['topics'] if t['name'].split('.')[1] not in ('click', 'search'))"; }

names_a_failure() { [ "$(cli -j show kafka | json 'd["producers"][0]["handles"][0]["last_error"] != ""')" = true ]; }

# The manual's example number I: its properties but for the brokers, with paths and user of the test.
manual() { # I
	awk -v wanted="$1" '/^# / { here = $0 == "# SECURED KAFKA" } /^```/ { blocks += here && ++fences % 2 }
		here && fences % 2 && blocks == wanted && /^    / && !/bootstrap/' "$root/docs/penstockd.yaml.5.scd" |
		sed "s|/etc/penstock/kafka-ca.pem|$tls/ca.pem|; s|/etc/penstock/kafka.pem|$tls/client.pem|
			s|/etc/penstock/kafka.key$|$tls/client.key|; s|/etc/penstock|$work|; s|username: penstock|username: app|"
}

rights() { # ADD-OR-REMOVE ARG...
	"$kafka" acls "$cluster" "--$1" --operation Write "${@:2}" >"$work/acls.log" 2>&1 || die "acls failed: $(tail -2 "$work/acls.log")"
}

allow_all() { # PRINCIPAL
	local topic list=()
	for topic in $("$pktgen" --list-types --types $types | awk '{ print $2 }'); do list+=(--topic "$test_name.$topic"); done
	rights add --allow-principal "$1" "${list[@]}"
	rights add --operation Read --allow-principal "$1" --topic penstock.boxes
}

# A daemon with the properties given, and nothing in its log yet.
begin() { # BROKERS PROPERTIES
	bootstrap=$1 kafka_more=$2 total=0
	write_config dpdk 1
	start_daemon
	recovered=$(ledger spool)
}

# Stops it; what it said and showed is kept for the search for passwords.
end() { # WHAT
	local lines
	{ cli show config; cli -j show config; cli -j show kafka; cli -j ledger; cli -j status; } >"$work/shown-$life.log"
	stop_daemon
	expect "$1: exit code" "$daemon_code" = 0
	lines=$(grep -cE 'error:|warning:' "$work/penstockd.log" || true)
	expect "$1: lines of the log" "$lines" -lt 20
	mv "$work/penstockd.log" "$work/life-$((life++)).log"
}

# Kafka cannot be had with these properties: the daemon says why, and keeps what comes.
refused() { # WHAT BROKERS PROPERTIES SENTENCE
	begin "$2" "$3"
	send 1000
	wait_for 20 "$1: all events are numbered" numbered
	wait_for 30 "$1: the log says what to compare" said "$4"
	expect "$1: events acked" "$(ledger records acked)" = 0
	expect "$1: events dropped" "$(ledger events dropped.)" = 0
	expect "$1: events given up" "$(ledger records given_up.)" = 0
	wait_for 5 "$1: show kafka names a failure" names_a_failure
	receiving || fail "$1: the daemon does not receive"
	end "$1"
	waiting=$((waiting + 1000))
}

broker_up --heap 256 --secure
bed_up
tls=$("$kafka" tls "$cluster")
ssl=$("$kafka" address "$cluster" ssl)
sasl=$("$kafka" address "$cluster" sasl)
echo key-sesame >"$work/kafka.key.password"
echo open-sesame >"$work/kafka.password"
begin "$bootstrap" ''
create_topics
end "plain"

# --- what refuses, and what is refused ---

waiting=0
our_side='look at ssl.certificate.location'
its_side='compare ssl.ca.location'
refused "wrong authority" "$ssl" "$(manual 1 | sed 's|/ca.pem|/other-ca.pem|')" "$its_side"
refused "wrong host name" "localhost:${ssl#*:}" "$(manual 1)" "$its_side"
refused "no certificate of ours" "$ssl" "$(manual 1 | grep 'protocol\|ssl.ca')" "$our_side"
refused "wrong password" "$sasl" "$(manual 2 | grep -v password)
    sasl.password: >
      shut-
      sesame" 'compare sasl.mechanism, sasl.username and sasl.password'

# --- mutual TLS, and two topics forbidden under traffic: one whose Write is denied, one of which nothing is allowed any more ---

allow_all User:CN=client
begin "$ssl" "$(manual 1)"
expect "mutual TLS: events that had waited" "$recovered" = $waiting
wait_idle 60
expect "mutual TLS: those acked" "$(ledger records acked)" = $waiting
expect "mutual TLS: brokers" "$(cli -j show kafka | json 'd["producers"][0]["handles"][0]["brokers"]')" = "$ssl"
send 1000
wait_idle
# $! is that of a shell, which waits for the generator
in_background traffic generate --to 10.9.0.2 --to fd09::2 --first $first --count $count --rate 2000
generator=$!
generated=$((generated + 1)) first=$((first + count)) total=$((total + count))
rights add --deny-principal User:CN=client --topic "$test_name.click"
rights remove --force --allow-principal User:CN=client --topic "$test_name.search"
forbidden() { [ "$(of_topic "$1" stalled_s)" -gt 0 ] && [ "$(of_topic "$1" answer)" = TOPIC_AUTHORIZATION_FAILED ]; }
wait_for 30 "the topic whose Write is denied is shown with the reason" forbidden click
wait_for 30 "the topic that is not allowed is shown with the reason" forbidden search
parked='" ".join(sorted(l["log"] for l in d["logs"] if l["events"] > 0))'
both_parked() { [ "$(cli -j show spool | json "$parked")" = "topic.0.$test_name.click topic.0.$test_name.search" ]; }
wait_for 30 "both topics are parked, and no other" both_parked
flowing=$(of_others acked)
others_flow() { [ "$(of_others acked)" -ge $((flowing + 1000)) ]; }
wait_for 20 "the others flow" others_flow
expect "forbidden: others that stand still" "$(of_others stalled_s)" = 0
expect "forbidden: the log says so" "$(grep -c "$test_name.*TOPIC_AUTHORIZATION_FAILED; allow" "$work/penstockd.log")" -ge 1
cli show kafka >"$work/forbidden.log"
expect "forbidden: topics that show kafka gives as such" "$(grep -c TOPIC_AUTHORIZATION_FAILED "$work/forbidden.log")" = 2
wait "$generator" || die "the generator failed"
wait_for 20 "all events are numbered" numbered
others_home() { [ "$(of_others held)" = 0 ]; }
wait_for 20 "all of the others is acked" others_home
expect "forbidden: events dropped" "$(ledger events dropped.)" = 0
rights remove --force --deny-principal User:CN=client --topic "$test_name.click"
rights add --allow-principal User:CN=client --topic "$test_name.search"
wait_idle 60
expect "allowed again: events acked" "$(ledger records acked)" = $((waiting + total))
expect "allowed again: topics that stand still" "$(cli -j show kafka | json 'sum(t["stalled_s"] > 0 for t in d["topics"])')" = 0
expect_ledger_closed
end "mutual TLS"

# --- the same of one topic, where what is forbidden is to be a dead letter: delivered when it is asked for ---

spool='mode: direct, forbidden: bury'
rights add --deny-principal User:CN=client --topic "$test_name.click"
begin "$ssl" "$(manual 1)"
send 2000
letters() { cli -j show spool | json 'd["dead_letters"]["events"]'; }
ended() { [ "$(ledger records acked)" = $((total - $(letters))) ]; }
wait_for 30 "buried: all of it is acked or a dead letter" ended
expect "buried: dead letters" "$(letters)" -gt 0
expect "buried: why" "$(cli -j show spool | json '" ".join(r["reason"] for r in d["dead_letters"]["reasons"])')" = TOPIC_AUTHORIZATION_FAILED
expect "buried: events of the topic acked" "$(of_topic click acked)" = 0
rights remove --force --deny-principal User:CN=client --topic "$test_name.click"
cli spool replay >"$work/replay.log"
delivered() { [ "$(ledger records acked)" = "$total" ] && [ "$(letters)" = 0 ]; }
wait_for 60 "buried: all of it is delivered when the right is back" delivered
expect "buried: events given up" "$(ledger records given_up.)" = 0
wait_idle 20
expect_ledger_closed
end "buried"
spool='mode: direct'

# --- the right password of a user with no right at all, who gets them ---

begin "$sasl" "$(manual 2)"
send 1000
rebuilt() { [ "$(cli -j show kafka | json 'd["producers"][0]["rebuilds"]')" -ge 3 ]; }
wait_for 30 "the client ended and was made anew" rebuilt
expect "no right at all: the log says what helps" "$(grep -c 'may write to no topic at all' "$work/penstockd.log")" = 1
expect "no right at all: events acked" "$(ledger records acked)" = 0
expect "no right at all: events dropped" "$(ledger events dropped.)" = 0
receiving || fail "no right at all: the daemon does not receive"
allow_all User:app
wait_idle 60
expect "PLAIN over TLS: events acked" "$(ledger records acked)" = $total
expect_ledger_closed
version=$(cli -j show kafka | json 'd["version"]')
end "PLAIN over TLS"

# --- SCRAM ---

scram=$(manual 2 | sed 's/PLAIN/SCRAM-SHA-512/')
bootstrap=$sasl kafka_more=$scram
write_config dpdk 1
if [ "$(printf '%s\n' 2.6.1 "$version" | sort -V | head -1)" = 2.6.1 ]; then
	"$penstockd" -c "$config" --check >"$work/check.log" 2>&1 || fail "SCRAM with librdkafka $version is refused: $(cat "$work/check.log")"
	begin "$sasl" "$scram"
	send 500
	wait_idle 60
	expect "SCRAM with librdkafka $version: events acked" "$(ledger records acked)" = 500
	expect_ledger_closed
	end "SCRAM"
else
	for check in --check ''; do
		code=0
		"$penstockd" -c "$config" $check >"$work/check.log" 2>&1 || code=$?
		expect "SCRAM with librdkafka $version${check:+, $check}: exit code" $code = 78
		expect "SCRAM: lines" "$(wc -l <"$work/check.log")" = 1
		expect "SCRAM: what helps" "$(grep -c 'install librdkafka 2.6.1 or newer, or use PLAIN over TLS or a client certificate' \
			"$work/check.log")" = 1
	done
fi

# --- no password in what is said, shown or kept; all events in Kafka ---

for secret in key-sesame open-sesame shut- "$(sed -n 2p "$tls/client.key")"; do
	expect "places that show ${secret:0:11}" "$(grep -rlF -- "$secret" "$work"/*.log "$work"/*.json "$state" | wc -l)" = 0
done
expect "password in a block of its own, covered" "$(grep -c 'sesame' "$work"/shown-*.log | grep -vc ':0$')" = 0
bootstrap=$(cat "$("$kafka" tls "$cluster")/../../address")
read_back --allow out_of_order
finish
