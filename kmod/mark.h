/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mark that a task in a view carries: a bit of thread_info.syscall_work that
 * the kernel does not use. fork copies it with the task_struct, before the
 * child exists, so a child is never without it by accident.
 */
#ifndef _VIEWOS_MARK_H
#define _VIEWOS_MARK_H

#define VIEWOS_MARK_BIT			40
/* Of syscall_work in task_struct; task.c checks it. */
#define VIEWOS_MARK_OFFSET		8

/* Of ops in struct socket, by which a virtual one is known; hook.c checks it. */
#define VIEWOS_SOCKET_OPS_OFFSET	32

#endif /* _VIEWOS_MARK_H */
