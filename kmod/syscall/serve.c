// SPDX-License-Identifier: GPL-2.0
/* System calls that a server decides: asking it, and doing what it says. */

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fuse.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <asm/syscall.h>

#include <linux/viewos_syscall.h>

#include "../clock.h"
#include "../compat.h"
#include "../hook.h"
#include "../request.h"
#include "../rule.h"
#include "../server.h"
#include "../session.h"
#include "fetch.h"
#include "serve.h"

static bool call_is_i386(unsigned int call)
{
	return call / VIEWOS_CALLS == VIEWOS_ARCH_I386;
}

bool viewos_call_exits(unsigned int call)
{
	enum { X86_64_EXIT = 60, X86_64_EXIT_GROUP = 231, I386_EXIT = 1, I386_EXIT_GROUP = 252 };
	unsigned int nr = call % VIEWOS_CALLS;

	if (call_is_i386(call))
		return nr == I386_EXIT || nr == I386_EXIT_GROUP;
	return nr == X86_64_EXIT || nr == X86_64_EXIT_GROUP;
}

/*
 * Those that may end their task instead of returning. They go on with nothing of ours on the
 * stack.
 */
static bool call_leaves(unsigned int call)
{
	enum { X86_64_REBOOT = 169, I386_REBOOT = 88 };

	return viewos_call_exits(call) ||
	       call % VIEWOS_CALLS == (call_is_i386(call) ? I386_REBOOT : X86_64_REBOOT);
}

static bool ids_same(const struct cred *caller, const struct cred *server)
{
	return uid_eq(caller->uid, server->euid) && uid_eq(caller->euid, server->euid) &&
	       uid_eq(caller->suid, server->euid) && gid_eq(caller->gid, server->egid) &&
	       gid_eq(caller->egid, server->egid) && gid_eq(caller->sgid, server->egid);
}

/*
 * The server acts with the rights of the caller, and sees its memory: so it must be able to trace
 * it by itself, as ptrace(2) has it.
 */
static bool server_may_trace(const struct viewos_session *session)
{
	const struct cred *server = session->server_cred, *caller = current_cred();
	bool dumpable = viewos_current_dumpable();
	const struct cred *own;
	bool may;

	if (dumpable && caller->user_ns == server->user_ns && ids_same(caller, server) &&
	    cap_issubset(caller->cap_permitted, server->cap_permitted))
		return true;
	own = override_creds(server);
	may = ns_capable_noaudit(caller->user_ns, CAP_SYS_PTRACE) &&
	      (dumpable || ns_capable_noaudit(viewos_current_mm_ns(), CAP_SYS_PTRACE));
	revert_creds(own);
	return may;
}

/* Is the answer as viewos_syscall.h has it? Runs in the server's context. */
static int call_check(struct viewos_request *req)
{
	const struct viewos_call_in *in = viewos_request_body(req);
	const struct viewos_call_out *out = req->out;
	bool i386 = in->arch == AUDIT_ARCH_I386;
	bool args = out->flags & VIEWOS_CALL_OUT_ARGS;
	unsigned int call = in->nr + i386 * VIEWOS_CALLS;
	unsigned int i;

	if (out->flags & ~VIEWOS_CALL_OUT_ALL || out->action > VIEWOS_CALL_CONTINUE)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(out->args); i++)
		if (args ? i386 && out->args[i] > U32_MAX : out->args[i])
			return -EINVAL;
	if (out->action == VIEWOS_CALL_CONTINUE)
		return out->value || (call_leaves(call) && out->flags) ? -EINVAL : 0;
	if (out->flags || viewos_call_exits(call) || IS_ERR_VALUE((unsigned long)out->value) ||
	    (i386 && IS_ERR_VALUE((long)(int)out->value)))
		return -EINVAL;
	return 0;
}

/* The room that what is to be sent along takes; or a negative errno, and it is none. */
static int fetch_room(u32 fetch, const void __user *from)
{
	long len;

	if (!fetch_kind(fetch) || !from)
		return -ENODATA;
	if (fetch_kind(fetch) == VIEWOS_CALL_FETCH_BYTES)
		return fetch_len(fetch);
	len = strnlen_user(from, fetch_len(fetch));
	if (!len)
		return -EFAULT;
	return len > fetch_len(fetch) ? -ENAMETOOLONG : len;
}

/* Copies it to @data, of @room bytes; how much it is, or a negative errno. */
static int fetch_copy(u32 fetch, const void __user *from, void *data, int room)
{
	long len;

	if (fetch_kind(fetch) == VIEWOS_CALL_FETCH_BYTES)
		return copy_from_user(data, from, room) ? -EFAULT : room;
	len = strncpy_from_user(data, from, room);
	/* It has just been made longer. */
	return len == room ? -ENAMETOOLONG : len;
}

static void call_fill(struct viewos_call_in *in, struct viewos_session *session,
		      unsigned int call, const struct pt_regs *regs)
{
	unsigned long args[6];
	unsigned int i;

	in->nr = call % VIEWOS_CALLS;
	in->arch = call_is_i386(call) ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
	in->pid = pid_nr_ns(task_tgid(current), session->server->pid_ns);
	in->tid = pid_nr_ns(task_pid(current), session->server->pid_ns);
	syscall_get_arguments(current, (struct pt_regs *)regs, args);
	for (i = 0; i < ARRAY_SIZE(args); i++)
		in->args[i] = call_is_i386(call) ? (u32)args[i] : args[i];
	in->ip = regs->ip;
	in->sp = regs->sp;
}

static struct viewos_request *call_request(struct viewos_call_server *server, unsigned int call,
					   const struct pt_regs *regs)
{
	u32 fetch = READ_ONCE(server->fetch[call]);
	struct viewos_call_in in = { };
	struct viewos_request *req;
	const void __user *from;
	int room;

	call_fill(&in, server->session, call, regs);
	from = u64_to_user_ptr(in.args[fetch_arg(fetch)]);
	room = fetch_room(fetch, from);
	req = viewos_request_alloc(VIEWOS_CALL_MADE, 0, sizeof(in) + max(room, 0),
				   sizeof(struct viewos_call_out));
	if (IS_ERR(req))
		return req;
	req->flags |= VIEWOS_REQUEST_RESTART;
	req->check = call_check;
	req->caller = current;
	in.fetched = room;
	if (room > 0) {
		in.fetched = fetch_copy(fetch, from, viewos_request_body(req) + sizeof(in), room);
		/* What was not copied is not sent. */
		req->in_len -= room - max(in.fetched, 0);
	}
	memcpy(viewos_request_body(req), &in, sizeof(in));
	return req;
}

/* Asks; 0 and the answer, or what the call fails with. */
static int call_ask(struct viewos_call_server *server, unsigned int call,
		    const struct pt_regs *regs, struct viewos_call_out *out, u64 *unique)
{
	struct viewos_session *session = server->session;
	struct viewos_request *req;
	int err;

	if (!server_may_trace(session))
		return -EACCES;
	req = call_request(server, call, regs);
	if (IS_ERR(req))
		return PTR_ERR(req);
	err = viewos_request_call(session, req);
	if (!err) {
		memcpy(out, req->out, sizeof(*out));
		*unique = req->in->unique;
	}
	viewos_request_put(req);
	if (err == -ENOTCONN && viewos_session_dead(session))
		return -EIO;
	/* Nothing has been done. */
	if (err == -EINTR && signal_pending(current))
		return -ERESTARTSYS;
	return err;
}

static void args_set(struct pt_regs *regs, bool i386, const u64 *args)
{
	if (i386) {
		regs->bx = args[0];
		regs->cx = args[1];
		regs->dx = args[2];
		regs->si = args[3];
		regs->di = args[4];
		regs->bp = args[5];
	} else {
		regs->di = args[0];
		regs->si = args[1];
		regs->dx = args[2];
		regs->r10 = args[3];
		regs->r8 = args[4];
		regs->r9 = args[5];
	}
}

/**
 * struct call_course - what has become of a call so far
 * @regs: with which it is to be made: the program's, or @changed
 * @changed: registers of our own: those of the program stay as they are
 * @results: requests by which servers will be told of its end
 */
struct call_course {
	const struct pt_regs *regs;
	struct pt_regs changed;
	struct list_head results;
};

/* So that the server is sure to be told; where there is no memory nothing has been done yet. */
static int result_prepare(struct call_course *course, struct viewos_session *session, u64 unique)
{
	struct viewos_call_result *result;
	struct viewos_request *req;

	req = viewos_request_alloc(VIEWOS_CALL_RESULT, 0, sizeof(*result), 0);
	if (IS_ERR(req))
		return PTR_ERR(req);
	/* There is one for each task and view at most, since its next call is read behind it. */
	req->flags |= VIEWOS_REQUEST_NO_REPLY | VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_FORCE |
		      VIEWOS_REQUEST_LAZY | VIEWOS_REQUEST_IN_TURN;
	viewos_session_get(session);
	req->private = session;
	result = viewos_request_body(req);
	result->unique = unique;
	list_add(&req->node, &course->results);
	return 0;
}

static void results_tell(struct call_course *course, long value, u64 time)
{
	struct viewos_call_result *result;
	struct viewos_session *session;
	struct viewos_request *req, *next;

	list_for_each_entry_safe(req, next, &course->results, node) {
		list_del_init(&req->node);
		result = viewos_request_body(req);
		result->value = value;
		result->time = time;
		session = req->private;
		viewos_request_submit(session, req);
		viewos_session_put(session);
	}
}

/* What the server says: 0 it is to go on, 1 it returns @value, or what it fails with. */
static int call_step(struct viewos_call_server *server, unsigned int call,
		     struct call_course *course, long *value)
{
	struct viewos_call_out out;
	u64 unique;
	int err;

	err = call_ask(server, call, course->regs, &out, &unique);
	if (viewos_call_exits(call))
		return 0;
	if (err)
		return err;
	if (out.action == VIEWOS_CALL_VALUE) {
		*value = out.value;
		return 1;
	}
	if (out.flags & VIEWOS_CALL_OUT_ARGS) {
		if (course->regs != &course->changed)
			course->changed = *course->regs;
		course->regs = &course->changed;
		args_set(&course->changed, call_is_i386(call), out.args);
	}
	if (out.flags & VIEWOS_CALL_OUT_RESULT)
		return result_prepare(course, server->session, unique);
	return 0;
}

/* From here, since it has other arguments, or as its result is wanted. */
static long call_make(unsigned int call, const struct pt_regs *regs)
{
	struct viewos_decision clock;

	/* As it would go on unchanged. */
	clock = viewos_clock_answer(call, regs);
	if (clock.decided)
		return clock.value;
	if (viewos_call_unused(call))
		return -ENOSYS;
	return viewos_hook_call_make(regs, viewos_hook_call_body(call));
}

/* Asks one server after the other, from the nearest view upwards, until one decides. */
static struct viewos_decision call_decide(struct viewos_rule *rule, unsigned int call,
					  struct call_course *course)
{
	struct viewos_decision decision = { };
	unsigned int depth;
	int ret;

	do {
		ret = call_step(rule->server, call, course, &decision.value);
		depth = rule->depth;
		viewos_rule_put(rule);
		if (ret < 0)
			decision.value = ret;
		decision.decided = !!ret;
		if (ret)
			return decision;
		decision = viewos_syscall_rule(call, depth, &rule);
	} while (rule);
	return decision;
}

struct viewos_decision viewos_call_serve(struct viewos_rule *rule, unsigned int call,
					 const struct pt_regs *regs)
{
	struct call_course course = { .regs = regs, .results = LIST_HEAD_INIT(course.results) };
	struct viewos_decision decision;
	u64 start;

	/* The call may take its task out of all views, which hold the module. */
	__module_get(THIS_MODULE);
	decision = call_decide(rule, call, &course);
	start = ktime_get_ns();
	if (!decision.decided && (course.regs != regs || !list_empty(&course.results))) {
		decision.decided = true;
		decision.value = call_make(call, course.regs);
	}
	results_tell(&course, call_is_i386(call) ? (int)decision.value : decision.value,
		     ktime_get_ns() - start);
	module_put(THIS_MODULE);
	return decision;
}
