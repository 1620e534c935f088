// SPDX-License-Identifier: GPL-2.0
/*
 * Crossings: from a name that is another object into that object's file system.
 *
 * The walk finds a name of S_AUTOMOUNT and asks for a mount, which it then attaches there.
 * The mount has to have the restrictions of the mount through which the server has the
 * object; but the VFS gives a mount made this way the flags of the mount that it is
 * attached to, whatever it had. So the restrictions are put on it in between: when
 * attach_recursive_mnt() is called, nobody can have seen the mount yet.
 *
 * A mount on its way is in pending[] from ->d_automount until its task goes back to
 * user mode. Its holder has a reference, so a mount that was not attached after all is
 * still there to be marked, in vain.
 */

#include <linux/dcache.h>
#include <linux/fs_context.h>
#include <linux/hashtable.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/workqueue.h>

#include "../hook.h"
#include "viewfs.h"

#define CROSSING_BITS	6

/* User-settable flags that come from the object's mount alone. */
#define CROSSING_ATIME	(MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME)

/**
 * struct crossing - a mount on its way to be attached
 * @node: in pending[]
 * @task: who attaches it
 * @mnt: the mount, referenced
 * @flags: its restrictions, MNT_*
 * @marked: it has got them
 * @work: at the task's way back
 */
struct crossing {
	struct hlist_node node;
	struct task_struct *task;
	struct vfsmount *mnt;
	int flags;
	bool marked;
	struct callback_head work;
};

/* Protects pending[]; taken while a mount is attached, by whoever does it. */
static DEFINE_SPINLOCK(pending_lock);
static DEFINE_HASHTABLE(pending, CROSSING_BITS);
static bool possible;

/* Protects hooked: since the first mount that can have crossings, until the module goes. */
static DEFINE_MUTEX(hooked_mutex);
static bool hooked;

/* Crossings that are attached; the VFS's, protected by its namespace_sem. */
static LIST_HEAD(crossings);

static void expiry_run(struct work_struct *work);
static DECLARE_DELAYED_WORK(expiry_work, expiry_run);

static void expiry_run(struct work_struct *work)
{
	if (list_empty(&crossings))
		return;
	mark_mounts_for_expiry(&crossings);
	schedule_delayed_work(&expiry_work, VIEWOS_CROSSING_EXPIRY * HZ);
}

/* The restrictions, and locks on them: who may administer the namespace does not undo them. */
static int flags_locked(int flags)
{
	int locks = MNT_LOCK_ATIME;

	if (flags & MNT_READONLY)
		locks |= MNT_LOCK_READONLY;
	if (flags & MNT_NODEV)
		locks |= MNT_LOCK_NODEV;
	if (flags & MNT_NOSUID)
		locks |= MNT_LOCK_NOSUID;
	if (flags & MNT_NOEXEC)
		locks |= MNT_LOCK_NOEXEC;
	return flags | locks;
}

/* Somebody attaches a mount, which nobody else can see yet. */
static void crossing_attach(void)
{
	struct crossing *crossing;

	spin_lock(&pending_lock);
	hash_for_each_possible(pending, crossing, node, (unsigned long)current) {
		if (crossing->task != current || crossing->marked)
			continue;
		crossing->marked = true;
		if (crossing->flags & CROSSING_ATIME)
			crossing->mnt->mnt_flags &= ~CROSSING_ATIME;
		crossing->mnt->mnt_flags |= flags_locked(crossing->flags);
	}
	spin_unlock(&pending_lock);
}

static void crossing_over(struct callback_head *work)
{
	struct crossing *crossing = container_of(work, struct crossing, work);

	spin_lock(&pending_lock);
	hash_del(&crossing->node);
	spin_unlock(&pending_lock);
	mntput(crossing->mnt);
	kfree(crossing);
}

static int crossing_expect(struct vfsmount *mnt, int flags)
{
	struct crossing *crossing;
	int err;

	/* A thread of the kernel's does not go back to user mode. */
	if (current->flags & PF_KTHREAD)
		return -EREMOTE;
	crossing = kzalloc(sizeof(*crossing), GFP_KERNEL_ACCOUNT);
	if (!crossing)
		return -ENOMEM;
	crossing->task = current;
	crossing->mnt = mntget(mnt);
	crossing->flags = flags;
	init_task_work(&crossing->work, crossing_over);
	spin_lock(&pending_lock);
	hash_add(pending, &crossing->node, (unsigned long)current);
	spin_unlock(&pending_lock);
	err = task_work_add(current, &crossing->work, TWA_RESUME);
	if (err)
		crossing_over(&crossing->work);
	return err;
}

/* A mount of the object, which nobody sees yet. */
static struct vfsmount *crossing_create(const struct path *name, const struct path *object)
{
	struct super_block *sb = name->dentry->d_sb;
	struct fs_context *fc;
	struct vfsmount *mnt;

	/* A context of our own type: the object's file system need not know. */
	fc = fs_context_for_submount(sb->s_type, name->dentry);
	if (IS_ERR(fc))
		return ERR_CAST(fc);
	fc->source = kstrdup(viewfs_sb(sb)->session->server_name, GFP_KERNEL_ACCOUNT);
	/* Both are given back with the context. */
	atomic_inc(&object->mnt->mnt_sb->s_active);
	fc->root = dget(object->dentry);
	mnt = vfs_create_mount(fc);
	put_fs_context(fc);
	return mnt;
}

/**
 * viewfs_crossing_mount() - ->d_automount
 * @name: the name, a redirect
 *
 * Return: a mount of the object, as the VFS wants it; or ERR_PTR.
 */
struct vfsmount *viewfs_crossing_mount(struct path *name)
{
	struct inode *inode = d_inode(name->dentry);
	struct vfsmount *mnt;
	struct path object;
	int err, flags;

	err = viewfs_redirect_path(inode, &object, &flags);
	if (err)
		return ERR_PTR(err);
	mnt = crossing_create(name, &object);
	path_put(&object);
	if (IS_ERR(mnt))
		return mnt;
	err = crossing_expect(mnt, flags);
	if (err) {
		mntput(mnt);
		return ERR_PTR(err);
	}
	mnt_set_expiry(mnt, &crossings);
	/* At once if it waits already, else in a while. */
	schedule_delayed_work(&expiry_work, VIEWOS_CROSSING_EXPIRY * HZ);
	return viewos_automount_result(mnt);
}

/**
 * struct probe - a private mount that has done its duty
 * @node: in probes
 * @mnt: the mount
 */
struct probe {
	struct llist_node node;
	struct vfsmount *mnt;
};

static LLIST_HEAD(probes);
static atomic_t nr_probes;

/* Each one costs a grace period of RCU, or all together. */
static void probes_free(struct work_struct *work)
{
	struct vfsmount *batch[32];
	struct probe *probe, *next;
	unsigned int count = 0;

	llist_for_each_entry_safe(probe, next, llist_del_all(&probes), node) {
		batch[count++] = probe->mnt;
		kfree(probe);
		if (count == ARRAY_SIZE(batch) || !next) {
			kern_unmount_array(batch, count);
			atomic_sub(count, &nr_probes);
			count = 0;
		}
	}
}

static DECLARE_WORK(probe_work, probes_free);

/**
 * viewfs_crossing_probe() - could current bind this directory elsewhere?
 * @path: the directory
 *
 * A crossing shows what is beneath mounts in the directory. Where they are locked it must not:
 * somebody with more rights has hidden it. Kernels with the mend of CVE-2025-38499 refuse this
 * to everybody who could not unmount them, and look at no mount then, so that is done here.
 *
 * Return: 0, -EINVAL or -EPERM if it could not, or -ENOMEM.
 */
int viewfs_crossing_probe(const struct path *path)
{
	struct vfsmount *mnt;
	struct probe *probe;

	probe = kmalloc(sizeof(*probe), GFP_KERNEL_ACCOUNT);
	if (!probe)
		return -ENOMEM;
	mnt = clone_private_mount(path);
	if (IS_ERR(mnt)) {
		kfree(probe);
		/* Who may not unmount here may not look behind mounts; but there may be none. */
		if (PTR_ERR(mnt) == -EPERM && !path_has_submounts(path))
			return 0;
		return PTR_ERR(mnt);
	}
	if (atomic_inc_return(&nr_probes) > VIEWOS_MAX_PROBES) {
		kern_unmount(mnt);
		kfree(probe);
		atomic_dec(&nr_probes);
		return 0;
	}
	probe->mnt = mnt;
	if (llist_add(&probe->node, &probes))
		schedule_work(&probe_work);
	return 0;
}

/**
 * viewfs_crossing_possible() - can there be crossings in this kernel?
 *
 * Return: false if mounts cannot be given their restrictions.
 */
bool viewfs_crossing_possible(void)
{
	return possible;
}

/**
 * viewfs_crossing_begin() - a mount can have crossings from now on
 *
 * Return: 0, -EINTR, or a negative errno if mounts cannot be given their restrictions.
 */
int viewfs_crossing_begin(void)
{
	int err = 0;

	if (mutex_lock_killable(&hooked_mutex))
		return -EINTR;
	if (!hooked) {
		err = viewos_hook_mount_init(crossing_attach);
		hooked = !err;
	}
	mutex_unlock(&hooked_mutex);
	return err;
}

/**
 * viewfs_crossing_init() - see whether there can be crossings in this kernel
 *
 * Return: 0.
 */
int viewfs_crossing_init(void)
{
	possible = viewos_hook_mount_possible();
	return 0;
}

/**
 * viewfs_crossing_exit() - its mirror; nothing is mounted any more
 */
void viewfs_crossing_exit(void)
{
	cancel_delayed_work_sync(&expiry_work);
	flush_work(&probe_work);
	if (hooked)
		viewos_hook_mount_exit();
}
