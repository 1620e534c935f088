// SPDX-License-Identifier: GPL-2.0
/* viewos-trace: how often which call was made, and how long it took */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

/** struct count - of one name */
struct count {
	const char *name;
	uint64_t calls;
	uint64_t errors;
	uint64_t time;
};

static int count_compare(const void *one, const void *other)
{
	return strcmp(((const struct count *)one)->name, ((const struct count *)other)->name);
}

void counts_add(struct counts *counts, const struct traced *traced, const struct ended *ended)
{
	struct count key = { .name = traced->name }, *count;
	struct count **found = tfind(&key, &counts->tree, count_compare);

	if (found) {
		count = *found;
	} else {
		count = calloc(1, sizeof(*count));
		if (!count)
			return;
		count->name = traced->name;
		if (!tsearch(count, &counts->tree, count_compare)) {
			free(count);
			return;
		}
	}
	count->calls++;
	if (!ended->known)
		return;
	count->time += ended->time;
	count->errors += ended->value < 0 && ended->value >= -4095;
}

/* Those of the tree, to be put in order. */
struct sorted {
	const struct count **counts;
	size_t count;
	size_t room;
};

static void sorted_add(const void *node, VISIT visit, void *arg)
{
	struct sorted *sorted = arg;

	if ((visit == postorder || visit == leaf) && sorted->count < sorted->room)
		sorted->counts[sorted->count++] = *(const struct count *const *)node;
}

static void sorted_count(const void *node, VISIT visit, void *arg)
{
	(void)node;
	if (visit == postorder || visit == leaf)
		((struct sorted *)arg)->room++;
}

static int longest_first(const void *left, const void *right)
{
	const struct count *one = *(const struct count *const *)left;
	const struct count *other = *(const struct count *const *)right;

	if (one->time != other->time)
		return one->time < other->time ? 1 : -1;
	if (one->calls != other->calls)
		return one->calls < other->calls ? 1 : -1;
	return strcmp(one->name, other->name);
}

__attribute__((format(printf, 3, 4))) static int cell(struct libscols_line *line, size_t column,
						      const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return len < 0 || scols_line_refer_data(line, column, text) ? -ENOMEM : 0;
}

static int line_add(struct libscols_table *table, const struct count *count, uint64_t whole)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int ret;

	if (!line)
		return -ENOMEM;
	ret = cell(line, 0, "%.2f", whole ? 100.0 * count->time / whole : 0.0);
	ret = ret ? ret : cell(line, 1, "%.6f", count->time / 1e9);
	ret = ret ? ret : cell(line, 2, "%" PRIu64, count->time / 1000 / count->calls);
	ret = ret ? ret : cell(line, 3, "%" PRIu64, count->calls);
	ret = ret ? ret : cell(line, 4, "%" PRIu64, count->errors);
	return ret ? ret : cell(line, 5, "%s", count->name);
}

static int columns_add(struct libscols_table *table)
{
	static const char *const names[] = {
		"TIME%", "SECONDS", "USECS/CALL", "CALLS", "ERRORS", "CALL" };
	struct libscols_column *column;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		column = scols_table_new_column(table, names[i], 0, i < 5 ? SCOLS_FL_RIGHT : 0);
		if (!column)
			return -ENOMEM;
		if (i < 5)
			scols_column_set_json_type(column, SCOLS_JSON_NUMBER);
	}
	return 0;
}

static int table_print(const struct sorted *sorted, FILE *out, bool json)
{
	struct libscols_table *table = scols_new_table();
	uint64_t whole = 0;
	int ret;
	size_t i;

	if (!table)
		return -ENOMEM;
	for (i = 0; i < sorted->count; i++)
		whole += sorted->counts[i]->time;
	scols_table_enable_json(table, json);
	scols_table_set_stream(table, out);
	ret = scols_table_set_name(table, "calls") ? -ENOMEM : columns_add(table);
	for (i = 0; !ret && i < sorted->count; i++)
		ret = line_add(table, sorted->counts[i], whole);
	if (!ret && scols_print_table(table))
		ret = -EIO;
	scols_unref_table(table);
	return ret;
}

int counts_print(const struct counts *counts, FILE *out, bool json)
{
	struct sorted sorted = { 0 };
	int ret;

	twalk_r(counts->tree, sorted_count, &sorted);
	sorted.counts = calloc(sorted.room + 1, sizeof(*sorted.counts));
	if (!sorted.counts)
		return -ENOMEM;
	twalk_r(counts->tree, sorted_add, &sorted);
	qsort(sorted.counts, sorted.count, sizeof(*sorted.counts), longest_first);
	ret = table_print(&sorted, out, json);
	free(sorted.counts);
	return ret;
}

void counts_free(struct counts *counts)
{
	tdestroy(counts->tree, free);
	counts->tree = NULL;
}
