#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is shipped beside the daemon: manual pages compile, the unit is tight, and penstock-nic refuses what would cut the host
# off, on a tree of files in sysfs's likeness. Parts whose tool is missing are named and left out.
# Usage: config_host.sh SOURCE_ROOT UNIT
set -euo pipefail

if [[ ${1:-} == --help || $# -ne 2 ]]; then
	sed -n '3,5s/^# //p' "$0"
	exit 64
fi
root=$1 unit=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# expect WORDS COMMAND...: the command fails and says WORDS.
expect() {
	local words=$1 said
	shift
	if said=$("$@" 2>&1); then
		fail "$* did not fail"
	fi
	[[ $said == *"$words"* ]] || fail "$* said \"$said\", not \"$words\""
}

manuals() {
	local page
	for page in penstockd.8 penstockd.yaml.5; do
		scdoc <"$root/docs/$page.scd" >"$work/$page" || fail "$page.scd does not compile"
		grep -q '^\.SH NAME' "$work/$page" || fail "$page has no NAME"
	done
}

unit() {
	local file=$work/penstockd.service
	cp "$unit" "$file"
	systemd-analyze security --offline=true --threshold=25 "$file" >"$work/security" 2>&1 ||
		fail "the unit's exposure is above 2.5: $(tail -n 1 "$work/security")"
	# The measure itself must be able to fail.
	sed -i '/^Protect\|^SystemCall\|^Capability/d' "$file"
	if systemd-analyze security --offline=true --threshold=25 "$file" >/dev/null 2>&1; then
		fail "a unit without protection passes too"
	fi
}

device() {
	local path=$work/sys/bus/pci/devices/$1
	mkdir -p "$path/net/$2" "$work/sys/bus/pci/drivers/ixgbe" "$work/sys/bus/pci/drivers/vfio-pci" "$work/sys/groups/$1"
	echo 0x020000 >"$path/class"
	echo 1 >"$path/numa_node"
	echo "(null)" >"$path/driver_override"
	ln -s "$work/sys/bus/pci/drivers/$3" "$path/driver"
	ln -s "$work/sys/groups/$1" "$path/iommu_group"
}

# route_of_ipv6 INTERFACE: the default route of IPv6, among others, and the one that refuses all else.
route_of_ipv6() {
	local any=00000000000000000000000000000000 gateway=fe800000000000000000000000000001
	{
		echo "$any 60 $any 00 $any 00000100 00000001 00000000 00000001 eno2"
		echo "$any 00 $any 00 $gateway 00000400 00000005 00000000 00450003 $1"
		echo "$any 00 $any 00 $any ffffffff 00000001 00000000 00200200 lo"
	} >"$work/proc/net/ipv6_route"
}

# stack LOWER UPPER LINK: an interface that stands on others, as a bond does or a VLAN.
stack() {
	mkdir -p "$work/sys/net/$2"
	ln -s "$work/sys/net/$2" "$1/$3"
}

nic() {
	PENSTOCK_SYSFS=$work/sys PENSTOCK_PROC=$work/proc "$root/configs/host/penstock-nic" "$@"
}

binding() {
	local devices=$work/sys/bus/pci/devices
	device 0000:17:00.0 eno1 ixgbe
	device 0000:17:00.1 eno2 ixgbe
	device 0000:17:00.2 none vfio-pci
	stack "$devices/0000:17:00.1/net/eno2" bond0 master
	stack "$work/sys/net/bond0" bond0.7 upper_bond0.7
	mkdir -p "$work/proc/net"
	{
		echo "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"
		echo "eno1 00000000 0100090A 0003 0 0 0 00000000 0 0 0"
	} >"$work/proc/net/route"

	[[ $(nic status 0000:17:00.1) == "0000:17:00.1 node 1 driver ixgbe interface eno2" ]] || fail "status is wrong"
	[[ $(nic status | wc -l) == 3 ]] || fail "status leaves devices out"
	[[ $(nic bind 0000:17:00.2) == *already* ]] || fail "bind is not safe to run twice"
	expect "is no PCI address" nic bind eno1
	expect "there is no PCI device" nic bind 0000:ff:00.0
	expect "usage:" nic bind
	expect "usage:" nic bind 0000:17:00.1 --quick
	expect "0000:17:00.0 is eno1, which carries the default route" nic bind 0000:17:00.0
	route_of_ipv6 eno2
	expect "0000:17:00.1 is eno2, which carries the default route" nic bind 0000:17:00.1
	route_of_ipv6 bond0.7
	expect "0000:17:00.1 is eno2, below bond0.7, which carries the default route" nic bind 0000:17:00.1
	[[ $(cat "$devices"/0000:17:00.[01]/driver_override | sort -u) == "(null)" ]] || fail "a refused device was touched"
	route_of_ipv6 eno1

	# These files do not answer as a kernel would, so bind ends with its own check; what it wrote is looked at.
	expect "did not give 0000:17:00.1 to vfio-pci" nic bind 0000:17:00.1
	[[ $(<"$work/sys/bus/pci/drivers/ixgbe/unbind") == 0000:17:00.1 ]] || fail "the old driver was not told"
	[[ $(<"$devices/0000:17:00.1/driver_override") == vfio-pci ]] || fail "no override was written"
	[[ $(<"$work/sys/bus/pci/drivers_probe") == 0000:17:00.1 ]] || fail "no probe was asked for"
	expect "did not give 0000:17:00.0 to vfio-pci" nic bind 0000:17:00.0 --force
	rm "$devices/0000:17:00.1/iommu_group"
	expect "is in no IOMMU group" nic bind 0000:17:00.1
	[[ $(nic unbind 0000:17:00.1) == "0000:17:00.1 is with ixgbe" ]] || fail "unbind does not say where the device is"
	[[ $(<"$devices/0000:17:00.1/driver_override") == "" ]] || fail "unbind leaves the override"
}

if command -v scdoc >/dev/null; then manuals; else echo "left out: manuals (scdoc is missing)"; fi
if command -v systemd-analyze >/dev/null; then unit; else echo "left out: unit (systemd-analyze is missing)"; fi
binding
