// SPDX-License-Identifier: GPL-2.0
/*
 * A module that is broken in the way one asks for: insmod broken.ko kind=kasan.
 * It shows that the lane notices.
 */

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *kind = "";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "kasan, lockdep, rcu, atomic, refcount, list, ubsan, kmemleak or none");

static int shift = 70;

static void broken_kasan(void)
{
	char *memory = kmalloc(32, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	WRITE_ONCE(memory[8], 1);
}

static void broken_lockdep(void)
{
	static DEFINE_MUTEX(first);
	static DEFINE_MUTEX(second);

	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void broken_rcu(void)
{
	static LIST_HEAD(list);
	struct list_head *entry;

	list_for_each_rcu(entry, &list)
		pr_info("never\n");
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "no RCU read lock");
}

static void broken_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	msleep(20);
	spin_unlock(&lock);
}

static void broken_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void broken_list(void)
{
	static LIST_HEAD(list);
	static struct list_head entry;

	list_add(&entry, &list);
	entry.next = &entry;
	list_del(&entry);
}

static void broken_ubsan(void)
{
	OPTIMIZER_HIDE_VAR(shift);
	pr_info("%d\n", 1 << shift);
}

static void broken_kmemleak(void)
{
	void *memory = kmalloc(1000, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
}

static const struct {
	const char *kind;
	void (*run)(void);
} broken[] = {
	{ "kasan", broken_kasan },
	{ "lockdep", broken_lockdep },
	{ "rcu", broken_rcu },
	{ "atomic", broken_atomic },
	{ "refcount", broken_refcount },
	{ "list", broken_list },
	{ "ubsan", broken_ubsan },
	{ "kmemleak", broken_kmemleak },
};

static int __init broken_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(broken); i++)
		if (!strcmp(kind, broken[i].kind))
			broken[i].run();
	return 0;
}

static void __exit broken_exit(void)
{
}

module_init(broken_init);
module_exit(broken_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Broken on purpose, to test the tests");
