// SPDX-License-Identifier: GPL-2.0
/* viewos-mem from within: options, tables, and content against a plain array. */

#include "../viewos_test.h"

#include <errno.h>
#include <stdbool.h>

#include "../../userspace/servers/common/options.h"
#include "../../userspace/servers/mem/inode.h"

static uint64_t rng = 1;

static uint32_t below(uint32_t bound)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (rng >> 33) % bound;
}

struct values {
	bool flag;
	uint64_t number;
	uint64_t size;
	uint32_t id;
	uint32_t mode;
	double seconds;
};

static const struct option_entry entries[] = {
	{ "flag", OPTION_FLAG, offsetof(struct values, flag) },
	{ "number", OPTION_NUMBER, offsetof(struct values, number) },
	{ "size", OPTION_SIZE, offsetof(struct values, size) },
	{ "id", OPTION_ID, offsetof(struct values, id) },
	{ "mode", OPTION_MODE, offsetof(struct values, mode) },
	{ "seconds", OPTION_SECONDS, offsetof(struct values, seconds) },
	{}
};

static int parse(const char *string, struct values *values)
{
	return options_parse("unit", string, entries, values);
}

TEST(options)
{
	static const char *const bad[] = {
		"unknown", "flag=1", "number", "number=", "number=x", "number=-1", "number=1x",
		"number=18446744073709551616", "size=1Q", "size=16777216T", "size=k", "id=-1",
		"id=4294967296", "mode=8", "mode=10000", "seconds=-1", "seconds=x", "seconds=nan",
		"seconds=", "=", "number=1,,flag=", "flag flag",
	};
	struct values values = { .number = 7 };
	size_t i;

	EXPECT_EQ(0, parse(NULL, &values));
	EXPECT_EQ(0, parse("", &values));
	EXPECT_EQ(7, values.number);
	EXPECT_EQ(0, parse("flag,number=12,size=3k,id=4294967294,mode=1777,seconds=0.5", &values));
	EXPECT_TRUE(values.flag);
	EXPECT_EQ(12, values.number);
	EXPECT_EQ(3072, values.size);
	EXPECT_EQ(4294967294U, values.id);
	EXPECT_EQ(01777, values.mode);
	EXPECT_TRUE(values.seconds == 0.5);
	EXPECT_EQ(0, parse("size=1G,number=18446744073709551615", &values));
	EXPECT_EQ(1ULL << 30, values.size);
	EXPECT_EQ(UINT64_MAX, values.number);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_EQ(-EINVAL, parse(bad[i], &values)) {
			TH_LOG("option number %zu", i);
		}
}

struct item {
	struct table_node node;
	unsigned int number;
	bool in;
};

static struct item *item_find(const struct table *table, unsigned int number)
{
	struct table_node *node = table_first(table, table_hash(table, number % 10, &number, 4));

	while (node && ((struct item *)node)->number != number)
		node = table_next(node);
	return (struct item *)node;
}

static void item_drop(struct table_node *node, void *data)
{
	((struct item *)node)->in = false;
	++*(size_t *)data;
}

TEST(table)
{
	static struct item items[5000];
	size_t i, count = 0, dropped = 0;
	struct table table;

	ASSERT_EQ(0, table_init(&table));
	for (i = 0; i < 5000; i++)
		items[i].number = i;
	for (i = 0; i < 100000; i++) {
		struct item *item = &items[below(5000)];

		ASSERT_EQ(item->in ? item : NULL, item_find(&table, item->number));
		if (item->in)
			table_del(&table, &item->node);
		else
			table_add(&table, &item->node,
				  table_hash(&table, item->number % 10, &item->number, 4));
		item->in = !item->in;
		count += item->in ? 1 : -1;
		ASSERT_EQ(count, table.count);
	}
	table_empty(&table, item_drop, &dropped);
	EXPECT_EQ(count, dropped);
	EXPECT_EQ(0, table.count);
	EXPECT_EQ(NULL, item_find(&table, 0));
	table_exit(&table);
}

#define MODEL_SIZE	(3 << 20)

static char model[MODEL_SIZE], buffer[MODEL_SIZE];

static void data_check(struct __test_metadata *_metadata, const struct data *data, off_t off,
		       size_t len)
{
	static struct iovec iov[MODEL_SIZE / MEMFS_PAGE_SIZE + 2];
	int i, n = memfs_data_read(data, off, len, iov);
	size_t done = 0;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, memcmp(iov[i].iov_base, model + off + done, iov[i].iov_len));
		done += iov[i].iov_len;
	}
	ASSERT_EQ(len, done);
}

TEST(content)
{
	struct data data = { };
	struct pages pages;
	int i;

	memfs_pages_init(&pages, 1 << 30);
	memset(model, 0, sizeof(model));
	for (i = 0; i < 20000; i++) {
		off_t off = below(MODEL_SIZE);
		size_t len = below(below(8) ? 10000 : 300000), byte = below(256);

		if (off + len > MODEL_SIZE)
			len = MODEL_SIZE - off;
		switch (below(6)) {
		case 0:
		case 1:
			memset(buffer, byte, len);
			memcpy(model + off, buffer, len);
			ASSERT_EQ(len, memfs_data_write(&data, &pages, off, buffer, len));
			break;
		case 2:
			memset(model + off, 0, len);
			memfs_data_zero(&data, &pages, off, off + len);
			break;
		case 3:
			ASSERT_EQ(0, memfs_data_reserve(&data, &pages, off, off + len));
			break;
		default:
			data_check(_metadata, &data, off, len);
		}
		/* What is not zero is no hole. */
		if (model[off])
			ASSERT_EQ(off, memfs_data_next(&data, off, 0));
	}
	data_check(_metadata, &data, 0, MODEL_SIZE);
	memfs_data_free(&data, &pages);
	EXPECT_EQ(0, pages.used);
	memfs_pages_exit(&pages);
}

TEST(memory_ends)
{
	struct data data = { };
	struct pages pages;
	ssize_t done;

	memset(buffer, 'x', sizeof(buffer));
	memfs_pages_init(&pages, 1 << 20);
	done = memfs_data_write(&data, &pages, 1, buffer, 2 << 20);
	EXPECT_LT(1 << 19, done);
	EXPECT_GT(1 << 20, done);
	EXPECT_EQ(-ENOSPC, memfs_data_write(&data, &pages, 2 << 20, buffer, 1));
	EXPECT_EQ(-ENOSPC, memfs_data_reserve(&data, &pages, 2 << 20, 3 << 20));
	/* What is there can still be written over. */
	EXPECT_EQ(done, memfs_data_write(&data, &pages, 1, buffer, done));
	memfs_data_zero(&data, &pages, 0, 1 << 19);
	EXPECT_EQ(4096, memfs_data_write(&data, &pages, 0, buffer, 4096));
	memfs_data_free(&data, &pages);
	EXPECT_EQ(0, pages.used);
	memfs_pages_exit(&pages);
}

TEST_HARNESS_MAIN
