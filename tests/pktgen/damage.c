/* SPDX-License-Identifier: Apache-2.0 */
#include "damage.h"

const char *const damage_names[DAMAGE_COUNT] = {
#define X(name) #name,
	JSON_DAMAGES(X) FRAME_DAMAGES(X)
#undef X
};

enum damage damage_json(uint8_t *data, uint32_t crc_at, uint64_t bits)
{
	switch (bits % 3) {
	case 0:
		data[crc_at - 2] = ';'; /* the colon before the value */
		return DAMAGE_json_syntax;
	case 1:
		data[crc_at] = 0xff;
		return DAMAGE_json_utf8;
	default:
		data[crc_at] = 0x01;
		return DAMAGE_json_syntax;
	}
}

enum damage damage_frame(uint8_t *data, uint64_t bits)
{
	enum damage kind = (enum damage)(DAMAGE_frame_magic + bits % (DAMAGE_COUNT - DAMAGE_frame_magic));

	switch (kind) {
	case DAMAGE_frame_magic:
		data[bits >> 32 & 3] ^= 0x80;
		break;
	case DAMAGE_frame_version:
		data[4] ^= 0x80;
		break;
	case DAMAGE_frame_flags:
		data[5] |= 0x08;
		break;
	case DAMAGE_frame_length:
		data[6] ^= 0x01;
		break;
	default:
		data[8] = data[9] = 0xff; /* more events than any datagram holds */
		break;
	}
	return kind;
}
