/* SPDX-License-Identifier: GPL-2.0 */
/* What the core of the module uses that differs between kernels, named as in the newest. */
#ifndef _VIEWOS_COMPAT_CORE_H
#define _VIEWOS_COMPAT_CORE_H

#include <linux/version.h>

#ifdef __ASSEMBLY__

#include <asm/asm-offsets.h>
#include <asm/percpu.h>

.macro VIEWOS_GET_CURRENT reg
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0) || LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	movq	PER_CPU_VAR(current_task), \reg
#else
	movq	PER_CPU_VAR(pcpu_hot + X86_current_task), \reg
#endif
.endm

#else /* !__ASSEMBLY__ */

#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/splice.h>
#include <net/genetlink.h>
#include <net/sock.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define copy_splice_read generic_file_splice_read
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline int viewos_register_ftrace_direct(struct ftrace_ops *ops, unsigned long addr)
{
	return register_ftrace_direct_multi(ops, addr);
}

static inline int viewos_unregister_ftrace_direct(struct ftrace_ops *ops, unsigned long addr)
{
	return unregister_ftrace_direct_multi(ops, addr);
}
#else
static inline int viewos_register_ftrace_direct(struct ftrace_ops *ops, unsigned long addr)
{
	return register_ftrace_direct(ops, addr);
}

static inline int viewos_unregister_ftrace_direct(struct ftrace_ops *ops, unsigned long addr)
{
	return unregister_ftrace_direct(ops, addr, false);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
/* Only ->attrs of the result is the same. */
#define genl_info_dump(cb) genl_dumpit_info(cb)
#endif

/*
 * A listener is to hear only of what belongs to it. Where netlink cannot filter by
 * listener, the group is for CAP_NET_ADMIN alone, in the initial network namespace.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define VIEWOS_MCGRP_FLAGS GENL_UNS_ADMIN_PERM
static inline int netlink_broadcast_filtered(struct sock *ssk, struct sk_buff *skb, __u32 portid,
					     __u32 group, gfp_t allocation,
					     int (*filter)(struct sock *dsk, struct sk_buff *skb,
							   void *data),
					     void *filter_data)
{
	if (!net_eq(sock_net(ssk), &init_net)) {
		kfree_skb(skb);
		return 0;
	}
	return netlink_broadcast(ssk, skb, portid, group, allocation);
}
#else
#define VIEWOS_MCGRP_FLAGS 0
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define ftrace_regs_set_instruction_pointer(fregs, ip) ftrace_instruction_pointer_set(fregs, ip)
#endif

#endif /* __ASSEMBLY__ */

#endif /* _VIEWOS_COMPAT_CORE_H */
