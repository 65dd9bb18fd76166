/* SPDX-License-Identifier: Apache-2.0 */
#include "control/cli/grammar.h"

#include <string.h>

#include "control/api/protocol.h"
#include "control/cli/commands.h"

#define CALL_MS 10000
/* The daemon asks the Kafka cluster first, of which hundreds of topics may be asked. */
#define CLUSTER_MS 120000

const struct grammar_option grammar_options[] = {
	{'s', "socket", "SOCKET", "the daemon's control socket; else $PENSTOCK_SOCKET, else " API_SOCKET_DEFAULT},
	{'j', "json", NULL, "print the daemon's result as one JSON object"},
	{'w', "watch", "SECONDS", "repeat every so many seconds until interrupted"},
	{'a', "all", NULL, "show rows that are zero, too; of a spool, what is settled and still there"},
	{'n', "limit", "COUNT", "show at most so many of them; 20 unless told"},
	{'o', "order", "lost|received", "show first the sources with the most of it; lost unless told"},
	{'t', "timeout", "SECONDS", "give up after so many seconds; 60 unless told, 0: never"},
	{'c', "config", "FILE", "the configuration, as penstockd takes it"},
	{'p', "port", "PORT", "the input that events go to; the first one for JSON unless told"},
	{'f', "file", "FILE", "look into this file in place of the daemon's tables"},
	{'T', "topic", "TOPIC", "the records of this topic only"},
	{'y', "yes", NULL, "do it although events are lost by it"},
	{'C', "completion", NULL, "print the completion for bash"},
	{'h', "help", NULL, "print help"},
	{'V', "version", NULL, "print the version of this command"},
	{0},
};

const struct grammar_command grammar_commands[] = {
	{"status", NULL, "sjw", "State, rates, memory and alarms", API_STATUS, CALL_MS, NULL, display_status,
		judge_status, NULL},
	{"ledger", NULL, "sjwa", "Where every frame, datagram, event and record is, and whether it adds up", API_LEDGER,
		CALL_MS, NULL, display_ledger, judge_ledger, NULL},
	{"show ports", NULL, "sjwa", "Ports: devices, what they were granted, and what they count", API_SHOW_PORTS,
		CALL_MS, NULL, display_ports, NULL, NULL},
	{"show workers", NULL, "sjw", "Workers: where they run and how busy they are", API_SHOW_WORKERS, CALL_MS, NULL,
		display_workers, NULL, NULL},
	{"show sources", NULL, "sjwno", "Numbered sources: received, lost, late, duplicate, restarted",
		API_SHOW_SOURCES, CALL_MS, params_sources, display_sources, NULL, NULL},
	{"show quotas", NULL, "sjwn", "Quotas of senders, and who sent more", API_SHOW_QUOTAS, CALL_MS, params_limit, display_quotas, NULL,
		NULL},
	{"show types", NULL, "sjw", "Event types, their topics, and what became of their events", API_SHOW_TYPES,
		CALL_MS, NULL, display_types, NULL, NULL},
	{"show kafka", NULL, "sjw", "Producers, their connections, and topics", API_SHOW_KAFKA, CALL_MS, NULL,
		display_kafka, NULL, NULL},
	{"show drops", NULL, "sjwa", "What was dropped, why, and what cures it", API_SHOW_DROPS, CALL_MS, NULL,
		display_drops, NULL, NULL},
	{"show config", NULL, "sj", "The configuration that the daemon runs, as it was read", API_SHOW_CONFIG, CALL_MS,
		NULL, display_config, NULL, NULL},
	{"show rules", NULL, "sjwa", "Rules of the types, and how many events they decided on", API_SHOW_RULES, CALL_MS, NULL,
		display_rules, NULL, NULL},
	{"show tables", NULL, "sjw", "Tables: what they hold, how old it is, and what has changed since", API_SHOW_TABLES, CALL_MS,
		NULL, display_tables, NULL, NULL},
	{"show spool", NULL, "sjw", "Spool: what waits on disk, log by log, and how fast it is delivered", API_SHOW_SPOOL, CALL_MS,
		NULL, display_spool, NULL, NULL},
	{"show generation", NULL, "sj", "The types and tables in force, and how the last reload ended", API_SHOW_GENERATION,
		CALL_MS, NULL, display_generation, NULL, NULL},
	{"reload", NULL, "sjt", "Have the daemon put in force what its configuration now says of types, topics, quotas and tables",
		API_SHOW_GENERATION, CALL_MS, params_reload, display_generation, NULL, run_reload},
	{"topics plan", NULL, "sj", "Compare the topics of the configuration with the cluster's", API_TOPICS_PLAN,
		CLUSTER_MS, NULL, display_topics, judge_topics, NULL},
	{"topics create", NULL, "sj", "Create the topics that the cluster lacks", API_TOPICS_CREATE, CLUSTER_MS, NULL,
		display_topics, judge_topics, NULL},
	{"rules test", "SAMPLES", "jcp", "Tell what becomes of events and why, and whether that is as expected", NULL, 0, NULL,
		NULL, NULL, run_rules_test},
	{"tables build", "FILE OUT", "j", "Make the file that loads fastest of a file of categories", NULL, 0, NULL, NULL, NULL,
		run_tables_build},
	{"tables lookup", "ip|item [KEY]...", "sjf", "Tell what the tables know of addresses or items", API_TABLES_LOOKUP, CALL_MS,
		NULL, NULL, NULL, run_tables_lookup},
	{"spool status", "[DIRECTORY]", "sjw", "Spool: what waits in the daemon's, or in one that lies in a directory", API_SHOW_SPOOL,
		CALL_MS, NULL, display_spool, NULL, run_spool_status},
	{"spool check", "DIRECTORY", "j", "Read all of a spool and tell what is damaged", NULL, 0, NULL, NULL, NULL,
		run_spool_directory},
	{"spool export", "DIRECTORY", "aT", "Print a spool's records, a JSON object a line", NULL, 0, NULL, NULL, NULL,
		run_spool_directory},
	{"spool quarantine", "DIRECTORY LOG/FILE...", "jy", "Put files of a spool aside, so that no daemon reads them", NULL, 0,
		NULL, NULL, NULL, run_spool_quarantine},
	{"spool replay", "[DIRECTORY]", "sjT", "Have the daemon deliver once more what Kafka had refused for good", API_SPOOL_REPLAY,
		CALL_MS, params_replay, display_replay, NULL, run_spool_replay},
	{"wait ready", NULL, "sjt", "Wait until the daemon receives", API_STATUS, CALL_MS, NULL, display_status, NULL,
		run_wait_ready},
	{"wait alarm", NULL, "sjt", "Wait until the daemon has an alarm", API_STATUS, CALL_MS, NULL, display_status,
		NULL, run_wait_alarm},
	{"wait idle", NULL, "sjt", "Wait until nothing is in flight: all that was numbered is acked, given up or a dead letter",
		API_LEDGER, CALL_MS, NULL, display_ledger, NULL, run_wait_idle},
	{"stop", NULL, "sj", "Have the daemon drain and end", API_STOP, CALL_MS, NULL, display_stop, NULL, NULL},
	{"help", "[COMMAND]", "C", "What commands there are, or one of them at length", NULL, 0, NULL, NULL, NULL,
		run_help},
	{0},
};

const struct grammar_option *grammar_option_of(int letter)
{
	for (const struct grammar_option *option = grammar_options; option->name != NULL; option++)
		if (option->letter == letter)
			return option;
	return NULL;
}

/* How many of `words` the command's words match, or 0 when they do not match to their end. */
static int match(const struct grammar_command *command, char *const *words, int count)
{
	const char *at = command->words;
	int used = 0;

	while (*at != '\0') {
		size_t len = strcspn(at, " ");

		if (used == count || strlen(words[used]) != len || strncmp(words[used], at, len) != 0)
			return 0;
		used++;
		at += len + (at[len] == ' ');
	}
	return used;
}

const struct grammar_command *grammar_find(char *const *words, int count, int *used)
{
	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++) {
		*used = match(command, words, count);
		if (*used > 0)
			return command;
	}
	return NULL;
}

/* The word of the command that comes after `words`, or NULL. */
static const char *next_word(const struct grammar_command *command, const char *words, size_t *len)
{
	const char *at = command->words;
	size_t skip = strlen(words);

	if (skip > 0 && (strncmp(at, words, skip) != 0 || at[skip] != ' '))
		return NULL;
	at += skip + (skip > 0);
	*len = strcspn(at, " ");
	return at;
}

unsigned grammar_write_next(FILE *out, const char *words, const char *separator)
{
	const char *last = "";
	size_t last_len = 0, len = 0;
	unsigned written = 0;

	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++) {
		const char *word = next_word(command, words, &len);

		if (word == NULL || (len == last_len && strncmp(word, last, len) == 0))
			continue;
		(void)fprintf(out, "%s%.*s", written++ > 0 ? separator : "", (int)len, word);
		last = word;
		last_len = len;
	}
	return written;
}
