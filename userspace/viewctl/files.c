// SPDX-License-Identifier: GPL-2.0
/* viewctl: what shapes the files of a new view: --mount, --bind, --cow */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "files.h"
#include "paths.h"
#include "placing.h"

static const char *const names[] = {
	[STEP_VIEWFS] = "--mount",
	[STEP_BIND] = "--bind",
	[STEP_COW] = "--cow",
};

static struct step *step_add(struct files *files, enum step_kind kind, const char *text)
{
	struct step *steps, *step;

	steps = reallocarray(files->steps, files->count + 1, sizeof(*steps));
	if (steps) {
		files->steps = steps;
		step = &steps[files->count];
		*step = (struct step){ .kind = kind, .fd = -1, .text = strdup(text) };
		if (step->text) {
			files->count++;
			return step;
		}
	}
	fail("%s: %s", names[kind], strerror(ENOMEM));
	return NULL;
}

int files_mount(struct files *files, const struct verb *verb, const char *text)
{
	struct step *step = step_add(files, STEP_VIEWFS, text);
	int ret;

	if (!step)
		return EXIT_FAILED;
	ret = mounting_spec(&step->mounting, text);
	if (ret == -ENOMEM)
		return fail("--mount: %s", strerror(ENOMEM));
	if (ret < 0)
		return usage(verb, "--mount: '%s': expected TYPE[,OPTIONS]:SOURCE:TARGET", text);
	step->target = step->mounting.target;
	return EXIT_DONE;
}

/* Cuts @suffix off the end of @text, if it is there. */
static bool suffix_cut(char *text, const char *suffix)
{
	size_t len = strlen(text), cut = strlen(suffix);

	if (len < cut || strcmp(text + len - cut, suffix))
		return false;
	text[len - cut] = '\0';
	return true;
}

int files_bind(struct files *files, const struct verb *verb, const char *text)
{
	struct step *step = step_add(files, STEP_BIND, text);
	char *target;

	if (!step)
		return EXIT_FAILED;
	step->readonly = suffix_cut(step->text, ",ro");
	target = strrchr(step->text, ':');
	if (!target || target == step->text || !target[1])
		return usage(verb, "--bind: '%s': expected SOURCE:TARGET[,ro]", text);
	*target++ = '\0';
	step->source = step->text;
	step->target = target;
	return EXIT_DONE;
}

int files_cow(struct files *files, const struct verb *verb, const char *text)
{
	static const char keep[] = ",keep=";
	struct step *step = step_add(files, STEP_COW, text);
	char *at;

	if (!step)
		return EXIT_FAILED;
	at = strstr(step->text, keep);
	if (at) {
		*at = '\0';
		step->source = at + strlen(keep);
	}
	if (!*step->text || (at && !*step->source))
		return usage(verb, "--cow: '%s': expected DIR[,keep=PATH]", text);
	step->target = step->text;
	return EXIT_DONE;
}

/* The last of the first @count steps that says what is at @path, or NULL. */
static const struct step *step_covering(const struct files *files, size_t count, const char *path)
{
	while (count--)
		if (path_covers(files->steps[count].at, path))
			return &files->steps[count];
	return NULL;
}

bool files_cover(const struct files *files, const char *path)
{
	return step_covering(files, files->count, path);
}

static bool on_viewfs(const struct files *files, size_t count, const char *path)
{
	const struct step *step = step_covering(files, count, path);

	return step && step->kind == STEP_VIEWFS;
}

/* A layer can be put over what an earlier option has put there; else one would be lost. */
static int target_check(const struct files *files, const struct step *step)
{
	const struct step *other;
	bool same;

	for (other = files->steps; step->kind != STEP_VIEWFS && other < step; other++) {
		same = !strcmp(other->at, step->at);
		if (same && (step->kind != STEP_COW || other->kind == STEP_COW)) {
			fail("%s: '%s': given before, for %s", names[step->kind], step->at,
			     names[other->kind]);
			return -EINVAL;
		}
		if (!same && step->kind == STEP_BIND && path_covers(step->at, other->at)) {
			fail("%s: '%s': covers '%s' of %s, which was given before; give it first",
			     names[step->kind], step->at, other->at, names[other->kind]);
			return -EINVAL;
		}
	}
	return 0;
}

static int source_check(const struct files *files, struct step *step)
{
	size_t before = step - files->steps;

	step->from = path_absolute(step->source);
	if (!step->from)
		goto err;
	step->inside = on_viewfs(files, before, step->from);
	if (!step->inside && access(step->from, F_OK) < 0)
		goto err;
	if (step->kind == STEP_COW && path_covers(step->at, step->from)) {
		fail("--cow: '%s': is in '%s' itself, and cannot have its layer", step->from,
		     step->at);
		return -EINVAL;
	}
	return 0;

err:
	fail("%s: '%s': %s", names[step->kind], step->source, strerror(errno));
	return -errno;
}

static int step_check(const struct files *files, struct step *step)
{
	int ret;

	step->at = path_absolute(step->target);
	if (!step->at) {
		ret = -errno;
		fail("%s: '%s': %s", names[step->kind], step->target, strerror(errno));
		return ret;
	}
	if (step->kind == STEP_VIEWFS)
		step->mounting.target = step->at;
	ret = target_check(files, step);
	if (!ret && step->source)
		ret = source_check(files, step);
	return ret;
}

int files_prepare(struct files *files)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < files->count; i++)
		ret = step_check(files, &files->steps[i]);
	for (i = 0; !ret && i < files->count; i++)
		if (files->steps[i].kind == STEP_VIEWFS)
			ret = mounting_prepare(&files->steps[i].mounting, NULL, NULL);
	return ret;
}

static int source_open(struct step *step)
{
	int ret = 0;

	if (step->kind == STEP_BIND)
		step->fd = open_tree(AT_FDCWD, step->from,
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	else
		step->fd = open(step->from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (step->fd < 0) {
		ret = -errno;
		fail("%s: '%s': %s%s", names[step->kind], step->from, strerror(errno),
		     ret == -EINVAL ? " (a mount that cannot be bound elsewhere?)" : "");
	}
	return ret;
}

static int step_make(struct step *step)
{
	int ret = 0;

	if (step->from && step->inside)
		ret = source_open(step);
	if (ret < 0)
		return ret;
	switch (step->kind) {
	case STEP_VIEWFS:
		return mounting_do(&step->mounting);
	case STEP_BIND:
		return placing_bind(step);
	case STEP_COW:
		return placing_cow(step);
	}
	return -EINVAL;
}

int files_make(struct files *files)
{
	struct step *step, *end = files->steps + files->count;
	int ret = 0;

	/* Before anything covers them. */
	for (step = files->steps; !ret && step < end; step++)
		if (step->from && !step->inside)
			ret = source_open(step);
	for (step = files->steps; !ret && step < end; step++) {
		ret = step_make(step);
		/* A layer's has been seen to. */
		if (!ret && step->kind != STEP_COW && !strcmp(step->at, "/"))
			ret = placing_root();
	}
	return ret;
}

bool files_want_override(const struct files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (files->steps[i].kind == STEP_COW)
			return true;
	return false;
}

void files_cancel(struct files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (files->steps[i].kind == STEP_VIEWFS)
			mounting_cancel(&files->steps[i].mounting);
}

void files_free(struct files *files)
{
	struct step *step;

	for (step = files->steps; step < files->steps + files->count; step++) {
		mounting_free(&step->mounting);
		if (step->fd >= 0)
			close(step->fd);
		free(step->from);
		free(step->at);
		free(step->text);
	}
	free(files->steps);
}
