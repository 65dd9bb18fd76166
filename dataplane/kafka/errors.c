/* SPDX-License-Identifier: Apache-2.0 */
#include "base/compiler.h"
#include "kafka/internal.h"

/*
 * Only what a person or a broker refuses for the record's own sake ends a record. Everything else (unknown topic,
 * authorization, leaders, time-outs, transport, purge, throttling, the box's own wrong clock) is a state of the world that
 * may pass: the record is kept. So is TOPIC_AUTHORIZATION_FAILED: rights come back, and until then the topic alone stands still.
 */
static const struct {
	rd_kafka_resp_err_t code;
	enum kafka_verdict verdict;
} table[] = {
	{RD_KAFKA_RESP_ERR_NO_ERROR, KAFKA_ACKED},
	{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, KAFKA_TOO_LARGE},
	{RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, KAFKA_TOO_LARGE},
	{RD_KAFKA_RESP_ERR_INVALID_MSG, KAFKA_INVALID},
	{RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, KAFKA_INVALID},
	{RD_KAFKA_RESP_ERR_INVALID_RECORD, KAFKA_INVALID},
	{RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, KAFKA_MISPLACED},
	{RD_KAFKA_RESP_ERR__FATAL, KAFKA_REBUILD},
	{RD_KAFKA_RESP_ERR__FENCED, KAFKA_REBUILD},
};

enum kafka_verdict kafka_verdict_of(rd_kafka_resp_err_t code)
{
	for (size_t i = 0; i < ARRAY_LENGTH(table); i++)
		if (table[i].code == code)
			return table[i].verdict;
	return KAFKA_RETRY;
}
