/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/former.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/daemon/box.h"
#include "control/daemon/state_file.h"
#include "spool/waiting.h"

#define NAME     "spools"
#define TITLE    "penstock spools 1"
#define LIMIT_MS 3000u /* for one directory */

#define CURE                                                                                                              \
	"no more landing hours are called complete until a start with `spool: {mode: direct, directory: %s}` has delivered it, " \
	"or the directory is removed, which gives it up"

struct names {
	unsigned count;
	char paths[FORMER_MAX][FORMER_PATH_MAX];
};

static int has(const struct names *names, const char *path)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->paths[i], path) == 0)
			return 1;
	return 0;
}

/* A name with a line feed in it would be read as two. */
static void add(struct names *names, const char *path)
{
	if (path[0] == '\0' || strlen(path) >= FORMER_PATH_MAX || strchr(path, '\n') != NULL || has(names, path))
		return;
	if (names->count == FORMER_MAX) {
		log_write(LOG_WARNING, "the spool in %s is looked after no more: more than %u hold something", names->paths[0], FORMER_MAX);
		memmove(names->paths[0], names->paths[1], sizeof(names->paths) - sizeof(names->paths[0]));
		names->count--;
	}
	(void)snprintf(names->paths[names->count++], FORMER_PATH_MAX, "%s", path);
}

static void load(const struct box *box, struct names *names)
{
	char *text, *line, *rest = NULL, kept[64] = "";
	int dir = state_directory(box->state), rc = state_file_read(dir, NAME, TITLE, &text);

	if (rc == 0)
		for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
			add(names, line);
	else if (rc == -EBADMSG && state_file_quarantine(dir, NAME, kept, sizeof(kept)) == 0)
		log_write(LOG_WARNING, "state directory: " NAME " is damaged and kept as %s; spools in other directories than "
				       "spool.directory are not looked at", kept);
	else if (rc != -ENOENT)
		log_write(LOG_WARNING, "state directory: " NAME " cannot be read: %s; spools in other directories than spool.directory "
				       "are not looked at", strerror(-rc));
	free(text);
}

static void store(const struct box *box, const struct names *names)
{
	char *text = malloc(sizeof(names->paths) + FORMER_MAX + 1);
	size_t length = 0;
	int rc = -ENOMEM;

	if (text != NULL) {
		text[0] = '\0';
		for (unsigned i = 0; i < names->count; i++)
			length += (size_t)sprintf(text + length, "%s\n", names->paths[i]);
		rc = state_file_write(state_directory(box->state), NAME, TITLE, text);
	}
	if (rc != 0)
		log_write(LOG_WARNING, "state directory: which spools there are cannot be kept in " NAME ": %s; one that is left for another "
				       "spool.directory will not be told of", strerror(-rc));
	free(text);
}

static void tell_of_events(struct box *box, const char *path, const struct spool_waiting *waiting)
{
	box_warn(box, "spool %s is not opened with this configuration, and holds %s%llu events that nobody delivers: " CURE, path,
		waiting->more ? "at least " : "", (unsigned long long)waiting->events, path);
}

/* Returns whether it is to be looked at by the next start, too. */
static int look_at(struct box *box, const char *path, int is_known)
{
	struct spool_waiting waiting;
	struct error error = {""};
	int rc = spool_waiting_look(path, LIMIT_MS, &waiting, &error), is_gone = rc == -ENOENT || rc == -ENOTDIR;

	if (is_gone || (rc == 0 && waiting.logs == 0 && !waiting.more)) {
		if (is_known)
			box_warn(box, "spool %s, which was used before, is not there any more: if it is to be mounted yet, do so and start "
				      "again with it; this is said once", path);
		return 0;
	}
	if (rc == -EBUSY) /* whoever has it delivers from it */
		return 1;
	if (rc == 0 && waiting.events == 0 && !waiting.more)
		return 0;
	if (rc == 0)
		tell_of_events(box, path, &waiting);
	else
		box_warn(box, "spool %s is not opened with this configuration, and not all that it holds can be told (%s; elsewhere in it "
			      "%llu events wait): " CURE, path, error.text, (unsigned long long)waiting.events, path);
	box->former.count++;
	return 1;
}

void former_look(struct box *box)
{
	const char *here = box->spool_directory;
	int is_off = box->config->spool_mode == CONFIG_SPOOL_OFF;
	struct names *names = calloc(3, sizeof(*names)), *known = names, *all = names + 1, *kept = names + 2;

	if (names == NULL) {
		log_write(LOG_WARNING, "no memory to look into the spools of before");
		return;
	}
	load(box, known);
	*all = *known;
	if (is_off)
		add(all, here);
	for (unsigned i = 0; i < all->count; i++)
		if ((is_off || strcmp(all->paths[i], here) != 0) && look_at(box, all->paths[i], has(known, all->paths[i])))
			add(kept, all->paths[i]);
	if (!is_off)
		add(kept, here);
	if (memcmp(kept, known, sizeof(*kept)) != 0)
		store(box, kept);
	free(names);
}
