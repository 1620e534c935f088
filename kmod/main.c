// SPDX-License-Identifier: GPL-2.0
/*
 * viewos: what is set up at load, and its mirror.
 *
 * Lock order, outermost first (Documentation/locking.rst has the reasons):
 *
 *   VFS locks > session->ops_lock > viewos_rule_mutex > viewos_hook_mutex
 *   viewos_rule_mutex > viewos_tree_lock
 *   viewos_socks_mutex > session->lock, the locks of sockets
 *   viewos_session_lock, viewos_server_lock > session->lock
 *   viewos_tree_lock > siglock, viewos_user_lock, viewos_clock_lock,
 *   format_mutex: alone
 */

#include <net/genetlink.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "binfmt.h"
#include "control.h"
#include "hook.h"
#include "netlink.h"
#include "recover.h"
#include "socket/sock.h"
#include "task.h"
#include "view.h"
#include "viewfs/viewfs.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static const struct {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{ viewos_hook_init, viewos_hook_exit },
	{ viewos_task_init, viewos_task_exit },
	{ viewos_view_init, viewos_view_exit },
	{ viewos_netlink_init, viewos_netlink_exit },
	{ viewos_recover_module_init, viewos_recover_module_exit },
	{ viewfs_init, viewfs_exit },
	{ viewos_socket_init, viewos_socket_exit },
	{ NULL, viewos_binfmt_exit },
	{ viewos_control_init, viewos_control_exit },
};

static void parts_exit(size_t end)
{
	while (end--)
		parts[end].exit();
	/* Views, tasks and inodes are freed behind RCU. */
	rcu_barrier();
}

static int __init viewos_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		err = parts[i].init ? parts[i].init() : 0;
		if (err) {
			parts_exit(i);
			return err;
		}
	}
	return 0;
}

static void __exit viewos_exit(void)
{
	parts_exit(ARRAY_SIZE(parts));
}

module_init(viewos_init);
module_exit(viewos_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Each process can have its own view of the system");
MODULE_ALIAS_FS("viewfs");
MODULE_ALIAS_GENL_FAMILY("viewos");
