// SPDX-License-Identifier: GPL-2.0
/* memfs-fuse: memfs mounted by the kernel's own FUSE, the yardstick of the benchmark. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/viewos.h"
#include "memfs.h"

enum { KEY_MEMFS };

/* These go to memfs; every other option is for libfuse. */
static const struct fuse_opt memfs_keys[] = {
	FUSE_OPT_KEY("size=", KEY_MEMFS),
	FUSE_OPT_KEY("inodes=", KEY_MEMFS),
	FUSE_OPT_KEY("mode=", KEY_MEMFS),
	FUSE_OPT_KEY("uid=", KEY_MEMFS),
	FUSE_OPT_KEY("gid=", KEY_MEMFS),
	FUSE_OPT_KEY("ttl=", KEY_MEMFS),
	FUSE_OPT_KEY("opens", KEY_MEMFS),
	FUSE_OPT_KEY("writeback", KEY_MEMFS),
	FUSE_OPT_END
};

static int collect(void *data, const char *arg, int key, struct fuse_args *outargs)
{
	char **options = data;

	(void)outargs;
	if (key != KEY_MEMFS)
		return 1;
	return fuse_opt_add_opt(options, arg);
}

static void usage(void)
{
	printf("usage: memfs-fuse [-f] [-d] [-s] [-o OPTIONS] MOUNTPOINT\n\n"
	       "Mounts a memfs by the kernel's own FUSE, to measure viewos against.\n\n%s\n"
	       "All others are libfuse's:\n", MEMFS_USAGE);
	fuse_cmdline_help();
	fuse_lowlevel_help();
}

static int loop(struct fuse_session *se, const struct fuse_cmdline_opts *opts)
{
	struct fuse_loop_config *config;
	int err;

	if (opts->singlethread)
		return fuse_session_loop(se);
	config = fuse_loop_cfg_create();
	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, (unsigned int)opts->clone_fd);
	fuse_loop_cfg_set_idle_threads(config, opts->max_idle_threads);
	fuse_loop_cfg_set_max_threads(config, opts->max_threads);
	err = fuse_session_loop_mt(se, config);
	fuse_loop_cfg_destroy(config);
	return err;
}

static int serve(struct fuse_args *args, const struct fuse_cmdline_opts *opts, void *fs)
{
	struct fuse_session *se = fuse_session_new(args, &memfs_ops, sizeof(memfs_ops), fs);
	int status = 1;

	if (!se)
		return status;
	if (fuse_set_signal_handlers(se))
		goto destroy;
	if (fuse_session_mount(se, opts->mountpoint))
		goto remove_handlers;
	fuse_daemonize(opts->foreground);
	status = loop(se, opts) ? 1 : 0;
	fuse_session_unmount(se);
remove_handlers:
	fuse_remove_signal_handlers(se);
destroy:
	fuse_session_destroy(se);
	return status;
}

/* The file system leaves permissions to the kernel, so it has to be told to check them. */
static int add_mount_options(struct fuse_args *args)
{
	if (fuse_opt_add_arg(args, "-odefault_permissions,fsname=memfs,subtype=memfs"))
		return -1;
	return geteuid() ? 0 : fuse_opt_add_arg(args, "-oallow_other");
}

static int run(struct fuse_args *args, const struct fuse_cmdline_opts *opts)
{
	struct viewos_accepted self = { .uid = geteuid(), .gid = getegid() };
	char *options = NULL;
	int status = 2;
	void *fs;

	if (fuse_opt_parse(args, &options, memfs_keys, collect) || add_mount_options(args))
		goto out;
	if (options && strlen(options) >= sizeof(self.options))
		goto out;
	strcpy(self.options, options ? options : "");
	if (memfs_open(&self, &fs))
		goto out;
	status = serve(args, opts, fs);
	memfs_close(fs);
out:
	free(options);
	return status;
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	int status = 2;

	if (fuse_parse_cmdline(&args, &opts))
		return status;
	if (opts.show_help) {
		usage();
		status = 0;
	} else if (opts.show_version) {
		printf("memfs-fuse with libfuse %s\n", fuse_pkgversion());
		status = 0;
	} else if (!opts.mountpoint) {
		fprintf(stderr, "memfs-fuse: no mount point given, see --help\n");
	} else {
		status = run(&args, &opts);
	}
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return status;
}
