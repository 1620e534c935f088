/* SPDX-License-Identifier: GPL-2.0 */
/* An image that is open: its inodes and their contents. */
#ifndef EXT_IMAGE_H
#define EXT_IMAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* The headers of libext2fs are not clean of these. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <ext2fs/ext2fs.h>
#pragma GCC diagnostic pop

#include "../common/table.h"

struct viewos_accepted;

/* What a user wants of an image. */
struct image_how {
	uint64_t offset;
	bool noload;	/* although its journal is not replayed */
	bool ro;	/* only read it */
	bool rw;	/* fail if it cannot be written; with neither, it is only read then */
};

/*
 * libext2fs is not made for threads, so the lock is held by whoever calls what takes an image.
 * Nothing in an image is believed: what makes no sense is -EUCLEAN, and no walk is longer than the
 * image is large.
 */
struct image {
	pthread_mutex_t lock;
	ext2_filsys fs;
	int fd;
	/* It may be written; else nothing below but the hint is used. */
	bool rw;
	/* A write of what holds it together has failed: it needs e2fsck(8). */
	bool failed;
	/* s_state of the superblock as it was, to be written again at the end. */
	uint16_t state;
	/* The inodes that the kernel knows. */
	struct table known;
	/* The directory in which a name was last found, and the place behind the name. */
	ext2_ino_t hint_dir;
	uint64_t hint;
	/* The directory last added to, and its first block that may have room. */
	ext2_ino_t room_dir;
	uint64_t room;
};

/*
 * Opens the image of the session's source with the rights of who made the session, and takes a
 * flock(2) on it, an exclusive one if it is to be written. Errors are told on stderr; see
 * extfs_open() for them. From then on until it is closed an image that is written says of itself
 * that it was not unmounted.
 */
int image_open(struct image *image, const struct viewos_accepted *accepted,
	       const struct image_how *how);

/* A number that another image has not, nor this one when it was written. */
uint32_t image_stamp(const struct image *image);

/* Writes all that is to be written, frees files without a name, and closes. */
void image_close(struct image *image);

/* An error of libext2fs as a negative errno. */
int image_error(errcode_t err);

/* Reads an inode that is in use. Returns 0 or a negative errno. */
int image_inode(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode);

/* Reads an inode that may have no name. Returns 0 or a negative errno. */
int image_inode_any(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode);

/* Writes an inode. Returns 0 or a negative errno. */
int image_inode_write(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode);

/* -EPERM, -ENOKEY: is there a flag that forbids to change the inode? */
int image_changeable(const struct ext2_inode_large *inode);

/* Writes to the disk whatever was changed. Returns 0 or a negative errno. */
int image_sync(struct image *image);

enum image_time { IMAGE_ATIME = 1, IMAGE_MTIME = 2, IMAGE_CTIME = 4 };

/* Sets the times in a set, as far as the inode has room for them. */
void image_set_times(struct image *image, struct ext2_inode_large *inode, unsigned int set,
		     struct timespec time);
struct timespec image_now(void);

/* Sets times in a set to now, and writes the inode. Returns 0 or a negative errno. */
int image_touch(struct image *image, ext2_ino_t ino, unsigned int set);

void image_set_rdev(struct ext2_inode_large *inode, dev_t rdev);

/* What stat(2) says of an inode. */
struct stat image_stat(struct image *image, ext2_ino_t ino, const struct ext2_inode_large *inode);

/* When an inode was made; false if the image does not say. */
bool image_birth(struct image *image, const struct ext2_inode_large *inode, struct timespec *time);

/* Reads a file's content; short at its end. Returns a count or a negative errno. */
ssize_t image_read(struct image *image, ext2_ino_t ino, uint64_t off, size_t size, char *buf);

/* Reads a symbolic link's target as a string into size bytes. Returns 0 or a negative errno. */
int image_readlink(struct image *image, ext2_ino_t ino, struct ext2_inode_large *inode, char *buf,
		   size_t size);

#endif
