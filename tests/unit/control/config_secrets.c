/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the Kafka client's properties that are secret: shown to nobody, and read from files of their own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "control/daemon/config.h"

#define HEAD "node: n\nports: [{name: p, device: d}]\ntypes: {t: {id: 1}}\n"

static char path[] = "/tmp/penstock-config-secrets-XXXXXX";

/* Every text has the secret "mellon" in it and says "seen" where nothing is to be covered. */
static const char *const shown[] = {
	HEAD "kafka:\n  properties:\n    bootstrap.servers: seen:1\n    sasl.password: mellon\n    linger.ms: 5 # seen\n",
	HEAD "kafka: {properties: {bootstrap.servers: seen:1, sasl.password: mellon}}\n",
	HEAD "kafka: {properties: {bootstrap.servers: seen:1, 'sasl.password': \"mellon \\\" mellon\"}}\n",
	HEAD "kafka: {properties: {bootstrap.servers: seen:1, \"sasl.\\u0070assword\": mellon}}\n",
	HEAD "kafka:\n  properties:\n    bootstrap.servers: seen:1\n    sasl.password:\n      mellon\n      mellon\n    linger.ms: 5 # seen\n",
	HEAD "kafka:\n  properties:\n    ssl.key.pem: |\n      mellon\n\n      mellon\n    bootstrap.servers: seen:1\n",
	HEAD "kafka:\n  properties:\n    sasl.oauthbearer.client.secret: >-\n      mellon\n\n      mellon\n    bootstrap.servers: seen:1\n",
	HEAD "kafka:\n  properties:\n    ? sasl.password\n    : mellon\n    bootstrap.servers: seen:1\n",
	"# \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x9f\n" HEAD
	"kafka:\n  properties:\n    bootstrap.servers: seen:1\n    sasl.password: |\n      \xc3\xa4mellon\n      mellon\xf0\x9f\x90\x9f\n",
	HEAD "kafka:\r\n  properties:\r\n    bootstrap.servers: seen:1\r\n    sasl.password:\r\n      \"mellon\r\n      mellon\"\r\n",
	HEAD "kafka:\n  properties:\n    bootstrap.servers: seen:1\n#   sasl.password: mellon\n",
	HEAD "kafka:\n  properties:\n    bootstrap.servers: seen:1\n# sasl.password=mellon\n",
	"\xef\xbb\xbf" HEAD "kafka: {properties: {bootstrap.servers: seen:1, \"sasl.\\u0070assword\": mellon}}\n",
};

static void secrets_are_covered_however_they_are_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(shown); i++) {
		struct config *config = NULL;
		struct error error = {""};
		char *text;

		if (config_read_text(&config, "f", shown[i], strlen(shown[i]), &error) != 0)
			fail_msg("%s", error.text);
		text = strdup(config->text);
		config_redact(config, text);
		if (strstr(text, "mellon") != NULL || strstr(text, "llon") != NULL || strstr(text, "seen") == NULL ||
			strlen(text) != strlen(config->text))
			fail_msg("shown:\n%s", text);
		free(text);
		config_free(config);
	}
}

static void write_secret(const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static int read_with(const char *file, struct config **config, struct error *error)
{
	char text[512];

	(void)snprintf(text, sizeof(text), HEAD "kafka: {properties: {bootstrap.servers: k:1, sasl.password: {file: '%s'}}}\n", file);
	assert_int_equal(config_read_text(config, "f", text, strlen(text), error), 0);
	assert_string_equal((*config)->properties[1].value, "");
	return config_secrets_read(*config, error);
}

static void files_are_read_without_the_end_of_their_line(void **state)
{
	static const struct {
		const char *written, *read;
	} cases[] = {{"mellon", "mellon"}, {"mellon\n", "mellon"}, {"mellon\r\n", "mellon"}, {" a\nb \n\n", " a\nb \n"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct config *config = NULL;
		struct error error = {""};

		write_secret(cases[i].written, strlen(cases[i].written));
		assert_int_equal(read_with(path, &config, &error), 0);
		assert_string_equal(config->properties[1].value, cases[i].read);
		config_free(config);
	}
}

static void must_fail(const char *file, const char *told)
{
	struct config *config = NULL;
	struct error error = {""};

	assert_int_equal(read_with(file, &config, &error), -EINVAL);
	if (strncmp(error.text, "f:4:", 4) != 0 || strstr(error.text, told) == NULL || strstr(error.text, "mellon") != NULL)
		fail_msg("%s", error.text);
	config_free(config);
}

static void files_that_hold_no_value_are_refused_with_their_place(void **state)
{
	static char large[70000];

	(void)state;
	must_fail("/nowhere/secret", "No such file");
	must_fail("/tmp", "Is a directory");
	write_secret("", 0);
	must_fail(path, "holds nothing");
	write_secret("\n", 1);
	must_fail(path, "holds nothing");
	write_secret("mellon\0mellon", 13);
	must_fail(path, "NUL");
	memset(large, 'x', sizeof(large));
	write_secret(large, sizeof(large));
	must_fail(path, "64KiB");
}

static void a_named_pipe_is_refused_at_once(void **state)
{
	char folder[] = "/tmp/config-secrets-XXXXXX", pipe_path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", folder);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	(void)alarm(20); /* instead of for ever */
	must_fail(pipe_path, "pipe: it is no regular file; expected one that can be read");
	(void)alarm(0);
	unlink(pipe_path);
	rmdir(folder);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_covered_however_they_are_written),
		cmocka_unit_test(files_are_read_without_the_end_of_their_line),
		cmocka_unit_test(files_that_hold_no_value_are_refused_with_their_place),
		cmocka_unit_test(a_named_pipe_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
