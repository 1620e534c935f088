// SPDX-License-Identifier: GPL-2.0
/* viewctl: files that describe a view, see viewctl.conf(5) */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "config.h"
#include "settings.h"

#define WHITE	" \t\r\v\f"

/**
 * struct reader - a file that is being read
 * @world: that it describes
 * @file: its name, for complaints
 * @rest: what has not been read, or NULL
 * @line: number of the last line that has
 * @where: of the entry that is looked at
 * @section: that it is in, one of the settings' own; or NULL
 * @lost: it is in a section that there is not
 * @wrong: some entry was
 */
struct reader {
	struct world *world;
	const char *file;
	char *rest;
	unsigned int line;
	struct where where;
	const char *section;
	bool lost;
	bool wrong;
};

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, WHITE);
	len = strlen(text);
	while (len && strchr(WHITE, text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool is_comment(const char *line)
{
	return *line == '#' || *line == ';';
}

/* The next line, without white space around it; NULL at the end. */
static char *line_next(struct reader *reader)
{
	char *line = strsep(&reader->rest, "\n");

	if (!line || (!reader->rest && !*line))
		return NULL;
	reader->line++;
	return trim(line);
}

/*
 * The next entry, of all lines that belong to it: those behind a backslash, but comments. Lines
 * are parts of one text, in which there is room to move them together.
 */
static char *entry_next(struct reader *reader, int *status)
{
	char *entry, *line;
	size_t len;

	do {
		entry = line_next(reader);
	} while (entry && (!*entry || is_comment(entry)));
	if (!entry)
		return NULL;
	reader->where.line = reader->line;
	reader->where.name = "";
	*status = EXIT_DONE;
	for (len = strlen(entry); len && entry[len - 1] == '\\'; len = strlen(entry)) {
		do {
			line = line_next(reader);
		} while (line && is_comment(line));
		if (!line) {
			*status = wrong(&reader->where, "goes on behind the end of the file");
			return entry;
		}
		entry[len - 1] = ' ';
		memmove(entry + len, line, strlen(line) + 1);
	}
	if (len > CONFIG_ENTRY_MAX)
		*status = wrong(&reader->where, "longer than %d bytes", CONFIG_ENTRY_MAX);
	return entry;
}

/* All sections, or all keys of one, as "A, B or C"; the last is found by looking ahead. */
static char *expected(const char *section)
{
	const struct setting *setting, *last = NULL;
	const char *name = "", *separator = "";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (setting = settings; setting->set; setting++) {
		if (!setting->key || (section && strcmp(setting->section, section)) ||
		    (!section && !strcmp(setting->section, name)))
			continue;
		if (last)
			fprintf(out, "%s%s", separator, section ? last->key : last->section);
		separator = last ? ", " : "";
		name = setting->section;
		last = setting;
	}
	fprintf(out, "%s%s", *separator ? " or " : "",
		section ? last->key : last->section);
	return fclose(out) ? NULL : text;
}

static int section_enter(struct reader *reader, char *entry)
{
	const struct setting *setting;
	char *end = strchr(entry, ']'), *known;
	int status;

	reader->lost = true;
	if (!end || end[1])
		return wrong(&reader->where, "'%s': expected [SECTION]", entry);
	*end = '\0';
	entry = trim(entry + 1);
	for (setting = settings; setting->set; setting++)
		if (setting->key && !strcmp(setting->section, entry)) {
			reader->section = setting->section;
			reader->lost = false;
			return EXIT_DONE;
		}
	known = expected(NULL);
	status = wrong(&reader->where, "[%s]: unknown section, expected %s", entry,
		       known ? known : "another");
	free(known);
	return status;
}

/* A key that there is not: it may be another's section, or be written otherwise. */
static int key_unknown(const struct reader *reader, const char *key)
{
	const struct setting *setting;
	char *known;
	int status;

	for (setting = settings; setting->set; setting++)
		if (setting->key && !strcasecmp(setting->key, key))
			return wrong(&reader->where, "'%s': unknown key, expected %s of [%s]", key,
				     setting->key, setting->section);
	known = expected(reader->section);
	status = wrong(&reader->where, "'%s': unknown key of [%s], expected %s", key,
		       reader->section, known ? known : "another");
	free(known);
	return status;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Undoes what config_value_print() does. False: it is no string in quotes. */
static bool unquote(char *text)
{
	static const char letters[] = "nt\"\\", meanings[] = "\n\t\"\\";
	const char *from = text + 1, *letter;

	for (; *from && *from != '"'; from++) {
		if (*from != '\\') {
			*text++ = *from;
			continue;
		}
		from++;
		letter = *from ? strchr(letters, *from) : NULL;
		if (letter) {
			*text++ = meanings[letter - letters];
		} else if (*from == 'x' && isxdigit((unsigned char)from[1]) &&
			   isxdigit((unsigned char)from[2]) && strncmp(from + 1, "00", 2)) {
			*text++ = hex_digit(from[1]) << 4 | hex_digit(from[2]);
			from += 2;
		} else {
			return false;
		}
	}
	*text = '\0';
	return *from && !from[1];
}

void config_value_print(FILE *out, const char *value)
{
	size_t len = strlen(value), i;
	bool plain = *value != '"' && (!len || (!strchr(WHITE "\\", value[len - 1]) &&
						!strchr(WHITE, *value)));

	for (i = 0; i < len; i++)
		plain = plain && !iscntrl((unsigned char)value[i]);
	if (plain) {
		fputs(value, out);
		return;
	}
	fputc('"', out);
	for (; *value; value++)
		if (iscntrl((unsigned char)*value))
			fprintf(out, "\\x%02x", (unsigned char)*value);
		else
			fprintf(out, "%s%c", strchr("\"\\", *value) ? "\\" : "", *value);
	fputc('"', out);
}

static int entry_apply(struct reader *reader, char *entry)
{
	const struct setting *setting;
	char *value = strchr(entry, '=');

	if (!value)
		return wrong(&reader->where, "'%s': expected KEY=VALUE or [SECTION]", entry);
	*value++ = '\0';
	entry = trim(entry);
	value = trim(value);
	if (!reader->section)
		return wrong(&reader->where, "'%s': in no section, expected [View] or another "
			     "before it", entry);
	setting = setting_of_key(reader->section, entry);
	if (!setting)
		return key_unknown(reader, entry);
	reader->where.name = setting->key;
	if (*value == '"' && !setting->words && !unquote(value))
		return wrong(&reader->where, "expected a string in quotes, with \\\", \\\\, \\n, "
			     "\\t and \\xHH in it, and nothing behind it");
	return setting_apply(reader->world, setting, &reader->where, value);
}

int config_parse(struct world *world, const char *file, char *text, size_t size)
{
	struct reader reader = {
		.world = world, .file = file, .rest = text, .where = { .file = file } };
	char *entry, *nul = memchr(text, '\0', size), *at;
	int status;

	if (nul) {
		for (at = text, reader.where.line = 1; at < nul; at++)
			reader.where.line += *at == '\n';
		return wrong(&reader.where, "a zero byte");
	}
	while ((entry = entry_next(&reader, &status))) {
		if (!status && *entry == '[')
			status = section_enter(&reader, entry);
		else if (!status && !reader.lost)
			status = entry_apply(&reader, entry);
		/* Whoever wrote it wants to hear of all that is wrong. */
		if (status == EXIT_FAILED)
			return status;
		reader.wrong |= status;
	}
	return reader.wrong ? EXIT_USAGE : EXIT_DONE;
}

char *config_load(int fd, const char *file, size_t *size)
{
	const struct where where = { .file = file };
	char *text = malloc(CONFIG_MAX + 1);
	ssize_t len;

	for (*size = 0; text && *size <= CONFIG_MAX; *size += len) {
		len = read(fd, text + *size, CONFIG_MAX + 1 - *size);
		if (len < 0 && errno == EINTR)
			len = 0;
		else if (len <= 0)
			break;
	}
	if (!text || len < 0)
		fail_at(&where, "%s", strerror(errno));
	else if (*size > CONFIG_MAX)
		fail_at(&where, "longer than %d bytes", CONFIG_MAX);
	else
		return text[*size] = '\0', text;
	free(text);
	return NULL;
}

const char *config_name(const char *file)
{
	return strcmp(file, "-") ? file : "standard input";
}

int config_read(struct world *world, const char *file)
{
	const char *name = config_name(file);
	bool standard = name != file;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int status = EXIT_FAILED;
	size_t size;
	char *text;

	if (fd < 0)
		return fail("%s: %s", file, strerror(errno));
	text = config_load(fd, name, &size);
	if (!standard)
		close(fd);
	if (text)
		status = config_parse(world, name, text, size);
	free(text);
	return status;
}
