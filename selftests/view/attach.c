// SPDX-License-Identifier: GPL-2.0
/* A process that is stopped by ptrace(2) is moved to a view, with all of its threads or none. */

#include "../viewos_test.h"
#include "../calls.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#define VALUE	77
#define THREADS	5
#define STOPPED	256

/* What the processes of a test tell. */
static struct shared {
	unsigned int seen, ready;
} *shared;

/* Threads that were stopped. */
static pid_t stopped[STOPPED];
static unsigned int nr_stopped;

FIXTURE(attach)
{
	int control, view, other;
};

FIXTURE_SETUP(attach)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	self->other = view_create(self->control, "");
	ASSERT_LE(0, self->view);
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, rule_add(self->view, call_value(X64, X64_getppid, VALUE)));
}

FIXTURE_TEARDOWN(attach)
{
	close(self->view);
	close(self->other);
	close(self->control);
	munmap(shared, sizeof(*shared));
}

static int attach(int view, pid_t pid)
{
	struct viewos_view_attach attach = { .size = sizeof(attach), .pid = pid };

	return result(ioctl(view, VIEWOS_IOC_VIEW_ATTACH, &attach));
}

static bool is_stopped(pid_t tid)
{
	unsigned int i;

	for (i = 0; i < nr_stopped; i++)
		if (stopped[i] == tid)
			return true;
	return false;
}

static bool stop(pid_t tid)
{
	int status;

	if (is_stopped(tid) || nr_stopped == STOPPED)
		return false;
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) ||
	    waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		return false;
	stopped[nr_stopped++] = tid;
	return true;
}

/* Stops all threads, until no new ones are seen; how many. */
static unsigned int stop_all(pid_t pid)
{
	struct dirent *entry;
	char path[64];
	bool more;
	DIR *dir;

	nr_stopped = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	do {
		more = false;
		dir = opendir(path);
		if (!dir)
			break;
		while ((entry = readdir(dir)))
			if (atoi(entry->d_name))
				more |= stop(atoi(entry->d_name));
		closedir(dir);
	} while (more);
	return nr_stopped;
}

static void go_on(void)
{
	/* One that was killed is the tracer's to bury, but for the first, whose parent we are. */
	while (nr_stopped--)
		if (ptrace(PTRACE_DETACH, stopped[nr_stopped], 0, 0) && nr_stopped)
			waitpid(stopped[nr_stopped], NULL, __WALL);
	nr_stopped = 0;
}

static void add(unsigned int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static bool comes_to(unsigned int *counter, unsigned int value)
{
	int i;

	for (i = 0; i < 6000 && __atomic_load_n(counter, __ATOMIC_SEQ_CST) < value; i++)
		sleep_ms(10);
	return i < 6000;
}

/* Until it is in the view. */
static void *look(void *arg)
{
	add(&shared->ready);
	while (call64(X64_getppid, 0, 0) != VALUE)
		sleep_ms(1);
	add(&shared->seen);
	return NULL;
}

/* A process whose threads all look, and which then has ended with 0. */
static pid_t looker(unsigned int threads)
{
	pthread_t others[THREADS];
	unsigned int i;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i + 1 < threads; i++)
		pthread_create(&others[i], NULL, look, NULL);
	look(NULL);
	for (i = 0; i + 1 < threads; i++)
		pthread_join(others[i], NULL);
	_exit(0);
}

static uint64_t tasks(int view)
{
	struct viewos_view_info info;

	return view_info(view, &info) ? UINT64_MAX : info.tasks;
}

TEST_F(attach, a_process)
{
	pid_t pid = looker(1);

	ASSERT_TRUE(comes_to(&shared->ready, 1));
	ASSERT_EQ(1, stop_all(pid));
	EXPECT_EQ(0, attach(self->view, pid));
	EXPECT_EQ(1, tasks(self->view));
	go_on();
	EXPECT_EQ(0, child_status(pid));
	EXPECT_TRUE(view_has_tasks(self->view, 0));
}

TEST_F(attach, with_its_threads)
{
	pid_t pid = looker(THREADS);

	ASSERT_TRUE(comes_to(&shared->ready, THREADS));
	ASSERT_EQ(THREADS, stop_all(pid));
	EXPECT_EQ(0, attach(self->view, pid));
	EXPECT_EQ(THREADS, tasks(self->view));
	go_on();
	EXPECT_EQ(0, child_status(pid));
	EXPECT_EQ(THREADS, shared->seen);
}

TEST_F(attach, all_or_none)
{
	pid_t pid = looker(THREADS);

	ASSERT_TRUE(comes_to(&shared->ready, THREADS));
	EXPECT_EQ(-ESRCH, attach(self->view, pid));
	ASSERT_EQ(THREADS, stop_all(pid));
	/* One that is not stopped, and one that is not traced. */
	ASSERT_EQ(0, ptrace(PTRACE_CONT, stopped[1], 0, 0));
	EXPECT_EQ(-ESRCH, attach(self->view, pid));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, stopped[1], 0, 0));
	ASSERT_EQ(stopped[1], waitpid(stopped[1], NULL, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, stopped[THREADS - 1], 0, 0));
	EXPECT_EQ(-ESRCH, attach(self->view, pid));
	EXPECT_EQ(0, tasks(self->view));
	EXPECT_EQ(0, shared->seen);
	/* A thread is no process. */
	EXPECT_EQ(-ESRCH, attach(self->view, stopped[1]));
	nr_stopped--;
	go_on();
	ASSERT_EQ(THREADS, stop_all(pid));
	EXPECT_EQ(0, attach(self->view, pid));
	go_on();
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(attach, who_is_not_there)
{
	EXPECT_EQ(-ESRCH, attach(self->view, 0));
	EXPECT_EQ(-ESRCH, attach(self->view, -1));
	EXPECT_EQ(-ESRCH, attach(self->view, 1 << 30));
	EXPECT_EQ(-ESRCH, attach(self->view, getpid()));
	EXPECT_EQ(-ESRCH, attach(self->view, getppid()));
}

/* By another thread of the tracer, as for ptrace(2) itself. */
static int attach_view;
static void *attach_it(void *arg)
{
	return (void *)(long)attach(attach_view, (long)arg);
}

TEST_F(attach, by_the_thread_that_traces)
{
	pid_t pid = looker(1);
	pthread_t thread;
	void *err;

	ASSERT_TRUE(comes_to(&shared->ready, 1));
	ASSERT_EQ(1, stop_all(pid));
	attach_view = self->view;
	ASSERT_EQ(0, pthread_create(&thread, NULL, attach_it, (void *)(long)pid));
	ASSERT_EQ(0, pthread_join(thread, &err));
	EXPECT_EQ(-ESRCH, (long)err);
	go_on();
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

TEST_F(attach, from_view_to_view_and_back)
{
	struct viewos_view_open open = { .size = sizeof(open), .id = VIEWOS_VIEW_ROOT };
	int root = result(ioctl(self->control, VIEWOS_IOC_VIEW_OPEN, &open));
	pid_t pid = looker(THREADS);

	ASSERT_LE(0, root);
	ASSERT_TRUE(comes_to(&shared->ready, THREADS));
	ASSERT_EQ(THREADS, stop_all(pid));
	EXPECT_EQ(0, attach(self->other, pid));
	EXPECT_EQ(0, attach(self->other, pid));
	EXPECT_EQ(THREADS, tasks(self->other));
	EXPECT_EQ(0, attach(root, pid));
	EXPECT_EQ(0, attach(root, pid));
	EXPECT_EQ(0, tasks(self->other));
	go_on();
	sleep_ms(50);
	EXPECT_EQ(0, shared->seen);
	ASSERT_EQ(THREADS, stop_all(pid));
	EXPECT_EQ(0, attach(self->other, pid));
	EXPECT_EQ(0, attach(self->view, pid));
	EXPECT_EQ(0, tasks(self->other));
	EXPECT_EQ(THREADS, tasks(self->view));
	go_on();
	EXPECT_EQ(0, child_status(pid));
	close(root);
}

/* The last view fd may be closed while the process is all that holds the view. */
TEST_F(attach, it_holds_the_view)
{
	pid_t pid = looker(2);

	ASSERT_TRUE(comes_to(&shared->ready, 2));
	ASSERT_EQ(2, stop_all(pid));
	EXPECT_EQ(0, attach(self->view, pid));
	close(self->view);
	self->view = -1;
	EXPECT_EQ(0, attach(self->other, pid));
	EXPECT_EQ(2, tasks(self->other));
	go_on();
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

/* Its children come after it, those that it has do not. */
TEST_F(attach, children)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!fork()) {
			while (getppid() != 1)
				sleep_ms(10);
			_exit(0);
		}
		look(NULL);
		_exit(IN_CHILD(call64(X64_getppid, 0, 0) != VALUE));
	}
	ASSERT_TRUE(comes_to(&shared->ready, 1));
	ASSERT_EQ(1, stop_all(pid));
	EXPECT_EQ(0, attach(self->view, pid));
	EXPECT_EQ(1, tasks(self->view));
	go_on();
	EXPECT_EQ(0, child_status(pid));
}

static void *look_on(void *arg)
{
	look(NULL);
	_exit(0);
}

static bool is_zombie(pid_t pid)
{
	char path[64], line[256];
	bool zombie = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file))
		zombie = strstr(line, ") Z ");
	fclose(file);
	return zombie;
}

/* Its first thread has ended, and is still there. */
TEST_F(attach, without_its_leader)
{
	pid_t pid = fork();
	pthread_t thread;

	if (!pid) {
		pthread_create(&thread, NULL, look_on, NULL);
		pthread_exit(NULL);
	}
	ASSERT_TRUE(comes_to(&shared->ready, 1));
	for (int i = 0; i < 1000 && !is_zombie(pid); i++)
		sleep_ms(10);
	ASSERT_EQ(1, stop_all(pid));
	EXPECT_EQ(0, attach(self->view, pid));
	EXPECT_EQ(1, tasks(self->view));
	go_on();
	EXPECT_EQ(0, child_status(pid));
}

static int no_new_privs(pid_t pid)
{
	char path[64], line[128];
	int value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "NoNewPrivs: %d", &value);
	if (file)
		fclose(file);
	return value;
}

/* A view of an ordinary user's, who may be traced by others of the kind; -errno. */
static int nobodys_view(void)
{
	int err = become_nobody(), control;

	if (err || prctl(PR_SET_DUMPABLE, 1))
		return err ? err : -errno;
	control = control_open();
	return control < 0 ? control : view_create(control, "");
}

/* 0 if what an ordinary user moves gains no privileges. */
static int nobody_moves(void)
{
	int view = nobodys_view(), bad;
	pid_t pid = looker(1);

	bad = view < 0 || !comes_to(&shared->ready, 2) || stop_all(pid) != 1 ||
	      attach(view, pid) || no_new_privs(pid) != 1;
	kill(pid, SIGKILL);
	return bad;
}

TEST_F(attach, no_new_privs)
{
	pid_t pid = looker(1);

	ASSERT_TRUE(comes_to(&shared->ready, 1));
	ASSERT_EQ(1, stop_all(pid));
	EXPECT_EQ(0, attach(self->other, pid));
	EXPECT_EQ(0, no_new_privs(pid));
	go_on();
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));

	EXPECT_EQ(0, IN_CHILD(nobody_moves()));
}

/* 0 if who is in a view takes nobody in who is outside. */
static int moves_from_outside(void)
{
	int view = nobodys_view(), bad;
	pid_t pid = looker(1);

	bad = view < 0 || !comes_to(&shared->ready, 1) || view_enter(view) ||
	      stop_all(pid) != 1 || attach(view, pid) != -EPERM;
	kill(pid, SIGKILL);
	return bad;
}

/* 0 if who is in a view cannot put anybody into one beside it. */
static int moves_beside(void)
{
	int view = nobodys_view(), other = view_create(control_open(), ""), bad;
	pid_t pid;

	bad = view < 0 || other < 0 || view_enter(view);
	pid = looker(1);
	bad = bad || !comes_to(&shared->ready, 2) || stop_all(pid) != 1 ||
	      attach(other, pid) != -EPERM || attach(view, pid);
	kill(pid, SIGKILL);
	return bad;
}

TEST_F(attach, from_outside_the_own_view)
{
	EXPECT_EQ(0, IN_CHILD(moves_from_outside()));
	EXPECT_EQ(0, IN_CHILD(moves_beside()));
}

TEST_F(attach, to_a_view_that_goes)
{
	pid_t pid = looker(1), holder = fork();

	if (!holder) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!view_enter(self->other))
			pause();
		_exit(1);
	}
	ASSERT_TRUE(view_has_tasks(self->other, 1));
	ASSERT_TRUE(comes_to(&shared->ready, 1));
	ASSERT_EQ(1, stop_all(pid));
	EXPECT_EQ(0, view_destroy(self->other, VIEWOS_VIEW_DESTROY_KILL));
	EXPECT_EQ(-ENOENT, attach(self->other, pid));
	go_on();
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_EQ(128 + SIGKILL, child_status(holder));
}

TEST_F(attach, refused)
{
	struct viewos_view_attach attach = { .size = sizeof(attach), .pid = getpid(), .flags = 1 };

	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_ATTACH, &attach)));
	attach.flags = 0;
	attach.pad = 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_ATTACH, &attach)));
}

static void *nothing(void *arg)
{
	call64(X64_getppid, 0, 0);
	return NULL;
}

static void *busy(void *arg)
{
	pthread_t thread;
	pid_t pid;

	for (;;) {
		if (!pthread_create(&thread, NULL, nothing, NULL))
			pthread_join(thread, NULL);
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

/* It makes threads and processes, and is killed in the end, now and then while it is moved. */
TEST_F(attach, a_storm)
{
	int views[] = { self->view, self->other }, round, i, killed = 0;
	struct viewos_view_open open = { .size = sizeof(open), .id = VIEWOS_VIEW_ROOT };
	int root = result(ioctl(self->control, VIEWOS_IOC_VIEW_OPEN, &open));
	pthread_t threads[3];
	pid_t pid, killer;

	for (round = 0; round < 20; round++) {
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (i = 0; i < 3; i++)
				pthread_create(&threads[i], NULL, busy, NULL);
			busy(NULL);
		}
		killer = fork();
		if (!killer) {
			sleep_ms(round % 2 ? 5 * round : 1000);
			_exit(kill(pid, SIGKILL));
		}
		for (i = 0; i < 10; i++) {
			stop_all(pid);
			killed += attach(i % 3 < 2 ? views[i % 3] : root, pid) == -ESRCH;
			go_on();
		}
		kill(pid, SIGKILL);
		/* If it had not been buried before. */
		child_status(pid);
		child_status(killer);
	}
	EXPECT_LT(killed, 200);
	EXPECT_TRUE(view_has_tasks(self->view, 0));
	EXPECT_TRUE(view_has_tasks(self->other, 0));
	close(root);
}

TEST_HARNESS_MAIN
