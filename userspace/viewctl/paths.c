// SPDX-License-Identifier: GPL-2.0
/* viewctl: paths as they are outside of a new view */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"

char *path_join(const char *directory, const char *name)
{
	char *path;

	name += strspn(name, "/");
	if (!*name)
		return strdup(directory);
	if (asprintf(&path, "%s%s%s", directory, strcmp(directory, "/") ? "/" : "", name) < 0)
		return NULL;
	return path;
}

char *path_of_name(const char *path)
{
	char *copy = strdup(path), *name, *above = NULL, *real;
	size_t len = strlen(path);

	if (!copy)
		return NULL;
	while (len && copy[len - 1] == '/')
		copy[--len] = '\0';
	name = strrchr(copy, '/');
	name = strdup(name ? name + 1 : copy);
	if (name) {
		/* What is before the name, with a slash at its end that the root needs. */
		copy[len - strlen(name)] = '\0';
		above = path_absolute(*copy ? copy : ".");
	}
	real = above ? path_join(above, name) : NULL;
	free(above);
	free(name);
	free(copy);
	return real;
}

static bool ends_with_dots(const char *path)
{
	size_t len = strlen(path);

	while (len && path[len - 1] == '/')
		len--;
	return len && path[len - 1] == '.' &&
	       (len == 1 || path[len - 2] == '/' ||
		(path[len - 2] == '.' && (len == 2 || path[len - 3] == '/')));
}

char *path_absolute(const char *path)
{
	char *real = realpath(path, NULL);

	if (real || errno != ENOENT || !*path)
		return real;
	errno = ENOENT;
	return ends_with_dots(path) ? NULL : path_of_name(path);
}

char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") : strndup(path, slash - path);
}

const char *path_beneath(const char *above, const char *path)
{
	path += strlen(above);
	return path + strspn(path, "/");
}

bool path_covers(const char *above, const char *path)
{
	size_t len = strlen(above);

	if (!strcmp(above, "/"))
		return true;
	return !strncmp(above, path, len) && (!path[len] || path[len] == '/');
}
