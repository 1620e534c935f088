// SPDX-License-Identifier: GPL-2.0
/* The options string of a mount, read into a struct by a table. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const char *const expected[] = {
	[OPTION_FLAG] = "no value",
	[OPTION_NUMBER] = "a number",
	[OPTION_SIZE] = "a size such as 64M (k, M, G or T)",
	[OPTION_ID] = "the number of a user or group",
	[OPTION_MODE] = "an octal mode such as 0755",
	[OPTION_SECONDS] = "a number of seconds",
	[OPTION_STRING] = "a string",
};

static int parse_number(const char *text, int base, uint64_t max, uint64_t *number, char **end)
{
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, end, base);
	if (errno || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

static int parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "kMGT";
	const char *unit;
	uint64_t value;
	char *end;
	int shift;

	if (parse_number(text, 10, UINT64_MAX, &value, &end))
		return -EINVAL;
	if (*end) {
		unit = strchr(units, *end == 'K' ? 'k' : *end);
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (int)(unit - units + 1);
		if (value > UINT64_MAX >> shift)
			return -EINVAL;
		value <<= shift;
	}
	*size = value;
	return 0;
}

static int parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(*seconds) || *seconds < 0)
		return -EINVAL;
	return 0;
}

static int parse_whole(const char *text, int base, uint64_t max, uint64_t *number)
{
	char *end;

	if (parse_number(text, base, max, number, &end) || *end)
		return -EINVAL;
	return 0;
}

static int parse_string(const char *value, char **string)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*string);
	*string = copy;
	return 0;
}

static int parse_value(enum option_type type, const char *value, void *field)
{
	uint64_t number = 0;
	int err = 0;

	if (type == OPTION_FLAG) {
		if (value)
			return -EINVAL;
		*(bool *)field = true;
		return 0;
	}
	if (!value)
		return -EINVAL;
	switch (type) {
	case OPTION_NUMBER:
		return parse_whole(value, 10, UINT64_MAX, field);
	case OPTION_SIZE:
		return parse_size(value, field);
	case OPTION_SECONDS:
		return parse_seconds(value, field);
	case OPTION_ID:
		err = parse_whole(value, 10, UINT32_MAX - 1, &number);
		break;
	case OPTION_MODE:
		err = parse_whole(value, 8, 07777, &number);
		break;
	case OPTION_STRING:
		return parse_string(value, field);
	case OPTION_FLAG:
		break;
	}
	if (!err)
		*(uint32_t *)field = (uint32_t)number;
	return err;
}

static void complain_unknown(const char *program, const char *name,
			     const struct option_entry *table)
{
	fprintf(stderr, "%s: option \"%s\": unknown, known are", program, name);
	for (const struct option_entry *entry = table; entry->name; entry++)
		fprintf(stderr, "%s %s%s", entry == table ? "" : ",", entry->name,
			entry->type == OPTION_FLAG ? "" : "=");
	fprintf(stderr, "\n");
}

static int parse_one(const char *program, char *word, const struct option_entry *table,
		     void *target)
{
	char *value = strchr(word, '=');
	const struct option_entry *entry;

	if (value)
		*value++ = '\0';
	for (entry = table; entry->name; entry++)
		if (!strcmp(entry->name, word))
			break;
	if (!entry->name) {
		complain_unknown(program, word, table);
		return -EINVAL;
	}
	if (parse_value(entry->type, value, (char *)target + entry->offset)) {
		fprintf(stderr, "%s: option \"%s\": \"%s\" is not %s\n", program, word,
			value ? value : "", expected[entry->type]);
		return -EINVAL;
	}
	return 0;
}

int options_parse(const char *program, const char *string, const struct option_entry *table,
		  void *target)
{
	char *copy, *word, *rest = NULL;
	int err = 0;

	copy = strdup(string ? string : "");
	if (!copy)
		return -ENOMEM;
	for (word = strtok_r(copy, ",", &rest); word && !err; word = strtok_r(NULL, ",", &rest))
		err = parse_one(program, word, table, target);
	free(copy);
	return err;
}
