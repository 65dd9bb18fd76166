/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/senders.h"
#include "worker/worker_priv.h"

int worker_quota_spent(struct worker *worker, const struct datagram *datagram)
{
	const struct quota *quota = quotas_find(worker->generation->quotas, ip_of_address(&datagram->source));

	if (quota == NULL || worker->config.senders == NULL)
		return 0;
	return !senders_charge(worker->config.senders, &datagram->source, datagram->len, quota, worker->burst.tsc);
}
