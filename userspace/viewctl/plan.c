// SPDX-License-Identifier: GPL-2.0
/* viewctl: where each step is made, and on what, before anything is made */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"
#include "plan.h"

/* To be told like any other error of a step. */
#define step_fail(step, format, ...)						\
	fail_at(&(step)->where, "'%s': " format, (step)->at, ##__VA_ARGS__)

struct step *plan_covering(const struct files *files, size_t count, const char *path)
{
	struct step *step;

	/* A bind can have two: the second one of its own, on a name that the first one makes. */
	while (count--) {
		step = &files->steps[count];
		if ((step->root && path_covers(step->root, path)) ||
		    (step->kind == STEP_BIND && path_covers(step->at, path)))
			return step;
	}
	return NULL;
}

static size_t index_of(const struct files *files, const struct step *step)
{
	return step - files->steps;
}

static struct step *covering(const struct files *files, const struct step *before,
			     const char *path)
{
	return plan_covering(files, index_of(files, before), path);
}

/* Is its mount one of viewos-patch where @path is? */
static bool is_patch(const struct step *step, const char *path)
{
	return step->into == step && !(step->kind == STEP_BIND && path_covers(step->at, path));
}

/**
 * outside() - what is at @path, for the steps before @before, as a path that is good outside
 * @readonly: set if it can only be read because of a step
 *
 * Return: to be freed, or NULL: it is on a viewfs (errno is 0), or there is no memory.
 */
static char *outside(const struct files *files, const struct step *before, const char *path,
		     bool *readonly)
{
	const struct step *step;

	for (step = before; step-- > files->steps; ) {
		if (!path_covers(step->at, path))
			continue;
		errno = 0;
		if (step->kind == STEP_VIEWFS || (step->kind == STEP_BIND && step->inside))
			return NULL;
		if (step->kind != STEP_BIND)
			continue;
		*readonly |= step->readonly;
		path += strlen(step->at);
		return path_join(step->from, path);
	}
	return strdup(path);
}

/* A name that was to be hidden has nothing in it, and is not hidden twice. */
static int hidden_check(const struct step *hide, const struct step *other)
{
	if (!path_covers(hide->at, other->at))
		return 0;
	if (!strcmp(hide->at, other->at))
		step_fail(hide, "also given for %s", step_name(other));
	else
		step_fail(hide, "is to be hidden, but '%s' of %s is in it", other->at,
			  step_name(other));
	return -EINVAL;
}

/* One can be put over a bind, to change it; otherwise one would be lost. */
static int pair_check(const struct step *other, const struct step *step)
{
	bool same = !strcmp(other->at, step->at);

	if (step->kind == STEP_HIDE && path_covers(step->at, other->at))
		return hidden_check(step, other);
	if (other->kind == STEP_HIDE)
		return hidden_check(other, step);
	if (step->kind == STEP_HIDE)
		return 0;
	if (step->kind == STEP_VIEWFS)
		return 0;
	if (same && (step->kind == STEP_BIND || other->kind == STEP_COW ||
		     other->kind == STEP_PATCH)) {
		step_fail(step, "given before, for %s", step_name(other));
		return -EINVAL;
	}
	if (!same && step->kind == STEP_BIND && path_covers(step->at, other->at)) {
		step_fail(step, "covers '%s' of %s, which was given before; give it first",
			  other->at, step_name(other));
		return -EINVAL;
	}
	return 0;
}

static int resolve(const struct files *files, struct step *step)
{
	const struct step *other;
	int ret = 0;

	/* What is hidden is the link, not what it leads to. */
	step->at = step->kind == STEP_HIDE ? path_of_name(step->target) :
					     path_absolute(step->target);
	if (!step->at) {
		ret = -errno;
		fail_at(&step->where, "'%s': %s", step->target, strerror(errno));
		return ret;
	}
	for (other = files->steps; !ret && other < step; other++)
		ret = pair_check(other, step);
	return ret;
}

static int source_resolve(const struct files *files, struct step *step)
{
	const struct step *other;
	int ret;

	step->from = path_absolute(step->source);
	if (!step->from)
		goto err;
	other = covering(files, step, step->from);
	step->inside = other && other->kind == STEP_VIEWFS;
	if (!step->inside && access(step->from, F_OK) < 0)
		goto err;
	if (step->kind == STEP_COW && path_covers(step->at, step->from)) {
		fail_at(&step->where, "'%s': is in '%s' itself, and cannot have its layer",
			step->from, step->at);
		return -EINVAL;
	}
	return 0;

err:
	ret = -errno;
	fail_at(&step->where, "'%s': %s", step->source, strerror(-ret));
	return ret;
}

/* The step has a mount of viewos-patch on a directory, of what is there for those before. */
static int patch_plan(const struct files *files, struct step *step, const char *root)
{
	char *source = outside(files, step, root, &step->root_readonly);

	if (!source) {
		step_fail(step, "%s", errno ? strerror(errno) :
			  "is on a file system of --mount, where names cannot be changed");
		return -EINVAL;
	}
	step->root = strdup(root);
	step->into = step;
	step->mounting.type = "patch";
	step->mounting.source = source;
	step->mounting.target = step->root;
	if (step->root)
		return 0;
	step_fail(step, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

/* Options are separated by these, and what a bind's path and source are by '='. */
static int name_check(const struct step *step, const char *name, const char *separators)
{
	if (!strpbrk(name, separators))
		return 0;
	step_fail(step, "a '%c' in a name cannot be told to viewos-patch",
		  *strpbrk(name, separators));
	return -EINVAL;
}

static uint64_t mount_id(const struct files *files, const struct step *step, const char *path)
{
	bool readonly = false;
	char *there = outside(files, step, path, &readonly);
	struct statx st;
	uint64_t id = 0;

	if (there && !statx(AT_FDCWD, there, 0, STATX_MNT_ID, &st))
		id = st.stx_mnt_id;
	free(there);
	return id;
}

/* A layer is of one mount; what is mounted in its directory is in front of it. */
static bool in_layer(const struct files *files, const struct step *step,
		     const struct step *layer, const char *parent)
{
	return layer->kind == STEP_COW && path_covers(layer->at, parent) &&
	       mount_id(files, step, layer->at) == mount_id(files, step, parent);
}

/* What can change names in a directory, of the steps before? */
static struct step *changer(const struct files *files, const struct step *step,
			    const char *parent)
{
	struct step *now = covering(files, step, parent);

	return now && (in_layer(files, step, now, parent) || is_patch(now, parent)) ? now : NULL;
}

/* What can take names out? If a layer is put over the directory later, it is that one. */
static struct step *hider(const struct files *files, const struct step *step, const char *parent)
{
	struct step *now = covering(files, step, parent), *layer;

	for (layer = files->steps + files->count - 1; layer > step; layer--)
		if (in_layer(files, step, layer, parent) &&
		    (!now || !now->root || path_covers(now->root, layer->at)))
			return layer;
	return changer(files, step, parent);
}

static int hide_plan(const struct files *files, struct step *step)
{
	bool readonly = false;
	char *parent, *there;
	struct stat st;
	int ret = 0;

	there = outside(files, step, step->at, &readonly);
	if (there && lstat(there, &st) < 0) {
		ret = -errno;
		step_fail(step, "%s", strerror(errno));
	}
	free(there);
	if (ret < 0)
		return ret;
	parent = path_parent(step->at);
	if (!parent) {
		step_fail(step, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	step->into = hider(files, step, parent);
	if (!step->into)
		ret = patch_plan(files, step, parent);
	if (!ret && step->into->kind != STEP_COW)
		ret = name_check(step, path_beneath(step->into->root, step->at), ",\n");
	free(parent);
	return ret;
}

static int root_set(struct step *step)
{
	step->root = strdup(step->at);
	if (step->root)
		return 0;
	step_fail(step, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

/* How far is the path there? The last directory, or NULL with an errno. */
static char *way_there(const struct files *files, const struct step *step)
{
	char *at = path_parent(step->at), *there, *above;
	bool readonly = false, found;
	struct stat st;

	while (at && strcmp(at, "/")) {
		there = outside(files, step, at, &readonly);
		found = there && !stat(there, &st);
		free(there);
		if (found)
			break;
		above = path_parent(at);
		free(at);
		at = above;
	}
	return at;
}

/* A name that is not there is made by a layer, or by viewos-patch. */
static int ghost_plan(const struct files *files, struct step *step)
{
	char *parent;
	int ret = 0;

	parent = way_there(files, step);
	if (!parent) {
		step_fail(step, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	step->into = changer(files, step, parent);
	if (step->inside) {
		step_fail(step, "is not there, and '%s' is on a file system of --mount",
			  step->from);
		ret = -EINVAL;
	} else if (step->into && step->into->kind == STEP_COW) {
		ret = root_set(step);
	} else if (!step->into) {
		ret = patch_plan(files, step, parent);
	}
	free(parent);
	if (ret < 0 || step->into->kind == STEP_COW)
		return ret;
	ret = name_check(step, path_beneath(step->into->root, step->at), ",=\n");
	return ret ? ret : name_check(step, step->from, ",\n");
}

static int bind_plan(const struct files *files, struct step *step)
{
	bool readonly = false;
	struct stat st;
	char *there = outside(files, step, step->at, &readonly);
	int ret = 0;

	/* On a mount it is there, or move_mount(2) will tell. */
	if (!there)
		return root_set(step);
	if (lstat(there, &st) < 0)
		ret = -errno;
	else if (S_ISLNK(st.st_mode))
		ret = -ELOOP;
	free(there);
	if (!ret)
		return root_set(step);
	if (ret == -ENOENT)
		return ghost_plan(files, step);
	step_fail(step, "%s", ret == -ELOOP ? "a symbolic link to what is not there" :
		  strerror(-ret));
	return ret;
}

/* The rules of an earlier one, or its layer, would be lost. */
static int patch_step_plan(const struct files *files, struct step *step)
{
	const struct step *other = covering(files, step, step->at);

	if (!other || (other->kind != STEP_COW && !is_patch(other, step->at)))
		return patch_plan(files, step, step->at);
	step_fail(step, "is in '%s', which is changed for %s already; give --patch first",
		  other->root, step_name(other));
	return -EINVAL;
}

/* The kernel has no layers over directories that have redirects in them. */
static int cow_plan(const struct files *files, struct step *step)
{
	const struct step *patch = covering(files, step, step->at), *other;
	bool in_way = patch && patch->kind == STEP_PATCH;

	for (other = files->steps; patch && is_patch(patch, step->at) && other < step; other++)
		if (other->into == patch && strcmp(other->at, step->at) &&
		    path_covers(step->at, other->at))
			in_way = true;
	if (!in_way)
		return root_set(step);
	step_fail(step, "names in it are changed for %s already; give --cow first",
		  step_name(patch));
	return -EINVAL;
}

static int step_plan(const struct files *files, struct step *step)
{
	switch (step->kind) {
	case STEP_VIEWFS:
		step->mounting.target = step->at;
		return root_set(step);
	case STEP_BIND:
		return bind_plan(files, step);
	case STEP_PATCH:
		return patch_step_plan(files, step);
	case STEP_COW:
		return cow_plan(files, step);
	case STEP_HIDE:
		return hide_plan(files, step);
	}
	return -EINVAL;
}

int plan(struct files *files)
{
	struct step *step, *end = files->steps + files->count;
	int ret = 0;

	for (step = files->steps; !ret && step < end; step++)
		ret = resolve(files, step);
	for (step = files->steps; !ret && step < end; step++) {
		if (step->source)
			ret = source_resolve(files, step);
		if (!ret)
			ret = step_plan(files, step);
	}
	return ret;
}
