/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

#include "random.h"

static const char *const sentences[] = {
	"The parcel left the depot this morning and will be with you tomorrow. ",
	"Customers who bought this also looked at lamps, rugs and a \\\"vintage\\\" clock. ",
	"Die Lieferung verz\xc3\xb6gert sich um zwei Tage; wir bitten um Verst\xc3\xa4ndnis. ",
	"Prix r\xc3\xa9"
	"duit jusqu'\xc3\xa0 dimanche, dans la limite des stocks\\u2026 ",
	"\xe3\x81\x93\xe3\x81\xae\xe5\x95\x86\xe5\x93\x81\xe3\x81\xaf\xe7\x8f\xbe\xe5\x9c\xa8\xe5\x93\x81\xe5\x88\x87"
	"\xe3\x82\x8c"
	"\xe3\x81\xa7\xe3\x81\x99\xe3\x80\x82 ",
	"Great quality, would buy again! \xf0\x9f\x91\x8d\xf0\x9f\x8f\xbc \\ud83d\\ude0a ",
	"See C:\\\\photos\\\\summer\\/2025 for the originals.\\n",
	"\xd0\x9e\xd1\x87\xd0\xb5\xd0\xbd\xd1\x8c \xd1\x85\xd0\xbe\xd1\x80\xd0\xbe\xd1\x88\xd0\xbe, "
	"\xd1\x81\xd0\xbf\xd0\xb0\xd1\x81\xd0\xb8\xd0\xb1\xd0\xbe. ",
	"One size fits most; hand wash only, do not tumble dry, iron on low heat. ",
	"{\\\"type\\\":\\\"none\\\",\\\"ts\\\":0} was pasted here by a user. ",
	"A board for everything about small gardens: herbs, pots, shade, and water. ",
	"Se env\xc3\xad"
	"a en 24\\u002d48 horas desde Espa\xc3\xb1"
	"a.\\t",
	"upstream connect error or disconnect/reset before headers, retried once, then served stale. ",
};

/* Length of the unit that begins at `at`: an escape, a surrogate pair in escapes, or a character. */
static uint32_t unit_length(const uint8_t *at)
{
	if (at[0] == '\\' && at[1] == 'u')
		return at[2] == 'd' && at[3] == '8' ? 12 : 6;
	if (at[0] == '\\')
		return 2;
	if (at[0] < 0x80)
		return 1;
	return at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
}

void text_init(struct text *text)
{
	uint32_t used = 0, next = 0;

	memset(text, '.', sizeof(*text));
	for (unsigned i = 0;; i = (i + 1) % (sizeof(sentences) / sizeof(sentences[0]))) {
		uint32_t len = (uint32_t)strlen(sentences[i]);

		if (used + len > TEXT_SIZE)
			break;
		memcpy(text->bytes + used, sentences[i], len);
		used += len;
	}
	for (uint32_t i = 0, last = 0; i <= TEXT_SIZE; i++) {
		if (i == next) {
			last = i;
			next = i + unit_length(text->bytes + i);
		}
		text->cut[i] = (uint16_t)last;
	}
}

uint8_t *text_copy(const struct text *text, uint8_t *to, uint32_t bits, uint32_t len)
{
	uint32_t from = text->cut[random_scale(bits, TEXT_SIZE / 2)];
	uint32_t whole = text->cut[from + len] - from;

	memcpy(to, text->bytes + from, whole);
	memset(to + whole, '.', len - whole);
	return to + len;
}
