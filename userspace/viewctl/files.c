// SPDX-License-Identifier: GPL-2.0
/* viewctl: what shapes the files of a new view: --mount, --bind, --patch, --hide, --cow */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "files.h"
#include "patching.h"
#include "paths.h"
#include "placing.h"
#include "plan.h"

const char *step_name(const struct step *step)
{
	return step->where.name;
}

static struct step *step_add(struct files *files, enum step_kind kind, const struct where *where,
			     const char *text)
{
	struct step *steps, *step;

	steps = reallocarray(files->steps, files->count + 1, sizeof(*steps));
	if (steps) {
		files->steps = steps;
		step = &steps[files->count];
		*step = (struct step){
			.kind = kind, .where = *where, .fd = -1, .text = strdup(text) };
		if (step->text) {
			files->count++;
			return step;
		}
	}
	fail_at(where, "%s", strerror(ENOMEM));
	return NULL;
}

/*
 * A path is told as an absolute one, but its links as they are: they may lead elsewhere when it
 * is told again. A file has no current directory that everybody who applies it has.
 */
static int path_tell(const struct where *where, const char *path, char **told)
{
	char *here;

	*told = NULL;
	if (where->file && *path != '/')
		return wrong(where, "'%s': expected an absolute path", path);
	here = *path == '/' ? strdup("/") : getcwd(NULL, 0);
	*told = here ? path_join(here, path) : NULL;
	free(here);
	return *told ? EXIT_DONE : fail_at(where, "'%s': %s", path, strerror(errno));
}

/* What is told of a step: its source, its target, and what is around them, each may be NULL. */
static int step_tell(struct step *step, const char *before, const char *between, const char *after)
{
	char *source = NULL, *target = NULL;
	int status = EXIT_DONE;

	if (step->source)
		status = path_tell(&step->where, step->source, &source);
	if (!status)
		status = path_tell(&step->where, step->target, &target);
	if (!status && asprintf(&step->told, "%s%s%s%s%s", before ? before : "",
				source && step->kind == STEP_BIND ? source : target, between,
				!source ? "" : step->kind == STEP_BIND ? target : source,
				after ? after : "") < 0) {
		step->told = NULL;
		status = fail_at(&step->where, "%s", strerror(ENOMEM));
	}
	free(source);
	free(target);
	return status;
}

int files_mount(struct files *files, const struct where *where, const char *text)
{
	struct step *step = step_add(files, STEP_VIEWFS, where, text);
	int ret, status;
	char *told;

	if (!step)
		return EXIT_FAILED;
	ret = mounting_spec(&step->mounting, text);
	if (ret == -ENOMEM)
		return fail_at(where, "%s", strerror(ENOMEM));
	if (ret < 0)
		return wrong(where, "'%s': expected TYPE[,OPTIONS]:SOURCE:TARGET", text);
	step->target = step->mounting.target;
	*strchr(step->text, ':') = '\0';
	if (asprintf(&told, "%s:%s:", step->text, step->mounting.source) < 0)
		return fail_at(where, "%s", strerror(ENOMEM));
	status = step_tell(step, told, "", NULL);
	free(told);
	return status;
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

int files_bind(struct files *files, const struct where *where, const char *text)
{
	struct step *step = step_add(files, STEP_BIND, where, text);
	char *target;

	if (!step)
		return EXIT_FAILED;
	step->readonly = suffix_cut(step->text, ",ro");
	target = strrchr(step->text, ':');
	if (!target || target == step->text || !target[1])
		return wrong(where, "'%s': expected SOURCE:TARGET[,ro]", text);
	*target++ = '\0';
	step->source = step->text;
	step->target = target;
	return step_tell(step, NULL, ":", step->readonly ? ",ro" : NULL);
}

int files_patch(struct files *files, const struct where *where, const char *text)
{
	struct step *step = step_add(files, STEP_PATCH, where, text);

	if (!step)
		return EXIT_FAILED;
	step->target = step->text;
	step->options = strchr(step->text, ':');
	if (step->options)
		*step->options++ = '\0';
	if (!*step->target)
		return wrong(where, "'%s': expected DIR[:OPTION,...]", text);
	return step_tell(step, NULL, step->options ? ":" : "", step->options);
}

int files_hide(struct files *files, const struct where *where, const char *text)
{
	struct step *step = step_add(files, STEP_HIDE, where, text);
	size_t len;
	char *name;

	if (!step)
		return EXIT_FAILED;
	step->target = step->text;
	for (len = strlen(step->text); len && step->text[len - 1] == '/'; len--)
		step->text[len - 1] = '\0';
	name = strrchr(step->text, '/');
	name = name ? name + 1 : step->text;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return wrong(where, "'%s': expected the path of a name", text);
	return step_tell(step, NULL, "", NULL);
}

int files_cow(struct files *files, const struct where *where, const char *text)
{
	static const char keep[] = ",keep=";
	struct step *step = step_add(files, STEP_COW, where, text);
	char *at;

	if (!step)
		return EXIT_FAILED;
	at = strstr(step->text, keep);
	if (at) {
		*at = '\0';
		step->source = at + strlen(keep);
	}
	if (!*step->text || (at && !*step->source))
		return wrong(where, "'%s': expected DIR[,keep=PATH]", text);
	step->target = step->text;
	return step_tell(step, NULL, step->source ? keep : "", NULL);
}

bool files_cover(const struct files *files, const char *path)
{
	return plan_covering(files, files->count, path);
}

static int step_prepare(const struct files *files, struct step *step)
{
	int ret = 0;

	if (step->into == step)
		ret = patching_rules(files, step);
	if (ret < 0)
		fail_at(&step->where, "'%s': %s", step->at, strerror(-ret));
	else if (step->mounting.type)
		ret = mounting_prepare(&step->mounting, NULL, NULL);
	return ret;
}

int files_prepare(struct files *files)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < files->count; i++) {
		fail_within(&files->steps[i].where);
		ret = step_prepare(files, &files->steps[i]);
	}
	fail_within(NULL);
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
		fail_at(&step->where, "'%s': %s%s", step->from, strerror(errno),
			ret == -EINVAL ? " (a mount that cannot be bound elsewhere?)" : "");
	}
	return ret;
}

static int step_make(const struct files *files, struct step *step)
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
		if (step->into == step)
			ret = placing_patch(step);
		return ret ? ret : placing_bind(step);
	case STEP_COW:
		return placing_cow(files, step);
	case STEP_PATCH:
	case STEP_HIDE:
		return step->into == step ? placing_patch(step) : 0;
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
		fail_within(&step->where);
		ret = step_make(files, step);
		if (!ret && step->root && !strcmp(step->root, "/"))
			ret = placing_root();
	}
	fail_within(NULL);
	return ret;
}

bool files_want_caps(const struct files *files)
{
	const struct step *step;

	for (step = files->steps; step < files->steps + files->count; step++)
		if (step->kind == STEP_COW || (step->root && !strcmp(step->root, "/")))
			return true;
	return false;
}

void files_cancel(struct files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		if (files->steps[i].mounting.type)
			mounting_cancel(&files->steps[i].mounting);
}

void files_free(struct files *files)
{
	struct step *step;

	for (step = files->steps; step < files->steps + files->count; step++) {
		mounting_free(&step->mounting);
		if (step->fd >= 0)
			close(step->fd);
		free(step->root);
		free(step->from);
		free(step->at);
		free(step->told);
		free(step->text);
	}
	free(files->steps);
}
