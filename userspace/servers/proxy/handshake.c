// SPDX-License-Identifier: GPL-2.0
/* viewos-proxy: what is said to a proxy before data flow: RFC 1928, RFC 1929, RFC 9110. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upstream.h"

/* Headers of an HTTP answer longer than this are nobody's. */
#define HEADERS_MAX	65536

enum { SOCKS_VERSION = 5, SOCKS_LOGIN_VERSION = 1 };
enum { METHOD_NONE = 0, METHOD_LOGIN = 2 };
enum { ADDRESS_IPV4 = 1, ADDRESS_NAME = 3, ADDRESS_IPV6 = 4 };

static void put(struct handshake *h, const void *bytes, size_t len)
{
	memcpy(h->out + h->out_len, bytes, len);
	h->out_len += len;
}

static void put_byte(struct handshake *h, unsigned int byte)
{
	h->out[h->out_len++] = (char)byte;
}

static void expect(struct handshake *h, int state, size_t bytes)
{
	h->state = state;
	h->in_len = 0;
	h->in_want = bytes;
}

static void output_begin(struct handshake *h)
{
	h->out_len = 0;
	h->out_done = 0;
}

static void socks_login(struct handshake *h)
{
	const struct upstream *up = h->upstream;

	output_begin(h);
	put_byte(h, SOCKS_LOGIN_VERSION);
	put_byte(h, strlen(up->user));
	put(h, up->user, strlen(up->user));
	put_byte(h, strlen(up->password));
	put(h, up->password, strlen(up->password));
	expect(h, HANDSHAKE_LOGIN, 2);
}

static void socks_connect(struct handshake *h)
{
	const struct target *target = h->target;
	uint16_t port = htons(target->port);

	output_begin(h);
	put(h, "\5\1\0", 3);
	switch (target->kind) {
	case TARGET_NAME:
		put_byte(h, ADDRESS_NAME);
		put_byte(h, strlen(target->host));
		put(h, target->host, strlen(target->host));
		break;
	case TARGET_IPV4:
		put_byte(h, ADDRESS_IPV4);
		put(h, &target->ip, sizeof(target->ip));
		break;
	case TARGET_IPV6:
		put_byte(h, ADDRESS_IPV6);
		put(h, &target->ip6, sizeof(target->ip6));
		break;
	}
	put(h, &port, sizeof(port));
	/* Version, reply, zero, kind of address, and the first byte of that. */
	expect(h, HANDSHAKE_REPLY, 5);
}

/* What connect(2) would say. */
static int socks_error(unsigned char reply)
{
	static const int errors[] = {
		[1] = ECONNABORTED, [2] = EACCES, [3] = ENETUNREACH, [4] = EHOSTUNREACH,
		[5] = ECONNREFUSED, [6] = ETIMEDOUT, [7] = EOPNOTSUPP, [8] = EAFNOSUPPORT,
	};

	return reply < sizeof(errors) / sizeof(*errors) ? -errors[reply] : -EPROTO;
}

static int socks_method(struct handshake *h)
{
	const unsigned char *in = (const unsigned char *)h->in;

	if (in[0] != SOCKS_VERSION)
		return -EPROTO;
	if (in[1] == METHOD_LOGIN && *h->upstream->user)
		socks_login(h);
	else if (in[1] == METHOD_NONE)
		socks_connect(h);
	else
		return -EACCES;
	return 0;
}

static int socks_reply(struct handshake *h)
{
	const unsigned char *in = (const unsigned char *)h->in;
	size_t rest;

	if (in[0] != SOCKS_VERSION)
		return -EPROTO;
	if (in[1])
		return socks_error(in[1]);
	switch (in[3]) {
	case ADDRESS_IPV4:
		rest = sizeof(struct in_addr) - 1;
		break;
	case ADDRESS_IPV6:
		rest = sizeof(struct in6_addr) - 1;
		break;
	case ADDRESS_NAME:
		rest = in[4];
		break;
	default:
		return -EPROTO;
	}
	expect(h, HANDSHAKE_ADDRESS, rest + sizeof(uint16_t));
	return 0;
}

static void base64(char *to, const char *from)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = (const unsigned char *)from;
	size_t len = strlen(from);

	while (len) {
		unsigned int n = len < 3 ? (unsigned int)len : 3;
		unsigned int word = bytes[0] << 16 | (n > 1 ? bytes[1] << 8 : 0) |
				    (n > 2 ? bytes[2] : 0);

		*to++ = digits[word >> 18];
		*to++ = digits[word >> 12 & 63];
		*to++ = n > 1 ? digits[word >> 6 & 63] : '=';
		*to++ = n > 2 ? digits[word & 63] : '=';
		bytes += n;
		len -= n;
	}
	*to = '\0';
}

static void http_begin(struct handshake *h)
{
	const struct upstream *up = h->upstream;
	const struct target *target = h->target;
	char login[2 * UPSTREAM_LOGIN_MAX + 2], coded[sizeof(login) * 4 / 3 + 4];
	char host[UPSTREAM_HOST_MAX + 3];

	if (target->kind == TARGET_NAME)
		snprintf(host, sizeof(host), "%s", target->host);
	else if (target->kind == TARGET_IPV4)
		inet_ntop(AF_INET, &target->ip, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &target->ip6, host + 1, sizeof(host) - 1);
	if (target->kind == TARGET_IPV6) {
		host[0] = '[';
		strcat(host, "]");
	}
	h->out_len = snprintf(h->out, sizeof(h->out), "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n",
			      host, target->port, host, target->port);
	if (*up->user) {
		snprintf(login, sizeof(login), "%s:%s", up->user, up->password);
		base64(coded, login);
		h->out_len += snprintf(h->out + h->out_len, sizeof(h->out) - h->out_len,
				       "Proxy-Authorization: Basic %s\r\n", coded);
	}
	put(h, "\r\n", 2);
	expect(h, HANDSHAKE_STATUS, sizeof(h->in) - 1);
}

static int http_error(int status)
{
	switch (status) {
	case 403:
	case 407:
		return -EACCES;
	case 502:
		return -EHOSTUNREACH;
	case 503:
		return -ECONNREFUSED;
	case 504:
		return -ETIMEDOUT;
	default:
		return -ECONNREFUSED;
	}
}

/* Keeps the first line, and looks for the empty one. */
static int http_input(struct handshake *h, const char *bytes, size_t len)
{
	static const char end[] = "\r\n\r\n";
	int status;
	size_t i;

	for (i = 0; i < len; i++) {
		if (h->in_len + 1 < sizeof(h->in))
			h->in[h->in_len++] = bytes[i];
		if (bytes[i] == end[h->tail])
			h->tail++;
		else
			h->tail = bytes[i] == '\r';
	}
	h->seen += len;
	if (h->tail < 4)
		return h->seen < HEADERS_MAX ? 0 : -EPROTO;
	h->in[h->in_len] = '\0';
	if (sscanf(h->in, "HTTP/1.%*1[01] %3d", &status) != 1)
		return -EPROTO;
	if (status / 100 != 2)
		return http_error(status);
	h->state = HANDSHAKE_DONE;
	return 1;
}

void handshake_begin(struct handshake *h, const struct upstream *upstream,
		     const struct target *target)
{
	memset(h, 0, sizeof(*h));
	h->upstream = upstream;
	h->target = target;
	if (upstream->kind == UPSTREAM_HTTP) {
		http_begin(h);
		return;
	}
	if (*upstream->user)
		put(h, "\5\2\0\2", 4);
	else
		put(h, "\5\1\0", 3);
	expect(h, HANDSHAKE_METHOD, 2);
}

size_t handshake_want(const struct handshake *h)
{
	if (h->out_done < h->out_len || h->state == HANDSHAKE_DONE)
		return 0;
	/* So much is missing at least. */
	if (h->state == HANDSHAKE_STATUS)
		return 4 - h->tail;
	return h->in_want - h->in_len;
}

int handshake_input(struct handshake *h, const char *bytes, size_t len)
{
	if (h->state == HANDSHAKE_STATUS)
		return http_input(h, bytes, len);
	memcpy(h->in + h->in_len, bytes, len);
	h->in_len += len;
	if (h->in_len < h->in_want)
		return 0;
	switch (h->state) {
	case HANDSHAKE_METHOD:
		return socks_method(h);
	case HANDSHAKE_LOGIN:
		if (h->in[1])
			return -EACCES;
		socks_connect(h);
		return 0;
	case HANDSHAKE_REPLY:
		return socks_reply(h);
	case HANDSHAKE_ADDRESS:
		h->state = HANDSHAKE_DONE;
		return 1;
	default:
		return -EPROTO;
	}
}
