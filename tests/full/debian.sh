#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds Penstock and runs its unit tests in a bare Debian root, which has nothing but a base system: what `./check` installs by
# itself must suffice, and every release that is said to work must.
set -euo pipefail

usage() {
	cat <<'EOF'
tests/full/debian.sh [--keep] [SUITE]...     (default: bookworm trixie)

Makes a root of each Debian suite with debootstrap under $PENSTOCK_ROOTS (default build-check/roots), copies this checkout into
it, installs packages with tests/install-packages, builds with gcc and runs the unit tests. Needs root and a package mirror
($DEBIAN_MIRROR, default what debootstrap takes). Exit 77 without root or debootstrap.
  --keep   leave the roots
EOF
}

root=$(cd "$(dirname "$0")/../.." && pwd)
roots=${PENSTOCK_ROOTS:-$root/build-check/roots}
keep='' suites=()
while [ $# -gt 0 ]; do
	case $1 in
	--keep) keep=1 ;;
	-h | --help) usage && exit ;;
	-*) usage >&2 && exit 64 ;;
	*) suites+=("$1") ;;
	esac
	shift
done
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)
[ "$(id -u)" = 0 ] || { echo "SKIP debian: needs root" && exit 77; }
command -v debootstrap >/dev/null || { echo "SKIP debian: needs the package debootstrap" && exit 77; }

leave() {
	local target=$1 mounted
	for mounted in proc sys dev; do
		! mountpoint -q "$target/$mounted" || umount -l "$target/$mounted"
	done
	[ -n "$keep" ] || rm -rf --one-file-system "$target"
}

make_root() { # SUITE TARGET
	local suite=$1 target=$2
	if [ ! -x "$target/usr/bin/apt-get" ]; then
		rm -rf --one-file-system "$target"
		mkdir -p "$target"
		echo "== $suite: bootstrap"
		debootstrap --variant=minbase "$suite" "$target" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$target.log" 2>&1 ||
			{ tail -20 "$target.log" && return 1; }
	fi
	mount -t proc proc "$target/proc"
	mount --rbind /sys "$target/sys"
	mount --rbind /dev "$target/dev"
	cp /etc/resolv.conf "$target/etc/resolv.conf" 2>/dev/null || true
	cp -r /etc/apt/apt.conf.d/. "$target/etc/apt/apt.conf.d/" 2>/dev/null || true
}

try_suite() { # SUITE
	local suite=$1 target=$roots/$1
	make_root "$suite" "$target"
	echo "== $suite: packages, build, unit tests"
	rm -rf "$target/penstock"
	mkdir -p "$target/penstock"
	(cd "$root" && tar -c --exclude='./build*' --exclude=./.cache --exclude=./.git .) | tar -x -C "$target/penstock"
	chroot "$target" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" bash -euc '
		cd /penstock
		tests/install-packages build
		meson setup build
		ninja -C build
		meson test -C build --suite unit --suite fuzz --timeout-multiplier 4 --print-errorlogs
		dpkg-query -W -f "\${Package} \${Version}\n" gcc libdpdk-dev librdkafka-dev liburcu-dev meson
	'
}

failed=0
for suite in "${suites[@]}"; do
	trap 'leave "$roots/$suite"' EXIT
	try_suite "$suite" || { echo "FAIL debian: $suite" && failed=1; }
	leave "$roots/$suite"
	trap - EXIT
done
[ $failed = 0 ] && echo "PASS debian: ${suites[*]}"
exit $failed
