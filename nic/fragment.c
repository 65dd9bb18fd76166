/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/fragment.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "base/shares.h"

#define UNIT      8 /* bytes; pieces begin on multiples of it */
#define MAP_WORDS (65536 / UNIT / 64)
#define NONE      UINT32_MAX
#define IP_MAX    65535

struct key {
	uint8_t addresses[32]; /* source, destination; first */
	uint32_t id;
	uint32_t family;
};

struct entry {
	struct key key;
	uint64_t since;        /* tsc of the first piece */
	uint32_t total;        /* bytes of the whole, 0: the last piece has not come */
	uint32_t received;     /* bytes */
	uint32_t highest;      /* end of the piece furthest back */
	uint32_t pieces;
	uint32_t bucket, next; /* chain of the bucket */
	uint32_t older, newer; /* list by age */
	uint8_t protocol;
	uint8_t refused; /* enum fragment_result that later pieces get as well, 0: none */
	uint64_t map[MAP_WORDS]; /* units that have come */
};

struct fragments {
	unsigned count, lent_count, bucket_mask;
	uint32_t most, room;
	uint64_t ticks, seed[2];
	uint32_t free, oldest, newest; /* free: chained by next */
	uint32_t lent[SOURCE_BURST];
	uint32_t *buckets;
	struct entry *entries;
	uint8_t *data;
	size_t buckets_size, entries_size, data_size;
	struct shares shares; /* of the entries, by sender */
};

int fragments_new(struct fragments **fragments, unsigned count, uint32_t most, uint64_t ticks, int node)
{
	struct fragments *t;
	unsigned buckets = 2;

	if (count == 0 || count > 1u << 20 || most == 0 || most > IP_MAX)
		return -EINVAL;
	while (buckets < 2 * count)
		buckets *= 2;
	t = memory_map(sizeof(*t), CACHE_GUARD, node);
	if (t == NULL)
		return -ENOMEM;
	t->count = count;
	t->most = most;
	t->room = (most + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	t->ticks = ticks;
	t->bucket_mask = buckets - 1;
	t->buckets_size = buckets * sizeof(*t->buckets);
	t->entries_size = count * sizeof(*t->entries);
	t->data_size = (size_t)count * t->room;
	t->buckets = memory_map(t->buckets_size, CACHE_GUARD, node);
	t->entries = memory_map(t->entries_size, CACHE_GUARD, node);
	t->data = memory_map(t->data_size, CACHE_GUARD, node);
	if (t->buckets == NULL || t->entries == NULL || t->data == NULL || shares_new(&t->shares, count, node) != 0 ||
		getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		fragments_free(t);
		return -ENOMEM;
	}
	memset(t->buckets, 0xff, t->buckets_size);
	for (uint32_t i = 0; i < count; i++)
		t->entries[i].next = i + 1 < count ? i + 1 : NONE;
	t->oldest = t->newest = NONE;
	*fragments = t;
	return 0;
}

void fragments_free(struct fragments *t)
{
	if (t == NULL)
		return;
	memory_unmap(t->data, t->data_size);
	memory_unmap(t->entries, t->entries_size);
	memory_unmap(t->buckets, t->buckets_size);
	shares_free(&t->shares);
	memory_unmap(t, sizeof(*t));
}

static void make_key(struct key *key, const struct packet *packet)
{
	size_t len = packet->family == ADDRESS_IPV4 ? 4 : 16;

	memset(key, 0, sizeof(*key));
	memcpy(key->addresses, packet->source, len);
	memcpy(key->addresses + 16, packet->destination, len);
	key->id = packet->fragment_id;
	key->family = packet->family;
}

/* Seeded, so that nobody outside can aim at one bucket: products of seeded words, folded. Of the key's first `bytes`. */
static uint32_t hash(const struct fragments *t, const struct key *key, size_t bytes)
{
	uint64_t words[sizeof(*key) / 8], h = t->seed[0];

	memcpy(words, key, bytes);
	for (unsigned i = 0; i < bytes / sizeof(words[0]); i++) {
		unsigned __int128 product = (unsigned __int128)(words[i] ^ h) * (t->seed[1] | 1);

		h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ words[i];
	}
	return (uint32_t)(h ^ h >> 32);
}

static uint32_t sender_hash(const struct fragments *t, const struct key *key)
{
	return hash(t, key, sizeof(key->addresses) / 2);
}

static uint32_t find(const struct fragments *t, const struct key *key, uint32_t bucket)
{
	uint32_t i = t->buckets[bucket];

	while (i != NONE && memcmp(&t->entries[i].key, key, sizeof(*key)) != 0)
		i = t->entries[i].next;
	return i;
}

/* Takes an entry out of its bucket and the list by age. */
static void detach(struct fragments *t, uint32_t index)
{
	struct entry *e = &t->entries[index];
	uint32_t *link = &t->buckets[e->bucket];

	while (*link != index)
		link = &t->entries[*link].next;
	*link = e->next;
	if (e->older != NONE)
		t->entries[e->older].newer = e->newer;
	else
		t->oldest = e->newer;
	if (e->newer != NONE)
		t->entries[e->newer].older = e->older;
	else
		t->newest = e->older;
	shares_give(&t->shares, sender_hash(t, &e->key));
}

static void put_free(struct fragments *t, uint32_t index)
{
	t->entries[index].next = t->free;
	t->free = index;
}

/* A fresh entry at the young end of the list; one must be free. */
static uint32_t take_free(struct fragments *t, const struct key *key, uint32_t bucket, uint64_t tsc)
{
	uint32_t index = t->free;
	struct entry *e = &t->entries[index];

	t->free = e->next;
	*e = (struct entry){.key = *key, .since = tsc, .bucket = bucket, .next = t->buckets[bucket], .older = t->newest,
		.newer = NONE};
	t->buckets[bucket] = index;
	if (t->newest != NONE)
		t->entries[t->newest].newer = index;
	else
		t->oldest = index;
	t->newest = index;
	return index;
}

/* An entry for a new datagram; NONE with the result that the frame gets when there is none for it. */
static uint32_t begin(
	struct fragments *t, const struct key *key, uint32_t bucket, uint64_t tsc, enum fragment_result *result)
{
	if (t->free == NONE) {
		*result = FRAGMENT_NO_ROOM;
		return NONE;
	}
	if (!shares_take(&t->shares, sender_hash(t, key))) {
		*result = FRAGMENT_NO_SHARE;
		return NONE;
	}
	return take_free(t, key, bucket, tsc);
}

/* Units first..last of the map that are set. */
static unsigned count_units(const struct entry *e, uint32_t first, uint32_t last)
{
	unsigned set = 0;

	for (uint32_t u = first; u <= last; u++)
		set += (unsigned)(e->map[u / 64] >> (u % 64) & 1);
	return set;
}

static void set_units(struct entry *e, uint32_t first, uint32_t last)
{
	for (uint32_t u = first; u <= last; u++)
		e->map[u / 64] |= (uint64_t)1 << (u % 64);
}

/* What a piece at offset..end means beside those that are there; FRAGMENT_HELD: it may be added. */
static enum fragment_result judge(
	const struct fragments *t, const struct entry *e, const struct packet *packet, const uint8_t *data)
{
	uint32_t offset = packet->fragment_offset, end = offset + packet->l4_len;
	uint32_t first = offset / UNIT, last = (end - 1) / UNIT;
	unsigned there;

	if (e->refused != 0)
		return (enum fragment_result)e->refused;
	if (end > t->most)
		return FRAGMENT_OVERSIZE;
	there = count_units(e, first, last);
	if (there == last - first + 1 && end <= e->highest && memcmp(data + offset, packet->l4, packet->l4_len) == 0)
		return FRAGMENT_REPEATED;
	if (there != 0 || e->pieces == FRAGMENT_PIECES)
		return FRAGMENT_BAD;
	if (!packet->more_fragments && (e->total != 0 || e->highest > end))
		return FRAGMENT_BAD;
	if (e->total != 0 && end > e->total)
		return FRAGMENT_BAD;
	return FRAGMENT_HELD;
}

static void add_piece(struct entry *e, const struct packet *packet, uint8_t *data)
{
	uint32_t offset = packet->fragment_offset, end = offset + packet->l4_len;

	memcpy(data + offset, packet->l4, packet->l4_len);
	set_units(e, offset / UNIT, (end - 1) / UNIT);
	e->received += packet->l4_len;
	e->pieces++;
	if (end > e->highest)
		e->highest = end;
	if (!packet->more_fragments)
		e->total = end;
	if (offset == 0)
		e->protocol = packet->protocol;
}

static void finish(struct fragments *t, uint32_t index, struct fragment_outcome *outcome)
{
	struct entry *e = &t->entries[index];

	detach(t, index);
	t->lent[t->lent_count++] = index;
	outcome->result = FRAGMENT_WHOLE;
	outcome->freed = e->pieces - 1;
	outcome->data = t->data + (size_t)index * t->room;
	outcome->len = e->total;
	outcome->protocol = e->protocol;
}

/* The datagram is lost, but its entry stays until its time is over, so that its other pieces are known. */
static void refuse(struct entry *e, struct fragment_outcome *outcome)
{
	e->refused = (uint8_t)outcome->result;
	outcome->freed = e->pieces;
	e->pieces = 0;
}

void fragments_add(struct fragments *t, const struct packet *packet, uint64_t tsc, struct fragment_outcome *outcome)
{
	struct key key;
	uint32_t bucket, index;
	struct entry *e;
	uint8_t *data;

	*outcome = (struct fragment_outcome){.result = FRAGMENT_NO_ROOM};
	if (t->lent_count == SOURCE_BURST)
		return;
	make_key(&key, packet);
	bucket = hash(t, &key, sizeof(key)) & t->bucket_mask;
	index = find(t, &key, bucket);
	if (index == NONE)
		index = begin(t, &key, bucket, tsc, &outcome->result);
	if (index == NONE)
		return;
	e = &t->entries[index];
	data = t->data + (size_t)index * t->room;
	outcome->result = judge(t, e, packet, data);
	if (outcome->result == FRAGMENT_REPEATED)
		return;
	if (outcome->result != FRAGMENT_HELD) {
		refuse(e, outcome);
		return;
	}
	add_piece(e, packet, data);
	if (e->total != 0 && e->received == e->total)
		finish(t, index, outcome);
}

void fragments_release(struct fragments *t)
{
	for (unsigned i = 0; i < t->lent_count; i++)
		put_free(t, t->lent[i]);
	t->lent_count = 0;
}

unsigned fragments_expire(struct fragments *t, uint64_t tsc)
{
	unsigned frames = 0;

	while (t->oldest != NONE && (int64_t)(tsc - t->entries[t->oldest].since - t->ticks) >= 0) {
		uint32_t index = t->oldest;

		frames += t->entries[index].pieces;
		detach(t, index);
		put_free(t, index);
	}
	return frames;
}
