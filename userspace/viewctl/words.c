// SPDX-License-Identifier: GPL-2.0
/* viewctl: a command written in one line */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define WHITE	" \t\n"

/* Copies the word at *@from to *@to, ended by a NUL. False: a quote has no end. */
static bool word_copy(const char **from, char **to)
{
	char quote = 0;

	for (; **from && (quote || !strchr(WHITE, **from)); (*from)++) {
		if (quote ? **from == quote : **from == '"' || **from == '\'') {
			quote = quote ? 0 : **from;
			continue;
		}
		if (**from == '\\' && quote != '\'' && (*from)[1])
			(*from)++;
		*(*to)++ = **from;
	}
	*(*to)++ = '\0';
	return !quote;
}

int words_parse(const struct where *where, const char *line, char ***words)
{
	size_t count = 0, len = strlen(line);
	char **list, *text;

	/* Each word has something behind it: white space, or the end; the text is in one piece. */
	list = calloc(len / 2 + 2, sizeof(*list));
	text = malloc(len + 1);
	if (!list || !text) {
		free(list);
		free(text);
		return fail_at(where, "%s", strerror(ENOMEM));
	}
	list[0] = text;
	while (*(line += strspn(line, WHITE))) {
		list[count++] = text;
		if (!word_copy(&line, &text)) {
			words_free(list);
			return wrong(where, "a quote has no end");
		}
	}
	if (count && *list[0]) {
		*words = list;
		return EXIT_DONE;
	}
	words_free(list);
	return wrong(where, "expected a command");
}

void words_print(FILE *out, char *const *words)
{
	const char *separator = "", *at;

	for (; *words; words++) {
		fputs(separator, out);
		separator = " ";
		if (**words && !strpbrk(*words, WHITE "\\\"'")) {
			fputs(*words, out);
			continue;
		}
		fputc('"', out);
		for (at = *words; *at; at++) {
			if (strchr("\\\"", *at))
				fputc('\\', out);
			fputc(*at, out);
		}
		fputc('"', out);
	}
}

void words_free(char **words)
{
	/* The first word is where the text of all of them begins. */
	if (words)
		free(words[0]);
	free(words);
}
