#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the quickstart and the script for brokers refuse: a directory that somebody else prepared, a second quickstart beside one
# that is at work, clusters that cannot be.
. "$(dirname "$0")/_init.sh"

refused() { # LOG COMMAND...: its exit code is not 0
	local log=$1
	shift
	! "$@" >"$work/$log.log" 2>&1 </dev/null
}

# --- what a stranger left in a place where anybody may write ---

prepared=$work/prepared
mkdir -p "$prepared/kafka/quickstart/1" "$work/precious"
echo -n "$work/precious" >"$prepared/kafka/quickstart/1/data"
chown -R nobody "$prepared"
refused stranger env PENSTOCK_RUN="$prepared" "$root/quickstart" --stop || fail "a stranger's directory was taken for our own"
refused stranger-kafka env PENSTOCK_RUN="$prepared" "$kafka" purge quickstart || fail "a stranger's cluster was purged"
expect "directories left that a stranger named" "$(find "$work/precious" -maxdepth 0 | wc -l)" = 1
expect "lines that name the place and the cure" "$(grep -h 'prepared is no directory of root.*set PENSTOCK_RUN' "$work"/stranger*.log | wc -l)" = 2
chown root "$prepared"
chmod 777 "$prepared"
refused open env PENSTOCK_RUN="$prepared" "$root/quickstart" --stop || fail "a directory was taken in which anybody may write"

# --- two at once ---

held() { ! flock -n "$work/own/quickstart.lock" true; }

mkdir "$work/own"
touch "$work/own/quickstart.lock"
in_background holder flock "$work/own/quickstart.lock" sleep 600
wait_for 10 "a quickstart is at work" held
mkdir "$work/own/quickstart"
refused second env PENSTOCK_RUN="$work/own" "$root/quickstart" --no-install --no-java || fail "a second quickstart began"
refused second-stop env PENSTOCK_RUN="$work/own" "$root/quickstart" --stop || fail "another's quickstart was stopped"
expect "lines that say so" "$(grep -h 'another quickstart is at work' "$work"/second*.log | wc -l)" = 2
expect "directories of the first left" "$(find "$work/own/quickstart" -maxdepth 0 | wc -l)" = 1
kill "${background[0]}"

# --- clusters ---

export PENSTOCK_RUN=$work/own
refused status "$kafka" status nope || fail "a cluster that is not there has a status"
refused stop "$kafka" said nope || fail "a cluster that is not there said something"
for wrong in "--nodes 0" "--heap 0" "--heap" "--nodes 2 --controllers 3" "--nodes two"; do
	# shellcheck disable=SC2086
	refused "start" "$kafka" start x $wrong || fail "a cluster was started with $wrong"
	expect "what is left of a cluster with $wrong" "$(find "$work/own/kafka" -mindepth 1 | wc -l)" = 0
	expect "logs that are named and are not there" "$(grep -c 'failed.log' "$work/start.log" || true)" = 0
done
finish
