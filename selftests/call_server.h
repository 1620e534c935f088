/* SPDX-License-Identifier: GPL-2.0 */
/* A server of system calls on the bare ABI, without libviewos: one that is told each step. */
#ifndef _CALL_SERVER_H
#define _CALL_SERVER_H

#include "viewos_test.h"

#include <linux/audit.h>
#include <linux/fuse.h>
#include <linux/viewos_syscall.h>
#include <sys/uio.h>

#include "calls.h"

struct call_request {
	struct fuse_in_header header;
	union {
		struct viewos_call_init init;
		struct viewos_call_result result;
		struct fuse_interrupt_in interrupt;
		struct {
			struct viewos_call_in in;
			char data[VIEWOS_CALL_MAX_FETCH];
		};
		struct {
			struct viewos_call_ended ended;
			char ended_data[VIEWOS_CALL_MAX_FETCH];
		};
	};
	char rest[8192];
};

/* The kernel and the layout of a program of 32 bits agree, too. */
_Static_assert(sizeof(struct viewos_call_in) == 88, "ABI");

static inline int call_write(int session, uint64_t unique, int error, const void *body, size_t len)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + len, .error = error, .unique = unique };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)body, len } };

	return result(writev(session, iov, 2)) < 0 ? -errno : 0;
}

static inline int call_out(int session, const struct call_request *req, struct viewos_call_out out)
{
	return call_write(session, req->header.unique, 0, &out, sizeof(out));
}

static inline int call_answer(int session, const struct call_request *req, int64_t value)
{
	return call_out(session, req, (struct viewos_call_out){ .value = value });
}

static inline int call_error(int session, const struct call_request *req, int error)
{
	return call_write(session, req->header.unique, -error, NULL, 0);
}

static inline int call_continue(int session, const struct call_request *req, uint32_t flags)
{
	struct viewos_call_out out = { .action = VIEWOS_CALL_CONTINUE, .flags = flags };

	if (flags & VIEWOS_CALL_OUT_ARGS)
		memcpy(out.args, req->in.args, sizeof(out.args));
	return call_out(session, req, out);
}

/* The next message; its opcode or -errno. */
static inline int call_next(int session, struct call_request *req)
{
	ssize_t len;

	memset(req, 0, sizeof(*req));
	do {
		len = read(session, req, sizeof(*req));
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	return req->header.len == len ? (int)req->header.opcode : -EPROTO;
}

/* The next call, where nothing else is expected; as call_next(). */
static inline int call_of(int session, struct call_request *req, unsigned int nr)
{
	int op;

	do {
		op = call_next(session, req);
		/* What the test's own way makes besides. */
		if (op == VIEWOS_CALL_MADE && req->in.nr != nr)
			call_continue(session, req, 0);
	} while (op == VIEWOS_CALL_MADE && req->in.nr != nr);
	return op;
}

static inline int call_memory(int session, uint64_t unique, uint64_t address, const void *buffer,
			      uint32_t len, uint32_t flags)
{
	struct viewos_session_memory memory = {
		.size = sizeof(memory), .flags = flags, .unique = unique, .address = address,
		.buffer = (uintptr_t)buffer, .len = len };

	return result(ioctl(session, VIEWOS_IOC_SESSION_MEMORY, &memory));
}

static inline int call_fetch(int session, uint32_t arch, uint32_t nr, uint32_t kind, uint32_t arg,
			     uint32_t len)
{
	struct viewos_call_fetch fetch = {
		.nr = nr, .arch = arch, .kind = kind, .arg = arg, .len = len };

	return call_write(session, 0, VIEWOS_CALL_NOTIFY_FETCH, &fetch, sizeof(fetch));
}

static inline int call_fetch_file(int session, uint32_t arch, uint32_t nr, uint32_t arg,
				  uint32_t how, uint32_t flags)
{
	struct viewos_call_fetch fetch = {
		.nr = nr, .arch = arch, .kind = VIEWOS_CALL_FETCH_FILE, .arg = arg, .len = how,
		.flags = flags };

	return call_write(session, 0, VIEWOS_CALL_NOTIFY_FETCH, &fetch, sizeof(fetch));
}

static inline int call_server_create(const char *name, uint64_t classes)
{
	struct viewos_server_create create = { .size = sizeof(create), .classes = classes };
	int fd = result(ioctl(control_open(), VIEWOS_IOC_SERVER_CREATE, &create)), err;

	if (fd < 0)
		return fd;
	err = server_add(fd, name, false);
	return err ? err : fd;
}

static inline struct viewos_rule_add call_served(unsigned int arch, unsigned int nr,
						 const char *server)
{
	struct viewos_rule_add rule = calls_rule(VIEWOS_VERDICT_SERVE, 0, 0);

	memcpy(rule.target, server, strnlen(server, sizeof(rule.target)));
	return calls_with(rule, arch, nr);
}

/* Adds a rule that this very process serves; its session, or -errno. */
static inline int call_session(int server, int view, struct viewos_rule_add rule)
{
	struct viewos_call_init init = { .major = VIEWOS_CALL_MAJOR };
	struct viewos_server_accept accept = { };
	struct call_request req;
	struct pollfd fd = { .fd = server, .events = POLLIN };
	int session, err, status;
	pid_t pid = fork();

	if (!pid)
		_exit(-rule_add(view, rule));
	/* A rule that is refused asks no server. */
	while (!poll(&fd, 1, 100))
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status ? -WEXITSTATUS(status) : -EPROTO;
	session = server_accept(server, &accept);
	if (session < 0)
		return session;
	if (accept.class != VIEWOS_CLASS_SYSCALL || call_next(session, &req) != VIEWOS_CALL_INIT ||
	    req.init.major != VIEWOS_CALL_MAJOR)
		return -EPROTO;
	err = call_write(session, req.header.unique, 0, &init, sizeof(init));
	if (!err)
		err = -child_status(pid);
	return err ? err : session;
}

#endif /* _CALL_SERVER_H */
