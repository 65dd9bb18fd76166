/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files that the configuration, or who starts the daemon, names to be read. Only regular ones are: a named pipe would hold up
 * who opens it until somebody writes into it, and so a reload, a stop or a check.
 */

/* Opens the file to be read, without ever waiting. Its descriptor, the caller's; -EISDIR, -EINVAL (what else is no regular
 * file) or another -errno. Any thread but a poll core. */
int regular_file_open(const char *path);

/* Why it could not be opened or read, in words that follow the path. */
const char *regular_file_why(int rc);
