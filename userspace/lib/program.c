// SPDX-License-Identifier: GPL-2.0
/* libviewos: a whole server program, of whatever class */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "program.h"
#include "serve.h"
#include "viewos.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/**
 * struct program - a server at work
 * @server: what it serves
 * @name: under which it registers
 * @once: end with the last session
 * @foreground: do not go to the background
 * @debug: report every request
 * @public: register for all users
 * @inherited: the server fd came from the environment
 * @again: it goes on with what another process has left
 * @fd: the server fd
 * @signals: signalfd of SIGTERM and SIGINT
 * @ended: eventfd, written when a session ended
 * @sessions: list of those not yet joined; only the main thread's
 */
struct program {
	const struct viewos_program *server;
	const char *name;
	bool once;
	bool foreground;
	bool debug;
	bool public;
	bool inherited;
	bool again;
	int fd;
	int signals;
	int ended;
	struct session *sessions;
};

/**
 * struct session - one accepted session, with a thread of its own
 * @next: in the program's list
 * @program: whose it is
 * @thread: accepts no requests, but starts those that do
 * @fd: the session fd, the thread's to close
 * @stop: to end it early
 * @done: set by the thread as its last act
 * @accepted: source and options
 */
struct session {
	struct session *next;
	struct program *program;
	pthread_t thread;
	int fd;
	struct viewos_stop stop;
	atomic_bool done;
	struct viewos_accepted accepted;
};

/* Whoever started this server on demand waits no longer for its complaints. */
static void release_stderr(const struct program *program)
{
	int null;

	if (!program->inherited || program->foreground || program->debug)
		return;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0)
		return;
	dup2(null, STDERR_FILENO);
	close(null);
}

static int session_serve(struct session *session)
{
	const struct program *program = session->program;
	const struct viewos_program *server = program->server;
	void *data = NULL;
	int ret = 0;

	if (session->accepted.class_ != server->class_)
		ret = -EPROTOTYPE;
	else if (server->open)
		ret = server->open(&session->accepted, &data);
	if (ret < 0) {
		/* Whoever mounts, or makes the rule, is told. */
		viewos_session_refuse(session->fd, -ret);
		close(session->fd);
		return 0;
	}
	release_stderr(program);
	ret = server->serve(server, session->fd, data, program->debug, &session->stop);
	if (server->close)
		server->close(data);
	return ret;
}

static void *session_run(void *arg)
{
	struct session *session = arg;
	int ended = session->program->ended;
	int ret;

	ret = session_serve(session);
	if (ret < 0)
		fprintf(stderr, "viewos-%s: '%s': %s\n", session->program->server->name,
			session->accepted.source, strerror(-ret));
	session->done = true;
	eventfd_write(ended, 1);
	return NULL;
}

/* Returns 0, or a negative errno when no session can be accepted any more. */
static int session_accept(struct program *program)
{
	struct session *session = calloc(1, sizeof(*session));
	int ret;

	if (!session)
		return -ENOMEM;
	session->program = program;
	session->fd = viewos_server_accept(program->fd, VIEWOS_ACCEPT_NONBLOCK,
					   &session->accepted);
	if (session->fd < 0) {
		ret = session->fd;
		free(session);
		return ret == -EAGAIN || ret == -EINTR ? 0 : ret;
	}
	viewos_stop_init(&session->stop);
	ret = pthread_create(&session->thread, NULL, session_run, session);
	if (ret) {
		viewos_session_refuse(session->fd, ret);
		close(session->fd);
		viewos_stop_exit(&session->stop);
		free(session);
		return 0;
	}
	session->next = program->sessions;
	program->sessions = session;
	return 0;
}

/* Joins the sessions that are done, or all. */
static void sessions_reap(struct program *program, bool all)
{
	struct session **link = &program->sessions;
	struct session *session;

	while ((session = *link)) {
		if (!all && !session->done) {
			link = &session->next;
			continue;
		}
		*link = session->next;
		pthread_join(session->thread, NULL);
		viewos_stop_exit(&session->stop);
		free(session);
	}
}

static int serve(struct program *program)
{
	struct pollfd fds[] = {
		{ .fd = program->fd, .events = POLLIN },
		{ .fd = program->ended, .events = POLLIN },
		{ .fd = program->signals, .events = POLLIN },
	};
	struct session *session;
	eventfd_t count;
	int ret = 0;

	if (program->again) {
		ret = session_accept(program);
		/* It has ended meanwhile. */
		if (ret < 0 || !program->sessions)
			goto close;
	}
	for (;;) {
		if (poll(fds, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			ret = -errno;
			break;
		}
		if (fds[2].revents)
			break;
		if (fds[0].revents)
			ret = session_accept(program);
		if (ret < 0)
			break;
		if (fds[1].revents) {
			eventfd_read(program->ended, &count);
			sessions_reap(program, false);
			if (program->once && !program->sessions)
				break;
		}
	}

close:
	close(program->fd);
	for (session = program->sessions; session; session = session->next)
		viewos_stop_request(&session->stop);
	sessions_reap(program, true);
	return ret;
}

/* Opens the server, goes to the background, and serves. */
static int start(struct program *program)
{
	sigset_t set;
	int ret;

	program->again = getenv(VIEWOS_SERVER_AGAIN_ENV);
	unsetenv(VIEWOS_SERVER_AGAIN_ENV);
	program->fd = viewos_server_open_class(program->name, 1ULL << program->server->class_,
					       program->public ? VIEWOS_SERVER_PUBLIC : 0,
					       &program->inherited);
	if (program->fd < 0) {
		fprintf(stderr, "viewos-%s: '%s': cannot serve: %s%s\n", program->server->name,
			program->name, strerror(-program->fd),
			program->fd == -ENOENT ? " (is the module loaded?)" : "");
		return EXIT_FAILED;
	}
	if (!program->inherited && !program->foreground && !program->debug &&
	    daemon(0, 0) < 0) {
		fprintf(stderr, "viewos-%s: background: %s\n", program->server->name,
			strerror(errno));
		close(program->fd);
		return EXIT_FAILED;
	}

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	program->signals = signalfd(-1, &set, SFD_CLOEXEC);
	program->ended = eventfd(0, EFD_CLOEXEC);
	if (program->signals < 0 || program->ended < 0)
		ret = -errno;
	else
		ret = serve(program);
	close(program->signals);
	close(program->ended);
	if (ret < 0)
		fprintf(stderr, "viewos-%s: '%s': %s\n", program->server->name, program->name,
			strerror(-ret));
	return ret < 0 ? EXIT_FAILED : EXIT_DONE;
}

static void help(const struct viewos_program *server)
{
	printf("Usage: viewos-%s [OPTIONS]\n"
	       "Serves %s to views, until a signal ends it.\n"
	       "\n"
	       "      --name NAME    register under NAME (default: %s)\n"
	       "      --once         end with the last session\n"
	       "      --public       serve other users too (privileged)\n"
	       "  -f, --foreground   stay in the foreground\n"
	       "  -d, --debug        report requests on stderr; implies -f\n"
	       "  -h, --help         show this help\n"
	       "      --version      show the version\n",
	       server->name, server->what, server->name);
	if (server->usage)
		printf("\n%s", server->usage);
}

int viewos_program_main(int argc, char **argv, const struct viewos_program *server)
{
	enum { OPT_NAME = 256, OPT_ONCE, OPT_PUBLIC, OPT_VERSION };
	static const struct option options[] = {
		{ "name", required_argument, NULL, OPT_NAME },
		{ "once", no_argument, NULL, OPT_ONCE },
		{ "public", no_argument, NULL, OPT_PUBLIC },
		{ "foreground", no_argument, NULL, 'f' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct program program = { .server = server, .name = server->name };
	int opt;

	while ((opt = getopt_long(argc, argv, "fdh", options, NULL)) != -1) {
		switch (opt) {
		case OPT_NAME:
			program.name = optarg;
			break;
		case OPT_ONCE:
			program.once = true;
			break;
		case OPT_PUBLIC:
			program.public = true;
			break;
		case 'f':
			program.foreground = true;
			break;
		case 'd':
			program.debug = true;
			break;
		case 'h':
			help(server);
			return EXIT_DONE;
		case OPT_VERSION:
			printf("viewos-%s %s (ABI %d)\n", server->name, VIEWOS_RELEASE,
			       VIEWOS_ABI);
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "viewos-%s: '%s': unexpected argument\n", server->name,
			argv[optind]);
		return EXIT_USAGE;
	}
	return start(&program);
}
