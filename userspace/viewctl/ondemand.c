// SPDX-License-Identifier: GPL-2.0
/* viewctl: servers started for one mount or rule */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuseprogram.h"
#include "ondemand.h"
#include "viewctl.h"

/* Where the server finds its listening end: just after the standard fds. */
#define SERVER_FD	3

/* What a program that is being started tells viewctl. */
struct report {
	pid_t pid;
	int error;
};

/**
 * struct launch - a server that is being started
 * @type: of what it serves
 * @program: the FUSE program, or NULL for the program viewos-TYPE
 * @fd: its server fd
 * @hold: a pipe's end that a FUSE program's keeper watches, see fuseprogram_keep()
 * @lasting: the program is started again when it dies while it has a session
 */
struct launch {
	const char *type;
	const struct fuseprogram *program;
	int fd;
	int hold;
	bool lasting;
};

struct wanted {
	const char *name;
	enum viewos_class class;
};

static int usable_find(const struct viewos_entry *entry, void *arg)
{
	const struct wanted *wanted = arg;

	if (!entry->server_name || strcmp(entry->server_name, wanted->name) ||
	    !(entry->server_classes >> wanted->class & 1))
		return 0;
	return entry->server_public || entry->owner == geteuid();
}

/* Is a server of this name registered that the user may use? */
static int registered(enum viewos_class class, const char *name)
{
	struct wanted wanted = { .name = name, .class = class };
	struct viewos_nl *nl;
	int ret;

	ret = netlink_open(&nl);
	if (ret < 0)
		return ret;
	ret = viewos_list(nl, VIEWOS_CMD_SERVER_GET, VIEWOS_VIEW_ANY, usable_find, &wanted);
	viewos_nl_close(nl);
	if (ret < 0)
		fail("list of servers: %s", strerror(-ret));
	return ret;
}

static bool type_valid(const char *type)
{
	return *type && *type != '-' && strlen(type) < VIEWOS_NAME_LEN / 2 &&
	       !strchr(type, '/') && !strchr(type, '@');
}

/* Registers the fd as @name, or else as the first free of TYPE@PID, TYPE@PID.2, ... */
static int name_take(struct ondemand *server, int fd, const char *type, const char *name)
{
	int number, ret;

	if (name) {
		snprintf(server->name, sizeof(server->name), "%s", name);
		ret = strlen(name) < sizeof(server->name) ?
		      viewos_server_register(fd, name, 0) : -EINVAL;
		if (ret < 0)
			fail("server '%s': %s", name, strerror(-ret));
		return ret;
	}
	snprintf(server->name, sizeof(server->name), "%s@%d", type, getpid());
	ret = viewos_server_register(fd, server->name, 0);
	for (number = 2; ret == -EEXIST && number < INT_MAX; number++) {
		snprintf(server->name, sizeof(server->name), "%s@%d.%d", type, getpid(), number);
		ret = viewos_server_register(fd, server->name, 0);
	}
	if (ret < 0)
		fail("server '%s': %s", server->name, strerror(-ret));
	return ret;
}

/* Beside viewctl itself, among the helpers, in the path. Returns an errno. */
static int program_exec(const char *type)
{
	char path[PATH_MAX], file[VIEWOS_NAME_LEN];
	char *argv[] = { file, (char[]){ "--once" }, NULL };
	char *slash;
	ssize_t len;

	snprintf(file, sizeof(file), "viewos-%s", type);
	len = readlink("/proc/self/exe", path, sizeof(path) - sizeof(file));
	if (len > 0) {
		path[len] = '\0';
		slash = strrchr(path, '/');
		strcpy(slash ? slash + 1 : path, file);
		execv(path, argv);
		if (errno != ENOENT)
			return errno;
	}
	snprintf(path, sizeof(path), "%s/%s", VIEWOS_LIBEXECDIR, file);
	execv(path, argv);
	if (errno != ENOENT)
		return errno;
	execvp(file, argv);
	return errno;
}

/*
 * The server's process: no terminal, and nothing of ours but stderr and its fd. @pid is who is to
 * be told of.
 */
static void program_become(const char *type, int fd, int pipe, pid_t pid)
{
	struct report report = { .pid = pid };
	char number[16];
	int null;

	/* Clear of the fds that are put in their places below. */
	pipe = fcntl(pipe, F_DUPFD_CLOEXEC, SERVER_FD + 2);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, SERVER_FD + 2);
	null = open("/dev/null", O_RDWR);
	if (pipe < 0)
		_exit(EXIT_FAILED);
	snprintf(number, sizeof(number), "%d", SERVER_FD);
	if (fd < 0 || null < 0 || write(pipe, &report, sizeof(report)) < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(fd, SERVER_FD) < 0 || dup2(pipe, SERVER_FD + 1) < 0 ||
	    fcntl(SERVER_FD + 1, F_SETFD, FD_CLOEXEC) < 0 ||
	    close_range(SERVER_FD + 2, ~0U, 0) < 0 ||
	    setenv(VIEWOS_SERVER_FD_ENV, number, 1) < 0)
		report.error = errno;
	else
		report.error = program_exec(type);
	if (write(SERVER_FD + 1, &report, sizeof(report)) < 0)
		_exit(EXIT_CANNOT_EXEC);
	_exit(EXIT_NOT_FOUND);
}

/* Is there a session at the server that nobody has accepted? Of a process that died there is. */
static bool session_waits(int server)
{
	struct pollfd fd = { .fd = server, .events = POLLIN };

	return poll(&fd, 1, 0) == 1 && fd.revents & POLLIN;
}

/* A program that dies at once is not started again as fast. */
static void program_wait(pid_t pid)
{
	static const struct timespec pause = { .tv_nsec = 200 * 1000000L };
	time_t before = time(NULL);

	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (time(NULL) - before < 2)
		nanosleep(&pause, NULL);
}

/*
 * The process of who starts the program, and again when it has died: it has the server fd, so the
 * name stays, and the session of the dead one waits there for the next. It ends with
 * the last session; when it is killed the program ends, too.
 */
static void supervisor_become(const struct launch *launch, int pipe)
{
	int fd = fcntl(launch->fd, F_DUPFD_CLOEXEC, SERVER_FD + 2);
	int null = open("/dev/null", O_RDWR);
	pid_t self = getpid(), pid;

	pipe = fcntl(pipe, F_DUPFD_CLOEXEC, SERVER_FD + 2);
	if (fd < 0 || pipe < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup3(fd, SERVER_FD, O_CLOEXEC) < 0 ||
	    dup3(pipe, SERVER_FD + 1, O_CLOEXEC) < 0 || close_range(SERVER_FD + 2, ~0U, 0) < 0)
		_exit(EXIT_FAILED);
	do {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			if (getppid() == self)
				program_become(launch->type, SERVER_FD, SERVER_FD + 1, self);
			_exit(EXIT_FAILED);
		}
		/* From the second one on nobody listens. */
		dup2(STDIN_FILENO, SERVER_FD + 1);
		dup2(STDIN_FILENO, STDERR_FILENO);
		setenv(VIEWOS_SERVER_AGAIN_ENV, "1", 1);
		if (pid > 0)
			program_wait(pid);
	} while (pid > 0 && session_waits(SERVER_FD));
	_exit(EXIT_DONE);
}

/* Reads reports until the program runs, or could not. */
static int program_await(int pipe, pid_t *pid)
{
	struct report report = { .error = EIO }, next;

	while (read(pipe, &next, sizeof(next)) == sizeof(next))
		report = next;
	*pid = report.pid;
	return -report.error;
}

/* The keeper's process: likewise, but with the end of the pipe, and it remains viewctl. */
static void keeper_become(const struct launch *launch, int pipe)
{
	struct report report = { .pid = getpid() };
	int fd = fcntl(launch->fd, F_DUPFD_CLOEXEC, SERVER_FD + 3);
	int hold = fcntl(launch->hold, F_DUPFD_CLOEXEC, SERVER_FD + 3);
	int null = open("/dev/null", O_RDWR);

	if (fd < 0 || hold < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		report.error = errno;
	if (write(pipe, &report, sizeof(report)) < 0 || report.error ||
	    dup3(fd, SERVER_FD, O_CLOEXEC) < 0 || dup3(hold, SERVER_FD + 1, O_CLOEXEC) < 0 ||
	    close_range(SERVER_FD + 2, ~0U, 0) < 0)
		_exit(EXIT_FAILED);
	fuseprogram_keep(launch->program, SERVER_FD, SERVER_FD + 1);
	_exit(EXIT_DONE);
}

/*
 * Starts the program as a grandchild: it will be nobody's zombie, for viewctl
 * becomes some other program before the server ends.
 */
static int program_start(const struct launch *launch, pid_t *pid)
{
	pid_t child;
	int fds[2], ret;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (!child) {
		setsid();
		child = fork();
		if (!child && launch->program)
			keeper_become(launch, fds[1]);
		if (!child && launch->lasting)
			supervisor_become(launch, fds[1]);
		if (!child)
			program_become(launch->type, launch->fd, fds[1], getpid());
		_exit(child < 0);
	}
	ret = child < 0 ? -errno : 0;
	close(fds[1]);
	if (!ret) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		ret = program_await(fds[0], pid);
	}
	close(fds[0]);
	return ret;
}

/* Starts the FUSE program of a type. Returns -ENOENT without a complaint. */
static int fuse_start(struct ondemand *server, const char *type, int fd)
{
	struct fuseprogram program;
	struct launch launch = { .type = type, .program = &program, .fd = fd };
	int hold[2], ret;

	ret = fuseprogram_find(&program, type);
	if (ret < 0)
		return ret;
	if (pipe2(hold, O_CLOEXEC) < 0) {
		ret = -errno;
	} else {
		launch.hold = hold[0];
		ret = program_start(&launch, &server->pid);
		close(hold[0]);
		if (ret < 0)
			close(hold[1]);
	}
	if (ret < 0) {
		fail("%s: %s", program.path, strerror(-ret));
		return ret == -ENOENT ? -EIO : ret;
	}
	server->hold = hold[1];
	server->fuse = true;
	return 0;
}

static int start(struct ondemand *server, enum viewos_class class, const char *type,
		 const char *name, bool lasting)
{
	struct launch launch = { .type = type, .hold = -1, .lasting = lasting };
	int ctl, fd, ret;

	ctl = ctl_open();
	if (ctl < 0)
		return ctl;
	fd = viewos_server_create(ctl, 1ULL << class);
	close(ctl);
	if (fd < 0) {
		fail("server for '%s': %s", type, strerror(-fd));
		return fd;
	}
	ret = name_take(server, fd, type, name);
	if (ret >= 0) {
		launch.fd = fd;
		ret = program_start(&launch, &server->pid);
		if (ret < 0 && ret != -ENOENT)
			fail("viewos-%s: %s", type, strerror(-ret));
		if (ret == -ENOENT && class == VIEWOS_CLASS_PATH)
			ret = fuse_start(server, type, fd);
		if (ret == -ENOENT)
			fail("type '%s': no such server, and no program viewos-%s%s%s", type, type,
			     class == VIEWOS_CLASS_PATH ? " or " : "",
			     class == VIEWOS_CLASS_PATH ? type : "");
	}
	close(fd);
	return ret;
}

int ondemand_get(struct ondemand *server, enum viewos_class class, const char *type,
		 const char *name, bool lasting)
{
	int ret;

	*server = (struct ondemand){ .hold = -1 };
	if (!type_valid(type)) {
		fail("type '%s': not the name of a server", type);
		return -EINVAL;
	}
	ret = name ? 0 : registered(class, type);
	if (ret < 0)
		return ret;
	if (!ret)
		return start(server, class, type, name, lasting);
	snprintf(server->name, sizeof(server->name), "%s", type);
	return 0;
}

void ondemand_release(struct ondemand *server)
{
	if (server->fuse && server->hold >= 0)
		close(server->hold);
	server->hold = -1;
}

void ondemand_kill(struct ondemand *server)
{
	ondemand_release(server);
	if (server->pid > 0)
		kill(server->pid, SIGTERM);
	server->pid = 0;
}
