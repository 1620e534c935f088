// SPDX-License-Identifier: GPL-2.0
/* The clients: every call that reaches the module, with arguments that are right or not. */

#include "state.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

char buffer[BUFFER];
sigjmp_buf fault;

/* From this byte on it is something with sockets; earlier if there is a server for them. */
#define SOCK_CALLS	240

static void run(struct state *state, unsigned int most);

void keep(struct state *state, int fd)
{
	int *slot = &state->fds[state->next++ % SLOTS];

	if (fd < 0)
		return;
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

void keep_file(struct state *state, int fd)
{
	int *slot = &state->files[state->next_file++ % SLOTS];

	if (fd < 0)
		return;
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

/* Mostly one of the kind, and mostly one of the last. */
static int some(struct state *state, const int *likely, unsigned int next, const int *other)
{
	uint8_t which = take(state->stream);

	if (which < 128)
		return likely[(next + SLOTS - 1 - which % 3) % SLOTS];
	return which < 240 ? likely[which % SLOTS] : other[which % SLOTS];
}

int some_fd(struct state *state)
{
	return some(state, state->fds, state->next, state->files);
}

int some_file(struct state *state)
{
	return some(state, state->files, state->next_file, state->fds);
}

const char *some_path(struct state *state)
{
	static const char *const paths[] = {
		"f", "f2", "d", "d/f", "d/d", "d/n", "l", "s", "p", "c", "n", "n2", ".", "..",
		"d/..", "d/../f", "l/f", "", "/", "f/", "d/", "./f", "name-that-is-longer",
		"d/d/d/d/f", "/proc/self/cwd/d", "/proc/self/cwd/f", "/proc/self/root",
	};
	static char path[PATH_MAX + 2];
	uint8_t what = take(state->stream);

	/* Half of all are the first few. */
	what = what < 128 ? what % 8 : what % 48;
	if (what < ARRAY_SIZE(paths))
		return paths[what];
	switch (what) {
	case 40:
		memset(path, 'x', 300);
		path[what == 40 ? 255 : 256] = 0;
		break;
	case 41:
		memset(path, 'x', sizeof(path));
		path[sizeof(path) - 1] = 0;
		break;
	case 42:
		snprintf(path, sizeof(path), "%s", state->client->dir);
		break;
	case 43:
		return (void *)-4096L;
	default:
		snprintf(path, sizeof(path), "%s%u", what & 1 ? "f" : "n", what);
	}
	return path;
}

const char *some_name(struct state *state)
{
	static const char *const names[] = { "", "fuzz-a", "fuzz-b", "1x", "a/b", "fuzz-\1" };
	uint32_t what = take_below(state->stream, ARRAY_SIZE(names) + 1);

	return what < ARRAY_SIZE(names) ? names[what] : state->client->name;
}

/* Processes */

static void do_chdir(struct state *state)
{
	if (take_below(state->stream, 3) ? chdir(some_path(state)) : chdir(state->client->dir))
		errno = 0;
	if (!getcwd(buffer, BUFFER))
		errno = 0;
}

static void do_exec(struct state *state)
{
	const char *path = some_path(state);
	char *argv[] = { "fuzz", NULL };
	pid_t pid = fork();

	if (!pid) {
		execv(path, argv);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* A signal in a while, whoever waits then, for a server perhaps. */
static void do_alarm(struct state *state)
{
	struct itimerval timer = { .it_value.tv_usec = 1 + take_below(state->stream, 100) * 500 };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Children do the next few things and are killed while they do, perhaps while they wait. */
static void do_murder(struct state *state)
{
	uint32_t most = 1 + take_below(state->stream, 4);
	uint32_t patience = take_below(state->stream, 60);
	pid_t pid;

	if (state->depth >= 2)
		return;
	pid = fork();
	if (!pid) {
		state->depth++;
		run(state, most);
		_exit(0);
	}
	while (most-- && stream_more(state->stream))
		take(state->stream);
	if (pid < 0)
		return;
	sleep_ms(patience);
	if (!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid)
		count(&stats->kills);
}

/* A child does the next few things, in place of this process or beside it. */
static void do_fork(struct state *state)
{
	uint32_t most = take_below(state->stream, 6);
	bool wait = take_below(state->stream, 2);
	pid_t pid;

	if (state->depth >= 2)
		return;
	pid = fork();
	if (!pid) {
		state->depth++;
		run(state, most);
		_exit(0);
	}
	while (most-- && stream_more(state->stream))
		take(state->stream);
	if (pid > 0 && wait)
		waitpid(pid, NULL, 0);
}

static void do_namespace(struct state *state)
{
	static const int flags[] = { CLONE_NEWNS, CLONE_FS, CLONE_FILES, CLONE_NEWUSER };

	unshare(flags[take_below(state->stream, ARRAY_SIZE(flags))]);
}

/* A task of the view somewhere else, from there by /proc. */
static void do_elsewhere(struct state *state)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/%s/%s", getppid(),
		 take_below(state->stream, 2) ? "cwd" : "root", "f");
	keep_file(state, open(path, O_RDONLY | O_NONBLOCK));
}

static const call_fn process_calls[] = {
	do_fork, do_chdir, do_exec, do_namespace, do_elsewhere, do_alarm, do_murder, do_murder, NULL
};

static unsigned int calls_nr(const call_fn *calls)
{
	unsigned int nr = 0;

	while (calls[nr])
		nr++;
	return nr;
}

static void run(struct state *state, unsigned int most)
{
	unsigned int files = calls_nr(file_calls), views = calls_nr(view_calls);
	unsigned int processes = calls_nr(process_calls), socks = calls_nr(sock_calls), which;
	unsigned int calls = calls_nr(call_calls);

	while (most-- && stream_more(state->stream)) {
		which = take(state->stream);
		if (state->client->calls && which >= 64) {
			call_calls[which % calls](state);
			count(&stats->calls);
			continue;
		}
		if (which >= (state->client->sockets ? 96 : SOCK_CALLS)) {
			sock_calls[which % socks](state);
			count(&stats->calls);
			continue;
		}
		which %= files + views + processes;
		if (which < files)
			file_calls[which](state);
		else if (which < files + views)
			view_calls[which - files](state);
		else
			process_calls[which - files - views](state);
		count(&stats->calls);
	}
}

static void on_fault(int signal)
{
	siglongjmp(fault, 1);
}

static void on_alarm(int signal)
{
}

void client_run(struct client *client)
{
	struct rlimit limit = { 1 << 26, 1 << 26 };
	struct state state = { .client = client, .stream = &client->stream, .map = MAP_FAILED };
	int i;

	for (i = 0; i < SLOTS; i++)
		state.fds[i] = state.files[i] = -1;
	state.fds[0] = client->control;
	state.fds[1] = client->server;
	state.next = 2;
	state.next_file = 0;
	/* What must not fill the guest: a real file that was reached by a way out. */
	setrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Only do_touch() and do_dirty() come where this may happen. */
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	signal(SIGALRM, on_alarm);
	if (chdir(client->dir))
		errno = 0;
	keep_file(&state, open("d", O_RDONLY | O_DIRECTORY));
	keep_file(&state, open("f", O_RDWR | O_NONBLOCK));
	run(&state, 1000);
}
