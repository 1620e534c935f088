// SPDX-License-Identifier: GPL-2.0
/* What file a system call is about, found out as the call itself does. */

#include <linux/dcache.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/user_namespace.h>

#include <linux/viewos_syscall.h>

#include "fetch.h"

/* The argument that VIEWOS_CALL_FILE_FLAGS() names. */
#define HAS_FLAGS	VIEWOS_CALL_FILE_FLAGS(0)

static unsigned int flags_arg(u32 how)
{
	return how >> 5 & 7;
}

bool viewos_call_file_valid(u32 how, unsigned int arg)
{
	if (how & ~VIEWOS_CALL_FILE_ALL)
		return false;
	if (how & VIEWOS_CALL_FILE_FD)
		return how == VIEWOS_CALL_FILE_FD;
	if (!(how & VIEWOS_CALL_FILE_PATH) || (how & VIEWOS_CALL_FILE_AT && !arg))
		return false;
	return how & HAS_FLAGS ? flags_arg(how) <= 5 : !flags_arg(how);
}

static int fd_path(int fd, struct path *path)
{
	struct file *file;

	if (fd == AT_FDCWD) {
		get_fs_pwd(current->fs, path);
		return 0;
	}
	file = fget_raw(fd);
	if (!file)
		return -EBADF;
	*path = file->f_path;
	path_get(path);
	fput(file);
	return 0;
}

static int call_path(u32 fetch, const struct viewos_call_in *in, struct path *path)
{
	u32 how = fetch_len(fetch);
	unsigned int arg = fetch_arg(fetch);
	unsigned int flags = how & HAS_FLAGS ? in->args[flags_arg(how)] : 0;
	bool nofollow = how & VIEWOS_CALL_FILE_NOFOLLOW && !(flags & AT_SYMLINK_FOLLOW);
	const char __user *name = u64_to_user_ptr(in->args[arg]);
	unsigned int lookup = 0;
	int dir = AT_FDCWD;

	if (how & VIEWOS_CALL_FILE_FD)
		return fd_path(in->args[arg], path);
	if (how & VIEWOS_CALL_FILE_AT)
		dir = in->args[arg - 1];
	if (!name && flags & AT_EMPTY_PATH)
		return fd_path(dir, path);
	if (!nofollow && !(flags & AT_SYMLINK_NOFOLLOW))
		lookup |= LOOKUP_FOLLOW;
	if (!(flags & AT_NO_AUTOMOUNT))
		lookup |= LOOKUP_AUTOMOUNT;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	return user_path_at(dir, name, lookup, path);
}

static struct viewos_call_time time_out(struct timespec64 time)
{
	return (struct viewos_call_time){ .sec = time.tv_sec, .nsec = time.tv_nsec };
}

static void file_fill(struct viewos_call_file *file, const struct kstat *stat,
		      struct user_namespace *ns)
{
	file->mask = stat->result_mask;
	file->mode = stat->mode;
	file->nlink = stat->nlink;
	file->uid = from_kuid_munged(ns, stat->uid);
	file->gid = from_kgid_munged(ns, stat->gid);
	file->dev_major = MAJOR(stat->dev);
	file->dev_minor = MINOR(stat->dev);
	file->rdev_major = MAJOR(stat->rdev);
	file->rdev_minor = MINOR(stat->rdev);
	file->blksize = stat->blksize;
	file->ino = stat->ino;
	file->size = stat->size;
	file->blocks = stat->blocks;
	file->atime = time_out(stat->atime);
	file->mtime = time_out(stat->mtime);
	file->ctime = time_out(stat->ctime);
	file->btime = time_out(stat->btime);
}

int viewos_call_file(u32 fetch, const struct viewos_call_in *in, struct user_namespace *ns,
		     struct viewos_call_file *file)
{
	struct kstat stat;
	struct path path;
	int err;

	err = call_path(fetch, in, &path);
	if (err)
		return err;
	err = vfs_getattr(&path, &stat, STATX_BASIC_STATS | STATX_BTIME, AT_STATX_SYNC_AS_STAT);
	if (!err) {
		file_fill(file, &stat, ns);
		file->generation = d_backing_inode(path.dentry)->i_generation;
		file->magic = path.dentry->d_sb->s_magic;
		if (__mnt_is_readonly(path.mnt))
			file->flags |= VIEWOS_CALL_FILE_READONLY;
	}
	path_put(&path);
	return err;
}
