/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/server_apart.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "control/api/protocol.h"

static void *apart_main(void *argument)
{
	struct server_apart *apart = argument;

	apart->reply = dispatch_line(apart->dispatch, apart->line, apart->len, &apart->peer);
	atomic_store(&apart->done, true);
	return NULL;
}

static int begin(struct server_apart *apart, const char *line, size_t len, const struct dispatch_peer *peer, unsigned client)
{
	int rc;

	if (apart->running)
		return -EBUSY;
	apart->line = malloc(len + 1);
	if (apart->line == NULL)
		return -ENOMEM;
	memcpy(apart->line, line, len);
	apart->len = len;
	apart->peer = *peer;
	apart->client = client;
	atomic_store(&apart->done, false);
	rc = thread_start(&apart->thread, "apart", NULL, 0, apart_main, apart);
	if (rc != 0)
		free(apart->line);
	apart->running = rc == 0;
	return rc;
}

/* What can have no thread of its own is carried out here and now. */
bool apart_answer(struct server_apart *apart, const char *line, size_t len, const struct dispatch_peer *peer, unsigned client,
	struct dispatch_reply *reply)
{
	int rc = -ENOENT;

	if (dispatch_flags(apart->dispatch, line, len) & SERVER_APART)
		rc = begin(apart, line, len, peer, client);
	if (rc == -EBUSY)
		*reply = dispatch_refuse(
			line, len, API_BUSY, "something that takes long is asked for already: try again in a moment");
	else if (rc != 0)
		*reply = dispatch_line(apart->dispatch, line, len, peer);
	return rc != 0;
}

static void join(struct server_apart *apart)
{
	pthread_join(apart->thread, NULL);
	free(apart->line);
	apart->running = false;
}

bool apart_take(struct server_apart *apart, struct dispatch_reply *reply, unsigned *client)
{
	if (!apart->running || !atomic_load(&apart->done))
		return false;
	join(apart);
	*reply = apart->reply;
	*client = apart->client;
	return true;
}

void apart_end(struct server_apart *apart)
{
	if (!apart->running)
		return;
	join(apart);
	free(apart->reply.data);
}
