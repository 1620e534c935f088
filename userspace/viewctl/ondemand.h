/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: servers started for one mount or rule */
#ifndef _VIEWCTL_ONDEMAND_H
#define _VIEWCTL_ONDEMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "viewos.h"

/**
 * struct ondemand - the server that a mount or a rule will use
 * @name: under which it is registered
 * @pid: of a server that was started for this, else 0
 * @fuse: it is a FUSE program
 * @hold: with @fuse: a pipe's end, open as long as the program's complaints are wanted
 */
struct ondemand {
	char name[VIEWOS_NAME_LEN];
	pid_t pid;
	bool fuse;
	int hold;
};

/**
 * ondemand_get() - find or start a server
 * @server: filled in
 * @class: of names that it answers for
 * @type: of what it serves: a server of this name is used if there is one, else
 *	the program viewos-TYPE is started, else, for paths, an installed FUSE program
 * @name: under which to start it, NULL for one of its own
 * @lasting: start it again if it dies while it has a session, for mounts with recover=
 *
 * Return: 0, or a negative number after a complaint.
 */
int ondemand_get(struct ondemand *server, enum viewos_class class, const char *type,
		 const char *name, bool lasting);

/** ondemand_release() - the server is at work: it need complain no more */
void ondemand_release(struct ondemand *server);

/** ondemand_kill() - end a server that was started in vain */
void ondemand_kill(struct ondemand *server);

#endif /* _VIEWCTL_ONDEMAND_H */
