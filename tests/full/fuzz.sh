#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every fuzz target for a minute; $PENSTOCK_FUZZ_SECONDS for longer.
set -euo pipefail
exec "$(dirname "$0")/../fuzz/run" --seconds "${PENSTOCK_FUZZ_SECONDS:-60}"
