/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/compiler.h"
#include "base/log.h"
#include "kafka/internal.h"

#define CURE_SECONDS 60 /* between two lines of one cure */

#define OUR_SIDE \
	"the broker refuses our side of TLS: look at ssl.certificate.location and ssl.key.location; it may ask for a client " \
	"certificate, or not know who signed ours" AT_START
#define AT_START "; penstockd takes up what is mended when it is started again"

/* In the order of failing: TLS, login, rights. A broker that wants a certificate says so by an alert, which comes as any other end
 * of a connection. */
static const struct {
	rd_kafka_resp_err_t code;
	const char *part; /* of the text; NULL: any */
	const char *cure;
} cures[] = {
	{RD_KAFKA_RESP_ERR__TRANSPORT, "SSL alert number", OUR_SIDE},
	{RD_KAFKA_RESP_ERR__SSL, "SSL alert number", OUR_SIDE},
	{RD_KAFKA_RESP_ERR__SSL, NULL,
		"no TLS with the broker: compare ssl.ca.location with who signed its certificate, the names in that certificate with "
		"those in bootstrap.servers, and its dates with the clock" AT_START},
	{RD_KAFKA_RESP_ERR__AUTHENTICATION, NULL,
		"the broker refuses the login: compare sasl.mechanism, sasl.username and sasl.password with what it knows" AT_START},
	{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, NULL,
		"this box may write to no topic at all: allow its user Write on its topics (kafka-acls --add); it goes on by itself"},
};

void kafka_log_cure(rd_kafka_resp_err_t code, const char *text)
{
	static _Thread_local struct log_limit limits[ARRAY_LENGTH(cures)];
	unsigned more;

	for (size_t i = 0; i < ARRAY_LENGTH(cures); i++) {
		if (cures[i].code != code || (cures[i].part != NULL && strstr(text, cures[i].part) == NULL))
			continue;
		if (log_allowed(&limits[i], CURE_SECONDS, &more))
			log_write(LOG_ERROR, "kafka: %s", cures[i].cure);
		return;
	}
}

static const struct {
	const char *code, *cure;
} topic_cures[] = {
	{"TOPIC_AUTHORIZATION_FAILED", "; allow the box's user Write on it: kafka-acls --add"},
	{"UNKNOWN_TOPIC_OR_PART", "; `penstock topics create` makes what is missing"},
	{"_UNKNOWN_TOPIC", "; `penstock topics create` makes what is missing"},
};

const char *kafka_topic_cure(const char *code)
{
	for (size_t i = 0; i < ARRAY_LENGTH(topic_cures); i++)
		if (strcmp(topic_cures[i].code, code) == 0)
			return topic_cures[i].cure;
	return "";
}
