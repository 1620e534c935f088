/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of served calls have in common: a view, a server, and who calls in the view. */
#ifndef _SYSCALL_SERVED_H
#define _SYSCALL_SERVED_H

#include "../call_server.h"

#include <sys/prctl.h>

enum {
	X64_read = 0, X64_write = 1, X64_open = 2, X64_close = 3, X64_stat = 4, X64_fstat = 5,
	X64_lstat = 6, X64_clone = 56, X64_execve = 59, X64_getcwd = 79, X64_readlink = 89,
	X64_getpgid = 121, X64_clock_gettime = 228, X64_fchownat = 260, X64_clone3 = 435,
};

/* Evaluates the block in the view, in a child that does not hold the session; its pid. */
#define CALLER(view, block) ({				\
	pid_t caller_pid = fork();			\
	if (!caller_pid) {				\
		prctl(PR_SET_PDEATHSIG, SIGKILL);	\
		close(self->session);			\
		_exit(view_enter(view) ? 99 : (block));	\
	}						\
	caller_pid; })

/* Of a fixture: its own may follow. */
#define SERVED_FIELDS				\
	int control, view, server, session;	\
	struct call_request *req

#define SERVED_SETUP(name) do {							\
	self->control = control_open();						\
	self->view = view_create(self->control, "");				\
	ASSERT_LE(0, self->view);						\
	self->server = call_server_create(name, 1 << VIEWOS_CLASS_SYSCALL);	\
	ASSERT_LE(0, self->server);						\
	self->session = -1;							\
	self->req = malloc(sizeof(*self->req));					\
} while (0)

#define SERVED_TEARDOWN() do {		\
	free(self->req);		\
	if (self->session >= 0)		\
		close(self->session);	\
	close(self->server);		\
	close(self->view);		\
	close(self->control);		\
} while (0)

/* The file says which SERVER. */
#define SERVE(rule) do {							\
	self->session = call_session(self->server, self->view, rule);		\
	ASSERT_LE(0, self->session);						\
} while (0)

#define SERVE_X64(nr) SERVE(call_served(X64, nr, SERVER))

/* The next message is this call. */
#define ASSERT_CALL(number)							\
	ASSERT_EQ(VIEWOS_CALL_MADE, call_of(self->session, self->req, number))

static inline long call_six(long nr, const uint64_t *args)
{
	register long r10 asm("r10") = args[3], r8 asm("r8") = args[4], r9 asm("r9") = args[5];
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "a" (nr), "D" (args[0]), "S" (args[1]), "d" (args[2]), "r" (r10), "r" (r8),
		       "r" (r9) : "rcx", "r11", "memory");
	return ret;
}

#endif /* _SYSCALL_SERVED_H */
