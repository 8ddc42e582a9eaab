#include "map/siphash.h"

#include <string.h>

struct state {
	guint64 v[4];
};

static guint64 rotate(guint64 x, unsigned bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static void sip_round(struct state *s)
{
	guint64 *v = s->v;
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void absorb(struct state *s, guint64 word)
{
	s->v[3] ^= word;
	sip_round(s);
	s->v[0] ^= word;
}

guint64 map_siphash(const guint64 key[2], const char *text, size_t size)
{
	struct state s = { {
		key[0] ^ 0x736f6d6570736575ULL,
		key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL,
		key[1] ^ 0x7465646279746573ULL,
	} };
	size_t rest = size % 8;
	guint64 word;

	for (size_t at = 0; at + 8 <= size; at += 8) {
		memcpy(&word, text + at, 8);
		absorb(&s, GUINT64_FROM_LE(word));
	}
	word = 0;
	memcpy(&word, text + size - rest, rest);
	absorb(&s, GUINT64_FROM_LE(word) | (guint64)size << 56);
	s.v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
