#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A configuration that is wrong is refused with one line that says where, and exit code 78; one that is right is fine
# without Kafka and without the device.
. "$(dirname "$0")/_init.sh"

bootstrap=127.0.0.1:1
write_config dpdk 1
"$penstockd" -c "$config" --check >"$work/check.log" 2>&1 || fail "a right configuration is refused: $(cat "$work/check.log")"
refused() { # DESCRIPTION SED-SCRIPT
	local code=0
	sed "$2" "$config" >"$work/wrong.yaml"
	"$penstockd" -c "$work/wrong.yaml" --check >"$work/check.log" 2>&1 || code=$?
	expect "$1: exit code" $code = 78
	expect "$1: lines" "$(wc -l <"$work/check.log")" = 1
	expect "$1: names the place" "$(grep -cE '^[^ ]*wrong.yaml:[0-9]+:[0-9]+: ' "$work/check.log")" = 1
}
refused "unknown key" 's/^node:/nodes: x\nnode:/'
refused "wrong type" 's/workers: 1/workers: many/'
refused "impossible value" 's/idle: sleep/idle: nap/'
refused "tab for indentation" 's/^    workers/\tworkers/'
code=0
sed 's/bootstrap.servers: .*/bootstrap.servers: x:1\n    plugin.library.paths: evil.so/' "$config" >"$work/wrong.yaml"
"$penstockd" -c "$work/wrong.yaml" --check >"$work/check.log" 2>&1 || code=$?
expect "a property that loads code: exit code" $code = 78
code=0
"$penstockd" -c "$root/configs/penstockd.yaml.sample" --check >"$work/check.log" 2>&1 || code=$?
expect "the sample, whose tables are not here: exit code" $code = 78
expect "the file that is not here, and where it is named" \
	"$(grep -cE '^[^ ]*penstockd.yaml.sample:[0-9]+:[0-9]+: geo.files: .*private.mmdb' "$work/check.log")" = 1
for file in private country; do
	echo "10.0.0.0/8 ZZ 64512 Our own net" | "$build/tests/unit/tables/geo-make" "$work/$file.mmdb" 4 || die "geo-make failed"
done
printf 'shoe-1\tshoes\n' >"$work/category.tsv"
sed "s|/etc/penstock/private|$work/private|; s|/var/lib/penstock/country|$work/country|
	s|/var/lib/penstock/category.tsv.zst|$work/category.tsv|" "$root/configs/penstockd.yaml.sample" >"$work/sample.yaml"
code=0
"$penstockd" -c "$work/sample.yaml" --check >"$work/check.log" 2>&1 || code=$?
expect "the sample with tables: exit code" $code = 0
expect "what it says of them" "$(grep -c '^penstockd: notice: geo: .* prefixes\|^penstockd: notice: category: 1 keys' "$work/check.log")" = 2
finish
