#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A table of the default test database answers as libmaxminddb does. Arguments: tests/data/geo, the program that compares.
set -euo pipefail

if ! database=$("$1" fetch); then
	echo "skipped: the default geo database cannot be fetched" >&2
	exit 77
fi
for file in "$database" "${database%.mmdb}-ipv4.mmdb" "${database%.mmdb}-ipv6.mmdb"; do
	"$2" "$file"
done
