# SPDX-License-Identifier: Apache-2.0
# Sourced once in a fresh world: where there is memory for it, what tests and brokers write goes to a file system in memory
# that vanishes with the world, however it ends.
mkdir -p /run/dpdk
mount -t tmpfs -o mode=700 penstock-dpdk /run/dpdk
if [ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -ge 6000 ]; then
	mkdir -p /run/penstock-bed
	mount -t tmpfs -o mode=755,size=50% penstock-bed /run/penstock-bed
	export PENSTOCK_RUN=/run/penstock-bed TMPDIR=/run/penstock-bed PENSTOCK_KAFKA_DATA=/run/penstock-bed
fi
