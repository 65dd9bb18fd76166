/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "control/daemon/config_parts.h"
#include "control/daemon/config_value.h"
#include "control/daemon/regular_file.h"

/* Parts of the names of the client's properties whose values nobody is to see. */
static const char *const words[] = {"password", "passphrase", "secret", "sasl.jaas", "key.pem", "private.key", "oauthbearer.config",
	"token"};

static const char *find_word(const char *text, size_t length)
{
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		const char *at = memmem(text, length, words[i], strlen(words[i]));

		if (at != NULL && (first == NULL || at < first))
			first = at;
	}
	return first;
}

/* Up to `size` bytes, or -errno. */
static ssize_t read_some(const char *path, char *text, size_t size)
{
	int fd = regular_file_open(path);
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (length < size && n > 0) {
		n = read(fd, text + length, size - length);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			length += (size_t)n;
	}
	n = n < 0 ? -errno : (ssize_t)length;
	close(fd);
	return n;
}

static int read_secret(const struct reading *reading, const struct tree_node *node, struct config_property *property)
{
	char *text = tree_allocate(reading->tree, PROPERTY_BYTES + 2);
	ssize_t length;

	if (text == NULL)
		return error_set(reading->error, -ENOMEM, "%s: out of memory while reading", reading->name);
	length = read_some(property->file, text, PROPERTY_BYTES + 1);
	if (length < 0)
		return reading_fail(reading, node, "kafka.properties: the file of %s: %s: %s; expected one that can be read",
			property->name, property->file, regular_file_why((int)length));
	if (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	if (length > 0 && text[length - 1] == '\r')
		text[--length] = '\0';
	if (length == 0 || length > PROPERTY_BYTES || memchr(text, '\0', (size_t)length) != NULL)
		return reading_fail(reading, node, "kafka.properties: the file of %s: %s holds %s; expected a text of up to 64KiB",
			property->name, property->file, length == 0 ? "nothing" : length > PROPERTY_BYTES ? "more" : "a NUL byte");
	property->value = text;
	return 0;
}

int config_secrets_read(struct config *config, struct error *error)
{
	struct config_file *file = (struct config_file *)config;
	const struct reading reading = {.name = config->path, .tree = file->tree, .error = error};
	int rc = 0;

	for (unsigned i = 0; i < config->property_count && rc == 0; i++)
		if (config->properties[i].file != NULL)
			rc = read_secret(&reading, tree_find(file->properties, config->properties[i].name), &config->properties[i]);
	return rc;
}

static void cover(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n' && *from != '\r' && *from != '\0')
			*from = '*';
}

/* Where a character of the text is, by its number. */
static char *at_character(char *text, size_t character)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text & 0xc0) != 0x80 && character-- == 0)
			break;
	return text;
}

/* Lines that look like a secret's, as they are found in comments too, from behind the colon, or the sign of property files. */
static void cover_lines(char *text)
{
	for (char *line = text, *end; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		char *at;

		end = line + strcspn(line, "\n");
		at = (char *)(uintptr_t)find_word(line, (size_t)(end - line));
		if (at != NULL)
			at += strcspn(at, ":=\n");
		if (at != NULL && at < end)
			cover(at + 1, end);
	}
}

void config_redact(const struct config *config, char *text)
{
	const struct config_file *file = (const struct config_file *)config;

	for (const struct tree_node *n = file->properties->first; n != NULL; n = n->next)
		if (n->kind == TREE_SCALAR && find_word(n->key, strlen(n->key)) != NULL)
			cover(at_character(text, n->begin), at_character(text, n->end));
	cover_lines(text);
}
