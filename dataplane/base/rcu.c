/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rcu.h"

#include <urcu/urcu-qsbr.h>

/* ThreadSanitizer does not see the library's order between a quiescent worker and the thread that waited for it. */
#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

#ifdef TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char order;
#define ORDER_RELEASE() __tsan_release(&order)
#define ORDER_ACQUIRE() __tsan_acquire(&order)
#else
#define ORDER_RELEASE() ((void)0)
#define ORDER_ACQUIRE() ((void)0)
#endif

void rcu_worker_register(void)
{
	urcu_qsbr_register_thread();
}

void rcu_worker_unregister(void)
{
	ORDER_RELEASE();
	urcu_qsbr_unregister_thread();
}

void rcu_worker_offline(void)
{
	ORDER_RELEASE();
	urcu_qsbr_thread_offline();
}

void rcu_worker_online(void)
{
	urcu_qsbr_thread_online();
}

void rcu_quiescent(void)
{
	ORDER_RELEASE();
	urcu_qsbr_quiescent_state();
}

void rcu_synchronize(void)
{
	urcu_qsbr_synchronize_rcu();
	ORDER_ACQUIRE();
}
