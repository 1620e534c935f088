// SPDX-License-Identifier: GPL-2.0
/* viewos-ids: who processes are, by their tags */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"

/* Those that differ are kept for as long as the view: more than any system has users of. */
#define BYTES_MAX	(16U << 20)

static size_t who_size(uint32_t count)
{
	return sizeof(struct who) + count * sizeof(uint32_t);
}

struct who *who_new(uint32_t count)
{
	struct who *who = calloc(1, who_size(count));

	if (who)
		who->count = count;
	return who;
}

struct who *who_copy(const struct who *who)
{
	struct who *copy = who_new(who->count);

	if (copy)
		memcpy(copy, who, who_size(who->count));
	return copy;
}

static size_t who_bytes(const struct who *who)
{
	return who_size(who->count) - offsetof(struct who, ids);
}

static uint64_t who_hash(const struct people *people, const struct who *who)
{
	return table_hash(&people->table, who->count, who->ids, who_bytes(who));
}

static int who_add(struct people *people, struct who *who)
{
	struct who **longer;
	size_t room;

	if (people->count == people->room) {
		room = people->room ? 2 * people->room : 16;
		longer = reallocarray(people->by_tag, room, sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		people->by_tag = longer;
		people->room = room;
	}
	people->bytes += who_size(who->count);
	who->tag = people->count;
	people->by_tag[people->count++] = who;
	table_add(&people->table, &who->node, who_hash(people, who));
	return 0;
}

int people_init(struct people *people, uint32_t uid, uint32_t gid)
{
	struct who *first = who_new(0);
	unsigned int i;
	int ret;

	if (!first)
		return -ENOMEM;
	for (i = 0; i < WHICH; i++) {
		first->ids[USERS][i] = uid;
		first->ids[GROUPS][i] = gid;
	}
	ret = table_init(&people->table);
	if (!ret)
		ret = who_add(people, first);
	if (ret)
		free(first);
	return ret;
}

void people_free(struct people *people)
{
	while (people->count)
		free(people->by_tag[--people->count]);
	free(people->by_tag);
	if (people->table.buckets)
		table_exit(&people->table);
}

const struct who *people_find(const struct people *people, uint32_t tag)
{
	return people->by_tag[tag < people->count ? tag : 0];
}

int people_tag(struct people *people, struct who *who, uint32_t *tag)
{
	struct table_node *node = table_first(&people->table, who_hash(people, who));
	int ret;

	for (; node; node = table_next(node)) {
		const struct who *same = (const struct who *)node;

		if (same->count != who->count || memcmp(same->ids, who->ids, who_bytes(who)))
			continue;
		*tag = same->tag;
		free(who);
		return 0;
	}
	ret = people->bytes + who_size(who->count) > BYTES_MAX ? -EAGAIN : who_add(people, who);
	if (ret)
		free(who);
	else
		*tag = who->tag;
	return ret;
}
