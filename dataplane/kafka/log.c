/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <string.h>

#include "base/compiler.h"
#include "kafka/internal.h"

#define LOG_SECONDS 10 /* between two lines of one facility */

/* The library's facilities are words such as FAIL, ERROR, REQTMOUT; those beyond the table share its last place. */
static _Thread_local struct {
	char facility[24];
	struct log_limit limit;
} places[16];

static struct log_limit *limit_of(const char *facility)
{
	size_t i = 0, last = ARRAY_LENGTH(places) - 1;

	while (i < last && places[i].facility[0] != '\0' &&
		strncmp(places[i].facility, facility, sizeof(places[i].facility) - 1) != 0)
		i++;
	if (places[i].facility[0] == '\0')
		memcpy(places[i].facility, facility, strnlen(facility, sizeof(places[i].facility) - 1));
	return &places[i].limit;
}

static enum log_level level_of(int priority)
{
	if (priority <= 3)
		return LOG_ERROR;
	if (priority == 4)
		return LOG_WARNING;
	if (priority == 5)
		return LOG_NOTICE;
	return priority == 6 ? LOG_INFO : LOG_DEBUG;
}

void kafka_log_event(rd_kafka_event_t *event)
{
	const char *facility, *text;
	unsigned suppressed = 0;
	int priority;

	if (rd_kafka_event_log(event, &facility, &text, &priority) != 0)
		return;
	if (!log_allowed(limit_of(facility), LOG_SECONDS, &suppressed))
		return;
	if (suppressed != 0)
		log_write(level_of(priority), "kafka: %s: %s (%u more like it)", facility, text, suppressed);
	else
		log_write(level_of(priority), "kafka: %s: %s", facility, text);
}
