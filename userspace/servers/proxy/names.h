/* SPDX-License-Identifier: GPL-2.0 */
/* viewos-proxy: addresses that stand for names, and the answers that tell them. */
#ifndef PROXY_NAMES_H
#define PROXY_NAMES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "upstream.h"

/* 198.18.0.0/15, which RFC 2544 keeps clear of the Internet, but for its first and last address. */
#define NAMES_NETWORK	0xc6120000u
#define NAMES_MASK	0xfffe0000u

/* Longest answer. */
#define NAMES_ANSWER_MAX	512

/*
 * The names of one user's sessions that have the same view, source and options: what one of them
 * has heard another must know. It has a lock of its own.
 */
struct names;

/* Returns them with a reference, or NULL without memory. */
struct names *names_get(uid_t uid, uint64_t view, const char *source, const char *options);
void names_put(struct names *names);

/* The address that stands for a name; when there are no more, the oldest is taken back. */
int names_address(struct names *names, const char *host, struct in_addr *address);

/* Is this such an address at all? */
bool names_has(struct in_addr address);

/* The name behind it. Returns 0 or -ENOENT. */
int names_host(struct names *names, struct in_addr address, char host[UPSTREAM_HOST_MAX + 1]);

/*
 * Answers a query of DNS: A with an address that stands for the name, all else with nothing.
 * Returns the length of the answer, 0 for what is no query, or a negative errno.
 */
int names_answer(struct names *names, const void *query, size_t len,
		 unsigned char answer[NAMES_ANSWER_MAX]);

#endif
