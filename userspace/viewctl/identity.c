// SPDX-License-Identifier: GPL-2.0
/* viewctl: as whom a user appears in a user namespace of the view's own */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <shadow/subid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity.h"

/* As many lines as the kernel takes. */
#define LINES_MAX	340

/** struct line - of a map: ids inside, those outside, how many */
struct line {
	unsigned long inside;
	unsigned long outside;
	unsigned long count;
};

/**
 * struct side - users, or groups
 * @file: the map, of /proc/self
 * @program: who may write more into it than the user
 * @own: the own id outside
 * @inside: the own id inside
 * @lines: the map
 * @count: of @lines
 */
struct side {
	const char *file;
	const char *program;
	unsigned long own;
	unsigned long inside;
	struct line lines[LINES_MAX];
	size_t count;
};

/**
 * struct idmap - maps of a user namespace to be made
 * @where: it was told who
 * @users: that of users
 * @groups: that of groups
 * @helper: a process outside, which waits to run the programs, or 0
 * @start: pipe's end through which it is told to
 */
struct idmap {
	struct where where;
	struct side users;
	struct side groups;
	pid_t helper;
	int start;
};

static bool id_read(const char **at, char behind, unsigned int *id)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	number = strtoul(*at, &end, 10);
	/* The last number means no id. */
	if (errno || *end != behind || number >= UINT32_MAX)
		return false;
	*id = number;
	*at = end + 1;
	return true;
}

int identity_parse(struct identity *identity, const struct where *where, const char *text)
{
	const struct passwd *user;
	const char *at = text;

	*identity = (struct identity){
		.given = true, .whole = true, .told = text, .where = *where };
	if (id_read(&at, ':', &identity->uid) && id_read(&at, '\0', &identity->gid))
		return EXIT_DONE;
	errno = 0;
	user = isdigit((unsigned char)*text) || strchr(text, ':') ? NULL : getpwnam(text);
	if (user) {
		identity->uid = user->pw_uid;
		identity->gid = user->pw_gid;
		return EXIT_DONE;
	}
	if (isdigit((unsigned char)*text) || strchr(text, ':'))
		return wrong(where, "'%s': expected root, UID:GID or the name of a user", text);
	return wrong(where, "'%s': there is no such user; expected root, UID:GID or a name", text);
}

bool identity_differs(const struct identity *identity)
{
	return identity->given && (identity->uid != geteuid() || identity->gid != getegid());
}

static void line_add(struct side *side, unsigned long inside, unsigned long outside,
		     unsigned long count)
{
	if (count && side->count < LINES_MAX)
		side->lines[side->count++] = (struct line){ inside, outside, count };
}

/* Ids from 0 on, but for the own one, are those of the ranges. */
static void ranges_spread(struct side *side, const struct subid_range *ranges, int count)
{
	unsigned long next = 0, start, left, part;
	int i;

	for (i = 0; i < count; i++) {
		start = ranges[i].start;
		left = ranges[i].count;
		while (left && next < UINT32_MAX && side->count < LINES_MAX) {
			if (next == side->inside)
				next++;
			part = side->inside > next && side->inside - next < left ?
			       side->inside - next : left;
			if (part > UINT32_MAX - next)
				part = UINT32_MAX - next;
			line_add(side, next, start, part);
			next += part;
			start += part;
			left -= part;
		}
	}
}

typedef int ranges_get_t(const char *owner, struct subid_range **ranges);

/* The caller's; how many, and they are to be freed. */
static int ranges_own(ranges_get_t *ranges_get, struct subid_range **ranges)
{
	const struct passwd *user = getpwuid(geteuid());
	int count;

	*ranges = NULL;
	count = user ? ranges_get(user->pw_name, ranges) : 0;
	return count > 0 ? count : 0;
}

static void side_fill(struct side *side, bool whole, ranges_get_t *ranges_get)
{
	struct subid_range *ranges;
	int count;

	line_add(side, side->inside, side->own, 1);
	if (!whole)
		return;
	count = ranges_own(ranges_get, &ranges);
	ranges_spread(side, ranges, count);
	free(ranges);
}

bool identity_alone(const struct identity *identity)
{
	struct subid_range *users, *groups;
	bool alone;

	if (!identity->whole)
		return false;
	subid_init("viewctl", stderr);
	alone = !ranges_own(subid_get_uid_ranges, &users);
	alone = !ranges_own(subid_get_gid_ranges, &groups) && alone;
	free(users);
	free(groups);
	return alone;
}

/* newuidmap(1) and newgidmap(1) end with a complaint of their own if the ranges are not allowed. */
static bool program_run(const struct where *where, const struct side *side, pid_t pid)
{
	char *argv[2 + 3 * LINES_MAX + 1], *text;
	const unsigned long *numbers = (const unsigned long *)side->lines;
	int status;
	size_t i;
	pid_t child;

	argv[0] = (char *)side->program;
	for (i = 0; i < 1 + 3 * side->count; i++) {
		if (asprintf(&text, "%lu", i ? numbers[i - 1] : (unsigned long)pid) < 0)
			return false;
		argv[i + 1] = text;
	}
	argv[i + 1] = NULL;
	child = fork();
	if (!child) {
		execvp(argv[0], argv);
		fail_at(where, "%s: %s%s", side->program, strerror(errno),
			errno == ENOENT ? " (Debian: uidmap)" : "");
		_exit(EXIT_FAILED);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return child > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Outside of the namespace, where the programs have their privilege. */
static void helper_become(const struct idmap *map, int wait)
{
	pid_t pid = getppid();
	char byte;

	if (read(wait, &byte, 1) != 1)
		_exit(EXIT_FAILED);
	_exit(program_run(&map->where, &map->users, pid) &&
	      program_run(&map->where, &map->groups, pid) ? EXIT_DONE : EXIT_FAILED);
}

static int helper_start(struct idmap *map)
{
	int fds[2], ret;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	map->helper = fork();
	if (!map->helper) {
		close(fds[1]);
		helper_become(map, fds[0]);
	}
	ret = map->helper < 0 ? -errno : 0;
	close(fds[0]);
	map->start = fds[1];
	return ret;
}

struct idmap *idmap_prepare(const struct identity *identity)
{
	struct idmap *map = calloc(1, sizeof(*map));
	int ret;

	if (!map) {
		fail("%s", strerror(ENOMEM));
		return NULL;
	}
	map->where = identity->where;
	map->start = -1;
	map->users = (struct side){ .file = "/proc/self/uid_map", .program = "newuidmap",
		.own = geteuid(), .inside = identity->given ? identity->uid : geteuid() };
	map->groups = (struct side){ .file = "/proc/self/gid_map", .program = "newgidmap",
		.own = getegid(), .inside = identity->given ? identity->gid : getegid() };
	if (identity->whole)
		subid_init("viewctl", stderr);
	side_fill(&map->users, identity->whole, subid_get_uid_ranges);
	side_fill(&map->groups, identity->whole, subid_get_gid_ranges);
	/* Where there are ranges for none of them, what the user may do is all. */
	if (map->users.count == 1 && map->groups.count == 1)
		return map;
	ret = helper_start(map);
	if (!ret)
		return map;
	fail_at(&map->where, "%s", strerror(-ret));
	idmap_free(map);
	return NULL;
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
static int own_write(const struct side *side)
{
	char text[64];

	snprintf(text, sizeof(text), "%lu %lu 1\n", side->inside, side->own);
	return file_write(side->file, text);
}

static int own_make(const struct idmap *map)
{
	int ret = file_write("/proc/self/setgroups", "deny");

	if (!ret)
		ret = own_write(&map->users);
	return ret ? ret : own_write(&map->groups);
}

int idmap_make(struct idmap *map)
{
	int status = 0;

	if (map->start < 0)
		return own_make(map);
	if (write(map->start, "", 1) != 1)
		return fail_at(&map->where, "%s", strerror(errno)), -EIO;
	while (waitpid(map->helper, &status, 0) < 0)
		if (errno != EINTR)
			return fail_at(&map->where, "%s", strerror(errno)), -EIO;
	map->helper = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	fail_at(&map->where, "%s and %s have not made the maps of /etc/subuid and /etc/subgid "
		"(--map-root does without)", map->users.program, map->groups.program);
	return -EPERM;
}

void idmap_free(struct idmap *map)
{
	if (!map)
		return;
	if (map->start >= 0)
		close(map->start);
	if (map->helper > 0)
		waitpid(map->helper, NULL, 0);
	free(map);
}
