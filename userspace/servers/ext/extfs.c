// SPDX-License-Identifier: GPL-2.0
/* An image as a file system: its options and life, and the operations that read. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "../common/options.h"
#include "../common/stamp.h"
#include "content.h"
#include "dir.h"
#include "node.h"
#include "ops.h"
#include "xattr.h"

/* The image is locked against those who ask, so the kernel need not ask again soon. */
#define DEFAULT_TTL 86400.0

#define AS_IN_IMAGE UINT32_MAX

#define ACL_CAPS ((unsigned int)(FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK))

static const struct option_entry option_table[] = {
	{ "offset", OPTION_SIZE, offsetof(struct extfs_options, how.offset) },
	{ "noload", OPTION_FLAG, offsetof(struct extfs_options, how.noload) },
	{ "readonly", OPTION_FLAG, offsetof(struct extfs_options, how.ro) },
	{ "write", OPTION_FLAG, offsetof(struct extfs_options, how.rw) },
	{ "uid", OPTION_ID, offsetof(struct extfs_options, uid) },
	{ "gid", OPTION_ID, offsetof(struct extfs_options, gid) },
	{ "umask", OPTION_MODE, offsetof(struct extfs_options, umask) },
	{ "ttl", OPTION_SECONDS, offsetof(struct extfs_options, ttl) },
	{}
};

ext2_ino_t extfs_to_ext(const struct extfs *fs, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return EXT2_ROOT_INO;
	return (ext2_ino_t)stamp_number(fs->stamp, ino);
}

static fuse_ino_t from_ext(const struct extfs *fs, ext2_ino_t ino)
{
	return ino == EXT2_ROOT_INO ? FUSE_ROOT_ID : stamp_id(fs->stamp, ino);
}

struct extfs *extfs_lock(fuse_req_t req)
{
	struct extfs *fs = fuse_req_userdata(req);

	pthread_mutex_lock(&fs->image.lock);
	return fs;
}

void extfs_unlock(struct extfs *fs)
{
	pthread_mutex_unlock(&fs->image.lock);
}

bool extfs_readonly(const void *data)
{
	const struct extfs *fs = data;

	return !fs->image.rw;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct extfs *fs = userdata;

	/* The kernel sees to privileges better, as it knows who is privileged. */
	conn->want &= ~(unsigned int)(FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_AUTO_INVAL_DATA);
	conn->want |= conn->capable & (FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_CACHE_SYMLINKS |
				       FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS |
				       FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
	/* Both or none: who hands lists down has to know the umask. */
	fs->acl = (conn->capable & ACL_CAPS) == ACL_CAPS;
	if (fs->acl)
		conn->want |= ACL_CAPS;
	fs->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
}

int extfs_entry_fill(struct extfs *fs, ext2_ino_t ino, struct fuse_entry_param *param)
{
	struct ext2_inode_large inode;
	int err = image_inode(&fs->image, ino, &inode);

	if (err)
		return err;
	*param = (struct fuse_entry_param){
		.ino = from_ext(fs, ino),
		.generation = inode.i_generation,
		.attr = image_stat(&fs->image, ino, &inode),
		.attr_timeout = fs->options.ttl,
		.entry_timeout = fs->options.ttl,
	};
	if (fs->options.uid != AS_IN_IMAGE)
		param->attr.st_uid = fs->options.uid;
	if (fs->options.gid != AS_IN_IMAGE)
		param->attr.st_gid = fs->options.gid;
	param->attr.st_mode &= ~(mode_t)fs->options.umask;
	return 0;
}

int extfs_entry_get(struct extfs *fs, const struct fuse_entry_param *param)
{
	return param->ino ? node_get(&fs->image, extfs_to_ext(fs, param->ino)) : 0;
}

void extfs_entry_put(struct extfs *fs, const struct fuse_entry_param *param)
{
	if (!param->ino)
		return;
	pthread_mutex_lock(&fs->image.lock);
	node_forget(&fs->image, extfs_to_ext(fs, param->ino), 1);
	pthread_mutex_unlock(&fs->image.lock);
}

void extfs_reply_entry(fuse_req_t req, struct extfs *fs, int err,
		       const struct fuse_entry_param *param)
{
	if (err)
		fuse_reply_err(req, -err);
	else if (fuse_reply_entry(req, param))
		extfs_entry_put(fs, param);
}

/* Names and contents that are encrypted are not shown as if they were not. */
static int inode_get(struct extfs *fs, fuse_ino_t ino, struct ext2_inode_large *inode)
{
	int err = image_inode(&fs->image, extfs_to_ext(fs, ino), inode);

	if (!err && inode->i_flags & EXT4_ENCRYPT_FL)
		err = -ENOKEY;
	return err;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param param;
	struct ext2_inode_large inode;
	struct extfs *fs = extfs_lock(req);
	ext2_ino_t found;
	int err;

	err = inode_get(fs, parent, &inode);
	if (!err)
		err = dir_find(&fs->image, extfs_to_ext(fs, parent), &inode, name, &found);
	if (!err) {
		err = extfs_entry_fill(fs, found, &param);
	} else if (err == -ENOENT) {
		param = (struct fuse_entry_param){ .entry_timeout = fs->options.ttl };
		err = 0;
	}
	if (!err)
		err = extfs_entry_get(fs, &param);
	extfs_unlock(fs);
	extfs_reply_entry(req, fs, err, &param);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	struct extfs *fs = extfs_lock(req);

	node_forget(&fs->image, extfs_to_ext(fs, ino), lookups);
	extfs_unlock(fs);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct extfs *fs = extfs_lock(req);

	for (size_t i = 0; i < count; i++)
		node_forget(&fs->image, extfs_to_ext(fs, forgets[i].ino), forgets[i].nlookup);
	extfs_unlock(fs);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse_entry_param param;
	struct extfs *fs = extfs_lock(req);
	int err = extfs_entry_fill(fs, extfs_to_ext(fs, ino), &param);

	(void)fi;
	extfs_unlock(fs);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_attr(req, &param.attr, param.attr_timeout);
}

static struct statx_timestamp statx_time(struct timespec time)
{
	return (struct statx_timestamp){
		.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec };
}

static struct statx statx_of(const struct stat *st)
{
	return (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)st->st_blksize,
		.stx_nlink = (uint32_t)st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = (uint16_t)st->st_mode,
		.stx_ino = st->st_ino,
		.stx_size = (uint64_t)st->st_size,
		.stx_blocks = (uint64_t)st->st_blocks,
		.stx_atime = statx_time(st->st_atim),
		.stx_mtime = statx_time(st->st_mtim),
		.stx_ctime = statx_time(st->st_ctim),
		.stx_rdev_major = major(st->st_rdev),
		.stx_rdev_minor = minor(st->st_rdev),
	};
}

int extfs_statx(fuse_req_t req, fuse_ino_t ino, struct statx *stx, double *ttl)
{
	struct extfs *fs = extfs_lock(req);
	struct fuse_entry_param param;
	struct ext2_inode_large inode;
	struct timespec birth;
	int err = extfs_entry_fill(fs, extfs_to_ext(fs, ino), &param);

	if (!err)
		err = image_inode(&fs->image, extfs_to_ext(fs, ino), &inode);
	if (!err) {
		*stx = statx_of(&param.attr);
		*ttl = param.attr_timeout;
		if (image_birth(&fs->image, &inode, &birth)) {
			stx->stx_mask |= STATX_BTIME;
			stx->stx_btime = statx_time(birth);
		}
	}
	extfs_unlock(fs);
	return err;
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct ext2_inode_large inode;
	struct extfs *fs = extfs_lock(req);
	char target[PATH_MAX];
	int err = inode_get(fs, ino, &inode);

	if (!err && !S_ISLNK(inode.i_mode))
		err = -EINVAL;
	if (!err)
		err = image_readlink(&fs->image, extfs_to_ext(fs, ino), &inode, target,
				     sizeof(target));
	extfs_unlock(fs);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_readlink(req, target);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct ext2_inode_large inode;
	struct extfs *fs = extfs_lock(req);
	int err = inode_get(fs, ino, &inode);

	if (!err && !fs->image.rw && ((fi->flags & O_ACCMODE) != O_RDONLY || fi->flags & O_TRUNC))
		err = -EROFS;
	if (!err && fi->flags & O_TRUNC)
		err = content_resize(&fs->image, extfs_to_ext(fs, ino), 0);
	extfs_unlock(fs);
	if (err) {
		fuse_reply_err(req, -err);
		return;
	}
	fi->keep_cache = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct ext2_inode_large inode;
	struct extfs *fs;
	ssize_t got;
	char *buf;

	(void)fi;
	buf = malloc(size ? size : 1);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	fs = extfs_lock(req);
	got = inode_get(fs, ino, &inode);
	if (!got && !S_ISREG(inode.i_mode))
		got = -EINVAL;
	if (!got)
		got = image_read(&fs->image, extfs_to_ext(fs, ino), (uint64_t)off, size, buf);
	extfs_unlock(fs);
	if (got < 0)
		fuse_reply_err(req, (int)-got);
	else
		fuse_reply_buf(req, buf, (size_t)got);
	free(buf);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct extfs *fs = fuse_req_userdata(req);

	(void)ino;
	if (fs->no_opendir) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

/* A reply to readdir that is being filled. */
struct listing {
	struct extfs *fs;
	fuse_req_t req;
	bool plus;
	char *buf;
	size_t size;
	size_t used;
};

static bool listing_add(const char *name, size_t len, ext2_ino_t ino, uint64_t next, void *data)
{
	char *place, string[EXT2_NAME_LEN + 1];
	struct fuse_entry_param param;
	struct listing *list = data;
	size_t room = list->size - list->used, need;

	memcpy(string, name, len);
	string[len] = '\0';
	place = list->buf + list->used;
	/* A damaged inode has its name listed, so that the others are too. */
	if (extfs_entry_fill(list->fs, ino, &param))
		param = (struct fuse_entry_param){ .attr.st_ino = ino };
	/* These two are not looked up, only listed. */
	if (!strcmp(string, ".") || !strcmp(string, ".."))
		param.ino = 0;
	if (list->plus)
		need = fuse_add_direntry_plus(list->req, place, room, string, &param, (off_t)next);
	else
		need = fuse_add_direntry(list->req, place, room, string, &param.attr, (off_t)next);
	if (need > room)
		return false;
	if (list->plus && extfs_entry_get(list->fs, &param))
		return false;
	list->used += need;
	return true;
}

static void read_names(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct listing list = { .req = req, .plus = plus, .size = size };
	struct ext2_inode_large inode;
	int err;

	list.buf = malloc(size ? size : 1);
	if (!list.buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	list.fs = extfs_lock(req);
	err = inode_get(list.fs, ino, &inode);
	if (!err)
		err = dir_walk(&list.fs->image, extfs_to_ext(list.fs, ino), &inode, (uint64_t)off,
			       listing_add, &list);
	extfs_unlock(list.fs);
	/* What was read before the damage is given first. */
	if (err && !list.used)
		fuse_reply_err(req, -err);
	else
		fuse_reply_buf(req, list.buf, list.used);
	free(list.buf);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	read_names(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	(void)fi;
	read_names(req, ino, size, off, true);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct extfs *fs = extfs_lock(req);
	struct ext2_super_block *super = fs->image.fs->super;
	uint64_t free_blocks = ext2fs_free_blocks_count(super);
	uint64_t reserved = ext2fs_r_blocks_count(super);
	struct statvfs st = {
		.f_bsize = fs->image.fs->blocksize,
		.f_frsize = fs->image.fs->blocksize,
		.f_blocks = ext2fs_blocks_count(super),
		.f_bfree = free_blocks,
		.f_bavail = free_blocks > reserved ? free_blocks - reserved : 0,
		.f_files = super->s_inodes_count,
		.f_ffree = super->s_free_inodes_count,
		.f_favail = super->s_free_inodes_count,
		.f_namemax = EXT2_NAME_LEN,
	};

	(void)ino;
	extfs_unlock(fs);
	fuse_reply_statfs(req, &st);
}

/* @value, which is freed, or how long it is. */
static void reply_xattr(fuse_req_t req, int err, size_t size, void *value, size_t len)
{
	if (!err && size && size < len)
		err = -ERANGE;
	if (err)
		fuse_reply_err(req, -err);
	else if (!size)
		fuse_reply_xattr(req, len);
	else
		fuse_reply_buf(req, value, len);
	free(value);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct ext2_inode_large inode;
	struct extfs *fs = extfs_lock(req);
	void *value = NULL;
	size_t len = 0;
	int err;

	err = image_inode(&fs->image, extfs_to_ext(fs, ino), &inode);
	if (!err)
		err = xattr_get(&fs->image, extfs_to_ext(fs, ino), name, &value, &len);
	extfs_unlock(fs);
	reply_xattr(req, err, size, value, len);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct ext2_inode_large inode;
	struct extfs *fs = extfs_lock(req);
	char *names = NULL;
	size_t len = 0;
	int err;

	err = image_inode(&fs->image, extfs_to_ext(fs, ino), &inode);
	if (!err)
		err = xattr_list(&fs->image, extfs_to_ext(fs, ino), &names, &len);
	extfs_unlock(fs);
	reply_xattr(req, err, size, names, len);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	struct extfs *fs;
	uint64_t found;
	int err = 0;

	(void)fi;
	if (whence != SEEK_DATA && whence != SEEK_HOLE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	fs = extfs_lock(req);
	err = off < 0 ? -ENXIO : content_seek(&fs->image, extfs_to_ext(fs, ino), (uint64_t)off,
					      whence == SEEK_DATA, &found);
	extfs_unlock(fs);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_lseek(req, (off_t)found);
}

const struct fuse_lowlevel_ops extfs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.open = op_open,
	.read = op_read,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.lseek = op_lseek,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.setattr = extfs_setattr,
	.mknod = extfs_mknod,
	.mkdir = extfs_mkdir,
	.create = extfs_create,
	.symlink = extfs_symlink,
	.link = extfs_link,
	.unlink = extfs_unlink,
	.rmdir = extfs_rmdir,
	.rename = extfs_rename,
	.write = extfs_write,
	.fallocate = extfs_fallocate,
	.setxattr = extfs_setxattr,
	.removexattr = extfs_removexattr,
	.fsync = extfs_fsync,
	.fsyncdir = extfs_fsync,
};

/* What is shown otherwise than it is cannot be written; nor without the journal. */
static int check_options(struct extfs_options *options)
{
	bool shown = options->uid != AS_IN_IMAGE || options->gid != AS_IN_IMAGE || options->umask;

	if (options->how.rw && (options->how.ro || options->how.noload || shown)) {
		fprintf(stderr, EXTFS_PROGRAM
			": write: goes with none of readonly, noload, uid, gid, umask\n");
		return -EINVAL;
	}
	options->how.ro |= shown;
	return 0;
}

int extfs_open(const struct viewos_accepted *accepted, void **data)
{
	struct extfs *fs;
	int err;

	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	fs->options = (struct extfs_options){
		.uid = AS_IN_IMAGE,
		.gid = AS_IN_IMAGE,
		.ttl = DEFAULT_TTL,
	};
	err = options_parse(EXTFS_PROGRAM, accepted->options, option_table, &fs->options);
	if (!err && !*accepted->source) {
		fprintf(stderr, EXTFS_PROGRAM ": no source given, it is an image's path\n");
		err = -EINVAL;
	}
	if (!err)
		err = check_options(&fs->options);
	if (!err)
		err = image_open(&fs->image, accepted, &fs->options.how);
	/* What is written changes; but nobody else goes on with that. */
	if (!err && !fs->image.rw)
		fs->stamp = image_stamp(&fs->image);
	if (err) {
		free(fs);
		return err;
	}
	*data = fs;
	return 0;
}

void extfs_close(void *data)
{
	struct extfs *fs = data;

	image_close(&fs->image);
	free(fs);
}
