// SPDX-License-Identifier: GPL-2.0
/* Limits per user on views, servers and sessions. */

#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "limits.h"
#include "user.h"

static unsigned int max_user[VIEWOS_COUNTS] = {
	[VIEWOS_COUNT_VIEWS] = VIEWOS_MAX_USER_VIEWS,
	[VIEWOS_COUNT_SERVERS] = VIEWOS_MAX_USER_SERVERS,
	[VIEWOS_COUNT_SESSIONS] = VIEWOS_MAX_USER_SESSIONS,
};
module_param_named(max_user_views, max_user[VIEWOS_COUNT_VIEWS], uint, 0644);
MODULE_PARM_DESC(max_user_views, "most views of one user");
module_param_named(max_user_servers, max_user[VIEWOS_COUNT_SERVERS], uint, 0644);
MODULE_PARM_DESC(max_user_servers, "most module servers of one user");
module_param_named(max_user_sessions, max_user[VIEWOS_COUNT_SESSIONS], uint, 0644);
MODULE_PARM_DESC(max_user_sessions, "most sessions (mounts) of one user");

/**
 * struct viewos_user - a user who has something
 * @node: in the table
 * @uid: who
 * @total: sum of @count; the object goes when it gets to zero
 * @count: objects by kind
 */
struct viewos_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned long total;
	unsigned int count[VIEWOS_COUNTS];
};

/* Protects the table and all counts. */
static DEFINE_SPINLOCK(viewos_user_lock);
static DEFINE_HASHTABLE(viewos_users, 6);

static struct viewos_user *user_find_locked(kuid_t uid)
{
	struct viewos_user *user;

	lockdep_assert_held(&viewos_user_lock);

	hash_for_each_possible(viewos_users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

struct viewos_user *viewos_user_charge(kuid_t uid, enum viewos_count what)
{
	struct viewos_user *user, *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return ERR_PTR(-ENOMEM);

	spin_lock(&viewos_user_lock);
	user = user_find_locked(uid);
	if (!user) {
		user = new;
		new = NULL;
		user->uid = uid;
		hash_add(viewos_users, &user->node, __kuid_val(uid));
	}
	if (user->count[what] < READ_ONCE(max_user[what])) {
		user->count[what]++;
		user->total++;
	} else {
		if (!user->total) {
			hash_del(&user->node);
			new = user;
		}
		user = ERR_PTR(-EUSERS);
	}
	spin_unlock(&viewos_user_lock);
	kfree(new);
	return user;
}

void viewos_user_uncharge(struct viewos_user *user, enum viewos_count what)
{
	spin_lock(&viewos_user_lock);
	user->count[what]--;
	if (--user->total)
		user = NULL;
	else
		hash_del(&user->node);
	spin_unlock(&viewos_user_lock);
	kfree(user);
}
