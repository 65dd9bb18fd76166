/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The control protocol: JSON-RPC 2.0 (jsonrpc.org/specification) over a Unix stream socket, one JSON object a line in
 * each direction, ended by a newline. Both sides include this header; it needs nothing but libc and jansson.
 *
 * A request is {"jsonrpc":"2.0","id":ID,"method":NAME,"params":{...}}. `params` is an object or absent; arrays, and
 * batches of requests, are refused. Without `id` the request is carried out and not answered. Replies of one connection
 * come in the order of its requests. Strings are UTF-8 and hold no NUL. Counters are 64 bits wide and wrap; JSON
 * carries them with a sign, so one from 2^63 on arrives as itself less 2^64. An id of a sender's choice, of 64 bits too,
 * stands a second time beside its number, as text in decimal: "source_id".
 *
 * Every result is an object with "schema_version": API_SCHEMA_VERSION. Members are only ever added under one version; a
 * reader ignores what it does not know.
 */

#define API_SCHEMA_VERSION 1
#define API_SOCKET_DEFAULT "/run/penstock/control.sock"

/* A line longer than this is refused, newline included. Bytes. */
#define API_REQUEST_MAX (64u * 1024)
#define API_REPLY_MAX   (16u * 1024 * 1024)

/* How both sides print numbers with a fraction: enough for any rate, and the same text after a second printing. */
#define API_REAL_DIGITS 15

/* Error codes: the specification's, then ours. */
#define API_PARSE_ERROR     (-32700) /* the line is not JSON */
#define API_INVALID_REQUEST (-32600) /* it is JSON, but no request, or larger than API_REQUEST_MAX */
#define API_UNKNOWN_METHOD  (-32601)
#define API_INVALID_PARAMS  (-32602)
#define API_INTERNAL_ERROR  (-32603)
#define API_FAILED          (-32000) /* it was tried and went wrong; the sentence says how */
#define API_UNAVAILABLE     (-32001) /* something that it needs (Kafka, a device) is away now, or it drains */
#define API_REPLY_TOO_LARGE (-32002)
#define API_BUSY            (-32003) /* too many clients, or one like it is being carried out: try again */

/* Answered by the server itself. */
#define API_VERSION "api.version" /* {"name","version","schema_version"} */
#define API_HELP    "help"        /* {"methods":[{"name","changes"}]} */

/* Answered by the daemon's handlers. The shape of each result is shown by tests/golden/cli/NAME.json. */
#define API_STATUS        "status"
#define API_LEDGER        "ledger"
#define API_SHOW_PORTS    "show.ports"
#define API_SHOW_WORKERS  "show.workers"
#define API_SHOW_SOURCES  "show.sources" /* params {"limit":n,"order":"lost|received"} */
#define API_SHOW_QUOTAS   "show.quotas" /* params {"limit":n} */
#define API_SHOW_TYPES    "show.types"
#define API_SHOW_KAFKA    "show.kafka"
#define API_SHOW_DROPS    "show.drops"
#define API_SHOW_CONFIG   "show.config"
#define API_RELOAD        "reload" /* {"request":n,"epoch":n}: see API_SHOW_GENERATION */
#define API_SHOW_RULES    "show.rules"
#define API_SHOW_GENERATION "show.generation" /* "done" rises to what "reload" gave in the same "epoch" when that is through */
#define API_SHOW_SPOOL    "show.spool"
#define API_SPOOL_REPLAY  "spool.replay" /* params {"topic":NAME}, or none: all topics */
#define API_SHOW_TABLES   "show.tables"
#define API_TABLES_LOOKUP "tables.lookup" /* params {"kind":"ip|item","keys":[...]}: {"rows":[{"key","found",...}]} */
#define API_TOPICS_PLAN   "topics.plan"
#define API_TOPICS_CREATE "topics.create"
#define API_STOP          "stop"

/* Keys of one API_TABLES_LOOKUP. A row has "geo" or "category" with what is known; "error" when the key is none. */
#define API_LOOKUP_KEYS 1000

/* Names within the ledger that a client looks for: the equation of what was numbered, and its final destinations. A
 * term that is split by reason or place is several, named NAME.REASON; those that are zero are not shown to a person.
 */
#define API_EQUATION_RECORDS "records"
#define API_EQUATION_SPOOL   "spool"
#define API_TERM_TO_DISK     "to_disk"
#define API_TERM_FROM_DISK   "from_disk"
#define API_TERM_BEFORE      "settled_before"
#define API_TERM_REBURIED    "reburied"
#define API_TERM_ACKED       "acked"
#define API_TERM_GIVEN_UP    "given_up"
#define API_TERM_DEAD        "dead_lettered"

/* Values of status.state. */
#define API_STATE_STARTING  "starting"
#define API_STATE_RECEIVING "receiving"
#define API_STATE_DRAINING  "draining"
