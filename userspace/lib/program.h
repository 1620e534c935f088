/* SPDX-License-Identifier: GPL-2.0 */
/* libviewos, private: a whole server program, of whatever class */
#ifndef _VIEWOS_LIB_PROGRAM_H
#define _VIEWOS_LIB_PROGRAM_H

#include <stdbool.h>

#include "viewos.h"

struct viewos_stop;

/**
 * struct viewos_program - a program that serves one class
 * @name: as in struct viewos_fuse_server, likewise @usage, @open and @close
 * @what: what is served, for --help
 * @usage: lines for --help
 * @class_: enum viewos_class
 * @open: called for each session
 * @close: called after it
 * @serve: serves one session until it ends or @stop is requested; takes the fd over
 * @ops: for @serve
 * @ops_size: likewise
 * @threads: likewise: most threads for a session, 0 for a sensible number
 */
struct viewos_program {
	const char *name;
	const char *what;
	const char *usage;
	uint32_t class_;
	int (*open)(const struct viewos_accepted *accepted, void **data);
	void (*close)(void *data);
	int (*serve)(const struct viewos_program *program, int session, void *data, bool debug,
		     struct viewos_stop *stop);
	const void *ops;
	size_t ops_size;
	unsigned int threads;
};

/** viewos_program_main() - as viewos_fuse_main(), for any class */
int viewos_program_main(int argc, char **argv, const struct viewos_program *program);

#endif /* _VIEWOS_LIB_PROGRAM_H */
