#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ten million categories: every key is found, a million others are not, for numbers and for texts. Needs a build, by
# default build-check/gcc.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${PENSTOCK_BUILD:-$root/build-check/gcc}
for keys in numbers texts; do
	"$build/tests/bench/category-bench" --entries 10000000 --keys $keys --verify --rounds 3
done
