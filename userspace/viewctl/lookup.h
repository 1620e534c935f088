/* SPDX-License-Identifier: GPL-2.0 */
/* viewctl, private: what the kernel's numbers are called */
#ifndef _VIEWCTL_LOOKUP_H
#define _VIEWCTL_LOOKUP_H

#include <sys/types.h>

#include "viewctl.h"

struct libmnt_table;

/**
 * struct samples - the requests of views, or of sessions, at one time
 * @cmd: VIEWOS_CMD_VIEW_GET or VIEWOS_CMD_SESSION_GET
 * @list: by id
 * @count: how many
 * @seconds: when; then, for whoever reads a rate, how long ago
 */
struct samples {
	enum viewos_cmd cmd;
	struct sample {
		uint64_t id;
		uint64_t requests;
	} *list;
	size_t count;
	double seconds;
};

/**
 * struct lookup - names of views, targets of mounts, users of sockets
 * @views: that have a name, unsorted
 * @view_count: how many
 * @tables: the mounts of some mount namespaces
 * @namespaces: inode numbers of these namespaces
 * @table_count: how many
 * @sockets: that a process has open, an entry for each process, in its order
 * @socket_count: how many
 * @samples: what was counted before, for rates
 */
struct lookup {
	struct lookup_view {
		uint64_t id;
		char name[VIEWOS_NAME_LEN];
	} *views;
	size_t view_count;
	struct libmnt_table **tables;
	ino_t *namespaces;
	size_t table_count;
	struct lookup_socket {
		uint64_t ino;
		pid_t pid;
	} *sockets;
	size_t socket_count;
	const struct samples *samples;
};

/** lookup_views() - fill in the names of views. Return: 0, or negative after a complaint */
int lookup_views(struct lookup *lookup, struct viewos_nl *nl);

/** lookup_mounts() - fill in the mounts of all tasks in views. Return: as lookup_views() */
int lookup_mounts(struct lookup *lookup, struct viewos_nl *nl);

/** lookup_sockets() - fill in which process has which socket open. Return: as lookup_views() */
int lookup_sockets(struct lookup *lookup);

/** lookup_view() - the view's name, or NULL */
const char *lookup_view(const struct lookup *lookup, uint64_t id);

/** lookup_target() - where one sees the file system of this MOUNT_DEV, or NULL if one does not */
const char *lookup_target(const struct lookup *lookup, uint64_t dev);

/** lookup_pids() - who has this socket open, as "PID,...", to be freed; NULL if nobody is seen */
char *lookup_pids(const struct lookup *lookup, uint64_t ino);

void lookup_free(struct lookup *lookup);

#endif /* _VIEWCTL_LOOKUP_H */
