// SPDX-License-Identifier: GPL-2.0
/* viewos-proxy: the address of the proxy, as it is written. */
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "upstream.h"

#define PROGRAM "viewos-proxy"

static int complain(const char *what)
{
	fprintf(stderr, PROGRAM ": source: %s; expected %s or %s\n", what,
		"socks5://[USER:PASSWORD@]HOST:PORT", "http://[USER:PASSWORD@]HOST:PORT");
	return -EINVAL;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies a part of a URL, in which %XX is a character. */
static bool decode(char *to, size_t room, const char *from, size_t len)
{
	size_t at = 0;

	while (len) {
		char c = *from;
		size_t taken = 1;

		if (c == '%') {
			if (len < 3 || hex(from[1]) < 0 || hex(from[2]) < 0)
				return false;
			c = (char)(hex(from[1]) << 4 | hex(from[2]));
			taken = 3;
		}
		if (!c || at + 1 >= room)
			return false;
		to[at++] = c;
		from += taken;
		len -= taken;
	}
	to[at] = '\0';
	return true;
}

/* "HOST:PORT" or "[ADDRESS]:PORT" */
static int host_parse(const char *text, struct upstream *upstream)
{
	const char *colon = strrchr(text, ':'), *end = colon;
	char *stop;
	unsigned long port;

	if (!colon || colon == text)
		return complain("no port");
	if (*text == '[') {
		text++;
		end--;
		if (end < text || *end != ']')
			return complain("the address is not closed by ]");
	}
	if (end == text || (size_t)(end - text) >= sizeof(upstream->host))
		return complain("no host");
	snprintf(upstream->host, sizeof(upstream->host), "%.*s", (int)(end - text), text);
	port = strtoul(colon + 1, &stop, 10);
	if (*stop == '/')
		stop++;
	if (colon[1] < '0' || colon[1] > '9' || *stop || !port || port > 65535)
		return complain("bad port");
	snprintf(upstream->port, sizeof(upstream->port), "%lu", port);
	return 0;
}

int upstream_parse(const char *source, struct upstream *upstream)
{
	const char *at, *colon;

	memset(upstream, 0, sizeof(*upstream));
	if (!strncmp(source, "socks5://", 9)) {
		upstream->kind = UPSTREAM_SOCKS5;
		source += 9;
	} else if (!strncmp(source, "http://", 7)) {
		upstream->kind = UPSTREAM_HTTP;
		source += 7;
	} else {
		return complain("unknown kind of proxy");
	}
	at = strrchr(source, '@');
	if (at) {
		colon = memchr(source, ':', at - source);
		if (!colon || colon == source ||
		    !decode(upstream->user, sizeof(upstream->user), source, colon - source) ||
		    !decode(upstream->password, sizeof(upstream->password), colon + 1,
			    at - colon - 1))
			return complain("bad user or password");
		source = at + 1;
	}
	return host_parse(source, upstream);
}

int upstream_resolve(struct upstream *upstream)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list, *one;
	int ret;

	ret = getaddrinfo(upstream->host, upstream->port, &hints, &list);
	if (ret) {
		fprintf(stderr, PROGRAM ": '%s': %s\n", upstream->host, gai_strerror(ret));
		return -EHOSTUNREACH;
	}
	/* To one of IPv4 sockets of both families can connect. */
	for (one = list; one->ai_next && one->ai_family != AF_INET; one = one->ai_next)
		;
	if (one->ai_family != AF_INET)
		one = list;
	memcpy(&upstream->address, one->ai_addr, one->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}
