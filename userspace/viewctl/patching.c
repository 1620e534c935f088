// SPDX-License-Identifier: GPL-2.0
/* viewctl: what a mount of viewos-patch is to change */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "patching.h"
#include "paths.h"
#include "submounts.h"

/* Is the path that a rule begins with the other one, or above or beneath it? Not if empty. */
static bool rule_meets(const char *rule, const char *path)
{
	size_t len, count = 0;

	for (;;) {
		rule += strspn(rule, "/");
		path += strspn(path, "/");
		len = strcspn(rule, "/=\n");
		if (len == 1 && *rule == '.') {
			rule++;
			continue;
		}
		if (!len)
			return count;
		if (!*path)
			return true;
		if (strncmp(rule, path, len) || (path[len] && path[len] != '/'))
			return false;
		rule += len;
		path += len;
		count++;
	}
}

bool patching_changes(const char *path, const void *arg)
{
	static const char walk[] = "walk=";
	const struct patching *patching = arg;
	const char *rule = patching->step->mounting.data;
	size_t key;

	path = path_beneath(patching->base, path);
	while (rule && *rule) {
		key = strcspn(rule, "=\n");
		if (rule[key] == '=' && strncmp(rule, walk, strlen(walk)) &&
		    rule_meets(rule + key + 1, path))
			return true;
		rule += strcspn(rule, "\n");
		rule += *rule ? 1 : 0;
	}
	return false;
}

static void rule_print(FILE *stream, const struct step *patch, const struct step *step)
{
	const char *name = path_beneath(patch->root, step->at);

	if (step->kind == STEP_HIDE)
		fprintf(stream, "hide=%s\n", name);
	if (step->kind == STEP_BIND)
		fprintf(stream, "bind=%s=%s\n", name, step->from);
	if (step->kind == STEP_BIND && step->readonly)
		fprintf(stream, "ro=%s\n", name);
}

/* With commas a long list could not be told to mount(2). */
static void options_print(FILE *stream, const char *options)
{
	for (; *options; options++)
		fputc(*options == ',' ? '\n' : *options, stream);
	fputc('\n', stream);
}

static void rules_print(FILE *stream, const struct files *files, const struct step *patch)
{
	const struct step *step;

	if (patch->root_readonly)
		fputs("ro=.\n", stream);
	if (patch->options)
		options_print(stream, patch->options);
	for (step = files->steps; step < files->steps + files->count; step++)
		if (step->into == patch)
			rule_print(stream, patch, step);
}

/*
 * The server may not be let to cross into a directory in which something is mounted; and that
 * is to be mounted there again.
 */
static int walks_print(FILE *stream, const struct step *patch)
{
	const struct patching patching = { .step = patch, .base = patch->mounting.source };
	struct submounts submounts;
	size_t i;
	int ret;

	ret = submounts_find(&submounts, patching.base, patching_changes, &patching);
	for (i = 0; !ret && i < submounts.count; i++)
		if (!strpbrk(submounts.paths[i], ",\n"))
			fprintf(stream, "walk=%s\n",
				path_beneath(patching.base, submounts.paths[i]));
	submounts_free(&submounts);
	return ret;
}

int patching_rules(const struct files *files, struct step *step)
{
	char *rules = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&rules, &size);
	int ret;

	if (!stream)
		return -ENOMEM;
	rules_print(stream, files, step);
	if (fflush(stream)) {
		ret = -ENOMEM;
	} else {
		/* As far as they are known. */
		step->mounting.data = size ? strdup(rules) : NULL;
		ret = size && !step->mounting.data ? -ENOMEM : walks_print(stream, step);
	}
	if (fclose(stream) && !ret)
		ret = -ENOMEM;
	free(step->mounting.data);
	step->mounting.data = NULL;
	if (!ret && size) {
		step->mounting.data = rules;
		rules = NULL;
	}
	free(rules);
	return ret;
}
