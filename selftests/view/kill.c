// SPDX-License-Identifier: GPL-2.0
/* A signal for a view reaches each of its processes once, whatever they do meanwhile. */

#include "../viewos_test.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define ROUNDS	20
#define CHAINS	3
#define FORKERS	4

/* What the processes of a test tell. */
static struct shared {
	unsigned int ready, forks, refused, missed, twice;
	bool over;
} *shared;

/* How often this process got the signal; and its parent, before it forked. */
static volatile sig_atomic_t got;

static void get(int signal)
{
	got++;
}

static void add(unsigned int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static unsigned int look(unsigned int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static bool comes_to(unsigned int *counter, unsigned int value)
{
	int i;

	for (i = 0; i < 6000 && look(counter) < value; i++)
		sleep_ms(10);
	return i < 6000;
}

/* A signal is sent before its call returns, and handled before its process goes on. */
static void tell(void)
{
	while (!__atomic_load_n(&shared->over, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	if (!got)
		add(&shared->missed);
	if (got > 1)
		add(&shared->twice);
	_exit(0);
}

FIXTURE(kill)
{
	int control, view;
};

FIXTURE_SETUP(kill)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	self->control = control_open();
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
	/* Orphans come to us. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
}

FIXTURE_TEARDOWN(kill)
{
	view_destroy(self->view, VIEWOS_VIEW_DESTROY_KILL);
	EXPECT_TRUE(view_has_tasks(self->view, 0));
	close(self->view);
	close(self->control);
	munmap(shared, sizeof(*shared));
}

/* Starts a process in a view, which does what is to be done there. */
static pid_t start(int view, void (*call)(void))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (view_enter(view))
		_exit(200);
	call();
	_exit(201);
}

static void wait_for_one(void)
{
	signal(SIGRTMIN, get);
	add(&shared->ready);
	tell();
}

static void *thread_pause(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void several_threads(void)
{
	pthread_t thread;
	int i;

	signal(SIGRTMIN, get);
	for (i = 0; i < 3; i++)
		pthread_create(&thread, NULL, thread_pause, NULL);
	add(&shared->ready);
	tell();
}

static void *thread_tell(void *unused)
{
	/* The first one has ended when there is nothing left to join. */
	pthread_join(*(pthread_t *)unused, NULL);
	add(&shared->ready);
	tell();
	return NULL;
}

static void first_thread_ends(void)
{
	static pthread_t first;
	pthread_t thread;

	first = pthread_self();
	signal(SIGRTMIN, get);
	pthread_create(&thread, NULL, thread_tell, &first);
	pthread_exit(NULL);
}

static void finish_all(void)
{
	__atomic_store_n(&shared->over, true, __ATOMIC_SEQ_CST);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

TEST_F(kill, each_process_once)
{
	int i;

	for (i = 0; i < 10; i++)
		start(self->view, wait_for_one);
	start(self->view, several_threads);
	start(self->view, first_thread_ends);
	ASSERT_TRUE(comes_to(&shared->ready, 12));
	EXPECT_EQ(12, view_kill(self->view, 0, 0));
	EXPECT_EQ(12, view_kill(self->view, SIGRTMIN, 0));
	finish_all();
	EXPECT_EQ(0, shared->missed);
	EXPECT_EQ(0, shared->twice);
	EXPECT_EQ(-ESRCH, view_kill(self->view, SIGRTMIN, 0));
}

/* Has a child, again and again, until it gets the signal, or its parent had it. */
static void fork_often(void)
{
	pid_t pid;
	int i;

	signal(SIGRTMIN, get);
	add(&shared->ready);
	for (i = 0; i < 200 && !got; i++) {
		pid = fork();
		if (pid < 0)
			add(&shared->refused);
		add(&shared->forks);
		/* The parent goes if it has not got it; the child goes on. */
		if (pid > 0 && (i & 3) && !got)
			_exit(0);
		if (pid > 0)
			break;
	}
	tell();
}

TEST_F(kill, while_they_fork)
{
	int i, round;

	for (round = 0; round < ROUNDS; round++) {
		memset(shared, 0, sizeof(*shared));
		for (i = 0; i < CHAINS; i++)
			start(self->view, fork_often);
		ASSERT_TRUE(comes_to(&shared->ready, CHAINS));
		ASSERT_TRUE(comes_to(&shared->forks, 5 + 3 * round));
		ASSERT_LT(0, view_kill(self->view, SIGRTMIN, 0));
		finish_all();
		ASSERT_EQ(0, shared->refused);
		ASSERT_EQ(0, shared->missed);
		ASSERT_EQ(0, shared->twice);
	}
}

/* There is never one of these for long. */
static void fork_away(void)
{
	add(&shared->ready);
	for (;;) {
		add(&shared->forks);
		if (fork() > 0)
			_exit(0);
	}
}

TEST_F(kill, those_that_are_gone_before_one_looks)
{
	unsigned int forks;
	int i, round;

	for (round = 0; round < ROUNDS; round++) {
		forks = look(&shared->forks);
		for (i = 0; i < FORKERS; i++)
			start(self->view, fork_away);
		ASSERT_TRUE(comes_to(&shared->ready, FORKERS * (round + 1)));
		ASSERT_TRUE(comes_to(&shared->forks, forks + 20));
		ASSERT_LT(0, view_kill(self->view, SIGTERM, 0));
		ASSERT_TRUE(view_has_tasks(self->view, 0));
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}

/* Two at a time, of which one has to wait for the other. */
TEST_F(kill, from_several)
{
	pid_t pids[4];
	int i, j;

	for (i = 0; i < FORKERS; i++)
		start(self->view, fork_away);
	ASSERT_TRUE(comes_to(&shared->ready, FORKERS));
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		for (j = 0; j < 20; j++)
			if (view_kill(self->view, SIGURG, 0) < 0)
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, child_status(pids[i]));
	EXPECT_LT(0, view_kill(self->view, SIGKILL, 0));
	EXPECT_TRUE(view_has_tasks(self->view, 0));
}

TEST_F(kill, beneath_and_not_above)
{
	int inner = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	pid_t above;

	ASSERT_LE(0, inner);
	above = start(self->view, wait_for_one);
	start(inner, wait_for_one);
	ASSERT_TRUE(comes_to(&shared->ready, 2));
	EXPECT_EQ(1, view_kill(inner, SIGKILL, 0));
	EXPECT_TRUE(view_has_tasks(inner, 0));
	EXPECT_EQ(0, waitpid(above, NULL, WNOHANG));
	start(inner, wait_for_one);
	ASSERT_TRUE(comes_to(&shared->ready, 3));
	EXPECT_EQ(2, view_kill(self->view, SIGKILL, 0));
	EXPECT_EQ(128 + SIGKILL, child_status(above));
	close(inner);
}

TEST_F(kill, not_the_caller_nor_the_one_left_out)
{
	pid_t pid = start(self->view, wait_for_one);

	ASSERT_TRUE(comes_to(&shared->ready, 1));
	EXPECT_EQ(-ESRCH, view_kill(self->view, SIGKILL, pid));
	EXPECT_EQ(0, IN_CHILD(view_enter(self->view) || view_kill(self->view, SIGKILL, pid) !=
			      -ESRCH));
	EXPECT_EQ(0, IN_CHILD(view_enter(self->view) || view_kill(self->view, SIGKILL, 0) != 1));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

/* It is what tells the others, or systemd, for which SIGTERM means another thing. */
TEST_F(kill, not_the_first_of_a_pid_namespace)
{
	pid_t pid = fork();

	if (!pid) {
		if (view_enter(self->view) || unshare(CLONE_NEWPID))
			_exit(200);
		if (!fork())
			wait_for_one();
		if (!fork())
			wait_for_one();
		tell();
	}
	ASSERT_TRUE(comes_to(&shared->ready, 2));
	/* Who made the namespace is outside of it. */
	EXPECT_EQ(1, view_kill(self->view, SIGRTMIN, pid));
	EXPECT_EQ(2, view_kill(self->view, SIGKILL, pid));
	finish_all();
	EXPECT_EQ(1, shared->missed);
}

/* What it has pending, of its own, is nothing that its child should have. */
static void fork_with_one_pending(void)
{
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	add(&shared->ready);
	while (!__atomic_load_n(&shared->over, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	raise(SIGUSR1);
	pid = fork();
	if (!pid)
		_exit(sigpending(&set) || sigismember(&set, SIGUSR1));
	if (child_status(pid))
		add(&shared->twice);
	add(&shared->forks);
	for (;;)
		pause();
}

TEST_F(kill, as_kill_permits)
{
	struct viewos_view_kill args = { .size = sizeof(args), .signal = SIGUSR1 };
	int view = -1, pair[2];
	pid_t pid;

	/* A process of root's in somebody's view, who may not send it signals. */
	ASSERT_EQ(0, pipe(pair));
	pid = fork();
	if (!pid) {
		if (become_nobody())
			_exit(200);
		view = view_create(control_open(), "of-nobody");
		if (write(pair[1], "", 1) != 1)
			_exit(201);
		while (look(&shared->ready) < 1)
			sleep_ms(1);
		if (result(ioctl(view, VIEWOS_IOC_VIEW_KILL, &args)) != -EPERM)
			_exit(1);
		_exit(args.refused != 1 || args.processes ? 2 : 0);
	}
	ASSERT_EQ(1, read(pair[0], &args, 1));
	view = view_open(self->control, 0, "of-nobody", 0);
	ASSERT_LE(0, view);
	start(view, fork_with_one_pending);
	EXPECT_EQ(0, child_status(pid));
	__atomic_store_n(&shared->over, true, __ATOMIC_SEQ_CST);
	EXPECT_TRUE(comes_to(&shared->forks, 1));
	EXPECT_EQ(0, shared->twice);
	EXPECT_EQ(1, view_kill(view, SIGKILL, 0));
	/* And a view that is somebody else's. */
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ? 200 : -view_kill(self->view, 0, 0)));
	close(view);
}

TEST_F(kill, wrong)
{
	struct viewos_view_kill args = { .size = sizeof(args), .flags = 1 };
	int root = view_open(self->control, VIEWOS_VIEW_ROOT, "", 0);

	ASSERT_LE(0, root);
	EXPECT_EQ(-EINVAL, view_kill(self->view, 65, 0));
	EXPECT_EQ(-EINVAL, view_kill(self->view, -1, 0));
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_KILL, &args)));
	EXPECT_EQ(-EPERM, view_kill(root, 0, 0));
	/* No such process is left out. */
	EXPECT_EQ(-ESRCH, view_kill(self->view, 0, 1 << 30));
	EXPECT_EQ(-ESRCH, view_kill(self->view, 0, -1));
	close(root);
}

TEST_HARNESS_MAIN
