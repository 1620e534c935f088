// SPDX-License-Identifier: GPL-2.0
/* viewos-proxy: answers of DNS, RFC 1035. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "names.h"

enum { HEADER = 12, TYPE_A = 1, CLASS_IN = 1, TTL = 60 };
enum { RCODE_FORMERR = 1, RCODE_NXDOMAIN = 3, RCODE_NOTIMP = 4 };

static unsigned int get16(const unsigned char *at)
{
	return at[0] << 8 | at[1];
}

static void put16(unsigned char *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/*
 * Reads a name of labels from @at into text, in small letters. Returns the bytes that it took, 0 if
 * it is malformed; *plain is whether it can be a host's.
 */
static size_t read_name(const unsigned char *at, size_t len, char host[UPSTREAM_HOST_MAX + 1],
			bool *plain)
{
	size_t used = 0, out = 0;
	unsigned int label, i;

	*plain = true;
	for (;;) {
		if (used >= len)
			return 0;
		label = at[used++];
		if (!label)
			break;
		if (label > 63 || used + label > len || out + label + 1 > UPSTREAM_HOST_MAX)
			return 0;
		if (out)
			host[out++] = '.';
		for (i = 0; i < label; i++) {
			unsigned char c = at[used++];

			if (!isalnum(c) && c != '-' && c != '_')
				*plain = false;
			host[out++] = tolower(c);
		}
	}
	host[out] = '\0';
	*plain &= out > 0;
	return used;
}

static size_t put_address(unsigned char *at, struct in_addr address)
{
	/* The name is that at the place where the question is. */
	put16(at, 0xc000 | HEADER);
	put16(at + 2, TYPE_A);
	put16(at + 4, CLASS_IN);
	put16(at + 6, 0);
	put16(at + 8, TTL);
	put16(at + 10, sizeof(address));
	memcpy(at + 12, &address, sizeof(address));
	return 12 + sizeof(address);
}

int names_answer(struct names *names, const void *query, size_t len,
		 unsigned char answer[NAMES_ANSWER_MAX])
{
	const unsigned char *in = query;
	char host[UPSTREAM_HOST_MAX + 1];
	unsigned int rcode = 0, answers = 0;
	struct in_addr address;
	size_t used, size = HEADER;
	bool plain;
	int ret;

	/* An answer is not answered. */
	if (len < HEADER || in[2] & 0x80)
		return 0;
	used = read_name(in + HEADER, len - HEADER, host, &plain);
	if ((in[2] & 0x78) != 0) {
		rcode = RCODE_NOTIMP;
	} else if (get16(in + 4) != 1 || !used || HEADER + used + 4 > len) {
		rcode = RCODE_FORMERR;
	} else {
		size += used + 4;
		memcpy(answer + HEADER, in + HEADER, used + 4);
		if (get16(in + size - 2) != CLASS_IN || !plain) {
			rcode = RCODE_NXDOMAIN;
		} else if (get16(in + size - 4) == TYPE_A) {
			ret = names_address(names, host, &address);
			if (ret < 0)
				return ret;
			size += put_address(answer + size, address);
			answers = 1;
		}
	}
	/* An answer, recursion as desired and available. */
	memcpy(answer, in, 2);
	answer[2] = 0x80 | (in[2] & 0x79);
	answer[3] = 0x80 | rcode;
	put16(answer + 4, size > HEADER);
	put16(answer + 6, answers);
	put16(answer + 8, 0);
	put16(answer + 10, 0);
	return (int)size;
}
