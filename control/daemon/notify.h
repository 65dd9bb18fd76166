/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tells the service manager how the daemon is doing: datagrams to the socket that $NOTIFY_SOCKET names, as sd_notify(3)
 * describes the protocol, without its library. Each returns 1 when told, 0 without a manager, or -errno. Any thread
 * that may make a system call; nothing blocks.
 */

/* The daemon has begun to start, and needs up to `seconds` from now on until it receives or tells so again. */
int notify_starting(unsigned seconds);

/* The daemon receives. */
int notify_ready(void);

/* The daemon has begun to stop, and needs up to `seconds` to drain. */
int notify_stopping(unsigned seconds);

/* Still alive. The keeper says so each second, or oftener, also to a manager that does not wait for it. */
int notify_watchdog(void);
