/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/daemon/regular_file.h"

#define CHUNK ((size_t)8 << 20) /* read at once; a good line is much shorter */

void feed_let_go(const struct category *category_before, const struct category_overlay *overlay_before,
	struct category *category, struct category_overlay *overlay)
{
	if (overlay != overlay_before)
		category_overlay_free(overlay);
	if (category != category_before)
		category_free(category);
}

/* Of the file at the path, which is that of `at` when it is "". 0 or -errno. */
static int identify(struct feed_file *file, int at, const char *path, uint64_t *size)
{
	struct statx st;

	*file = (struct feed_file){0};
	if (statx(at, path, path[0] == '\0' ? AT_EMPTY_PATH : 0, STATX_BASIC_STATS | STATX_BTIME, &st) != 0)
		return -errno;
	*size = st.stx_size;
	file->device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	file->inode = st.stx_ino;
	if ((st.stx_mask & STATX_BTIME) != 0)
		file->born_ns = st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
	return 0;
}

void feed_file_at(struct feed_file *file, const char *path)
{
	uint64_t size;

	(void)identify(file, AT_FDCWD, path, &size);
}

/* Nothing of the file is read yet. */
static void begin_anew(struct feed *feed, const struct feed_file *file)
{
	*feed = (struct feed){.file = *file, .anew = feed->anew + (feed->offset > 0)};
}

static int is_known_again(const struct feed *feed, int fd)
{
	char now[FEED_TAIL];
	size_t length = feed->offset < FEED_TAIL ? (size_t)feed->offset : FEED_TAIL;

	return pread(fd, now, length, (off_t)(feed->offset - length)) == (ssize_t)length &&
	       memcmp(now, feed->tail + FEED_TAIL - length, length) == 0;
}

/* The file as it is now: as far as it was read when it is the one that was, else nothing of it was. 0 or -errno. */
static int look(struct feed *feed, int fd, uint64_t *size)
{
	struct feed_file now;
	int rc = identify(&now, fd, "", size);

	if (rc == 0 && (memcmp(&now, &feed->file, sizeof(now)) != 0 || !is_known_again(feed, fd)))
		begin_anew(feed, &now);
	return rc;
}

static void advance(struct feed *feed, struct slice read)
{
	size_t length = read.len < FEED_TAIL ? read.len : FEED_TAIL;

	memmove(feed->tail, feed->tail + length, FEED_TAIL - length);
	memcpy(feed->tail + FEED_TAIL - length, read.data + read.len - length, length);
	feed->offset += read.len;
}

/* What is in force so far; what of it is not somebody else's goes when it is replaced. */
struct view {
	const struct category *category_kept;
	const struct category_overlay *overlay_kept;
	struct category *category;
	struct category_overlay *overlay;
	const atomic_int *leave; /* NULL; or not 0: nobody wants it any more */
	struct error first_bad; /* of the lines that were passed over; "" */
	int any;                /* lines were read */
};

static void set_overlay(struct view *view, struct category_overlay *overlay)
{
	if (view->overlay != view->overlay_kept)
		category_overlay_free(view->overlay);
	view->overlay = overlay;
}

static int is_left(const struct view *view, struct error *error)
{
	if (view->leave == NULL || atomic_load_explicit(view->leave, memory_order_relaxed) == 0)
		return 0;
	return error_set(error, -ECANCELED, "not read to its end, since everything ends");
}

/* Puts the overlay into the table: in place where nobody else has that yet, else into a copy. */
static int merge(struct view *view, struct error *error)
{
	struct category *merged = view->category;
	int rc = is_left(view, error);

	if (rc != 0)
		return rc;
	rc = merged != view->category_kept ? category_absorb(merged, view->overlay, error) : -ENOSPC;
	if (rc == -ENOSPC)
		rc = category_merge(&merged, view->category, view->overlay, error);
	if (rc != 0)
		return rc;
	set_overlay(view, NULL);
	if (merged != view->category && view->category != view->category_kept)
		category_free(view->category);
	view->category = merged;
	return 0;
}

static int add_lines(struct feed *feed, struct view *view, struct slice lines, struct error *error)
{
	struct category_overlay *overlay = NULL;
	struct category_tally tally = {.line = feed->line};
	struct error said = {""};
	int rc = category_overlay_new(&overlay, view->category, view->overlay, lines, FEED_KEYS, &tally, &said);

	if (rc == -EFBIG) {
		rc = view->overlay != NULL ? merge(view, &said) : 0;
		if (rc == 0) {
			said = (struct error){""};
			rc = category_overlay_new(&overlay, view->category, NULL, lines, SIZE_MAX / 2, &tally, &said);
		}
	}
	if (rc != 0)
		return error_set(error, rc, "%s", said.text);
	set_overlay(view, overlay);
	advance(feed, lines);
	feed->line = tally.line;
	feed->bad += tally.bad;
	view->any = 1;
	if (view->first_bad.text[0] == '\0')
		view->first_bad = said;
	return 1;
}

/* The text begins in a line that is too long, and goes at least as far as it does. */
static int pass_over(struct feed *feed, struct view *view, struct slice text)
{
	const uint8_t *end = memchr(text.data, '\n', text.len);

	if (end != NULL)
		text.len = (uint32_t)(end - text.data) + 1;
	advance(feed, text);
	feed->in_long = end == NULL;
	if (end == NULL)
		return 1;
	feed->line++;
	feed->bad++;
	view->any = 1;
	if (view->first_bad.text[0] == '\0')
		(void)error_set(&view->first_bad, 0, "line %" PRIu64 ": it is longer than %zu bytes", feed->line, CHUNK);
	return 1;
}

/* Takes in what stands at the offset. 1; 0: no complete line; or -errno. */
static int take(struct feed *feed, int fd, struct view *view, char *text, struct error *error)
{
	ssize_t length = pread(fd, text, CHUNK, (off_t)feed->offset);
	const char *last;

	if (length <= 0)
		return length < 0 ? error_set(error, -errno, "%s; expected lines of changes", strerror(errno)) : 0;
	last = memrchr(text, '\n', (size_t)length);
	if (feed->in_long || (last == NULL && length == (ssize_t)CHUNK))
		return pass_over(feed, view, (struct slice){(const uint8_t *)text, (uint32_t)length});
	if (last == NULL)
		return 0;
	return add_lines(feed, view, (struct slice){(const uint8_t *)text, (uint32_t)(last - text) + 1}, error);
}

static int follow(struct feed *feed, int fd, struct view *view, struct error *error)
{
	char *text = malloc(CHUNK);
	int rc = text != NULL ? 1 : error_set(error, -ENOMEM, "out of memory");

	while (rc > 0) {
		rc = is_left(view, error);
		if (rc == 0)
			rc = take(feed, fd, view, text, error);
	}
	free(text);
	return rc != 0 ? rc : view->any;
}

/* Whoever writes bad lines may do so every second: `penstock show tables` counts them all. */
static void tell_of_bad(const char *path, uint64_t bad, const struct error *first)
{
	static struct log_limit limit;
	unsigned more;

	if (bad > 0 && log_allowed(&limit, 60, &more))
		log_write(LOG_WARNING, "%s: %" PRIu64 " bad lines, passed over: %s", path, bad, first->text);
}

static int read_file(struct feed *feed, const char *path, struct view *view, struct error *error)
{
	struct feed next = *feed;
	struct error why = {""};
	uint64_t size = 0, bad = 0;
	int fd = regular_file_open(path), rc;

	if (fd == -ENOENT) {
		begin_anew(feed, &(struct feed_file){0});
		return 0;
	}
	if (fd < 0)
		return error_set(error, fd, "%s: %s; expected a file that can be read", path, regular_file_why(fd));
	rc = look(&next, fd, &size);
	bad = next.bad;
	if (rc != 0)
		(void)error_set(&why, rc, "%s; expected a file that can be read", strerror(-rc));
	else if (size > next.offset)
		rc = follow(&next, fd, view, &why);
	close(fd);
	if (rc < 0)
		return error_set(error, rc, "%s: %s", path, why.text);
	tell_of_bad(path, next.bad - bad, &view->first_bad);
	*feed = next;
	return rc;
}

int feed_read(struct feed *feed, const char *path, struct category **category, struct category_overlay **overlay,
	const atomic_int *leave, struct error *error)
{
	struct view view = {*category, *overlay, *category, *overlay, leave, {""}, 0};
	int rc = read_file(feed, path, &view, error);

	if (rc < 0) {
		feed_let_go(*category, *overlay, view.category, view.overlay);
		return rc;
	}
	*category = view.category;
	*overlay = view.overlay;
	return rc;
}

int feed_load(struct feed *feed, const char *path, struct category **category, struct category_overlay **overlay,
	const atomic_int *leave, struct error *error)
{
	struct view view = {NULL, NULL, *category, *overlay, leave, {""}, 0};
	int rc = read_file(feed, path, &view, error);

	*category = view.category;
	*overlay = view.overlay;
	return rc;
}
