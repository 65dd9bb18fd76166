/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a terminal obeys instead of showing it. Text from the network, from Kafka and from the names of files goes to logs and
 * terminals with these bytes spelled out. The bytes of no character (0x80 to 0xff alone) are left: who reads UTF-8 shows a
 * replacement for them.
 */

/*
 * How many bytes at `text`, which ends with a NUL, are such a character, or 0:
 * - 1: the control characters of ASCII;
 * - 2: U+0080 to U+009F, which some terminals obey as they obey ESC [ (ECMA-48, 5.3);
 * - 3: U+202A to U+202E and U+2066 to U+2069, which turn what follows them about (Unicode Standard Annex 9).
 * Any thread.
 */
static inline unsigned terminal_control(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] < 0x20 || c[0] == 0x7f)
		return c[0] != '\0';
	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
		return 2;
	if (c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
		return 3;
	return 0;
}
