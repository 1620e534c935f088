// SPDX-License-Identifier: GPL-2.0
/* viewctl: paths as they are outside of a new view */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"

static char *path_join(const char *directory, const char *name)
{
	char *path;

	if (asprintf(&path, "%s%s%s", directory, strcmp(directory, "/") ? "/" : "", name) < 0)
		return NULL;
	return path;
}

char *path_absolute(const char *path)
{
	char *real = realpath(path, NULL), *copy, *name, *above;

	if (real || errno != ENOENT || !*path)
		return real;
	copy = strdup(path);
	if (!copy)
		return NULL;
	for (name = copy + strlen(copy); name > copy && name[-1] == '/'; )
		*--name = '\0';
	name = strrchr(copy, '/');
	name = name ? name + 1 : copy;
	if (!strcmp(name, "..") || !strcmp(name, ".")) {
		errno = ENOENT;
	} else if (name == copy) {
		above = realpath(".", NULL);
		real = above ? path_join(above, name) : NULL;
		free(above);
	} else {
		/* What is before the name, with a slash at its end that the root needs. */
		name = strdup(name);
		if (name)
			copy[strlen(copy) - strlen(name)] = '\0';
		above = name ? path_absolute(copy) : NULL;
		real = above ? path_join(above, name) : NULL;
		free(above);
		free(name);
	}
	free(copy);
	return real;
}

bool path_covers(const char *above, const char *path)
{
	size_t len = strlen(above);

	if (!strcmp(above, "/"))
		return true;
	return !strncmp(above, path, len) && (!path[len] || path[len] == '/');
}
