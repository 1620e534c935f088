// SPDX-License-Identifier: GPL-2.0
/* viewctl: one field as text or JSON */
#include <ctype.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"

static const char *const state_names[] = {
	[VIEWOS_SESSION_WAITING] = "waiting",
	[VIEWOS_SESSION_ACCEPTED] = "accepted",
	[VIEWOS_SESSION_READY] = "ready",
	[VIEWOS_SESSION_DEAD] = "dead",
	[VIEWOS_SESSION_ORPHANED] = "orphaned",
};

static char *number_text(uint64_t number)
{
	char *text;

	return asprintf(&text, "%" PRIu64, number) < 0 ? NULL : text;
}

static char *user_text(uint32_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user ? strdup(user->pw_name) : number_text(uid);
}

static char *view_text(uint64_t id, const struct viewos_entry *entry,
		       const struct lookup *lookup)
{
	const char *name = NULL;

	if (entry->view_name && entry->view_id == id)
		name = entry->view_name;
	if (!name)
		name = lookup_view(lookup, id);
	return name ? strdup(name) : number_text(id);
}

static char *classes_text(uint64_t classes)
{
	static const char *const names[] = {
		[VIEWOS_CLASS_PATH] = "path",
		[VIEWOS_CLASS_SOCKET] = "socket",
		[VIEWOS_CLASS_SYSCALL] = "syscall",
	};
	char list[64] = "", *text;
	uint64_t known = 0;
	size_t i;

	for (i = VIEWOS_CLASS_PATH; i <= VIEWOS_CLASS_SYSCALL; i++) {
		known |= 1ULL << i;
		if (!(classes >> i & 1))
			continue;
		if (*list)
			strcat(list, ",");
		strcat(list, names[i]);
	}
	if (classes && !(classes & ~known))
		return strdup(list);
	return asprintf(&text, "%#" PRIx64, classes) < 0 ? NULL : text;
}

/* With a sign always, since it is an offset, and to the nanosecond. */
static char *seconds_text(int64_t nanoseconds)
{
	uint64_t size = nanoseconds < 0 ? -(uint64_t)nanoseconds : (uint64_t)nanoseconds;
	char *text;

	return asprintf(&text, "%c%" PRIu64 ".%09" PRIu64, nanoseconds < 0 ? '-' : '+',
			size / 1000000000, size % 1000000000) < 0 ? NULL : text;
}

char *column_text(const struct column *column, const struct viewos_entry *entry,
		  const struct lookup *lookup)
{
	const void *field = (const char *)entry + column->offset;
	uint64_t number;
	const char *target;
	char *text;

	if (column->kind == COLUMN_BOOL)
		return strdup(*(const bool *)field ? "yes" : "no");
	if (!viewos_entry_has(entry, column->attr))
		return NULL;
	if (column->kind >= COLUMN_CLASS)
		return rule_column_text(column, entry, lookup);
	if (column->kind == COLUMN_STRING)
		return strdup(*(const char *const *)field);
	if (column->kind == COLUMN_U64 || column->kind == COLUMN_VIEW ||
	    column->kind == COLUMN_CLASSES || column->kind == COLUMN_DEV ||
	    column->kind == COLUMN_TARGET || column->kind == COLUMN_SECONDS ||
	    column->kind == COLUMN_RATE || column->kind == COLUMN_PER_SECOND)
		number = *(const uint64_t *)field;
	else
		number = *(const uint32_t *)field;

	switch (column->kind) {
	case COLUMN_USER:
		return user_text(number);
	case COLUMN_VIEW:
		return view_text(number, entry, lookup);
	case COLUMN_INHERIT:
		return strdup(inherit_name(number));
	case COLUMN_STATE:
		return strdup(number <= VIEWOS_SESSION_ORPHANED ? state_names[number] : "unknown");
	case COLUMN_CLASSES:
		return classes_text(number);
	case COLUMN_DEV:
		return asprintf(&text, "%" PRIu64 ":%" PRIu64, number >> 32,
				number & UINT32_MAX) < 0 ? NULL : text;
	case COLUMN_TARGET:
		target = lookup_target(lookup, number);
		return target ? strdup(target) : NULL;
	case COLUMN_SECONDS:
		return seconds_text(number);
	case COLUMN_PER_SECOND:
		return asprintf(&text, "%.1f", samples_rate(lookup->samples, entry)) < 0 ?
		       NULL : text;
	case COLUMN_RATE:
		return asprintf(&text, "%.6g", (double)number / (double)VIEWOS_CLOCK_RATE_ONE) < 0 ?
		       NULL : text;
	default:
		return number_text(number);
	}
}

void text_print(FILE *out, const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, out);
}

/* Bytes above 0x7f are taken to be UTF-8. */
void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (iscntrl((unsigned char)*text) && !(*text & 0x80))
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	fputc('"', out);
}

static void json_value(FILE *out, const struct column *column, const char *text)
{
	switch (column->kind) {
	case COLUMN_U32:
	case COLUMN_U64:
		fputs(text, out);
		break;
	case COLUMN_BOOL:
		fputs(strcmp(text, "yes") ? "false" : "true", out);
		break;
	default:
		json_string(out, text);
	}
}

void json_object(FILE *out, const struct column *columns, const struct viewos_entry *entry,
		 const struct lookup *lookup)
{
	const struct column *column;
	const char *separator = "";
	const char *letter;
	char *text;

	for (column = columns; column->name; column++) {
		text = viewos_entry_has(entry, column->attr) ?
		       column_text(column, entry, lookup) : NULL;
		if (!text)
			continue;
		fprintf(out, "%s\"", separator);
		for (letter = column->name; *letter; letter++)
			fputc(tolower(*letter), out);
		fputs("\":", out);
		json_value(out, column, text);
		separator = ",";
		free(text);
	}
}
