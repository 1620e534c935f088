// SPDX-License-Identifier: GPL-2.0
/* The class uts: what uname(2) says in a view. */

#include <linux/bits.h>
#include <linux/capability.h>
#include <linux/nsproxy.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/utsname.h>
#include <net/netlink.h>

#include <linux/viewos_netlink.h>

#include "compat.h"
#include "control.h"
#include "uts.h"
#include "view.h"

static_assert(sizeof_field(struct new_utsname, release) == VIEWOS_UTS_LEN);
static_assert(sizeof(struct new_utsname) == sizeof_field(struct viewos_view_uts, names));
static_assert(offsetof(struct new_utsname, release) == VIEWOS_UTS_RELEASE * VIEWOS_UTS_LEN);
static_assert(offsetof(struct new_utsname, domainname) == VIEWOS_UTS_DOMAINNAME * VIEWOS_UTS_LEN);

/* Those that the kernel lets a user make empty by sethostname(2) and setdomainname(2). */
#define UTS_MAY_BE_EMPTY (BIT(VIEWOS_UTS_NODENAME) | BIT(VIEWOS_UTS_DOMAINNAME))

/* The names as the kernel has them: all of one length, in the order of the uapi. */
static char (*uts_names(struct new_utsname *names))[VIEWOS_UTS_LEN]
{
	return (char (*)[VIEWOS_UTS_LEN])names;
}

/* Neither too long, nor with something that a terminal or a parser of /proc takes for more. */
static bool uts_name_valid(const char *name, bool empty)
{
	size_t len = strnlen(name, VIEWOS_UTS_LEN);
	size_t i;

	if (len == VIEWOS_UTS_LEN || memchr_inv(name + len, 0, VIEWOS_UTS_LEN - len))
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == '\x7f')
			return false;
	return len || empty;
}

static bool uts_valid(const struct viewos_view_uts *uts)
{
	unsigned int i;

	if (uts->flags || uts->pad || uts->fields >> VIEWOS_UTS_FIELDS ||
	    memchr_inv(uts->pad2, 0, sizeof(uts->pad2)))
		return false;
	for (i = 0; i < VIEWOS_UTS_FIELDS; i++) {
		if (!(uts->fields & 1U << i)) {
			if (memchr_inv(uts->names[i], 0, VIEWOS_UTS_LEN))
				return false;
		} else if (!uts_name_valid(uts->names[i], UTS_MAY_BE_EMPTY & 1U << i)) {
			return false;
		}
	}
	return true;
}

static void uts_put(struct uts_namespace *ns)
{
	/* put_uts_ns() wants a function that the kernel does not export. */
	if (ns)
		ns->ns.ops->put(&ns->ns);
}

/*
 * Is the caller the only one who has this namespace? Then nobody is lied to who does not
 * ask for it: who comes later, by fork or by setns(2), comes into what it is by then.
 * And nobody else reads the names, or sets the host's name, while we write.
 */
static bool uts_alone(const struct viewos_view *view, struct uts_namespace *ns)
{
	unsigned int ours;

	spin_lock(&viewos_tree_lock);
	ours = view->uts == ns;
	spin_unlock(&viewos_tree_lock);
	return viewos_nsproxy_users(current->nsproxy) == 1 && ns_ref_read(ns) == 1 + ours;
}

static void uts_write(struct uts_namespace *ns, const struct viewos_view_uts *uts)
{
	char (*names)[VIEWOS_UTS_LEN] = uts_names(&ns->name);
	unsigned int i;

	for (i = 0; i < VIEWOS_UTS_FIELDS; i++)
		if (uts->fields & 1U << i)
			memcpy(names[i], uts->names[i], VIEWOS_UTS_LEN);
}

static void uts_show(struct viewos_view *view, struct uts_namespace *ns)
{
	struct uts_namespace *old;

	get_uts_ns(ns);
	spin_lock(&viewos_tree_lock);
	old = view->uts;
	view->uts = ns;
	spin_unlock(&viewos_tree_lock);
	uts_put(old);
}

long viewos_uts_ioctl(struct viewos_view *view, void __user *arg, unsigned int size)
{
	struct uts_namespace *ns = current->nsproxy->uts_ns;
	struct viewos_view_uts uts;
	int err;

	err = viewos_ioctl_copy(&uts, sizeof(uts), arg, size);
	if (err)
		return err;
	if (!uts_valid(&uts))
		return -EINVAL;
	if (viewos_view_is_root(view) || !viewos_view_owned(view))
		return -EPERM;
	if (ns == &init_uts_ns || !ns_capable(ns->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (!uts_alone(view, ns))
		return -EBUSY;
	uts_write(ns, &uts);
	uts_show(view, ns);
	return 0;
}

void viewos_uts_view_exit(struct viewos_view *view)
{
	uts_put(view->uts);
}

int viewos_uts_fill(struct sk_buff *skb, struct viewos_view *view)
{
	static const int attrs[] = {
		[VIEWOS_UTS_SYSNAME] = VIEWOS_A_UTS_SYSNAME,
		[VIEWOS_UTS_NODENAME] = VIEWOS_A_UTS_NODENAME,
		[VIEWOS_UTS_RELEASE] = VIEWOS_A_UTS_RELEASE,
		[VIEWOS_UTS_VERSION] = VIEWOS_A_UTS_VERSION,
		[VIEWOS_UTS_MACHINE] = VIEWOS_A_UTS_MACHINE,
		[VIEWOS_UTS_DOMAINNAME] = VIEWOS_A_UTS_DOMAINNAME,
	};
	struct new_utsname copy;
	unsigned int i;
	char *name;

	/* A name that sethostname(2) is just changing may be of both: it is only shown. */
	spin_lock(&viewos_tree_lock);
	if (view->uts)
		copy = view->uts->name;
	i = view->uts ? 0 : VIEWOS_UTS_FIELDS;
	spin_unlock(&viewos_tree_lock);
	for (; i < VIEWOS_UTS_FIELDS; i++) {
		name = uts_names(&copy)[i];
		name[VIEWOS_UTS_LEN - 1] = '\0';
		if (nla_put_string(skb, attrs[i], name))
			return -EMSGSIZE;
	}
	return 0;
}
