// SPDX-License-Identifier: GPL-2.0
/*
 * What a call takes, in whatever this is run: a view, or a peer that does the like. By peers.sh.
 *
 *	peers CASE [errno|notify|serve]	nanoseconds a call, after the call has been seen to give
 *					what is told by $WANTED
 *
 * With errno a seccomp filter refuses getppid(2), with notify another process answers it by
 * seccomp's user notification, with serve in a view.
 */
#include "bench.h"
#include "../call_server.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What a process is told of its parent here. */
#define VALUE	7

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	1
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS		SECCOMP_IOW(4, __u64)
#endif

static long call_getppid(void)
{
	long ret = syscall(SYS_getppid);

	return ret < 0 ? -errno : ret;
}

/* What nobody here looks at. */
static long call_getpgrp(void)
{
	return syscall(SYS_getpgrp) >= 0;
}

static long call_stat(void)
{
	struct stat st;

	return stat("/tmp/peers/file", &st) ? -errno : (long)st.st_uid;
}

static long call_getuid(void)
{
	return getuid();
}

static long call_open(void)
{
	FILE *file = fopen("/tmp/peers/file", "r");

	return file ? fclose(file) : -errno;
}

/* Days from now on. */
static long call_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec / 86400;
}

static long spawn(const char *path, const char *arg)
{
	int status;
	pid_t pid = vfork();

	if (!pid) {
		execl(path, path, arg, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

static long call_date(void)
{
	return spawn("/bin/date", "+");
}

static long call_true(void)
{
	return spawn("/tmp/peers/true", NULL);
}

static long call_exec(void)
{
	return spawn("/tmp/peers/script.view", NULL);
}

static const struct {
	const char *name;
	long (*call)(void);
	unsigned int calls;
} cases[] = {
	{ "getppid", call_getppid, 1000 },
	{ "getpgrp", call_getpgrp, 5000 },
	{ "stat", call_stat, 500 },
	{ "getuid", call_getuid, 1000 },
	{ "open", call_open, 500 },
	{ "clock", call_clock, 2000 },
	{ "date", call_date, 10 },
	{ "true", call_true, 50 },
	{ "exec", call_exec, 50 },
};

/* Not by the library, whose clock somebody may have set. */
static double raw_now(void)
{
	struct timespec time;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC_RAW, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static double time_call(long (*call)(void), unsigned int calls)
{
	double best = 0, time;

	for (int round = 0; round <= ROUNDS; round++) {
		time = raw_now();
		for (unsigned int i = 0; i < calls; i++)
			call();
		time = (raw_now() - time) / calls;
		/* The first round warms caches. */
		if (round && (!best || time < best))
			best = time;
	}
	return best;
}

static int filter_install(__u32 action, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action),
	};
	struct sock_fprog filter = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	int fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	if (fd < 0)
		perror("peers: seccomp");
	return fd;
}

/* Answers until who asks has ended; its filter is ours, too, but we call nothing of that. */
static void notify_serve(int fd)
{
	struct seccomp_notif in;
	struct seccomp_notif_resp out;

	/* Where the kernel has it, since 6.6: the fastest way. */
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (;;) {
		memset(&in, 0, sizeof(in));
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &in))
			continue;
		out = (struct seccomp_notif_resp){ .id = in.id, .val = VALUE };
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &out);
	}
}

/* Whoever has accepted a session cannot be served by it: so another process goes on. */
static int serve_begin(void)
{
	int control = control_open(), view = view_create(control, "");
	int server = call_server_create("peers", 1 << VIEWOS_CLASS_SYSCALL);
	int session = call_session(server, view, call_served(X64, X64_getppid, "peers"));
	struct call_request req;
	pid_t asked, asking;
	int op, status;

	if (session < 0)
		return session;
	asked = fork();
	if (!asked) {
		close(view);
		close(server);
		while ((op = call_next(session, &req)) >= 0)
			if (op == VIEWOS_CALL_MADE)
				call_answer(session, &req, VALUE);
		_exit(0);
	}
	close(session);
	close(server);
	close(control);
	asking = fork();
	if (!asking)
		return view_enter(view);
	waitpid(asking, &status, 0);
	kill(asked, SIGKILL);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static int filter_begin(const char *kind)
{
	pid_t parent = getpid();
	int fd;

	if (!strcmp(kind, "serve"))
		return serve_begin();
	if (!strcmp(kind, "errno"))
		return filter_install(SECCOMP_RET_ERRNO | EPERM, 0);
	fd = filter_install(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	if (fd < 0)
		return fd;
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getpgid(parent) < 0)
			_exit(1);
		notify_serve(fd);
	}
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	const char *wanted = getenv("WANTED");
	long got;
	size_t i;

	if (argc > 2 && filter_begin(argv[2]))
		return 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc < 2 || strcmp(cases[i].name, argv[1]))
			continue;
		got = cases[i].call();
		if (wanted && got != atol(wanted)) {
			fprintf(stderr, "peers: %s: %ld, wanted %s\n", argv[1], got, wanted);
			return 1;
		}
		printf("%.0f\n", time_call(cases[i].call, cases[i].calls));
		return 0;
	}
	fputs("usage: peers CASE [errno|notify|serve]\n", stderr);
	return 2;
}
