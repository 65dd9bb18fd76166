/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_plain(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 ? S_ISREG(status.st_mode) : errno == ENOENT;
}

static const char *name_of(const struct result *result)
{
	return result->making != NULL ? result->making : result->path;
}

static int failed(const struct result *result, int code, struct error *error)
{
	return error_set(error, code, "cannot write %s: %s", name_of(result), strerror(-code));
}

int result_open(struct result *result, const char *path, int at_once, struct error *error)
{
	*result = (struct result){.path = path};
	if (strcmp(path, "-") == 0) {
		result->file = stdout;
		return 0;
	}
	result->plain = is_plain(path);
	if (result->plain && !at_once && asprintf(&result->making, "%s.new", path) < 0) {
		result->making = NULL;
		return failed(result, -ENOMEM, error);
	}
	if (result->plain)
		(void)unlink(path); /* where that fails, so does what follows */
	result->file = fopen(name_of(result), "we");
	return result->file != NULL ? 0 : failed(result, -errno, error);
}

/* Also what is still in the buffer may fail. */
static int close_file(FILE *file)
{
	int rc = ferror(file) != 0 ? -EIO : 0;

	if ((file == stdout ? fflush(file) : fclose(file)) != 0)
		rc = -errno;
	return rc;
}

int result_close(struct result *result, int rc, struct error *error)
{
	if (result->file != NULL) {
		int closed = close_file(result->file);

		if (rc == 0 && closed == 0 && result->making != NULL && rename(result->making, result->path) != 0)
			closed = -errno;
		if (rc == 0 && closed != 0)
			rc = failed(result, closed, error);
		if (rc != 0 && result->plain)
			(void)unlink(name_of(result));
	}
	free(result->making);
	*result = (struct result){0};
	return rc;
}
