/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-proxy: the proxy behind it, and what is said to it before data flow. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum upstream_kind {
	UPSTREAM_SOCKS5,
	UPSTREAM_HTTP,
};

/* Longest user name and password, as SOCKS5 has it; longest name of a host, as DNS has it. */
#define UPSTREAM_LOGIN_MAX	255
#define UPSTREAM_HOST_MAX	253

/* The proxy. Without a user name nobody logs in. */
struct upstream {
	enum upstream_kind kind;
	char user[UPSTREAM_LOGIN_MAX + 1];
	char password[UPSTREAM_LOGIN_MAX + 1];
	char host[UPSTREAM_HOST_MAX + 1];
	char port[6];
	struct sockaddr_storage address;
};

/*
 * Reads "socks5://[USER:PASSWORD@]HOST:PORT" or "http://..."; complains on stderr, but not with
 * the password. Returns 0 or -EINVAL.
 */
int upstream_parse(const char *source, struct upstream *upstream);

/* Finds the proxy's address. Returns 0 or a negative errno. */
int upstream_resolve(struct upstream *upstream);

/* Where a connection is to go: a host's name, or an address in host. */
struct target {
	enum { TARGET_NAME, TARGET_IPV4, TARGET_IPV6 } kind;
	char host[UPSTREAM_HOST_MAX + 1];
	union {
		struct in_addr ip;
		struct in6_addr ip6;
	};
	uint16_t port;
};

/*
 * A conversation with the proxy. It reads no byte more than the proxy's own, for what follows is
 * the program's. It has no fd: whoever drives it writes what is in out from out_done to out_len,
 * and then reads at most handshake_want() bytes.
 */
struct handshake {
	const struct upstream *upstream;
	const struct target *target;
	enum {
		HANDSHAKE_METHOD,
		HANDSHAKE_LOGIN,
		HANDSHAKE_REPLY,
		HANDSHAKE_ADDRESS,
		HANDSHAKE_STATUS,
		HANDSHAKE_DONE,
	} state;
	char out[2048];
	size_t out_len;
	size_t out_done;
	char in[512];
	size_t in_len;
	size_t in_want;
	size_t seen;		/* bytes of HTTP's headers */
	unsigned int tail;	/* of "\r\n\r\n" that came last */
};

/* Both pointers must stay as long as the conversation. */
void handshake_begin(struct handshake *handshake, const struct upstream *upstream,
		     const struct target *target);

/* How many bytes to read now, 0 for none before the output is written. */
size_t handshake_want(const struct handshake *handshake);

/*
 * Takes bytes, at most as many as were wanted. Returns 1 when data can flow, 0 to go on, or the
 * negative errno that connect(2) is to fail with.
 */
int handshake_input(struct handshake *handshake, const char *bytes, size_t len);

#endif
