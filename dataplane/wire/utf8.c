/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/utf8.h"

/* Bytes of the sequence that `lead` opens, 0 when none may start so; the bounds of its second byte, which alone vary. */
static int lead_length(uint8_t lead, uint8_t *low, uint8_t *high)
{
	*low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
	*high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
	if (lead < 0x80)
		return 1;
	if (lead < 0xC2 || lead > 0xF4)
		return 0;
	return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

int utf8_sequence(const uint8_t *data, uint32_t len)
{
	uint8_t low, high;
	int need = lead_length(data[0], &low, &high);

	if (need == 0)
		return -1;
	for (int i = 1; i < need; i++) {
		if ((uint32_t)i >= len)
			return 0;
		if (data[i] < low || data[i] > high)
			return -1;
		low = 0x80;
		high = 0xBF;
	}
	return need;
}

unsigned utf8_encode(uint8_t out[UTF8_MAX], uint32_t code_point)
{
	if (code_point < 0x80) {
		out[0] = (uint8_t)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		out[0] = (uint8_t)(0xC0 | code_point >> 6);
		out[1] = (uint8_t)(0x80 | (code_point & 0x3F));
		return 2;
	}
	if (code_point < 0x10000) {
		out[0] = (uint8_t)(0xE0 | code_point >> 12);
		out[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (code_point & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | code_point >> 18);
	out[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (code_point & 0x3F));
	return 4;
}
