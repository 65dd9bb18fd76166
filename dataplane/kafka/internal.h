/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of this room share: they alone see librdkafka's types. */

#include <librdkafka/rdkafka.h>

#include "kafka/client.h"

/* A new configuration with our defaults and the user's properties, or NULL with a sentence. The caller owns it until
 * rd_kafka_new has taken it. `offline` leaves out what would make the handle look for a broker. Any thread. */
rd_kafka_conf_t *kafka_conf_new(const struct kafka_property *properties, unsigned count, int offline, struct error *error);

/* What a library code asks of the producer: the one table, O(1). Codes that it does not name are KAFKA_RETRY: nothing is lost to
 * a code that a newer broker invents. */
enum kafka_verdict kafka_verdict_of(rd_kafka_resp_err_t code);

/* NULL for a code that a producer gets; else what is odd about it, to stand behind its name: the table does not know it, or knows
 * it as one for consumers, transactions or administrators. Such records are kept and tried again. */
const char *kafka_code_strangeness(rd_kafka_resp_err_t code);

/* The newest library whose codes are all in the table. */
#define KAFKA_CODES_UP_TO 0x020f00ff

/* Says once a code and thread that records came back with a strange one. */
void kafka_log_strange(rd_kafka_resp_err_t code);

/* The sockets that a handle has open, so that "connected" and the brokers' addresses are facts. The library's threads open
 * and close, any thread asks. */
struct kafka_sockets;
struct kafka_sockets *kafka_sockets_new(void);
void kafka_sockets_free(struct kafka_sockets *sockets);

/* Makes the handle open and close its sockets through `sockets` (found through the configuration's opaque pointer, which
 * must be `sockets`). */
void kafka_sockets_attach(struct kafka_sockets *sockets, rd_kafka_conf_t *conf);

/* Writes "address:port, ..." of the established ones (cut to fit), returns how many there are. */
unsigned kafka_sockets_list(struct kafka_sockets *sockets, char *text, size_t size);

/* Writes one of the library's log lines to our log, at most one a facility every ten seconds of a thread's clients, also of those
 * that it makes anew. */
void kafka_log_event(rd_kafka_event_t *event);

/* Writes what helps against an error of the connection, the login or the rights of a whole client, where that is known: each
 * sentence at most once a minute and thread. `text` is the library's. */
void kafka_log_cure(rd_kafka_resp_err_t code, const char *text);
