// SPDX-License-Identifier: GPL-2.0
/* viewctl: a new view with namespaces, files and rules */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "caps.h"
#include "outside.h"
#include "plan.h"
#include "words.h"
#include "world.h"

const char *world_keep(struct world *world, const char *text)
{
	char *copy = strdup(text);
	char **kept = copy ? reallocarray(world->kept, world->kept_count + 1, sizeof(*kept)) : NULL;

	if (!kept) {
		free(copy);
		return NULL;
	}
	world->kept = kept;
	kept[world->kept_count++] = copy;
	return copy;
}

static const char *create_error(int error)
{
	switch (-error) {
	case EEXIST:
		return "there is a view of that name";
	case EINVAL:
		return "not a valid name (letters, digits, -_.:@, no digit first)";
	case ENOSPC:
		return "views are nested too deep";
	case EUSERS:
		return "you have too many views";
	default:
		return strerror(-error);
	}
}

static bool user_ns_wanted(const struct world *world)
{
	if (world->user_ns != USER_NS_AUTO)
		return world->user_ns == USER_NS_YES;
	if (!caps_have_admin() || identity_differs(&world->identity))
		return true;
	/* Who is in a view that has one may mount, but not all that can belong to it. */
	return files_want_caps(&world->files) && !caps_have_files();
}

int world_check(struct world *world)
{
	if (world->identity.whole && identity_differs(&world->identity) &&
	    world->user_ns == USER_NS_NO) {
		fail_at(&world->identity.where,
			"takes a user namespace, and there is to be none");
		return -EINVAL;
	}
	/* One id alone is of no use to who wants others: those are in the view alone then. */
	if (user_ns_wanted(world) && identity_alone(&world->identity))
		world->ids.wanted = true;
	return plan(&world->files);
}

int world_create(struct world *world)
{
	int ctl, ret;

	ret = world_check(world);
	if (ret)
		return ret;
	/* Files belong to root, unless it is to be somebody else. */
	world->identity.given |= world->ids.wanted;
	ctl = ctl_open();
	if (ctl < 0)
		return ctl;
	world->view = viewos_view_create(ctl, -1, world->name, world->inherit, &world->id);
	close(ctl);
	if (world->view < 0) {
		fail("view '%s': %s", world->name ? world->name : "",
		     create_error(world->view));
		return world->view;
	}
	ret = files_prepare(&world->files);
	if (!ret)
		ret = ids_start(&world->ids, world->id);
	/* Now, while nobody is in it. */
	if (!ret)
		ret = clock_set(&world->clock, world->view);
	if (ret < 0)
		world_cancel(world);
	return ret;
}

static int user_ns_enter(struct idmap *map)
{
	int ret = idmap_make(map);

	if (ret < 0)
		return ret;
	ret = caps_keep_admin();
	if (ret < 0)
		fail("capabilities: %s", strerror(-ret));
	return ret;
}

static int namespaces_unshare(const struct world *world, bool user)
{
	int ret;

	if (unshare(CLONE_NEWNS | world->namespaces | (user ? CLONE_NEWUSER : 0) |
		    (world->uts.wanted ? CLONE_NEWUTS : 0) |
		    (clock_wants_namespace(&world->clock) ? CLONE_NEWTIME : 0)) == 0)
		return 0;
	ret = -errno;
	fail("unshare: %s%s", strerror(-ret),
	     user ? " (does the system allow user namespaces?)" : "");
	return ret;
}

static int namespaces_make(const struct world *world)
{
	bool user = user_ns_wanted(world);
	struct idmap *map = NULL;
	int ret;

	if (user) {
		map = idmap_prepare(&world->identity);
		if (!map)
			return -ENOMEM;
	}
	ret = namespaces_unshare(world, user);
	if (!ret && user)
		ret = user_ns_enter(map);
	idmap_free(map);
	if (ret < 0)
		return ret;
	if (mount(NULL, "/", NULL,
		  MS_REC | (world->propagation == PROPAGATION_FOLLOW ? MS_SLAVE : MS_PRIVATE),
		  NULL) < 0) {
		ret = -errno;
		fail("propagation of mounts: %s", strerror(-ret));
		return ret;
	}
	return 0;
}

/*
 * By its name, as what has that name may be another directory inside, and nobody is to be
 * in what was covered.
 */
static int directory_enter(const char *directory, const char *before)
{
	int ret;

	if (chdir(directory ? directory : before) == 0)
		return 0;
	ret = -errno;
	if (directory)
		fail("--chdir: '%s': %s", directory, strerror(-ret));
	else
		fail("current directory '%s': %s inside (--chdir takes another)", before,
		     strerror(-ret));
	return ret;
}

static int files_enter(struct world *world, const char *directory)
{
	char *before = getcwd(NULL, 0);
	int ret;

	ret = files_make(&world->files);
	if (!ret && (directory || (before && files_cover(&world->files, before))))
		ret = directory_enter(directory, before);
	free(before);
	return ret;
}

/* Who is in a view cannot change its rules. The user's own decide first. */
static int rules_add(void *arg)
{
	struct world *world = arg;
	int ret;

	ret = ids_add(&world->ids, world->view, &world->identity, user_ns_wanted(world));
	return ret ? ret : rulings_add(&world->rulings, world->view);
}

static bool has_rules(const struct world *world)
{
	return world->ids.wanted || world->rulings.first;
}

static int inside_make(struct world *world)
{
	int ret;

	ret = namespaces_make(world);
	/* Before there is a child that shares the namespace. */
	if (!ret && world->uts.wanted)
		ret = uts_set(&world->uts, world->view);
	if (!ret && clock_wants_namespace(&world->clock))
		ret = clock_enter(&world->clock);
	if (!ret) {
		ret = viewos_view_enter(world->view);
		if (ret < 0)
			fail("view %llu: %s", (unsigned long long)world->id, view_error(ret));
	}
	if (!ret)
		ret = files_enter(world, world->directory);
	return ret;
}

/* The view's rules are for those who will be in it, not for what is done here to make it. */
int world_enter(struct world *world)
{
	int outside = -1, ret = 0;

	if (has_rules(world))
		outside = outside_start(rules_add, world);
	if (has_rules(world) && outside < 0)
		ret = outside;
	if (!ret)
		ret = inside_make(world);
	if (!ret && outside >= 0)
		ret = outside_ask(outside);
	else if (outside >= 0)
		close(outside);
	if (ret < 0)
		world_cancel(world);
	return ret;
}

void world_cancel(struct world *world)
{
	files_cancel(&world->files);
	rulings_cancel(&world->rulings);
	ids_cancel(&world->ids);
}

void world_free(struct world *world)
{
	files_free(&world->files);
	rulings_free(&world->rulings);
	uts_free(&world->uts);
	clock_free(&world->clock);
	ids_free(&world->ids);
	words_free(world->command);
	while (world->kept_count)
		free(world->kept[--world->kept_count]);
	free(world->kept);
	if (world->view >= 0)
		close(world->view);
}
