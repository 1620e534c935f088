// SPDX-License-Identifier: GPL-2.0
/* The memory of who waits for a server's reply to a system call. */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <linux/viewos_syscall.h>

#include "../control.h"
#include "../request.h"
#include "../session.h"
#include "serve.h"

/* Bytes copied, or a negative errno. */
static int caller_access(struct viewos_session *session,
			 const struct viewos_session_memory *memory, void *bounce)
{
	/* Without FOLL_FORCE: what the program may not write stays as it is. */
	unsigned int flags = memory->flags & VIEWOS_MEMORY_WRITE ? FOLL_WRITE : 0;
	struct task_struct *caller;
	struct viewos_request *req;
	int len;

	req = viewos_session_access_begin(session, memory->unique, &caller);
	if (IS_ERR(req))
		return PTR_ERR(req);
	len = access_process_vm(caller, memory->address, bounce, memory->len, flags);
	viewos_session_access_end(req, caller);
	return len > 0 ? len : -EFAULT;
}

/* The server's own memory may take as long as it likes: not while the request is held. */
static long memory_copy(struct viewos_session *session,
			const struct viewos_session_memory *memory, void *bounce)
{
	void __user *buffer = u64_to_user_ptr(memory->buffer);
	bool write = memory->flags & VIEWOS_MEMORY_WRITE;
	long len;

	if (write && copy_from_user(bounce, buffer, memory->len))
		return -EFAULT;
	len = caller_access(session, memory, bounce);
	if (len > 0 && !write && copy_to_user(buffer, bounce, len))
		return -EFAULT;
	return len;
}

long viewos_call_ioctl_memory(struct viewos_session *session, void __user *arg,
			      unsigned int size)
{
	struct viewos_session_memory memory;
	void *bounce;
	long ret;

	ret = viewos_ioctl_copy(&memory, sizeof(memory), arg, size);
	if (ret)
		return ret;
	if (memory.flags & ~VIEWOS_MEMORY_ALL || memory.pad || !memory.len ||
	    memory.len > VIEWOS_CALL_MAX_MEMORY)
		return -EINVAL;
	if (!viewos_session_trusts_writer(session))
		return -EPERM;
	bounce = kvmalloc(memory.len, GFP_KERNEL_ACCOUNT);
	if (!bounce)
		return -ENOMEM;
	ret = memory_copy(session, &memory, bounce);
	kvfree(bounce);
	return ret;
}
