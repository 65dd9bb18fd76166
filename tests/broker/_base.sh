# SPDX-License-Identifier: Apache-2.0
# Sourced by the quickstart and by tests/broker/kafka: the directory below which they keep what runs.
base=${PENSTOCK_RUN:-/tmp/penstock-$(id -u)}

# In /tmp anybody may make a directory of this name beforehand, and put into it what we would believe: pids to end, paths to remove.
make_base() {
	mkdir -p -m 700 "$base" 2>/dev/null || true
	[ -d "$base" ] && [ ! -L "$base" ] && [ -O "$base" ] && [ -z "$(find "$base" -maxdepth 0 -perm /022)" ] ||
		die "$base is no directory of $(id -un)'s that nobody else may write: remove it, or set PENSTOCK_RUN to another place"
}
