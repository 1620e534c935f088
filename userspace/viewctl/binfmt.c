// SPDX-License-Identifier: GPL-2.0
/* viewctl: rules for programs, read from text */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binfmt.h"

/* The longest extension or magic. */
#define BYTES_MAX	(VIEWOS_BINFMT_LEN - 1)

/**
 * struct parse - a text that is being taken apart
 * @rule: what it says so far
 * @line: it is a line of binfmt.d(5)
 * @error: where a complaint goes
 * @size: how long it may be
 */
struct parse {
	struct viewos_binfmt_rule *rule;
	bool line;
	char *error;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int bad(const struct parse *parse,
						     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->error, parse->size, format, args);
	va_end(args);
	return -EINVAL;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static bool hex_byte(const char *text)
{
	return isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1]);
}

/* A character, which may be \xHH, %HH, or behind a backslash; *@text is put behind it. */
static unsigned char unescape(const struct parse *parse, const char **text)
{
	const char *at = *text;
	size_t hex = 0;

	if (at[0] == '\\' && at[1] == 'x' && hex_byte(at + 2))
		hex = 2;
	else if (at[0] == '%' && hex_byte(at + 1) && !parse->line)
		hex = 1;
	if (hex) {
		*text = at + hex + 2;
		return hex_digit(at[hex]) << 4 | hex_digit(at[hex + 1]);
	}
	if (at[0] == '\\' && at[1])
		at++;
	*text = at + 1;
	return *at;
}

/* Bytes of a text up to @end; how many, or -EINVAL after a complaint. */
static int bytes_parse(const struct parse *parse, const char *what, const char *text,
		       const char *end, __u8 bytes[VIEWOS_BINFMT_LEN])
{
	int len = 0;

	while (text < end) {
		if (len == BYTES_MAX)
			return bad(parse, "the %s is too long: expected at most %d bytes", what,
				   BYTES_MAX);
		bytes[len++] = unescape(parse, &text);
	}
	return len ? len : bad(parse, "the %s is empty", what);
}

/* The first of these characters that no backslash is before, or the end. */
static char *find_plain(char *text, const char *characters)
{
	for (; *text && !strchr(characters, *text); text++)
		if (*text == '\\' && text[1])
			text++;
	return text;
}

static int extension_parse(const struct parse *parse, const char *text)
{
	struct viewos_binfmt *match = &parse->rule->match;
	int len = bytes_parse(parse, "extension", text, text + strlen(text), match->magic);

	if (len < 0)
		return len;
	if (memchr(match->magic, '.', len) || memchr(match->magic, '/', len) ||
	    memchr(match->magic, '\0', len))
		return bad(parse, "'%s': expected an extension, without a dot or a slash in it",
			   text);
	match->flags |= VIEWOS_BINFMT_EXTENSION;
	match->len = len;
	return 0;
}

static int offset_parse(const struct parse *parse, const char *text)
{
	struct viewos_binfmt *match = &parse->rule->match;
	unsigned long offset;
	char *end;

	errno = 0;
	offset = strtoul(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end || errno || offset >= VIEWOS_BINFMT_WINDOW)
		return bad(parse, "'%s': expected an offset below %d", text, VIEWOS_BINFMT_WINDOW);
	match->offset = offset;
	return 0;
}

/* A mask, if there is none, of all bits. */
static int magic_parse(const struct parse *parse, const char *magic, const char *magic_end,
		       const char *mask, const char *mask_end)
{
	struct viewos_binfmt *match = &parse->rule->match;
	int len = bytes_parse(parse, "magic", magic, magic_end, match->magic), ret = len;
	size_t i, bits = 0;

	if (ret < 0)
		return ret;
	match->len = len;
	if (mask)
		ret = bytes_parse(parse, "mask", mask, mask_end, match->mask);
	else
		memset(match->mask, 0xff, len);
	if (ret < 0)
		return ret;
	if (ret != len)
		return bad(parse, "the magic has %d bytes, and its mask %d: expected as many", len,
			   ret);
	for (i = 0; i < match->len; i++)
		bits |= match->mask[i];
	if (!bits)
		return bad(parse, "the mask is all zero: expected a bit that counts");
	if (match->offset + match->len > VIEWOS_BINFMT_WINDOW)
		return bad(parse, "the magic ends at byte %u: expected one in the first %d bytes",
			   match->offset + match->len, VIEWOS_BINFMT_WINDOW);
	return 0;
}

/* MAGIC[&MASK][@OFFSET] */
static int match_parse(const struct parse *parse, char *text)
{
	char *end = find_plain(text, "@"), *mask;
	int ret;

	if (*text == '.')
		return extension_parse(parse, text + 1);
	if (*end) {
		*end = '\0';
		ret = offset_parse(parse, end + 1);
		if (ret < 0)
			return ret;
	}
	mask = find_plain(text, "&");
	return magic_parse(parse, text, mask, *mask ? mask + 1 : NULL, end);
}

static int error_parse(const struct parse *parse, const char *text)
{
	struct viewos_rule *rules;
	char *like;
	int ret;

	rules = calloc(VIEWOS_RULE_PARSED_MAX, sizeof(*rules));
	if (!rules || asprintf(&like, "any=deny:%s", text) < 0) {
		free(rules);
		return -ENOMEM;
	}
	ret = viewos_rule_parse(like, rules, parse->error, parse->size);
	if (ret > 0)
		parse->rule->error = rules[0].error;
	free(like);
	free(rules);
	if (ret > 0 && parse->rule->error == ENOEXEC)
		return bad(parse, "'%s': other formats would be tried", text);
	return ret < 0 ? ret : 0;
}

static int interpreter_set(const struct parse *parse, const char *path)
{
	struct viewos_binfmt_rule *rule = parse->rule;

	if (*path != '/')
		return bad(parse, "'%s': expected native, deny[:ERRNO], or the absolute path of an "
			   "interpreter", path);
	if (strlen(path) >= sizeof(rule->interpreter))
		return bad(parse, "the interpreter's path is too long");
	rule->verdict = VIEWOS_VERDICT_REDIRECT;
	strcpy(rule->interpreter, path);
	return 0;
}

static int flag_parse(const struct parse *parse, const char *name)
{
	struct viewos_binfmt *match = &parse->rule->match;

	if (!strcmp(name, "argv0"))
		match->flags |= VIEWOS_BINFMT_ARGV0;
	else if (!strcmp(name, "open"))
		match->flags |= VIEWOS_BINFMT_OPEN;
	else if (!strcmp(name, "credentials"))
		match->flags |= VIEWOS_BINFMT_OPEN | VIEWOS_BINFMT_CREDENTIALS;
	else
		return bad(parse, "'%s': expected argv0, open or credentials", name);
	return 0;
}

static void unescape_all(const struct parse *parse, char *text)
{
	const char *from = text;

	while (*from)
		*text++ = unescape(parse, &from);
	*text = '\0';
}

/* INTERPRETER[,FLAG]... */
static int interpreter_parse(const struct parse *parse, char *text)
{
	char *comma = find_plain(text, ","), *flag, *rest;
	int ret;

	rest = *comma ? comma + 1 : NULL;
	*comma = '\0';
	unescape_all(parse, text);
	ret = interpreter_set(parse, text);
	while (!ret && (flag = strsep(&rest, ",")))
		ret = flag_parse(parse, flag);
	return ret;
}

static int verdict_parse(const struct parse *parse, char *text)
{
	if (!strcmp(text, "native")) {
		parse->rule->verdict = VIEWOS_VERDICT_NATIVE;
		return 0;
	}
	if (!strcmp(text, "deny") || !strncmp(text, "deny:", strlen("deny:"))) {
		parse->rule->verdict = VIEWOS_VERDICT_DENY;
		parse->rule->error = EACCES;
		return text[4] ? error_parse(parse, text + strlen("deny:")) : 0;
	}
	return interpreter_parse(parse, text);
}

/* Flags as binfmt_misc has them. */
static int letters_parse(const struct parse *parse, const char *letters)
{
	int ret = 0;

	for (; !ret && *letters; letters++)
		switch (*letters) {
		case 'P':
			ret = flag_parse(parse, "argv0");
			break;
		case 'O':
			ret = flag_parse(parse, "open");
			break;
		case 'C':
			ret = flag_parse(parse, "credentials");
			break;
		case 'F':
			return bad(parse, "the flag F is not for views, where the interpreter is "
				   "always looked up by who executes: leave it out");
		default:
			return bad(parse, "'%c': expected the flags P, O and C", *letters);
		}
	return ret;
}

/* :NAME:TYPE:OFFSET:MAGIC:MASK:INTERPRETER:FLAGS, where the first character is what separates. */
static int line_parse(const struct parse *parse, char *line)
{
	enum { NAME, TYPE, OFFSET, MAGIC, MASK, INTERPRETER, FLAGS, FIELDS };
	const char separator[] = { *line++, '\0' };
	char *fields[FIELDS];
	size_t i;
	int ret;

	for (i = 0; i < FIELDS; i++)
		fields[i] = strsep(&line, separator);
	if (!fields[FLAGS] || line)
		return bad(parse, "expected %sNAME%sTYPE%sOFFSET%sMAGIC%sMASK%sINTERPRETER%sFLAGS",
			   separator, separator, separator, separator, separator, separator,
			   separator);
	if (!strcmp(fields[TYPE], "E")) {
		ret = extension_parse(parse, fields[MAGIC]);
	} else if (!strcmp(fields[TYPE], "M")) {
		ret = *fields[OFFSET] ? offset_parse(parse, fields[OFFSET]) : 0;
		if (!ret)
			ret = magic_parse(parse, fields[MAGIC],
					  fields[MAGIC] + strlen(fields[MAGIC]),
					  *fields[MASK] ? fields[MASK] : NULL,
					  fields[MASK] + strlen(fields[MASK]));
	} else {
		ret = bad(parse, "'%s': expected the type M or E", fields[TYPE]);
	}
	if (!ret)
		ret = interpreter_set(parse, fields[INTERPRETER]);
	return ret ? ret : letters_parse(parse, fields[FLAGS]);
}

int binfmt_parse(const char *text, struct viewos_binfmt_rule *rule, char *error, size_t size)
{
	const struct parse parse = {
		.rule = rule, .line = *text == ':', .error = error, .size = size };
	char *copy = strdup(text), *verdict;
	int ret;

	memset(rule, 0, sizeof(*rule));
	if (!copy)
		return -ENOMEM;
	if (parse.line) {
		ret = line_parse(&parse, copy);
	} else {
		verdict = find_plain(copy, "=");
		if (*verdict) {
			*verdict++ = '\0';
			ret = match_parse(&parse, copy);
			ret = ret ? ret : verdict_parse(&parse, verdict);
		} else {
			ret = bad(&parse, "expected .EXTENSION=VERDICT or "
				  "MAGIC[&MASK][@OFFSET]=VERDICT");
		}
	}
	free(copy);
	return ret;
}

/* Bytes as bytes_parse() reads them, whatever is behind them. */
static void bytes_print(FILE *out, const __u8 *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (isalnum(bytes[i]) || (bytes[i] && strchr(i ? "_+-~." : "_+-~", bytes[i])))
			fputc(bytes[i], out);
		else
			fprintf(out, "%%%02x", bytes[i]);
}

static void match_print(FILE *out, const struct viewos_binfmt *match)
{
	size_t len = match->len < VIEWOS_BINFMT_LEN ? match->len : BYTES_MAX, i;
	bool whole = true;

	if (match->flags & VIEWOS_BINFMT_EXTENSION) {
		fputc('.', out);
		bytes_print(out, match->magic, len);
		return;
	}
	for (i = 0; i < len; i++)
		whole = whole && match->mask[i] == 0xff;
	bytes_print(out, match->magic, len);
	if (!whole) {
		fputc('&', out);
		bytes_print(out, match->mask, len);
	}
	if (match->offset)
		fprintf(out, "@%u", match->offset);
}

static void verdict_print(FILE *out, const struct viewos_binfmt_rule *rule)
{
	unsigned int flags = rule->match.flags;
	const char *name;

	if (rule->verdict == VIEWOS_VERDICT_NATIVE) {
		fputs("native", out);
	} else if (rule->verdict == VIEWOS_VERDICT_DENY) {
		name = strerrorname_np(rule->error);
		if (name)
			fprintf(out, "deny:%s", name);
		else
			fprintf(out, "deny:%d", rule->error);
	} else {
		for (name = rule->interpreter; *name; name++)
			if (strchr("%\\,", *name) || !isprint((unsigned char)*name))
				fprintf(out, "%%%02x", (unsigned char)*name);
			else
				fputc(*name, out);
		fprintf(out, "%s%s%s", flags & VIEWOS_BINFMT_ARGV0 ? ",argv0" : "",
			flags & VIEWOS_BINFMT_OPEN && !(flags & VIEWOS_BINFMT_CREDENTIALS) ?
			",open" : "", flags & VIEWOS_BINFMT_CREDENTIALS ? ",credentials" : "");
	}
}

static char *text_make(const struct viewos_binfmt_rule *rule, bool all)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (all)
		fputs(BINFMT_PREFIX, out);
	match_print(out, &rule->match);
	if (all) {
		fputc('=', out);
		verdict_print(out, rule);
	}
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

char *binfmt_match_text(const struct viewos_binfmt_rule *rule)
{
	return text_make(rule, false);
}

char *binfmt_text(const struct viewos_binfmt_rule *rule)
{
	return text_make(rule, true);
}
