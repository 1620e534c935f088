// SPDX-License-Identifier: GPL-2.0
/* libviewos: what path servers can have beyond FUSE, and answers that hand over a file */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <linux/viewos_path.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "channel.h"
#include "viewos.h"

static void time_fill(double seconds, uint64_t *sec, uint32_t *nsec)
{
	*sec = seconds > 0 ? (uint64_t)seconds : 0;
	*nsec = seconds > 0 ? (uint32_t)((seconds - *sec) * 1e9) : 0;
}

static void entry_fill(const struct fuse_entry_param *entry, struct fuse_entry_out *out)
{
	const struct stat *st = &entry->attr;

	out->nodeid = entry->ino;
	out->generation = entry->generation;
	time_fill(entry->entry_timeout, &out->entry_valid, &out->entry_valid_nsec);
	time_fill(entry->attr_timeout, &out->attr_valid, &out->attr_valid_nsec);
	out->attr = (struct fuse_attr){
		.ino = st->st_ino,
		.size = st->st_size,
		.blocks = st->st_blocks,
		.atime = st->st_atim.tv_sec,
		.mtime = st->st_mtim.tv_sec,
		.ctime = st->st_ctim.tv_sec,
		.atimensec = st->st_atim.tv_nsec,
		.mtimensec = st->st_mtim.tv_nsec,
		.ctimensec = st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.rdev = st->st_rdev,
		.blksize = st->st_blksize,
	};
}

static void open_fill(const struct fuse_file_info *file, struct fuse_open_out *out)
{
	out->fh = file->fh;
	if (file->keep_cache)
		out->open_flags |= FOPEN_KEEP_CACHE;
	if (file->nonseekable)
		out->open_flags |= FOPEN_NONSEEKABLE;
}

/* The fd is the kernel's business before this returns, and the caller's again then. */
static int reply(struct fuse_req *req, const void *answer, size_t len)
{
	channel_hurry();
	return fuse_reply_buf(req, answer, len);
}

int viewos_fuse_want_redirect(void)
{
	return channel_want(VIEWOS_PATH_TARGET) ? 0 : -EOPNOTSUPP;
}

int viewos_fuse_want_devices(void)
{
	return channel_want(VIEWOS_PATH_DEVICES) ? 0 : -EOPNOTSUPP;
}

int viewos_fuse_want_recover(void)
{
	if (!channel_want(VIEWOS_PATH_RECOVER))
		return -EOPNOTSUPP;
	return channel_recovering();
}

bool viewos_fuse_repeated(void)
{
	return channel_repeated();
}

int viewos_fuse_want_tmpfile(void)
{
	return channel_takes(OPENING_TMPFILE) ? 0 : -EINVAL;
}

int viewos_fuse_want_syncfs(void)
{
	return channel_takes(OPENING_SYNCFS) ? 0 : -EINVAL;
}

int viewos_fuse_want_statx(void)
{
	return channel_takes(OPENING_STATX) ? 0 : -EINVAL;
}

bool viewos_fuse_statx_asked(void)
{
	return channel_statx();
}

_Static_assert(sizeof(struct fuse_statx) == sizeof(struct statx) &&
	       offsetof(struct fuse_statx, btime) == offsetof(struct statx, stx_btime) &&
	       offsetof(struct fuse_statx, dev_minor) == offsetof(struct statx, stx_dev_minor),
	       "they are the same but for the names");

int viewos_fuse_reply_statx(struct fuse_req *req, const struct statx *stx, double timeout)
{
	struct fuse_statx_out out = { };
	uint64_t sec;
	uint32_t nsec;

	time_fill(timeout, &sec, &nsec);
	out.attr_valid = sec;
	out.attr_valid_nsec = nsec;
	memcpy(&out.stat, stx, sizeof(out.stat));
	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

int viewos_fuse_reply_redirect(struct fuse_req *req, int fd, double timeout, unsigned int flags)
{
	struct {
		struct fuse_entry_out entry;
		struct viewos_path_target target;
	} answer = { };
	struct stat st;
	int ret;

	if (fstat(fd, &st)) {
		ret = -errno;
		fuse_reply_err(req, EIO);
		return ret;
	}
	time_fill(timeout, &answer.entry.entry_valid, &answer.entry.entry_valid_nsec);
	answer.entry.attr.mode = st.st_mode;
	answer.target.fd = fd;
	answer.target.flags = flags;
	return reply(req, &answer, sizeof(answer));
}

int viewos_fuse_reply_open(struct fuse_req *req, const struct fuse_file_info *file, int fd)
{
	struct {
		struct fuse_open_out open;
		struct viewos_path_target target;
	} answer = { };

	if (fd < 0)
		return fuse_reply_open(req, file);
	open_fill(file, &answer.open);
	answer.target.fd = fd;
	return reply(req, &answer, sizeof(answer));
}

int viewos_fuse_reply_create(struct fuse_req *req, const struct fuse_entry_param *entry,
			     const struct fuse_file_info *file, int fd)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
		struct viewos_path_target target;
	} answer = { };

	if (fd < 0)
		return fuse_reply_create(req, entry, file);
	entry_fill(entry, &answer.entry);
	open_fill(file, &answer.open);
	answer.target.fd = fd;
	return reply(req, &answer, sizeof(answer));
}
