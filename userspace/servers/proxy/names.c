// SPDX-License-Identifier: GPL-2.0
/* viewos-proxy: addresses that stand for names. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../common/table.h"
#include "names.h"

/* The first and the last address stay unused. */
#define NAMES_COUNT	((~NAMES_MASK) - 1)

/* A name, in the table under its hash, and in the slot of its address. */
struct name {
	struct table_node node;
	uint32_t slot;
	char host[];
};

/*
 * list and refs are protected by names_mutex, what is behind lock by lock. slots has room for all
 * addresses; next is that of the oldest name, once all were used.
 */
struct names {
	struct names *list;
	unsigned int refs;
	uid_t uid;
	uint64_t view;
	char *source;
	char *options;
	pthread_mutex_t lock;
	struct table table;
	struct name **slots;
	uint32_t next;
};

static pthread_mutex_t names_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct names *all;

static void names_free(struct names *names)
{
	uint32_t i;

	for (i = 0; names->slots && i < NAMES_COUNT; i++)
		free(names->slots[i]);
	free(names->slots);
	free(names->source);
	free(names->options);
	pthread_mutex_destroy(&names->lock);
	free(names);
}

static struct names *names_new(uid_t uid, uint64_t view, const char *source, const char *options)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->refs = 1;
	names->uid = uid;
	names->view = view;
	pthread_mutex_init(&names->lock, NULL);
	names->source = strdup(source);
	names->options = strdup(options);
	/* Memory that is not touched costs nothing. */
	names->slots = calloc(NAMES_COUNT, sizeof(*names->slots));
	if (!names->source || !names->options || !names->slots || table_init(&names->table) < 0) {
		names_free(names);
		return NULL;
	}
	return names;
}

struct names *names_get(uid_t uid, uint64_t view, const char *source, const char *options)
{
	struct names *names;

	pthread_mutex_lock(&names_mutex);
	for (names = all; names; names = names->list)
		if (names->uid == uid && names->view == view &&
		    !strcmp(names->source, source) && !strcmp(names->options, options))
			break;
	if (names) {
		names->refs++;
	} else {
		names = names_new(uid, view, source, options);
		if (names) {
			names->list = all;
			all = names;
		}
	}
	pthread_mutex_unlock(&names_mutex);
	return names;
}

void names_put(struct names *names)
{
	struct names **link;

	pthread_mutex_lock(&names_mutex);
	if (--names->refs) {
		names = NULL;
	} else {
		for (link = &all; *link != names; link = &(*link)->list)
			;
		*link = names->list;
	}
	pthread_mutex_unlock(&names_mutex);
	if (!names)
		return;
	table_exit(&names->table);
	names_free(names);
}

static struct name *find(struct names *names, uint64_t hash, const char *host)
{
	struct table_node *node;
	struct name *name;

	for (node = table_first(&names->table, hash); node; node = table_next(node)) {
		name = (struct name *)node;
		if (!strcmp(name->host, host))
			return name;
	}
	return NULL;
}

static struct name *add(struct names *names, uint64_t hash, const char *host)
{
	size_t len = strlen(host) + 1;
	struct name *name = malloc(sizeof(*name) + len);
	struct name *old;

	if (!name)
		return NULL;
	memcpy(name->host, host, len);
	name->slot = names->next;
	names->next = (names->next + 1) % NAMES_COUNT;
	old = names->slots[name->slot];
	if (old) {
		table_del(&names->table, &old->node);
		free(old);
	}
	names->slots[name->slot] = name;
	table_add(&names->table, &name->node, hash);
	return name;
}

int names_address(struct names *names, const char *host, struct in_addr *address)
{
	struct name *name;
	uint64_t hash;
	int ret = 0;

	pthread_mutex_lock(&names->lock);
	hash = table_hash(&names->table, 0, host, strlen(host));
	name = find(names, hash, host);
	if (!name)
		name = add(names, hash, host);
	if (name)
		address->s_addr = htonl(NAMES_NETWORK + 1 + name->slot);
	else
		ret = -ENOMEM;
	pthread_mutex_unlock(&names->lock);
	return ret;
}

bool names_has(struct in_addr address)
{
	return (ntohl(address.s_addr) & NAMES_MASK) == NAMES_NETWORK;
}

int names_host(struct names *names, struct in_addr address, char host[UPSTREAM_HOST_MAX + 1])
{
	uint32_t slot = ntohl(address.s_addr) - NAMES_NETWORK - 1;
	int ret = -ENOENT;

	if (slot >= NAMES_COUNT)
		return ret;
	pthread_mutex_lock(&names->lock);
	if (names->slots[slot]) {
		strcpy(host, names->slots[slot]->host);
		ret = 0;
	}
	pthread_mutex_unlock(&names->lock);
	return ret;
}
