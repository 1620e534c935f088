// SPDX-License-Identifier: GPL-2.0
/*
 * A server that can be killed at any time: it shows the files of one directory, and keeps
 * nothing of its own. Nodes have the inode numbers of the files, and are found by these in the
 * directory anew by each request, so any process of it can answer any of them.
 */
#define FUSE_USE_VERSION 314
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <viewos.h>

/**
 * struct steady - a session
 * @dir: the directory
 * @names: held for reading while a node is looked for by its number
 */
struct steady {
	int dir;
	pthread_rwlock_t names;
};

static struct steady *steady_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static int file_of(struct steady *steady, fuse_ino_t ino, int flags)
{
	struct dirent *entry;
	int fd = -ESTALE;
	DIR *dir;

	if (ino == FUSE_ROOT_ID) {
		fd = openat(steady->dir, ".", flags | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	dir = fdopendir(openat(steady->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!dir)
		return -errno;
	pthread_rwlock_rdlock(&steady->names);
	while ((entry = readdir(dir))) {
		if (entry->d_ino != ino)
			continue;
		fd = openat(steady->dir, entry->d_name, flags | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
		break;
	}
	pthread_rwlock_unlock(&steady->names);
	closedir(dir);
	return fd;
}

static int steady_open(const struct viewos_accepted *accepted, void **data)
{
	struct steady *steady = calloc(1, sizeof(*steady));

	if (!steady)
		return -ENOMEM;
	steady->dir = viewos_accepted_open(accepted, accepted->source, O_RDONLY | O_DIRECTORY);
	if (steady->dir < 0) {
		int err = steady->dir;

		free(steady);
		return err;
	}
	pthread_rwlock_init(&steady->names, NULL);
	*data = steady;
	return 0;
}

static void steady_close(void *data)
{
	struct steady *steady = data;

	close(steady->dir);
	free(steady);
}

static void op_init(void *data, struct fuse_conn_info *conn)
{
	int recovering = viewos_fuse_want_recover();

	fprintf(stderr, "steady: %s\n", recovering < 0 ? "begin, not to be recovered" :
		recovering ? "recover" : "begin");
}

/* The number of the root is another one here. */
static void attributes_root(struct stat *st, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		st->st_ino = FUSE_ROOT_ID;
}

static int entry_of(struct steady *steady, const char *name, struct fuse_entry_param *entry)
{
	memset(entry, 0, sizeof(*entry));
	if (fstatat(steady->dir, name, &entry->attr, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISREG(entry->attr.st_mode))
		return -ENOENT;
	entry->ino = entry->attr.st_ino;
	return 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	int err = -entry_of(steady_of(req), name, &entry);

	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_entry(req, &entry);
}

static void reply_attr(fuse_req_t req, fuse_ino_t ino, int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		fuse_reply_err(req, fd < 0 ? -fd : errno);
	} else {
		attributes_root(&st, ino);
		fuse_reply_attr(req, &st, 0);
	}
	if (fd >= 0)
		close(fd);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	reply_attr(req, ino, file_of(steady_of(req), ino, O_RDONLY));
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int set,
		       struct fuse_file_info *file)
{
	int fd = file_of(steady_of(req), ino, O_RDWR);

	if (fd >= 0 && set & FUSE_SET_ATTR_SIZE && ftruncate(fd, st->st_size)) {
		close(fd);
		fd = -EIO;
	}
	reply_attr(req, ino, fd);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *file)
{
	struct steady *steady = steady_of(req);
	int flags = O_CREAT | O_RDWR | O_CLOEXEC | (file->flags & O_EXCL);
	struct fuse_entry_param entry;
	int fd, err;

	/* It may be there since we have made it. */
	if (viewos_fuse_repeated())
		flags &= ~O_EXCL;
	pthread_rwlock_wrlock(&steady->names);
	fd = openat(steady->dir, name, flags, mode);
	err = fd < 0 ? errno : -entry_of(steady, name, &entry);
	pthread_rwlock_unlock(&steady->names);
	if (fd >= 0)
		close(fd);
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_create(req, &entry, file);
}

/* Nothing is kept of what is open. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	file->fh = 0;
	fuse_reply_open(req, file);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	fuse_reply_err(req, 0);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct steady *steady = steady_of(req);
	int err;

	pthread_rwlock_wrlock(&steady->names);
	err = unlinkat(steady->dir, name, 0) ? errno : 0;
	pthread_rwlock_unlock(&steady->names);
	fuse_reply_err(req, err == ENOENT && viewos_fuse_repeated() ? 0 : err);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to_parent,
		      const char *to_name, unsigned int flags)
{
	struct steady *steady = steady_of(req);
	int err;

	pthread_rwlock_wrlock(&steady->names);
	err = renameat2(steady->dir, name, steady->dir, to_name, flags) ? errno : 0;
	if (err == ENOENT && viewos_fuse_repeated() && !faccessat(steady->dir, to_name, F_OK, 0))
		err = 0;
	pthread_rwlock_unlock(&steady->names);
	fuse_reply_err(req, err);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *file)
{
	int fd = file_of(steady_of(req), ino, O_RDONLY);
	char *data = malloc(size);
	ssize_t len = fd < 0 || !data ? -1 : pread(fd, data, size, off);

	if (len < 0)
		fuse_reply_err(req, fd < 0 ? -fd : EIO);
	else
		fuse_reply_buf(req, data, len);
	free(data);
	if (fd >= 0)
		close(fd);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off,
		     struct fuse_file_info *file)
{
	int fd = file_of(steady_of(req), ino, O_WRONLY);
	ssize_t len = fd < 0 ? -1 : pwrite(fd, data, size, off);

	if (len < 0)
		fuse_reply_err(req, fd < 0 ? -fd : EIO);
	else
		fuse_reply_write(req, len);
	if (fd >= 0)
		close(fd);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *file)
{
	int fd = file_of(steady_of(req), ino, O_RDONLY);

	fuse_reply_err(req, fd < 0 ? -fd : fsync(fd) ? errno : 0);
	if (fd >= 0)
		close(fd);
}

/* An offset is the position of an entry. */
static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *file)
{
	DIR *dir = fdopendir(file_of(steady_of(req), ino, O_RDONLY | O_DIRECTORY));
	char data[4096];
	struct dirent *entry;
	size_t len = 0, more;

	if (!dir) {
		fuse_reply_err(req, EIO);
		return;
	}
	if (size > sizeof(data))
		size = sizeof(data);
	for (off_t at = 1; (entry = readdir(dir)); at++) {
		struct stat st = { .st_ino = entry->d_ino, .st_mode = entry->d_type << 12 };

		if (at <= off)
			continue;
		more = fuse_add_direntry(req, data + len, size - len, entry->d_name, &st, at);
		if (more > size - len)
			break;
		len += more;
	}
	closedir(dir);
	fuse_reply_buf(req, data, len);
}

int main(int argc, char **argv)
{
	static const struct fuse_lowlevel_ops ops = {
		.init = op_init, .lookup = op_lookup, .getattr = op_getattr,
		.setattr = op_setattr, .create = op_create, .open = op_open,
		.release = op_release, .unlink = op_unlink, .rename = op_rename,
		.read = op_read, .write = op_write, .fsync = op_fsync,
		.readdir = op_readdir,
	};
	static const struct viewos_fuse_server server = {
		.name = "steady", .ops = &ops, .ops_size = sizeof(ops),
		.open = steady_open, .close = steady_close,
	};

	return viewos_fuse_main(argc, argv, &server);
}
