// SPDX-License-Identifier: GPL-2.0
/* A module server in one page: a file system with the one file "hello". */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <viewos.h>

#define HELLO_INO 2
static const char text[] = "Hello, view.\n";

static struct stat attributes(fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return (struct stat){ .st_ino = ino, .st_mode = S_IFDIR | 0555, .st_nlink = 2 };
	return (struct stat){ .st_ino = ino, .st_mode = S_IFREG | 0444, .st_nlink = 1,
			      .st_size = strlen(text) };
}

static void hello_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = HELLO_INO, .attr = attributes(HELLO_INO),
					  .attr_timeout = 60, .entry_timeout = 60 };

	if (parent != FUSE_ROOT_ID || strcmp(name, "hello"))
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_entry(req, &entry);
}

static void hello_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct stat st = attributes(ino);

	fuse_reply_attr(req, &st, 60);
}

static void hello_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			  struct fuse_file_info *file)
{
	struct stat st = attributes(HELLO_INO);
	char entry[64];

	if (size > sizeof(entry))
		size = sizeof(entry);
	size = off ? 0 : fuse_add_direntry(req, entry, size, "hello", &st, 1);
	fuse_reply_buf(req, entry, size);
}

static void hello_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *file)
{
	size_t left = off < (off_t)strlen(text) ? strlen(text) - off : 0;

	fuse_reply_buf(req, text + strlen(text) - left, left < size ? left : size);
}

int main(int argc, char **argv)
{
	static const struct fuse_lowlevel_ops ops = { .lookup = hello_lookup,
		.getattr = hello_getattr, .readdir = hello_readdir, .read = hello_read };
	static const struct viewos_fuse_server server = { .name = "hello",
		.usage = "The source and the options are ignored.\n",
		.ops = &ops, .ops_size = sizeof(ops) };

	return viewos_fuse_main(argc, argv, &server);
}
