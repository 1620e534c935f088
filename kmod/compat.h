/* SPDX-License-Identifier: GPL-2.0 */
/* All that differs between kernels, named as in the newest where it has a name there. */
#ifndef _VIEWOS_COMPAT_H
#define _VIEWOS_COMPAT_H

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
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#include <linux/filelock.h>
#endif
#include <linux/fsnotify.h>
#include <linux/ftrace.h>
#include <linux/mnt_idmapping.h>
#include <linux/mount.h>
#include <linux/net.h>
#include <linux/nsproxy.h>
#include <linux/pagemap.h>
#include <linux/posix_acl_xattr.h>
#include <linux/sched/coredump.h>
#ifndef SUID_DUMP_USER
#include <linux/sched/exec_state.h>
#endif
#include <linux/sched/stat.h>
#include <linux/slab.h>
#include <linux/sockptr.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/utsname.h>
#include <linux/writeback.h>
#include <linux/xattr.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <asm/ibt.h>

/* The hook engine and netlink */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define __is_endbr(insn) is_endbr(insn)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define VIEWOS_CGROUP_TASK_EXIT "cgroup_exit"
#else
#define VIEWOS_CGROUP_TASK_EXIT "cgroup_task_exit"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define sk_uid(sk) sock_i_uid(sk)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define system_percpu_wq system_wq
#endif

/* Not exported: who may trace the current task. It alone replaces its state, by execve(2). */
#ifndef SUID_DUMP_USER
static inline bool viewos_current_dumpable(void)
{
	return rcu_dereference_protected(current->exec_state, true)->dumpable ==
	       TASK_DUMPABLE_OWNER;
}

static inline struct user_namespace *viewos_current_mm_ns(void)
{
	return rcu_dereference_protected(current->exec_state, true)->user_ns;
}
#else
static inline bool viewos_current_dumpable(void)
{
	return get_dumpable(current->mm) == SUID_DUMP_USER;
}

static inline struct user_namespace *viewos_current_mm_ns(void)
{
	return current->mm->user_ns;
}
#endif

/*
 * How many functions to register at a time. Where the kernel's table of direct calls grows twice
 * in one registration, it loses one of the old ones: with so many it grows once.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define VIEWOS_DIRECT_BATCH 64
#else
#define VIEWOS_DIRECT_BATCH UINT_MAX
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

/* The class uts */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline int ns_ref_read(const struct uts_namespace *ns)
{
	return refcount_read(&ns->ns.count);
}
#endif

static inline int viewos_nsproxy_users(const struct nsproxy *nsproxy)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return atomic_read(&nsproxy->count);
#else
	return refcount_read(&nsproxy->count);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define ftrace_regs_get_argument(fregs, n) ((fregs)->regs.di)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define ftrace_regs_set_instruction_pointer(fregs, ip) ftrace_instruction_pointer_set(fregs, ip)
#endif

/* The class clock */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define viewos_for_each_timer(timer, signal) \
	list_for_each_entry(timer, &(signal)->posix_timers, list)
#else
#define viewos_for_each_timer(timer, signal) \
	hlist_for_each_entry(timer, &(signal)->posix_timers, list)
#endif

/* Sockets */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define VIEWOS_ACCEPT_ARG int flags, bool kern
#define viewos_accept_flags() flags
static inline int viewos_proto_accept(struct socket *sock, struct socket *newsock, int flags)
{
	return sock->ops->accept(sock, newsock, flags, false);
}
#else
#define VIEWOS_ACCEPT_ARG struct proto_accept_arg *arg
#define viewos_accept_flags() (arg->flags)
static inline int viewos_proto_accept(struct socket *sock, struct socket *newsock, int flags)
{
	struct proto_accept_arg arg = { .flags = flags };

	return sock->ops->accept(sock, newsock, &arg);
}
#endif

/*
 * Options of SOL_SOCKET never came to the socket's own operations; now those that are set
 * do, if it wants. The others must be caught on their way.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define VIEWOS_SETSOCKOPT "sock_setsockopt"
#define VIEWOS_GETSOCKOPT "sock_getsockopt"
#define VIEWOS_GETSOCKOPT_ARGS struct socket *sock, int level, int name, char __user *value, \
			       int __user *len
#define viewos_getsockopt_pass(sock) sock, level, name, value, len
#define viewos_wants_sol_socket(sock) do { } while (0)
static inline bool viewos_has_sol_socket(struct socket *sock)
{
	return false;
}

static inline int do_sock_getsockopt(struct socket *sock, bool compat, int level, int name,
				     sockptr_t value, sockptr_t len)
{
	if (!sock->ops->getsockopt)
		return -EOPNOTSUPP;
	return sock->ops->getsockopt(sock, level, name, value.user, len.user);
}
#else
#define VIEWOS_GETSOCKOPT "do_sock_getsockopt"
#define VIEWOS_GETSOCKOPT_ARGS struct socket *sock, bool compat, int level, int name, \
			       sockptr_t value, sockptr_t len
#define viewos_getsockopt_pass(sock) sock, compat, level, name, value, len
static inline void viewos_wants_sol_socket(struct socket *sock)
{
	set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
}

static inline bool viewos_has_sol_socket(struct socket *sock)
{
	return test_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define VIEWOS_HAS_SENDPAGE
#endif

/* An address in the memory of a socket call, of whatever length. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define VIEWOS_SOCKADDR struct sockaddr
#else
#define VIEWOS_SOCKADDR struct sockaddr_unsized
#endif

/* Sessions */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline int import_ubuf(int direction, void __user *buf, size_t len, struct iov_iter *iter)
{
	if (len > MAX_RW_COUNT)
		len = MAX_RW_COUNT;
	if (!access_ok(buf, len))
		return -EFAULT;
	iov_iter_ubuf(iter, direction, buf, len);
	return 0;
}
#endif

/*
 * Lets a task that was just woken, and waits for this CPU, have it, while we stay able to run.
 * From 6.6 on schedule() does; before, it took whoever had run less, which may well be us.
 */
static inline void viewos_yield_to(struct task_struct *task)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	yield_to(task, false);
#else
	schedule();
#endif
}

/*
 * How to wake a task that is to go on where current is about to sleep: WF_SYNC | WF_CURRENT_CPU
 * of kernel/sched/sched.h, unless others wait for this CPU. Without the latter, which came with
 * 6.6, the scheduler looks for an idle CPU, which has to be woken as well.
 */
static inline int viewos_wake_flags(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return single_task_running() ? 0x50 : 0;
#else
	return 0;
#endif
}

/* viewfs */

/* Lists of access: got by another name, and set by a dentry. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define get_inode_acl get_acl
#define VIEWOS_SET_ACL_OF struct inode
#define viewos_set_acl_inode(of) (of)
#define VIEWOS_ACL_XATTR_HANDLERS(other) \
	&posix_acl_access_xattr_handler, &posix_acl_default_xattr_handler, other
#else
#define VIEWOS_SET_ACL_OF struct dentry
#define viewos_set_acl_inode(of) d_inode(of)
#define VIEWOS_ACL_XATTR_HANDLERS(other) other
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
static inline void *viewos_acl_to_xattr(struct user_namespace *ns, const struct posix_acl *acl,
					size_t *size, gfp_t gfp)
{
	void *value;
	int ret;

	*size = posix_acl_xattr_size(acl->a_count);
	value = kmalloc(*size, gfp);
	if (!value)
		return ERR_PTR(-ENOMEM);
	ret = posix_acl_to_xattr(ns, acl, value, *size);
	if (ret >= 0)
		return value;
	kfree(value);
	return ERR_PTR(ret);
}

#define posix_acl_to_xattr(ns, acl, size, gfp) viewos_acl_to_xattr(ns, acl, size, gfp)
#endif

/* What locks of all kinds have in common became a struct of its own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#define viewos_flc(lock, field) ((lock)->fl_##field)
#else
#define viewos_flc(lock, field) ((lock)->c.flc_##field)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
#include <linux/pagevec.h>
#else
#include <linux/folio_batch.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)

/* A mount had the user namespace itself where it now has an idmap. */
#define mnt_idmap user_namespace
#define nop_mnt_idmap init_user_ns

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)

typedef unsigned int fgf_t;

#define FGP_WRITEBEGIN (FGP_LOCK | FGP_WRITE | FGP_CREAT | FGP_STABLE)

/* NULL meant that there is no memory, or no such folio. */
#define __filemap_get_folio(mapping, index, flags, gfp) \
	((__filemap_get_folio)(mapping, index, flags, gfp) ?: ERR_PTR(-ENOMEM))

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)

#define filemap_splice_read generic_file_splice_read
#define copy_splice_read generic_file_splice_read

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)

#define generic_fillattr(idmap, request_mask, inode, stat) \
	(generic_fillattr)(idmap, inode, stat)

/* xattr handler tables became constant themselves. */
#define VIEWOS_XATTR_TABLE const struct xattr_handler *

static inline size_t copy_folio_from_iter_atomic(struct folio *folio, size_t offset,
						 size_t bytes, struct iov_iter *i)
{
	return copy_page_from_iter_atomic(&folio->page, offset, bytes, i);
}

#else

#define VIEWOS_XATTR_TABLE const struct xattr_handler * const

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)

static inline struct timespec64 inode_set_atime(struct inode *inode, time64_t sec, long nsec)
{
	inode->i_atime = (struct timespec64){ .tv_sec = sec, .tv_nsec = nsec };
	return inode->i_atime;
}

static inline struct timespec64 inode_set_mtime(struct inode *inode, time64_t sec, long nsec)
{
	inode->i_mtime = (struct timespec64){ .tv_sec = sec, .tv_nsec = nsec };
	return inode->i_mtime;
}

static inline struct timespec64 inode_get_mtime(const struct inode *inode)
{
	return inode->i_mtime;
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)

static inline long splice_copy_file_range(struct file *in, loff_t pos_in, struct file *out,
					  loff_t pos_out, size_t len)
{
	return generic_copy_file_range(in, pos_in, out, pos_out, len, 0);
}

#endif

/*
 * Asks who watches a file before it is read or written. Until 6.8 it was a part of what security
 * modules are asked; from 6.14 on it calls what modules cannot, so they are asked as well.
 */
static inline int viewos_file_watched(struct file *file, int mask, const loff_t *ppos,
				      size_t count)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	return fsnotify_perm(file, mask);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	return fsnotify_file_area_perm(file, mask, ppos, count);
#else
	return rw_verify_area(mask == MAY_WRITE ? WRITE : READ, file, ppos, count);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
static inline long vfs_splice_read(struct file *in, loff_t *pos, struct pipe_inode_info *pipe,
				   size_t len, unsigned int flags)
{
	return in->f_op->splice_read ? in->f_op->splice_read(in, pos, pipe, len, flags) : -EINVAL;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
static inline bool can_mmap_file(struct file *file)
{
	return file->f_op->mmap;
}

#define vfs_mmap(file, vma) call_mmap(file, vma)
#endif

/* ->d_automount had to return its mount with two references. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define viewos_automount_result(mnt) mntget(mnt)
#else
#define viewos_automount_result(mnt) (mnt)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define VIEWOS_D_REVALIDATE_DIR
#else
#define VIEWOS_D_REVALIDATE_DIR struct inode *dir, const struct qstr *name,
#endif

/* From mkdir one may return another dentry, NULL if there is none. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define VIEWOS_MKDIR_RESULT int
#define viewos_mkdir_result(err) (err)
#else
#define VIEWOS_MKDIR_RESULT struct dentry *
#define viewos_mkdir_result(err) ERR_PTR(err)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define set_default_d_op(sb, ops) ((sb)->s_d_op = (ops))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define inode_just_drop generic_delete_inode
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define inode_state_read_once(inode) READ_ONCE((inode)->i_state)
#endif

/* The wait queue has become the dentry's own affair. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
#define d_alloc_parallel(parent, name, wq) d_alloc_parallel(parent, name)
#endif

/*
 * viewos_writeback_each() - call @fn for each dirty folio that @wbc asks for: locked, its
 * dirty mark cleared, to be unlocked by @fn.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)

struct viewos_writeback_each {
	int (*fn)(struct folio *folio, struct writeback_control *wbc, void *data);
	void *data;
};

static inline int viewos_writeback_page(struct page *page, struct writeback_control *wbc,
					void *data)
{
	struct viewos_writeback_each *each = data;

	return each->fn(page_folio(page), wbc, each->data);
}

static inline int viewos_writeback_each(struct address_space *mapping,
					struct writeback_control *wbc,
					int (*fn)(struct folio *folio,
						  struct writeback_control *wbc, void *data),
					void *data)
{
	struct viewos_writeback_each each = { .fn = fn, .data = data };

	return write_cache_pages(mapping, wbc, viewos_writeback_page, &each);
}

#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)

static inline int viewos_writeback_each(struct address_space *mapping,
					struct writeback_control *wbc,
					int (*fn)(struct folio *folio,
						  struct writeback_control *wbc, void *data),
					void *data)
{
	return write_cache_pages(mapping, wbc, fn, data);
}

#else

static inline int viewos_writeback_each(struct address_space *mapping,
					struct writeback_control *wbc,
					int (*fn)(struct folio *folio,
						  struct writeback_control *wbc, void *data),
					void *data)
{
	struct folio *folio = NULL;
	int err = 0;

	while ((folio = writeback_iter(mapping, wbc, folio, &err)))
		err = fn(folio, wbc, data);
	return err;
}

#endif

#endif /* !__ASSEMBLY__ */

#endif /* _VIEWOS_COMPAT_H */
