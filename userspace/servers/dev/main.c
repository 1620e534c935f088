// SPDX-License-Identifier: GPL-2.0
/* viewos-dev: the server of a disk with partitions, and of a few other devices. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "../common/options.h"
#include "devfs.h"

#define DEFAULT_SIZE (16u << 20)

/* Of the numbers for local use: none that the kernel gives to a device of its own. */
#define DEFAULT_MAJOR 120

static const struct option_entry option_table[] = {
	{ "size", OPTION_SIZE, offsetof(struct devfs_options, size) },
	{ "name", OPTION_STRING, offsetof(struct devfs_options, name) },
	{ "readonly", OPTION_FLAG, offsetof(struct devfs_options, read_only) },
	{ "sector", OPTION_NUMBER, offsetof(struct devfs_options, sector) },
	{ "major", OPTION_NUMBER, offsetof(struct devfs_options, major) },
	{ "mode", OPTION_MODE, offsetof(struct devfs_options, mode) },
	{ "uid", OPTION_ID, offsetof(struct devfs_options, uid) },
	{ "gid", OPTION_ID, offsetof(struct devfs_options, gid) },
	{}
};

static int options_check(struct devfs_options *options)
{
	uint64_t sector = options->sector;

	if (!options->name)
		options->name = strdup("disk");
	if (!options->name)
		return -ENOMEM;
	if (!name_good(options->name)) {
		fprintf(stderr, DEV_PROGRAM ": name=%s: is no name for a disk\n", options->name);
		return -EINVAL;
	}
	if (sector < 512 || sector > 4096 || sector & (sector - 1)) {
		fprintf(stderr, DEV_PROGRAM ": sector=%ju: is not 512, 1024, 2048 or 4096\n",
			(uintmax_t)sector);
		return -EINVAL;
	}
	if (!options->major || options->major > 4095) {
		fprintf(stderr, DEV_PROGRAM ": major=%ju: is not between 1 and 4095\n",
			(uintmax_t)options->major);
		return -EINVAL;
	}
	return 0;
}

static void owners_init(struct devfs *fs)
{
	struct owner owner = { .uid = fs->options.uid, .gid = fs->options.gid };

	clock_gettime(CLOCK_REALTIME, &owner.atime);
	owner.mtime = owner.ctime = owner.atime;
	for (fuse_ino_t ino = NODE_ROOT; ino < NODE_END; ino++) {
		owner.mode = ino == NODE_ROOT ? 0755 : ino < NODE_DISK ? 0666 : fs->options.mode;
		fs->owners[ino] = owner;
	}
}

static void devfs_close(void *data)
{
	struct devfs *fs = data;
	int ret;

	if (fs->fd >= 0) {
		ret = fs->options.read_only ? 0 : disk_sync(fs);
		if (ret)
			fprintf(stderr, DEV_PROGRAM ": the last data were not written: %s\n",
				strerror(-ret));
		close(fs->fd);
	}
	pthread_mutex_destroy(&fs->lock);
	free(fs->options.name);
	free(fs);
}

static int devfs_open(const struct viewos_accepted *accepted, void **data)
{
	struct devfs *fs = calloc(1, sizeof(*fs));
	int ret;

	if (!fs)
		return -ENOMEM;
	fs->fd = -1;
	pthread_mutex_init(&fs->lock, NULL);
	fs->options = (struct devfs_options){
		.size = DEFAULT_SIZE,
		.sector = 512,
		.major = DEFAULT_MAJOR,
		.mode = 0660,
		.uid = accepted->uid,
		.gid = accepted->gid,
	};
	ret = options_parse(DEV_PROGRAM, accepted->options, option_table, &fs->options);
	if (!ret)
		ret = options_check(&fs->options);
	if (!ret)
		ret = disk_open(fs, accepted);
	if (!ret) {
		owners_init(fs);
		fs->units[0].exists = true;
		fs->units[0].block_size = 4096;
		pthread_mutex_lock(&fs->lock);
		ret = partitions_read_locked(fs);
		pthread_mutex_unlock(&fs->lock);
	}
	if (ret) {
		/* Nothing was written. */
		fs->options.read_only = true;
		devfs_close(fs);
		return ret;
	}
	*data = fs;
	return 0;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &= ~(unsigned int)FUSE_CAP_AUTO_INVAL_DATA;
	/* Without it they would be names for the kernel's devices, and of no use. */
	if (viewos_fuse_want_devices())
		fprintf(stderr, DEV_PROGRAM ": the viewos module is too old to serve devices\n");
}

/* What is in the directory, and how it is called, is not for others to change. */
static void op_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)mode;
	(void)rdev;
	op_remove(req, parent, name);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)mode;
	op_remove(req, parent, name);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	op_remove(req, parent, name);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino;
	op_remove(req, parent, name);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		      const char *new_name, unsigned int flags)
{
	(void)new_parent;
	(void)new_name;
	(void)flags;
	op_remove(req, parent, name);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	(void)mode;
	(void)fi;
	op_remove(req, parent, name);
}

static const struct fuse_lowlevel_ops devfs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readdir = op_readdir,
	.open = op_open,
	.release = op_release,
	.read = op_read,
	.write = op_write,
	.fsync = op_fsync,
	.lseek = op_lseek,
	.poll = op_poll,
	.ioctl = op_ioctl,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.link = op_link,
	.unlink = op_remove,
	.rmdir = op_remove,
	.rename = op_rename,
	.create = op_create,
};

static const struct viewos_fuse_server server = {
	.name = "dev",
	.usage = DEV_USAGE,
	.ops = &devfs_ops,
	.ops_size = sizeof(devfs_ops),
	.open = devfs_open,
	.close = devfs_close,
};

int main(int argc, char **argv)
{
	return viewos_fuse_main(argc, argv, &server);
}
