// SPDX-License-Identifier: GPL-2.0
/* viewos-patch: the options of a mount, made a tree of names */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rule.h"

void rule_init(struct rule *rule)
{
	*rule = (struct rule){ .mode = -1, .uid = -1, .gid = -1 };
}

struct rule *rule_find(const struct rule *dir, const char *name)
{
	struct rule *rule;

	for (rule = dir->children; rule && strcmp(rule->name, name); rule = rule->next)
		;
	return rule;
}

static struct rule *rule_add(struct rule *dir, const char *name)
{
	struct rule *rule = rule_find(dir, name);

	if (rule)
		return rule;
	rule = malloc(sizeof(*rule));
	if (!rule)
		return NULL;
	rule_init(rule);
	rule->name = strdup(name);
	if (!rule->name) {
		free(rule);
		return NULL;
	}
	rule->next = dir->children;
	dir->children = rule;
	return rule;
}

void rules_free(struct rule *rule)
{
	struct rule *child;

	while ((child = rule->children)) {
		rule->children = child->next;
		rules_free(child);
		free(child);
	}
	free(rule->name);
	free(rule->source);
}

static int bad(const char *what, const char *why)
{
	fprintf(stderr, PROGRAM ": '%s': %s\n", what, why);
	return -EINVAL;
}

static int no_memory(void)
{
	fprintf(stderr, PROGRAM ": %s\n", strerror(ENOMEM));
	return -ENOMEM;
}

static const char not_beneath[] = "expected a path beneath the directory, without '..'";

/* The rule for a path in the patched directory, with those on the way to it. */
static int rule_make(struct rule *root, char *path, struct rule **made)
{
	struct rule *rule = root;
	char *name, *rest = path;

	while ((name = strsep(&rest, "/"))) {
		if (!*name || !strcmp(name, "."))
			continue;
		if (!strcmp(name, ".."))
			return bad("..", not_beneath);
		if (strlen(name) > NAME_MAX)
			return bad(name, strerror(ENAMETOOLONG));
		rule = rule_add(rule, name);
		if (!rule)
			return no_memory();
	}
	*made = rule;
	return 0;
}

/* A number of @base, all of the text, at most @max; or -1. */
static long long number(const char *text, int base, long long max)
{
	long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	value = strtoll(text, &end, base);
	return errno || *end || value > max ? -1 : value;
}

static int hide_apply(struct rule *rule, char *value)
{
	(void)value;
	rule->hidden = true;
	return 0;
}

static int ro_apply(struct rule *rule, char *value)
{
	(void)value;
	rule->readonly = true;
	return 0;
}

static int walk_apply(struct rule *rule, char *value)
{
	(void)value;
	rule->walked = true;
	return 0;
}

static int bind_apply(struct rule *rule, char *value)
{
	if (*value != '/')
		return bad(value, "expected PATH=SOURCE, SOURCE beginning with '/'");
	if (access(value, F_OK)) {
		fprintf(stderr, PROGRAM ": '%s': %s\n", value, strerror(errno));
		return -errno;
	}
	free(rule->source);
	rule->source = strdup(value);
	return rule->source ? 0 : no_memory();
}

static int mode_apply(struct rule *rule, char *value)
{
	rule->mode = number(value, 8, 07777);
	if (rule->mode < 0)
		return bad(value, "expected PATH=MODE, an octal number up to 7777");
	rule->shown = true;
	return 0;
}

static int id_apply(char *value, long long *id)
{
	*id = number(value, 10, UINT_MAX - 1);
	return *id < 0 ? bad(value, "expected PATH=NUMBER, a user's or group's number") : 0;
}

static int uid_apply(struct rule *rule, char *value)
{
	rule->shown = true;
	return id_apply(value, &rule->uid);
}

static int gid_apply(struct rule *rule, char *value)
{
	rule->shown = true;
	return id_apply(value, &rule->gid);
}

static const struct {
	const char *name;
	bool value;
	bool root;
	int (*apply)(struct rule *rule, char *value);
} options_known[] = {
	{ "hide", false, false, hide_apply },
	{ "ro", false, true, ro_apply },
	{ "walk", false, false, walk_apply },
	{ "bind", true, false, bind_apply },
	{ "mode", true, false, mode_apply },
	{ "uid", true, false, uid_apply },
	{ "gid", true, false, gid_apply },
};

static int option_apply(struct rule *root, char *option)
{
	char *path = strchr(option, '='), *value = NULL;
	struct rule *rule;
	int ret;

	if (!path)
		return bad(option, "expected hide=, bind=, ro=, walk=, mode=, uid= or gid=");
	*path++ = 0;
	for (size_t i = 0; i < sizeof(options_known) / sizeof(options_known[0]); i++) {
		if (strcmp(option, options_known[i].name))
			continue;
		if (options_known[i].value) {
			value = strchr(path, '=');
			if (!value)
				return bad(path, "expected a path and, behind '=', a value");
			*value++ = 0;
		}
		ret = rule_make(root, path, &rule);
		if (!ret && rule == root && !options_known[i].root)
			ret = bad(path, not_beneath);
		return ret ? ret : options_known[i].apply(rule, value);
	}
	return bad(option, "no such option; expected hide=, bind=, ro=, walk=, mode=, uid= or "
		   "gid=");
}

int rules_parse(struct rule *root, const char *options)
{
	char *copy = strdup(options), *rest = copy, *option;
	int ret = 0;

	if (!copy)
		return no_memory();
	/* viewctl(8) cannot give all of a long list to mount(2) with commas in it. */
	while (!ret && (option = strsep(&rest, ",\n")))
		ret = *option ? option_apply(root, option) : 0;
	free(copy);
	return ret;
}

int rule_open(const struct rule *rule, int above)
{
	int fd;

	if (rule->source)
		fd = open(rule->source, O_PATH | O_CLOEXEC);
	else if (above >= 0)
		fd = openat(above, rule->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	else
		return -ENOENT;
	return fd < 0 ? -errno : fd;
}

static int check_one(struct rule *rule, int above)
{
	struct stat st;
	int ret = 0, fd;

	fd = rule_open(rule, above);
	if (fd == -ENOENT)
		return rules_check(rule, -1);
	if (fd < 0 || fstat(fd, &st)) {
		ret = fd < 0 ? fd : -errno;
		fprintf(stderr, PROGRAM ": '%s': %s\n", rule->name, strerror(-ret));
	} else if (!S_ISDIR(st.st_mode)) {
		ret = -ENOTDIR;
		fprintf(stderr, PROGRAM ": '%s': %s%s\n", rule->name, strerror(ENOTDIR),
			S_ISLNK(st.st_mode) ? ", but a symbolic link" : "");
	} else {
		ret = rules_check(rule, fd);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

int rules_check(struct rule *dir, int fd)
{
	struct rule *rule;
	int ret = 0;

	for (rule = dir->children; rule && !ret; rule = rule->next)
		if (rule->children && !rule->hidden)
			ret = check_one(rule, fd);
	return ret;
}
