/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Read-copy-update in its quiescent-state flavour (liburcu-qsbr): what control takes away from shared structures it frees
 * or reuses only after every worker has passed a point where it holds nothing of them.
 *
 * A registered worker that is online counts as reading all the time, from one rcu_quiescent to the next: it goes offline
 * before anything that may block, or every rcu_synchronize stalls. Nobody holds a mutex across rcu_synchronize that an
 * online thread may want.
 */

/* Registers the calling thread and brings it online, and the reverse. Once each, by the worker itself. */
void rcu_worker_register(void);
void rcu_worker_unregister(void);

/* The calling worker holds no pointer any more, and will not before rcu_worker_online. Before it sleeps or blocks. */
void rcu_worker_offline(void);
void rcu_worker_online(void);

/* The calling worker holds no pointer at this moment. Between bursts; a few instructions when nobody waits. */
void rcu_quiescent(void);

/* Returns when every online worker has been quiescent at least once since the call. Blocks. Control threads; a registered
 * thread may call it too and counts as offline meanwhile. */
void rcu_synchronize(void);
