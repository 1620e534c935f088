// SPDX-License-Identifier: GPL-2.0
/* viewctl: a new view with namespaces, mounts and rules */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "caps.h"
#include "world.h"

static int mount_add(struct world *world, const struct verb *verb, const char *spec)
{
	struct mounting *mounts;
	int ret;

	mounts = reallocarray(world->mounts, world->mount_count + 1, sizeof(*mounts));
	if (!mounts)
		return fail("--mount: %s", strerror(ENOMEM));
	world->mounts = mounts;
	mounts[world->mount_count] = (struct mounting){ 0 };
	ret = mounting_spec(&mounts[world->mount_count], spec);
	world->mount_count++;
	if (ret == -ENOMEM)
		return fail("--mount: %s", strerror(ENOMEM));
	if (ret < 0)
		return usage(verb, "--mount: '%s': expected TYPE[,OPTIONS]:SOURCE:TARGET", spec);
	return EXIT_DONE;
}

static int propagation_parse(struct world *world, const struct verb *verb)
{
	if (!strcmp(optarg, "private"))
		world->propagation = PROPAGATION_PRIVATE;
	else if (!strcmp(optarg, "follow") || !strcmp(optarg, "slave"))
		world->propagation = PROPAGATION_FOLLOW;
	else
		return usage(verb, "--propagation: '%s': expected private or follow", optarg);
	return EXIT_DONE;
}

static int user_ns_parse(struct world *world, const struct verb *verb)
{
	if (!strcmp(optarg, "auto"))
		world->user_ns = USER_NS_AUTO;
	else if (!strcmp(optarg, "yes"))
		world->user_ns = USER_NS_YES;
	else if (!strcmp(optarg, "no"))
		world->user_ns = USER_NS_NO;
	else
		return usage(verb, "--user-ns: '%s': expected auto, yes or no", optarg);
	return EXIT_DONE;
}

int world_option(struct world *world, const struct verb *verb, int opt)
{
	int inherit;

	switch (opt) {
	case 'i':
		inherit = inherit_parse(optarg);
		if (inherit < 0)
			return usage(verb, "--inherit: '%s': expected share, nest or leave",
				     optarg);
		world->inherit = inherit;
		return EXIT_DONE;
	case 'm':
		return mount_add(world, verb, optarg);
	case 'p':
		return propagation_parse(world, verb);
	case 's':
		return rulings_parse(&world->rulings, verb, "--socket", optarg);
	case 'c':
		return rulings_calls(&world->rulings, verb, "--syscall", optarg);
	case 'k':
		return rulings_stack(&world->rulings, verb, optarg);
	case 'u':
		return user_ns_parse(world, verb);
	case 'T':
		return uts_parse(&world->uts, verb, optarg);
	case 't':
		return clock_parse(&world->clock, verb, optarg);
	case 'P':
		world->namespaces |= CLONE_NEWPID;
		return EXIT_DONE;
	case 'I':
		world->namespaces |= CLONE_NEWIPC;
		return EXIT_DONE;
	case 'G':
		world->namespaces |= CLONE_NEWCGROUP;
		return EXIT_DONE;
	case 'r':
		world->map_root = true;
		return EXIT_DONE;
	case 'U':
		world->map_root = false;
		return EXIT_DONE;
	default:
		return -1;
	}
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

int world_create(struct world *world)
{
	int ctl, ret = 0;
	size_t i;

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
	for (i = 0; !ret && i < world->mount_count; i++)
		ret = mounting_prepare(&world->mounts[i], NULL, NULL);
	/* Now, since who is in the view cannot change its rules. */
	if (!ret)
		ret = rulings_add(&world->rulings, world->view);
	/* And while nobody is in it. */
	if (!ret)
		ret = clock_set(&world->clock, world->view);
	if (ret < 0)
		world_cancel(world);
	return ret;
}

static int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	if (ret < 0)
		fail("%s: %s", path, strerror(-ret));
	return ret;
}

/* The user's own ids are the only ones that an unprivileged map can have. */
static int ids_map(const struct world *world, uid_t uid, gid_t gid)
{
	char map[64];
	int ret;

	ret = file_write("/proc/self/setgroups", "deny");
	if (ret < 0)
		return ret;
	snprintf(map, sizeof(map), "%u %u 1\n", world->map_root ? 0 : uid, uid);
	ret = file_write("/proc/self/uid_map", map);
	if (ret < 0)
		return ret;
	snprintf(map, sizeof(map), "%u %u 1\n", world->map_root ? 0 : gid, gid);
	return file_write("/proc/self/gid_map", map);
}

static int namespaces_make(const struct world *world)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool user = world->user_ns == USER_NS_YES ||
		    (world->user_ns == USER_NS_AUTO &&
		     (!caps_have_admin() || (world->map_root && uid)));
	int ret;

	if (unshare(CLONE_NEWNS | world->namespaces | (user ? CLONE_NEWUSER : 0) |
		    (world->uts.wanted ? CLONE_NEWUTS : 0) |
		    (clock_wants_namespace(&world->clock) ? CLONE_NEWTIME : 0)) < 0) {
		ret = -errno;
		fail("unshare: %s%s", strerror(-ret),
		     user ? " (does the system allow user namespaces?)" : "");
		return ret;
	}
	if (user) {
		ret = ids_map(world, uid, gid);
		if (ret < 0)
			return ret;
		ret = caps_keep_admin();
		if (ret < 0) {
			fail("capabilities: %s", strerror(-ret));
			return ret;
		}
	}
	if (mount(NULL, "/", NULL,
		  MS_REC | (world->propagation == PROPAGATION_FOLLOW ? MS_SLAVE : MS_PRIVATE),
		  NULL) < 0) {
		ret = -errno;
		fail("propagation of mounts: %s", strerror(-ret));
		return ret;
	}
	return 0;
}

int world_enter(struct world *world)
{
	size_t i;
	int ret;

	ret = namespaces_make(world);
	/* Before there is a child that shares the namespace. */
	if (!ret && world->uts.wanted)
		ret = uts_set(&world->uts, world->view);
	if (!ret && clock_wants_namespace(&world->clock))
		ret = clock_enter(&world->clock);
	if (ret < 0)
		goto err;
	ret = viewos_view_enter(world->view);
	if (ret < 0) {
		fail("view %llu: %s", (unsigned long long)world->id, view_error(ret));
		goto err;
	}
	for (i = 0; i < world->mount_count; i++) {
		ret = mounting_do(&world->mounts[i]);
		if (ret < 0)
			goto err;
	}
	return 0;

err:
	world_cancel(world);
	return ret;
}

void world_cancel(struct world *world)
{
	size_t i;

	for (i = 0; i < world->mount_count; i++)
		mounting_cancel(&world->mounts[i]);
	rulings_cancel(&world->rulings);
}

void world_free(struct world *world)
{
	size_t i;

	for (i = 0; i < world->mount_count; i++)
		mounting_free(&world->mounts[i]);
	free(world->mounts);
	rulings_free(&world->rulings);
	uts_free(&world->uts);
	if (world->view >= 0)
		close(world->view);
}
