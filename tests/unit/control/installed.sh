#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What meson installs fits together: the programs and manual pages that the units name are there, penstock finds its helper,
# systemd takes the units, examples stay out of /etc, and no test comes along. Parts whose tool is missing are named and left out.
# Usage: installed.sh MESON BUILD
set -euo pipefail

if [[ ${1:-} == --help || $# -ne 2 ]]; then
	sed -n '3,5s/^# //p' "$0"
	exit 64
fi
meson=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

installed() { # NAME, with the end of its path: where it was installed, below the root
	local found
	found=$(cd "$root" && find . -path "*/$1" -type f)
	[[ -n $found && $(wc -l <<<"$found") == 1 ]] || fail "$1 is installed ${found:-nowhere}"
	echo "${found#.}"
}

programs() {
	local found
	found=$(cd "$root" && find . -type f -perm /111 | sed 's|.*/\(s\?bin/\)|\1|' | LC_ALL=C sort | paste -sd' ')
	[[ $found == "bin/penstock bin/penstock-offline bin/penstock-pktgen sbin/penstock-nic sbin/penstockd" ]] ||
		fail "these programs are installed: $found"
}

# The daemon's configuration is wrong, which only the helper can tell.
helper() {
	local code=0
	"$root$(installed bin/penstock)" -c "$work/missing.yaml" rules test - </dev/null >"$work/helper.log" 2>&1 || code=$?
	[[ $code == 78 ]] || fail "penstock rules test ends with $code: $(<"$work/helper.log")"
}

unit_paths() { # UNIT
	local line path name
	grep -q '^ExecStart="/' "$root$1" || fail "$1 starts nothing"
	while read -r line; do
		path=${line#*=\"} && path=${path%%\"*}
		[[ -x $root$path ]] || fail "$1 runs $path, which is not installed"
	done < <(grep '^Exec' "$root$1")
	while read -r name; do
		[[ -z ${pages:-} ]] || installed "man${name: -2:1}/${name%(*}.${name: -2:1}" >/dev/null
	done < <(grep -o 'man:[^ ]*' "$root$1" | sed 's/^man://')
}

# As on the machine itself, with its targets and without its other units. What is only a warning counts, too.
unit_verified() { # UNIT
	local name=${1##*/}
	systemd-analyze verify --man=no --root="$root" "$name" >"$work/verify.log" 2>&1 && ! grep -qF "${name%.service}" "$work/verify.log" ||
		fail "systemd-analyze says of $name: $(<"$work/verify.log")"
}

examples() {
	local name
	[[ ! -e $root/etc && ! -e $root/var ]] || fail "something is installed in /etc or /var"
	for name in penstockd.yaml.sample 90-penstock.conf penstock-isolation.cfg penstockd-kernel-nic.conf; do
		installed "doc/penstock/examples/$name" >/dev/null
	done
}

"$meson" install -C "$build" --no-rebuild --destdir "$root" >"$work/install.log" 2>&1 || fail "$(<"$work/install.log")"
pages=
if command -v scdoc >/dev/null; then pages=yes; else echo "left out: manuals (scdoc is missing)"; fi
programs
helper
daemon=$(installed systemd/system/penstockd.service)
nic=$(installed systemd/system/penstock-nic@.service)
unit_paths "$daemon"
unit_paths "$nic"
if [[ -n $pages ]]; then
	installed man1/penstock.1 >/dev/null
	installed man1/penstock-pktgen.1 >/dev/null
fi
grep -q '^u penstock ' "$root$(installed sysusers.d/penstock.conf)" || fail "no user penstock"
installed udev/rules.d/60-penstock-vfio.rules >/dev/null
installed bash-completion/completions/penstock.bash >/dev/null
examples
targets=$(pkg-config --variable=systemdsystemunitdir systemd 2>/dev/null || echo /usr/lib/systemd/system)
if command -v systemd-analyze >/dev/null && [[ -e $targets/sysinit.target ]]; then
	mkdir -p "$root/usr/lib/systemd/system"
	cp -P "$targets"/*.target "$root/usr/lib/systemd/system/"
	unit_verified "$daemon"
	unit_verified "$nic"
else
	echo "left out: systemd's own look (systemd-analyze is missing)"
fi
