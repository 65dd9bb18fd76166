/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/daemon/regular_file.h"

#define CHUNK ((size_t)8 << 20) /* read at once; a line is much shorter */

void feed_let_go(const struct category *category_before, const struct category_overlay *overlay_before,
	struct category *category, struct category_overlay *overlay)
{
	if (overlay != overlay_before)
		category_overlay_free(overlay);
	if (category != category_before)
		category_free(category);
}

/* Opens the file and notices when it is another one than before. Its descriptor or -errno. */
static int open_feed(struct feed *feed, const char *path, uint64_t *size)
{
	int fd = regular_file_open(path), rc;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*size = (uint64_t)st.st_size;
	if (st.st_dev != feed->device || st.st_ino != feed->inode || *size < feed->offset)
		feed->offset = 0;
	feed->device = st.st_dev;
	feed->inode = st.st_ino;
	return fd;
}

/* What stands at the offset up to the last line feed; 0: no complete line. */
static ssize_t read_lines(int fd, uint64_t offset, char *text)
{
	ssize_t length = pread(fd, text, CHUNK, (off_t)offset);
	const char *last;

	if (length <= 0)
		return length < 0 ? -errno : 0;
	last = memrchr(text, '\n', (size_t)length);
	if (last == NULL)
		return length == (ssize_t)CHUNK ? -EMSGSIZE : 0;
	return last - text + 1;
}

/* What is in force so far; what of it is not somebody else's goes when it is replaced. */
struct view {
	const struct category *category_kept;
	const struct category_overlay *overlay_kept;
	struct category *category;
	struct category_overlay *overlay;
};

static void set_overlay(struct view *view, struct category_overlay *overlay)
{
	if (view->overlay != view->overlay_kept)
		category_overlay_free(view->overlay);
	view->overlay = overlay;
}

/* Puts the overlay into the table. */
static int merge(struct view *view, struct error *error)
{
	struct category *merged;
	int rc = category_merge(&merged, view->category, view->overlay, error);

	if (rc != 0)
		return rc;
	set_overlay(view, NULL);
	if (view->category != view->category_kept)
		category_free(view->category);
	view->category = merged;
	return 0;
}

static int add_lines(const char *path, struct view *view, struct slice lines, struct error *error)
{
	struct category_overlay *overlay = NULL;
	unsigned bad = 0;
	int rc = category_overlay_new(&overlay, view->category, view->overlay, lines, FEED_KEYS, &bad, error);

	if (rc == -EFBIG) {
		rc = view->overlay != NULL ? merge(view, error) : 0;
		if (rc == 0)
			rc = category_overlay_new(&overlay, view->category, NULL, lines, SIZE_MAX / 2, &bad, error);
	}
	if (rc != 0)
		return rc;
	set_overlay(view, overlay);
	if (bad > 0)
		log_write(LOG_WARNING, "%s: %u bad lines, passed over: %s", path, bad, error->text);
	return 0;
}

static int follow(struct feed *feed, const char *path, int fd, struct view *view, struct error *error)
{
	char *text = malloc(CHUNK);
	ssize_t length;
	int any = 0, rc = text != NULL ? 0 : -ENOMEM;

	while (rc == 0 && (length = read_lines(fd, feed->offset, text)) != 0) {
		rc = length < 0 ? (int)length : 0;
		if (rc == 0)
			rc = add_lines(path, view, (struct slice){(const uint8_t *)text, (uint32_t)length}, error);
		if (rc == 0) {
			feed->offset += (uint64_t)length;
			any = 1;
		}
	}
	free(text);
	return rc != 0 ? rc : any;
}

int feed_read(struct feed *feed, const char *path, struct category **category, struct category_overlay **overlay,
	struct error *error)
{
	struct view view = {*category, *overlay, *category, *overlay};
	struct feed next = *feed;
	uint64_t size;
	int fd = open_feed(&next, path, &size), rc;

	if (fd < 0)
		return fd == -ENOENT ? 0
				     : error_set(error, fd, "%s: %s; expected a file that can be read", path, regular_file_why(fd));
	rc = size > next.offset ? follow(&next, path, fd, &view, error) : 0;
	close(fd);
	if (rc < 0) {
		feed_let_go(*category, *overlay, view.category, view.overlay);
		if (error->text[0] == '\0')
			(void)error_set(error, rc, "%s: %s; expected lines of changes", path, strerror(-rc));
		return rc;
	}
	*feed = next;
	*category = view.category;
	*overlay = view.overlay;
	return rc;
}
