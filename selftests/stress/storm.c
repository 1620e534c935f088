// SPDX-License-Identifier: GPL-2.0
/*
 * All at once for a while: fork, exec, exit, enter, nest, mount, umount, servers killed,
 * stopped and started, signals, ptrace, listings, views destroyed, memory short.
 *
 *   storm SECONDS [SEED]
 *
 * What can go wrong and be seen from here: a process that cannot be killed, and a view that
 * is still there when all is over. The rest the kernel says.
 */

#include "../abi.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#define TARGETS		64
#define CGROUP		"/sys/fs/cgroup/storm"
#define BASE		"/tmp/storm"
/* What is shown of, by servers that have no files of their own. */
#define SOURCE		BASE "/source"
/* So long may a killed process need to be gone. */
#define GONE_MS		60000

/**
 * struct shared - of all processes
 * @end: when to stop, by CLOCK_MONOTONIC
 * @targets: processes to be signalled, traced and killed; 0 is a free place
 * @forks: processes made
 * @execs: programs run
 * @mounts: that succeeded
 * @kills: processes killed by others, not only at their end
 * @servers: servers killed
 * @traced: processes traced
 * @destroyed: views destroyed with their tasks
 * @stuck: processes that could not be killed
 * @start_ms: how long a server took to start, the last time: how slow all is
 */
static struct shared {
	uint64_t end;
	pid_t targets[TARGETS];
	uint64_t forks, execs, mounts, kills, servers, traced, destroyed, stuck;
	unsigned int start_ms;
} *shared;

/**
 * struct server - one of those that are kept running
 * @program: what it is
 * @options: of its mounts
 */
static const struct server {
	const char *program;
	const char *options;
} servers[] = {
	{ "viewos-mem", "" },
	{ "viewos-mem", ",data=writeback" },
	/* Names there are redirects. */
	{ "viewos-patch", "" },
	/* Its mounts outlive it. */
	{ "steady", ",recover=3" },
};

#define SERVERS (sizeof(servers) / sizeof(*servers))

static uint64_t rng;

static uint32_t below(uint32_t bound)
{
	uint64_t x = rng += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	return (x >> 32) % bound;
}

static void count(uint64_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static bool over(void)
{
	return now_ms() >= shared->end;
}

/* So long, and longer where all is slow; in steps of reap(). */
static unsigned int patience(unsigned int ms)
{
	return (ms + 2 * shared->start_ms) / 5 * 5;
}

static pid_t target(void)
{
	return __atomic_load_n(&shared->targets[below(TARGETS)], __ATOMIC_RELAXED);
}

/* A child that others may do things to. Each has numbers of its own. */
static pid_t spawn(unsigned int place)
{
	pid_t pid = fork();

	if (!pid) {
		rng ^= (uint64_t)getpid() << 20;
		return 0;
	}
	if (pid > 0) {
		count(&shared->forks);
		shared->targets[place] = pid;
	}
	return pid;
}

/* Waits, and kills at last. Whoever it is may be stopped, traced, or wait for a dead server. */
static void reap(pid_t pid, unsigned int place, unsigned int patience_ms)
{
	unsigned int waited = 0;
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (waited == patience_ms || over()) {
			kill(pid, SIGKILL);
			count(&shared->kills);
			patience_ms = waited;
		}
		if (waited > patience_ms + GONE_MS) {
			fprintf(stderr, "storm: process %d cannot be killed\n", pid);
			count(&shared->stuck);
			break;
		}
		sleep_ms(5);
		waited += 5;
	}
	shared->targets[place] = 0;
}

static void *thread_main(void *arg)
{
	int status, pid;

	switch (below(3)) {
	case 0:
		pid = vfork();
		if (!pid)
			_exit(0);
		waitpid(pid, &status, 0);
		break;
	case 1:
		sleep_ms(below(20));
	}
	return arg;
}

/* The life of a process: some of its children, threads, programs. */
static void live(int depth)
{
	unsigned int turns = 1 + below(6);
	pthread_t threads[4];
	unsigned int i, n;
	pid_t pid;

	while (turns-- && !over()) {
		switch (below(5)) {
		case 0:
			pid = depth < 4 ? fork() : -1;
			if (!pid) {
				live(depth + 1);
				_exit(0);
			}
			count(&shared->forks);
			/* Some outlive their parents. */
			if (pid > 0 && below(4))
				waitpid(pid, NULL, 0);
			break;
		case 1:
			pid = fork();
			if (!pid) {
				execl("/bin/true", "true", NULL);
				_exit(1);
			}
			count(&shared->execs);
			waitpid(pid, NULL, 0);
			break;
		case 2:
			n = below(4);
			for (i = 0; i < n; i++)
				if (pthread_create(&threads[i], NULL, thread_main, NULL))
					n = i;
			for (i = 0; i < n; i++)
				pthread_join(threads[i], NULL);
			break;
		case 3:
			sleep_ms(below(30));
			break;
		default:
			execl("/bin/sleep", "sleep", "0.02", NULL);
		}
	}
}

static void use_files(const char *dir)
{
	static char data[40000];
	char path[PATH_MAX], other[PATH_MAX];
	unsigned int turns = 1 + below(20);
	char *map;
	int fd;

	while (turns-- && !over()) {
		snprintf(path, sizeof(path), "%s/%u", dir, below(8));
		snprintf(other, sizeof(other), "%s/%u", dir, below(8));
		switch (below(8)) {
		case 0:
			mkdir(path, 0777);
			break;
		case 1:
			rename(path, other);
			break;
		case 2:
			unlink(path);
			break;
		case 3:
			link(path, other);
			break;
		case 4:
			snprintf(path, sizeof(path), "{ cp /bin/true %s/t; %s/t; } 2>/dev/null",
				 dir, dir);
			if (system(path) < 0)
				return;
			break;
		default:
			fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0777);
			if (fd < 0)
				break;
			if (pwrite(fd, data, sizeof(data), below(1 << 20)) < 0)
				errno = 0;
			map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			/* May be SIGBUS, when the server is gone: as good an end as any. */
			if (map != MAP_FAILED)
				map[below(8192)] = 1;
			if (below(2))
				fsync(fd);
			close(fd);
		}
	}
}

static void view_name(char *name)
{
	sprintf(name, "storm-%u", below(32));
}

static void enter_new(void)
{
	int view, control = control_open();
	char name[VIEWOS_NAME_LEN];

	/* Some names are taken. */
	view_name(name);
	view = view_create_in(control, -1, name, below(3));
	if (view < 0)
		view = view_create_in(control, -1, "", below(3));
	if (view >= 0)
		view_enter(view);
	close(view);
	close(control);
}

/* In views of its own, one beneath the other, with a mount in it. */
static void mounter(unsigned int place)
{
	pid_t pid = spawn(place);
	char dir[64], options[64];
	unsigned int views = below(4), server;
	uint64_t until;
	int err;

	if (pid) {
		reap(pid, place, patience(500 + below(4000)));
		return;
	}
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(1);
	while (views--)
		enter_new();
	snprintf(dir, sizeof(dir), BASE "/%u", place);
	server = below(SERVERS);
	snprintf(options, sizeof(options), "server=storm-%u%s", server, servers[server].options);
	/* A server may be about to come. */
	until = now_ms() + patience(2000);
	while ((err = result(mount(SOURCE, dir, "viewfs", 0, options))) == -ENOENT &&
	       now_ms() < until)
		sleep_ms(50);
	if (!err) {
		count(&shared->mounts);
		use_files(dir);
		if (below(2))
			umount2(dir, below(2) ? MNT_DETACH : 0);
	}
	live(2);
	_exit(0);
}

static void forker(unsigned int place)
{
	pid_t pid = spawn(place);

	if (pid) {
		reap(pid, place, patience(2000));
		return;
	}
	enter_new();
	live(0);
	_exit(0);
}

static bool registered(const char *name)
{
	static char answer[32768];
	struct nl_message message;
	int len;

	nl_begin(&message, nl_family(), VIEWOS_CMD_SERVER_GET, NLM_F_DUMP);
	len = nl_talk(&message, answer, sizeof(answer));
	return len > 0 && memmem(answer, len, name, strlen(name) + 1);
}

static void await_server(const char *name)
{
	uint64_t start = now_ms(), took = 0;

	while (!registered(name) && took < 20000 && !over()) {
		sleep_ms(20);
		took = now_ms() - start;
	}
	shared->start_ms = took;
}

/* Keeps a server running, and kills it; mostly not before it has begun. */
static void keeper(unsigned int place)
{
	char name[32];
	pid_t pid;

	snprintf(name, sizeof(name), "storm-%u", (unsigned int)(place % SERVERS));
	pid = fork();
	if (!pid) {
		execlp(servers[place % SERVERS].program, name, "--foreground", "--name", name,
		       NULL);
		_exit(127);
	}
	if (below(8))
		await_server(name);
	sleep_ms(500 + below(8000));
	if (!below(4)) {
		kill(pid, SIGSTOP);
		sleep_ms(below(1500));
		kill(pid, below(2) ? SIGCONT : SIGKILL);
	}
	kill(pid, below(3) ? SIGKILL : SIGTERM);
	count(&shared->servers);
	reap(pid, place, 5000);
}

static void signaller(unsigned int place)
{
	static const int signals[] = {
		SIGSTOP, SIGCONT, SIGCONT, SIGUSR1, SIGTERM, SIGKILL, SIGCHLD };
	int signal = signals[below(sizeof(signals) / sizeof(*signals))];
	pid_t pid = target();

	if (pid > 0 && !kill(pid, signal) && signal == SIGKILL)
		count(&shared->kills);
	sleep_ms(below(20));
}

static void tracer(unsigned int place)
{
	pid_t pid = target();
	int i, status;

	if (pid <= 0 || ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC))
		return sleep_ms(10);
	count(&shared->traced);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	for (i = 0; i < 100 && waitpid(-1, &status, WNOHANG | __WALL) >= 0; i++) {
		ptrace(below(2) ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, 0);
		sleep_ms(2);
	}
	/* Whoever was followed is let go with us. */
	_exit(0);
}

static void destroyer(unsigned int place)
{
	int view, control = control_open();
	char name[VIEWOS_NAME_LEN];

	view_name(name);
	view = view_open(control, 0, name, 0);
	if (view >= 0 && !view_destroy(view, below(2)))
		count(&shared->destroyed);
	close(view);
	close(control);
	sleep_ms(below(50));
}

static void lister(unsigned int place)
{
	static const char *const commands[] = {
		"viewctl tree", "viewctl ps", "viewctl servers", "viewctl mounts",
		"viewctl sessions",
		"cat /proc/[0-9]*/mountinfo", "timeout 0.2 viewctl monitor", "rmmod viewos", "sync",
	};
	char command[128];

	snprintf(command, sizeof(command), "%s >/dev/null 2>&1",
		 commands[below(sizeof(commands) / sizeof(*commands))]);
	if (system(command) < 0)
		sleep_ms(100);
	sleep_ms(below(50));
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return good;
}

/* Takes what the control group has, until the kernel takes it back. */
static void hog(unsigned int place)
{
	size_t size = (1 + below(6)) << 25;
	pid_t pid = spawn(place);
	char *memory;

	if (pid) {
		reap(pid, place, 4000);
		return;
	}
	write_file("/proc/self/oom_score_adj", "1000");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory != MAP_FAILED)
		memset(memory, 1, size);
	sleep_ms(below(2000));
	_exit(0);
}

static void (*const actors[])(unsigned int place) = {
	keeper, keeper, keeper, keeper, mounter, mounter, mounter, mounter, forker, forker,
	signaller, tracer, destroyer, lister, hog,
};

#define ACTORS (sizeof(actors) / sizeof(*actors))

static void actor(unsigned int place)
{
	rng += (uint64_t)place << 32 | getpid();
	/* stress-ng, beside us, is to have its share. */
	if (nice(5) < 0)
		errno = 0;
	while (!over())
		actors[place](place);
	_exit(0);
}

static bool empty(const char *path)
{
	char line[16];
	FILE *file = fopen(path, "r");
	bool something = file && fgets(line, sizeof(line), file);

	if (file)
		fclose(file);
	return !something;
}

/* All in a control group, by which they end, and which has little memory. */
static int cgroup_fork(void)
{
	pid_t pid;

	mkdir(CGROUP, 0755);
	if (!write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory") ||
	    !write_file(CGROUP "/memory.max", "192M"))
		fprintf(stderr, "storm: no memory controller: memory is not going to be short\n");
	pid = fork();
	if (!pid && !write_file(CGROUP "/cgroup.procs", "0"))
		_exit(2);
	return pid;
}

/* Memory that is short takes an actor at times, and so does a tracer's end: another follows. */
static void start(void)
{
	pid_t pid, pids[ACTORS] = { };
	unsigned int i;

	while (!over()) {
		for (i = 0; i < ACTORS; i++) {
			if (!pids[i])
				pids[i] = fork();
			if (!pids[i])
				actor(i);
		}
		pid = waitpid(-1, NULL, WNOHANG);
		for (i = 0; i < ACTORS; i++)
			if (pids[i] == pid || pids[i] < 0)
				pids[i] = 0;
		sleep_ms(20);
	}
	_exit(0);
}

/* Every process is killed, stopped or not; true when they are gone. */
static bool end(void)
{
	int i;

	for (i = 0; i < GONE_MS / 100; i++) {
		write_file(CGROUP "/cgroup.kill", "1");
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (empty(CGROUP "/cgroup.procs"))
			return true;
		sleep_ms(100);
	}
	return false;
}

int main(int argc, char **argv)
{
	unsigned int i;
	char dir[64];
	bool gone;
	pid_t pid;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: storm SECONDS [SEED]\n");
		return 2;
	}
	rng = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		perror("storm");
		return 2;
	}
	shared->end = now_ms() + strtoull(argv[1], NULL, 0) * 1000;
	mkdir(BASE, 0755);
	mkdir(SOURCE, 0777);
	for (i = 0; i < ACTORS; i++) {
		snprintf(dir, sizeof(dir), BASE "/%u", i);
		mkdir(dir, 0777);
	}
	/* The module is in use, whatever is killed. */
	pid = control_open() < 0 ? -1 : cgroup_fork();
	if (pid < 0) {
		perror("storm");
		return 2;
	}
	if (!pid)
		start();
	while (!over()) {
		sleep_ms(200);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	gone = end();
	rmdir(CGROUP);
	printf("%" PRIu64 " processes, %" PRIu64 " programs, %" PRIu64 " mounts, %" PRIu64
	       " killed, %" PRIu64 " servers killed, %" PRIu64 " traced, %" PRIu64
	       " views destroyed\n", shared->forks, shared->execs, shared->mounts, shared->kills,
	       shared->servers, shared->traced, shared->destroyed);
	if (!gone)
		fprintf(stderr, "storm: there are processes that cannot be killed\n");
	return gone && !shared->stuck ? 0 : 1;
}
