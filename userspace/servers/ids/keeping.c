// SPDX-License-Identifier: GPL-2.0
/* viewos-ids: the file in which it is kept from one view to the next */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ids.h"

/* A view that has just ended may still be writing it. */
#define PATIENCE_TENTHS	50

static int complain(const char *path, const char *why)
{
	int error = errno;

	fprintf(stderr, "viewos-ids: '%s': %s\n", path, why ? why : strerror(error));
	return error ? -error : -EIO;
}

/* Has it been written anew, under its name, since it was opened? */
static bool is_replaced(int fd, const char *path)
{
	struct stat own, now;

	return fstat(fd, &own) < 0 || stat(path, &now) < 0 || own.st_dev != now.st_dev ||
	       own.st_ino != now.st_ino;
}

/* The fd, locked; or a negative errno after a complaint. */
static int locked_open(const char *path)
{
	const struct timespec tenth = { .tv_nsec = 100000000 };
	unsigned int i;
	int fd;

	for (i = 0; i < PATIENCE_TENTHS; i++) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
		if (fd < 0)
			return complain(path, NULL);
		if (!flock(fd, LOCK_EX | LOCK_NB) && !is_replaced(fd, path))
			return fd;
		close(fd);
		nanosleep(&tenth, NULL);
	}
	errno = EBUSY;
	return complain(path, "another view keeps its ids there");
}

int keeping_open(struct keeping *keeping, const char *path, struct store *store)
{
	struct stat st;
	FILE *in;
	int fd, ret;

	keeping->fd = locked_open(path);
	if (keeping->fd < 0)
		return keeping->fd;
	if (fstat(keeping->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return complain(path, "not a regular file");
	}
	keeping->path = strdup(path);
	fd = dup(keeping->fd);
	in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!keeping->path || !in) {
		if (fd >= 0 && !in)
			close(fd);
		if (in)
			fclose(in);
		return -ENOMEM;
	}
	ret = store_load(store, in, path);
	fclose(in);
	/* One that could not be read is not written either. */
	if (ret) {
		free(keeping->path);
		keeping->path = NULL;
	}
	return ret;
}

static int file_write(int fd, const struct store *store)
{
	FILE *out = fdopen(fd, "w");
	int ret;

	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	ret = store_save(store, out);
	if (!ret && fsync(fd) < 0)
		ret = -errno;
	if (fclose(out) && !ret)
		ret = -errno;
	return ret;
}

/* All or nothing: a new file takes the place of the old one. */
static int replace(const struct keeping *keeping, const struct store *store)
{
	struct stat st;
	char *new;
	int fd, ret;

	if (asprintf(&new, "%s.XXXXXX", keeping->path) < 0)
		return -ENOMEM;
	fd = mkostemp(new, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		free(new);
		return ret;
	}
	if (!fstat(keeping->fd, &st))
		fchmod(fd, st.st_mode & 0777);
	ret = file_write(fd, store);
	if (!ret && rename(new, keeping->path) < 0)
		ret = -errno;
	if (ret)
		unlink(new);
	free(new);
	return ret;
}

void keeping_close(struct keeping *keeping, const struct store *store, FILE *complaints)
{
	int ret;

	if (keeping->path) {
		ret = replace(keeping, store);
		if (ret)
			fprintf(complaints, "viewos-ids: '%s': not written: %s\n", keeping->path,
				strerror(-ret));
	}
	if (keeping->fd >= 0)
		close(keeping->fd);
	free(keeping->path);
}
