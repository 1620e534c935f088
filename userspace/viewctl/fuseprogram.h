/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: installed FUSE programs, which serve a mount as they are */
#ifndef _VIEWCTL_FUSEPROGRAM_H
#define _VIEWCTL_FUSEPROGRAM_H

#include <limits.h>
#include <stdbool.h>

/**
 * struct fuseprogram - a program built on libfuse3
 * @name: of the program
 * @path: of its file, empty if there is none
 * @sourceless: it takes no source
 */
struct fuseprogram {
	const char *name;
	char path[PATH_MAX];
	bool sourceless;
};

/**
 * fuseprogram_find() - find the program of a file system type
 * @program: filled in, refers to @type
 * @type: the program's name, perhaps with "fuse." before it; else mount.TYPE is
 *	looked for, which must be built on libfuse3
 *
 * Return: 0. -ENOENT: there is none. -ELIBACC after a complaint: it is built on libfuse2.
 */
int fuseprogram_find(struct fuseprogram *program, const char *type);

/**
 * fuseprogram_exec() - become the program
 * @program: which one
 * @session: session fd that it shall serve
 * @options: for it, may be empty
 * @source: what it shall show
 *
 * Return: an errno, if it cannot be.
 */
int fuseprogram_exec(const struct fuseprogram *program, int session, const char *options,
		     const char *source);

/**
 * fuseprogram_keep() - run the program for the one session that comes, and keep it
 * @program: which one
 * @server: the server fd at which the session arrives; closed
 * @hold: end of a pipe; while the other is open, the program's output goes to
 *	stderr, and an early end of it is complained about
 *
 * Does not return before the program has ended.
 */
void fuseprogram_keep(const struct fuseprogram *program, int server, int hold);

#endif /* _VIEWCTL_FUSEPROGRAM_H */
