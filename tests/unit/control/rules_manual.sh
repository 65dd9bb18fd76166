#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The samples of docs/rules.md and penstock(1) come out as they say by the rules that README.md shows.
# Usage: rules_manual.sh SOURCE_ROOT PENSTOCK
set -euo pipefail

if [[ ${1:-} == --help || $# -ne 2 ]]; then
	sed -n '3,4s/^# //p' "$0"
	exit 64
fi
root=$1 penstock=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# The tables' files are left out: no sample asks for them.
cat >"$work/readme.yaml" <<'YAML'
node: a
ports: [{name: p, device: net_null0}]
kafka: {properties: {bootstrap.servers: "k:1"}}
topics: {template: "ev.{type}"}
YAML
sed -n '/^types:$/,/^```$/{/^types:/p; /^ /p}' "$root/README.md" >>"$work/readme.yaml"
grep -q 'require: {item: ' "$work/readme.yaml" || fail "README.md has no types with rules"

# test_samples DOCUMENT COUNT: all are as expected, and none fails before the rules.
test_samples() {
	local said
	[[ $(wc -l <"$work/samples") == "$2" ]] || fail "$1 has not $2 samples but: $(<"$work/samples")"
	said=$("$penstock" rules test -c "$work/readme.yaml" "$work/samples" 2>&1) || fail "$1: $said"
	[[ $said != *dropped* ]] || fail "$1: $said"
}

sed -n '/^## Trying them$/,$p' "$root/docs/rules.md" | grep '^{' >"$work/samples" || true
test_samples docs/rules.md 3
sed -n "s/^echo '\({\"event\".*}\)' |\$/\1/p" "$root/docs/penstock.1.scd" >"$work/samples"
test_samples docs/penstock.1.scd 1
