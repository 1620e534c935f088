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
#include <linux/slab.h>
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
#include "../task.h"
#include "fetch.h"
#include "serve.h"

static bool call_is_i386(unsigned int call)
{
	return call / VIEWOS_CALLS == VIEWOS_ARCH_I386;
}

bool viewos_call_passes(const struct viewos_call_server *server, unsigned int call)
{
	return fetch_tagged(READ_ONCE(server->fetch[call])) && !viewos_task_tag(server->id);
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
bool viewos_call_leaves(unsigned int call)
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
	/* That of ENDED begins with it, too. */
	const struct viewos_call_in *in = viewos_request_body(req);
	bool ended = req->in->opcode == VIEWOS_CALL_ENDED;
	const struct viewos_call_out *out = req->out;
	bool i386 = in->arch == AUDIT_ARCH_I386;
	bool args = out->flags & VIEWOS_CALL_OUT_ARGS;
	bool tag = out->flags & VIEWOS_CALL_OUT_TAG;
	unsigned int call = in->nr + i386 * VIEWOS_CALLS;
	unsigned int i;

	if (out->flags & ~VIEWOS_CALL_OUT_ALL || out->action > VIEWOS_CALL_CONTINUE ||
	    (ended && out->flags))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(out->args); i++)
		if (args ? i386 && out->args[i] > U32_MAX :
		    out->args[i] > (tag && !i ? U32_MAX : 0))
			return -EINVAL;
	if (out->action == VIEWOS_CALL_CONTINUE)
		return out->value || tag || (viewos_call_leaves(call) && out->flags) ? -EINVAL : 0;
	if (out->flags & ~VIEWOS_CALL_OUT_TAG || viewos_call_exits(call) ||
	    IS_ERR_VALUE((unsigned long)out->value) ||
	    (i386 && IS_ERR_VALUE((long)(int)out->value)))
		return -EINVAL;
	return 0;
}

static const void __user *fetch_from(u32 fetch, const struct viewos_call_in *in)
{
	return u64_to_user_ptr(in->args[fetch_arg(fetch)]);
}

/* The room that what is to be sent along takes; or a negative errno, and it is none. */
static int fetch_room(u32 fetch, const struct viewos_call_in *in)
{
	const void __user *from = fetch_from(fetch, in);
	long len;

	if (fetch_kind(fetch) == VIEWOS_CALL_FETCH_FILE)
		return sizeof(struct viewos_call_file);
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
static int fetch_copy(u32 fetch, const struct viewos_call_in *in, struct user_namespace *ns,
		      void *data, int room)
{
	const void __user *from = fetch_from(fetch, in);
	long len;

	if (fetch_kind(fetch) == VIEWOS_CALL_FETCH_FILE)
		return viewos_call_file(fetch, in, ns, data) ?: room;
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

/* What @fetch says is behind the @head of the message, which begins with @in. */
static struct viewos_request *call_request(struct viewos_session *session, u32 opcode,
					   u32 fetch, struct viewos_call_in *in, size_t head)
{
	struct viewos_request *req;
	int room;

	room = fetch_room(fetch, in);
	req = viewos_request_alloc(opcode, 0, head + max(room, 0),
				   sizeof(struct viewos_call_out));
	if (IS_ERR(req))
		return req;
	req->check = call_check;
	req->caller = current;
	in->fetched = room;
	if (room > 0) {
		in->fetched = fetch_copy(fetch, in, session->server->user_ns,
					 viewos_request_body(req) + head, room);
		/* What was not copied is not sent. */
		req->in_len -= room - max(in->fetched, 0);
	}
	memcpy(viewos_request_body(req), in, head);
	return req;
}

/* Sends it, and waits; 0 and the answer, or what the call fails with. */
static int call_send(struct viewos_session *session, struct viewos_request *req,
		     struct viewos_call_out *out, u64 *unique)
{
	int err = viewos_request_call(session, req);

	if (!err) {
		memcpy(out, req->out, sizeof(*out));
		*unique = req->in->unique;
	}
	viewos_request_put(req);
	return err == -ENOTCONN && viewos_session_dead(session) ? -EIO : err;
}

/* Asks what is to become of it; likewise. */
static int call_ask(struct viewos_call_server *server, u32 fetch, struct viewos_call_in *in,
		    struct viewos_call_out *out, u64 *unique)
{
	struct viewos_request *req;
	int err;

	req = call_request(server->session, VIEWOS_CALL_MADE, fetch_after(fetch) ? 0 : fetch, in,
			   sizeof(*in));
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->flags |= VIEWOS_REQUEST_RESTART;
	err = call_send(server->session, req, out, unique);
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
 * @ends: struct call_end, of servers that will be asked then; the outermost view's first
 */
struct call_course {
	const struct pt_regs *regs;
	struct pt_regs changed;
	struct list_head results;
	struct list_head ends;
};

/**
 * struct call_end - a server that is asked when the call has ended
 * @node: in the course's list
 * @rule: whose server it is, referenced
 * @fetch: what is sent along
 * @ended: the call as this server has seen it
 */
struct call_end {
	struct list_head node;
	struct viewos_rule *rule;
	u32 fetch;
	struct viewos_call_ended ended;
};

static int end_prepare(struct call_course *course, struct viewos_rule *rule, u32 fetch,
		       const struct viewos_call_in *in, u64 unique)
{
	struct call_end *end = kzalloc(sizeof(*end), GFP_KERNEL_ACCOUNT);

	if (!end)
		return -ENOMEM;
	viewos_rule_get(rule);
	end->rule = rule;
	end->fetch = fetch;
	end->ended.in = *in;
	end->ended.unique = unique;
	list_add(&end->node, &course->ends);
	return 0;
}

/* What the server says to a call that has returned @value: what it is to return. */
static long end_ask(struct call_end *end, long value)
{
	struct viewos_session *session = end->rule->server->session;
	struct viewos_call_out out;
	struct viewos_request *req;
	u64 unique;
	int err;

	/* The call may have made its task one that the server cannot trace, as execve(2) may. */
	if (!server_may_trace(session))
		return value;
	end->ended.value = value;
	req = call_request(session, VIEWOS_CALL_ENDED, end->fetch, &end->ended.in,
			   sizeof(end->ended));
	if (IS_ERR(req))
		return PTR_ERR(req);
	err = call_send(session, req, &out, &unique);
	if (err)
		return err;
	return out.action == VIEWOS_CALL_VALUE ? out.value : value;
}

/* Asks all of them, if it was @made; what the call is to return. */
static long ends_ask(struct call_course *course, bool made, bool i386, long value)
{
	struct call_end *end, *next;

	list_for_each_entry_safe(end, next, &course->ends, node) {
		if (i386)
			value = (int)value;
		/* Who is not told of calls before is not told of those that fail. */
		if (made && (end->ended.unique || !IS_ERR_VALUE(value)))
			value = end_ask(end, value);
		list_del(&end->node);
		viewos_rule_put(end->rule);
		kfree(end);
	}
	return value;
}

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
static int call_step(struct viewos_rule *rule, unsigned int call, struct call_course *course,
		     long *value)
{
	struct viewos_call_server *server = rule->server;
	u32 fetch = READ_ONCE(server->fetch[call]);
	struct viewos_call_in in = { };
	struct viewos_call_out out;
	u64 unique;
	int err;

	in.tag = viewos_task_tag(server->id);
	if (!server_may_trace(server->session))
		return viewos_call_exits(call) ? 0 : -EACCES;
	call_fill(&in, server->session, call, course->regs);
	if (fetch_after(fetch))
		return end_prepare(course, rule, fetch, &in, 0);
	err = call_ask(server, fetch, &in, &out, &unique);
	if (viewos_call_exits(call))
		return 0;
	if (err)
		return err;
	if (out.action == VIEWOS_CALL_VALUE) {
		if (out.flags & VIEWOS_CALL_OUT_TAG)
			err = viewos_task_set_tag(server->id, out.args[0]);
		*value = out.value;
		return err ?: 1;
	}
	if (out.flags & VIEWOS_CALL_OUT_ARGS) {
		if (course->regs != &course->changed)
			course->changed = *course->regs;
		course->regs = &course->changed;
		args_set(&course->changed, call_is_i386(call), out.args);
	}
	if (out.flags & VIEWOS_CALL_OUT_ENDED)
		err = end_prepare(course, rule, fetch, &in, unique);
	if (!err && out.flags & VIEWOS_CALL_OUT_RESULT)
		err = result_prepare(course, server->session, unique);
	return err;
}

/* From here, since it has other arguments, or as its end is wanted. */
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
		ret = call_step(rule, call, course, &decision.value);
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
	struct call_course course = {
		.regs = regs,
		.results = LIST_HEAD_INIT(course.results),
		.ends = LIST_HEAD_INIT(course.ends),
	};
	struct viewos_decision decision;
	bool i386 = call_is_i386(call);
	bool made = false;
	u64 start, time = 0;

	/* The call may take its task out of all views, which hold the module. */
	__module_get(THIS_MODULE);
	decision = call_decide(rule, call, &course);
	if (!decision.decided && (course.regs != regs || !list_empty(&course.results) ||
				  !list_empty(&course.ends))) {
		start = ktime_get_ns();
		decision.decided = true;
		decision.value = call_make(call, course.regs);
		made = true;
		time = ktime_get_ns() - start;
	}
	decision.value = ends_ask(&course, made, i386, decision.value);
	results_tell(&course, i386 ? (int)decision.value : decision.value, time);
	module_put(THIS_MODULE);
	return decision;
}
