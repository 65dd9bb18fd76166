/* SPDX-License-Identifier: Apache-2.0 */
#include "base/compiler.h"
#include "base/log.h"
#include "kafka/internal.h"

/*
 * Every code that the library knows, each once, by what it asks of the producer (enum kafka_verdict). Only what a person or a
 * broker refuses for the record's own sake ends a record. The rest is a state of the world that may pass (unknown topic, leaders,
 * replicas, time-outs, transport, purge, throttling, the box's own wrong clock): the record is kept and goes again. Rights, too,
 * come back; until then the topic alone stands still, or (if that is asked for) its records are dead letters. There is no code
 * after which the daemon would stop.
 */
#define LOWEST     (-200)
#define PLACES     400
#define STRANGE    0x80 /* see kafka_code_strangeness */
#define AT(number) [(number) - LOWEST]
#define IS(name, verdict) AT(RD_KAFKA_RESP_ERR_##name) = (verdict) + 1 /* 0: not in the table */

#define KEPT(name)    IS(name, KAFKA_RETRY)
#define ODD           ((KAFKA_RETRY + 1) | STRANGE)
#define FOREIGN(name) AT(RD_KAFKA_RESP_ERR_##name) = ODD

static const uint8_t table[PLACES] = {
	IS(NO_ERROR, KAFKA_ACKED),

	/* refused for the record's own sake: a dead letter */
	IS(MSG_SIZE_TOO_LARGE, KAFKA_TOO_LARGE), IS(RECORD_LIST_TOO_LARGE, KAFKA_TOO_LARGE),
	IS(INVALID_MSG, KAFKA_INVALID), IS(INVALID_MSG_SIZE, KAFKA_INVALID), IS(INVALID_RECORD, KAFKA_INVALID),

	/* refused for the sake of who sends it: it waits, or is a dead letter, as the producer was told */
	IS(TOPIC_AUTHORIZATION_FAILED, KAFKA_FORBIDDEN),

	/* the partition has gone, or is not known yet */
	IS(_UNKNOWN_PARTITION, KAFKA_MISPLACED),

	/* the client has ended itself */
	IS(_FATAL, KAFKA_REBUILD), IS(_FENCED, KAFKA_REBUILD),

	/* what the library finds in the world, in the network or in itself */
	KEPT(_BAD_MSG), KEPT(_BAD_COMPRESSION), KEPT(_DESTROY), KEPT(_FAIL), KEPT(_TRANSPORT), KEPT(_CRIT_SYS_RESOURCE),
	KEPT(_RESOLVE), KEPT(_MSG_TIMED_OUT), KEPT(_FS), KEPT(_UNKNOWN_TOPIC), KEPT(_ALL_BROKERS_DOWN), KEPT(_INVALID_ARG),
	KEPT(_TIMED_OUT), KEPT(_QUEUE_FULL), KEPT(_ISR_INSUFF), KEPT(_NODE_UPDATE), KEPT(_SSL), KEPT(_IN_PROGRESS),
	KEPT(_PREV_IN_PROGRESS), KEPT(_STATE), KEPT(_NOT_IMPLEMENTED), KEPT(_AUTHENTICATION), KEPT(_OUTDATED),
	KEPT(_TIMED_OUT_QUEUE), KEPT(_UNSUPPORTED_FEATURE), KEPT(_WAIT_CACHE), KEPT(_INTR), KEPT(_PARTIAL),
	KEPT(_UNDERFLOW), KEPT(_RETRY), KEPT(_PURGE_QUEUE), KEPT(_PURGE_INFLIGHT), KEPT(_INCONSISTENT),
	KEPT(_GAPLESS_GUARANTEE), KEPT(_UNKNOWN_BROKER), KEPT(_NOT_CONFIGURED),

	/* what a broker answers to a producer: to its records, to its asking for metadata or an identity, to its login. What the
	 * library takes for the end of an idempotent producer it says by a fatal error; the records alone are tried again */
	KEPT(UNKNOWN), KEPT(UNKNOWN_TOPIC_OR_PART), KEPT(LEADER_NOT_AVAILABLE), KEPT(NOT_LEADER_FOR_PARTITION),
	KEPT(REQUEST_TIMED_OUT), KEPT(BROKER_NOT_AVAILABLE), KEPT(REPLICA_NOT_AVAILABLE), KEPT(NETWORK_EXCEPTION),
	KEPT(COORDINATOR_LOAD_IN_PROGRESS), KEPT(COORDINATOR_NOT_AVAILABLE), KEPT(NOT_COORDINATOR), KEPT(TOPIC_EXCEPTION),
	KEPT(NOT_ENOUGH_REPLICAS), KEPT(NOT_ENOUGH_REPLICAS_AFTER_APPEND), KEPT(INVALID_REQUIRED_ACKS),
	KEPT(CLUSTER_AUTHORIZATION_FAILED), KEPT(INVALID_TIMESTAMP),
	KEPT(UNSUPPORTED_SASL_MECHANISM), KEPT(ILLEGAL_SASL_STATE), KEPT(UNSUPPORTED_VERSION), KEPT(NOT_CONTROLLER),
	KEPT(INVALID_REQUEST), KEPT(UNSUPPORTED_FOR_MESSAGE_FORMAT), KEPT(POLICY_VIOLATION),
	KEPT(OUT_OF_ORDER_SEQUENCE_NUMBER), KEPT(DUPLICATE_SEQUENCE_NUMBER), KEPT(INVALID_PRODUCER_EPOCH),
	KEPT(KAFKA_STORAGE_ERROR), KEPT(LOG_DIR_NOT_FOUND), KEPT(SASL_AUTHENTICATION_FAILED), KEPT(UNKNOWN_PRODUCER_ID),
	KEPT(LISTENER_NOT_FOUND), KEPT(FENCED_LEADER_EPOCH), KEPT(UNKNOWN_LEADER_EPOCH), KEPT(UNSUPPORTED_COMPRESSION_TYPE),
	KEPT(STALE_BROKER_EPOCH), KEPT(THROTTLING_QUOTA_EXCEEDED),

	/* the library's words to consumers, to other calls, and to itself */
	FOREIGN(_PARTITION_EOF), FOREIGN(_WAIT_COORD), FOREIGN(_UNKNOWN_GROUP), FOREIGN(_EXISTING_SUBSCRIPTION),
	FOREIGN(_ASSIGN_PARTITIONS), FOREIGN(_REVOKE_PARTITIONS), FOREIGN(_CONFLICT), FOREIGN(_UNKNOWN_PROTOCOL),
	FOREIGN(_NO_OFFSET), FOREIGN(_KEY_SERIALIZATION), FOREIGN(_VALUE_SERIALIZATION), FOREIGN(_KEY_DESERIALIZATION),
	FOREIGN(_VALUE_DESERIALIZATION), FOREIGN(_READ_ONLY), FOREIGN(_NOENT), FOREIGN(_INVALID_TYPE),
	FOREIGN(_MAX_POLL_EXCEEDED), FOREIGN(_APPLICATION), FOREIGN(_ASSIGNMENT_LOST), FOREIGN(_NOOP),
	FOREIGN(_AUTO_OFFSET_RESET),

	/* brokers' answers to consumers, transactions, administrators, holders of tokens, and each other */
	FOREIGN(OFFSET_OUT_OF_RANGE), FOREIGN(STALE_CTRL_EPOCH), FOREIGN(OFFSET_METADATA_TOO_LARGE),
	FOREIGN(ILLEGAL_GENERATION), FOREIGN(INCONSISTENT_GROUP_PROTOCOL), FOREIGN(INVALID_GROUP_ID),
	FOREIGN(UNKNOWN_MEMBER_ID), FOREIGN(INVALID_SESSION_TIMEOUT), FOREIGN(REBALANCE_IN_PROGRESS),
	FOREIGN(INVALID_COMMIT_OFFSET_SIZE), FOREIGN(GROUP_AUTHORIZATION_FAILED), FOREIGN(TOPIC_ALREADY_EXISTS),
	FOREIGN(INVALID_PARTITIONS), FOREIGN(INVALID_REPLICATION_FACTOR), FOREIGN(INVALID_REPLICA_ASSIGNMENT),
	FOREIGN(INVALID_CONFIG), FOREIGN(INVALID_TXN_STATE), FOREIGN(INVALID_PRODUCER_ID_MAPPING),
	FOREIGN(INVALID_TRANSACTION_TIMEOUT), FOREIGN(CONCURRENT_TRANSACTIONS), FOREIGN(TRANSACTION_COORDINATOR_FENCED),
	FOREIGN(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), FOREIGN(SECURITY_DISABLED), FOREIGN(OPERATION_NOT_ATTEMPTED),
	FOREIGN(REASSIGNMENT_IN_PROGRESS), FOREIGN(DELEGATION_TOKEN_AUTH_DISABLED), FOREIGN(DELEGATION_TOKEN_NOT_FOUND),
	FOREIGN(DELEGATION_TOKEN_OWNER_MISMATCH), FOREIGN(DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
	FOREIGN(DELEGATION_TOKEN_AUTHORIZATION_FAILED), FOREIGN(DELEGATION_TOKEN_EXPIRED), FOREIGN(INVALID_PRINCIPAL_TYPE),
	FOREIGN(NON_EMPTY_GROUP), FOREIGN(GROUP_ID_NOT_FOUND), FOREIGN(FETCH_SESSION_ID_NOT_FOUND),
	FOREIGN(INVALID_FETCH_SESSION_EPOCH), FOREIGN(TOPIC_DELETION_DISABLED), FOREIGN(OFFSET_NOT_AVAILABLE),
	FOREIGN(MEMBER_ID_REQUIRED), FOREIGN(PREFERRED_LEADER_NOT_AVAILABLE), FOREIGN(GROUP_MAX_SIZE_REACHED),
	FOREIGN(FENCED_INSTANCE_ID), FOREIGN(ELIGIBLE_LEADERS_NOT_AVAILABLE), FOREIGN(ELECTION_NOT_NEEDED),
	FOREIGN(NO_REASSIGNMENT_IN_PROGRESS), FOREIGN(GROUP_SUBSCRIBED_TO_TOPIC), FOREIGN(UNSTABLE_OFFSET_COMMIT),
	FOREIGN(PRODUCER_FENCED), FOREIGN(RESOURCE_NOT_FOUND), FOREIGN(DUPLICATE_RESOURCE),
	FOREIGN(UNACCEPTABLE_CREDENTIAL), FOREIGN(INCONSISTENT_VOTER_SET), FOREIGN(INVALID_UPDATE_VERSION),
	FOREIGN(FEATURE_UPDATE_FAILED), FOREIGN(PRINCIPAL_DESERIALIZATION_FAILURE),

	/* those of newer libraries by their numbers, since the oldest that we build with has no names for them: a broker removed; a
	 * topic's id unknown, or another; boot anew */
	AT(-137) = KAFKA_RETRY + 1, AT(100) = KAFKA_RETRY + 1, AT(103) = KAFKA_RETRY + 1, AT(129) = KAFKA_RETRY + 1,
	/* consumers (also in groups, and sharing), transactions, telemetry, controllers, streams */
	AT(-139) = ODD, AT(-138) = ODD, AT(110) = ODD, AT(111) = ODD, AT(112) = ODD, AT(113) = ODD, AT(114) = ODD, AT(115) = ODD,
	AT(116) = ODD, AT(117) = ODD, AT(118) = ODD, AT(119) = ODD, AT(120) = ODD, AT(121) = ODD, AT(122) = ODD, AT(123) = ODD,
	AT(124) = ODD, AT(125) = ODD, AT(126) = ODD, AT(127) = ODD, AT(128) = ODD, AT(130) = ODD, AT(131) = ODD, AT(132) = ODD,
	AT(133) = ODD,
};

static unsigned entry_of(rd_kafka_resp_err_t code)
{
	unsigned place = (unsigned)((int)code - LOWEST);

	return place < PLACES ? table[place] : 0;
}

enum kafka_verdict kafka_verdict_of(rd_kafka_resp_err_t code)
{
	unsigned entry = entry_of(code);

	return entry == 0 ? KAFKA_RETRY : (enum kafka_verdict)((entry & ~(unsigned)STRANGE) - 1);
}

const char *kafka_code_strangeness(rd_kafka_resp_err_t code)
{
	unsigned entry = entry_of(code);

	if (entry == 0)
		return "which this version does not know";
	return (entry & STRANGE) != 0 ? "which no producer should be given" : NULL;
}

void kafka_log_strange(rd_kafka_resp_err_t code)
{
	static _Thread_local uint8_t said[PLACES];
	unsigned place = (unsigned)((int)code - LOWEST);
	const char *strangeness = kafka_code_strangeness(code);

	if (strangeness == NULL || said[place < PLACES ? place : 0])
		return;
	said[place < PLACES ? place : 0] = 1;
	log_write(LOG_WARNING, "kafka: records come back with %s (%d), %s; they are kept and sent again", rd_kafka_err2name(code),
		(int)code, strangeness);
}
