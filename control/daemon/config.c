/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/daemon/config_parts.h"
#include "control/daemon/config_value.h"
#include "control/daemon/regular_file.h"

static char *copy_text(struct tree *tree, const char *text, size_t length)
{
	char *copy = tree_allocate(tree, length + 1);

	if (copy != NULL)
		memcpy(copy, text, length);
	return copy;
}

static int read_all(struct config_file *file, struct tree *tree, const char *name, struct error *error)
{
	struct reading reading = {.name = name, .tree = tree, .error = error};
	const struct tree_node *root = tree_root(tree);
	char *path = copy_text(tree, name, strlen(name));
	int rc;

	file->config.types = calloc(1, sizeof(*file->config.types));
	file->config.topics = calloc(1, sizeof(*file->config.topics));
	if (path == NULL || file->config.types == NULL || file->config.topics == NULL)
		return error_set(error, -ENOMEM, "%s: out of memory while reading", name);
	file->config.path = path;
	if (root == NULL || node_is_empty(root))
		return reading_fail(&reading, root, "the file is empty; expected node, ports, types and kafka at the least");
	rc = section_read(&reading, "", "", root, root, file);
	if (rc == 0)
		rc = ports_read(&reading, file);
	if (rc == 0)
		rc = classes_read(&reading, file);
	if (rc == 0)
		rc = types_read(&reading, file);
	if (rc == 0)
		rc = inputs_read(&reading, file);
	if (rc == 0)
		rc = quotas_read(&reading, file);
	if (rc == 0)
		rc = tables_read(&reading, file);
	if (rc == 0)
		rc = properties_read(&reading, file);
	if (rc == 0)
		rc = config_check(&reading, file);
	if (rc == 0)
		memcpy(file->config.node, file->node, strlen(file->node) + 1);
	return rc;
}

int config_read_text(struct config **config, const char *name, const char *text, size_t length, struct error *error)
{
	struct config_file *file;
	struct tree *tree;
	int rc = tree_read(&tree, name, text, length, error);

	if (rc != 0)
		return rc;
	file = calloc(1, sizeof(*file));
	if (file == NULL) {
		tree_free(tree);
		return error_set(error, -ENOMEM, "%s: out of memory while reading", name);
	}
	file->tree = tree;
	rc = read_all(file, tree, name, error);
	file->config.text = copy_text(tree, text, length);
	if (rc == 0 && file->config.text == NULL)
		rc = error_set(error, -ENOMEM, "%s: out of memory while reading", name);
	if (rc != 0) {
		config_free(&file->config);
		return rc;
	}
	*config = &file->config;
	return 0;
}

static ssize_t read_file(int fd, char *text, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = read(fd, text + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

int config_read(struct config **config, const char *path, struct error *error)
{
	size_t size = TREE_BYTES + 1;
	char *text = NULL;
	ssize_t length;
	int fd, rc = 0;

	fd = regular_file_open(path);
	if (fd < 0)
		return error_set(error, fd, "%s: %s; expected a configuration file that can be read", path, regular_file_why(fd));
	text = malloc(size);
	if (text == NULL) {
		rc = error_set(error, -ENOMEM, "%s: out of memory while reading", path);
		goto out;
	}
	length = read_file(fd, text, size);
	if (length < 0) {
		rc = error_set(error, (int)length, "%s: %s; expected a configuration file that can be read", path,
			strerror((int)-length));
		goto out;
	}
	rc = config_read_text(config, path, text, (size_t)length, error);
out:
	free(text);
	close(fd);
	return rc;
}

/* What a running daemon takes from a new configuration. */
static int is_live(const char *section)
{
	static const char *const live[] = {"types", "topics", "quotas", "geo", "category", "watch"};

	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		if (strcmp(section, live[i]) == 0)
			return 1;
	return 0;
}

int config_says_same(const struct config *one, const struct config *other, const char *section)
{
	const struct tree_node *a = tree_find(tree_root(((const struct config_file *)one)->tree), section);
	const struct tree_node *b = tree_find(tree_root(((const struct config_file *)other)->tree), section);

	return a == NULL || b == NULL ? a == b : tree_equal(a, b);
}

static void add_name(char *text, size_t size, const char *name)
{
	size_t used = strlen(text);

	(void)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "a restart is needed for: ", name);
}

int config_needs_restart(const struct config *before, const struct config *now, char *text, size_t size)
{
	const struct tree_node *old = tree_root(((const struct config_file *)before)->tree);
	const struct tree_node *new = tree_root(((const struct config_file *)now)->tree);

	text[0] = '\0';
	for (const struct tree_node *n = new->first; n != NULL; n = n->next)
		if (!is_live(n->key) && !tree_equal(n, tree_find(old, n->key)))
			add_name(text, size, n->key);
	for (const struct tree_node *n = old->first; n != NULL; n = n->next)
		if (!is_live(n->key) && tree_find(new, n->key) == NULL)
			add_name(text, size, n->key);
	return text[0] != '\0';
}

void config_free(struct config *config)
{
	struct config_file *file = (struct config_file *)config;

	if (file == NULL)
		return;
	for (unsigned i = 0; config->types != NULL && i < config->types->count; i++)
		type_plan_free(config->types->types[i].plan);
	free(config->types);
	free(config->topics);
	tree_free(file->tree);
	free(file);
}
