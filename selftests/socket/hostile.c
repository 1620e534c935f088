// SPDX-License-Identifier: GPL-2.0
/* Socket servers that lie, keep silent, or die. */

#include "../sock_server.h"

#define SERVER	"hostile-test"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd	438
#endif

/* A copy of an fd of another process. */
static int fd_of(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	close(pidfd);
	return copy;
}

/*
 * A lie is told in the answer to one operation. cut is how many bytes of the frame are missing, or,
 * if negative, how many are behind out: zeros, or control messages.
 */
struct lie {
	const char *name;
	uint32_t op;
	int error;		/* what the program gets */
	struct viewos_sock_out out;
	int header_error;	/* in place of out */
	int cut;
	int (*make_fd)(const struct sock_request *req);
	struct cmsghdr control[2];
};

static int make_file(const struct sock_request *req)
{
	return open("/dev/null", O_RDWR);
}

static int make_pipe(const struct sock_request *req)
{
	int fds[2];

	return pipe(fds) ? -1 : fds[0];
}

static int make_unix(const struct sock_request *req)
{
	return socket(AF_UNIX, req->in.type, 0);
}

static int make_inet6(const struct sock_request *req)
{
	return socket(AF_INET6, req->in.type, 0);
}

static int make_type(const struct sock_request *req)
{
	return socket(AF_INET, req->in.type == SOCK_STREAM ? SOCK_DGRAM : SOCK_STREAM, 0);
}

static int make_good(const struct sock_request *req)
{
	return socket(AF_INET, req->in.type, req->in.protocol);
}

#define FD	VIEWOS_SOCK_OUT_FD
#define HEADER	sizeof(struct cmsghdr)
#define OUT(...)	.out = { .fd = -1, __VA_ARGS__ }

static const struct lie lies[] = {
	{ "unknown flag", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = 0x20) },
	{ "all flags", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = ~0U) },
	{ "netns", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = VIEWOS_SOCK_OUT_NETNS) },
	{ "continue", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = VIEWOS_SOCK_OUT_CONTINUE) },
	{ "in progress", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = VIEWOS_SOCK_OUT_INPROGRESS) },
	{ "padding", VIEWOS_SOCK_CREATE, EIO, OUT(.pad = 1) },
	{ "asks for reading", VIEWOS_SOCK_CREATE, EIO,
	  OUT(.ask = VIEWOS_SOCK_ASK(VIEWOS_SOCK_RECVMSG)) },
	{ "asks for all", VIEWOS_SOCK_CREATE, EIO, OUT(.ask = ~0U) },
	{ "unknown events", VIEWOS_SOCK_CREATE, EIO,
	  OUT(.flags = VIEWOS_SOCK_OUT_EVENTS, .events = 0x10000) },
	{ "name that is not there", VIEWOS_SOCK_CREATE, EIO, OUT(.name_len = 16) },
	{ "huge name", VIEWOS_SOCK_CREATE, EIO, OUT(.name_len = ~0U) },
	{ "huge control", VIEWOS_SOCK_CREATE, EIO, OUT(.control_len = ~0U) },
	{ "lengths that wrap", VIEWOS_SOCK_CREATE, EIO,
	  OUT(.control_len = 1U << 31, .data_len = 1U << 31) },
	{ "short", VIEWOS_SOCK_CREATE, EIO, OUT(), .cut = 1 },
	{ "only a header", VIEWOS_SOCK_CREATE, EIO, OUT(),
	  .cut = sizeof(struct viewos_sock_out) },
	{ "long", VIEWOS_SOCK_CREATE, EIO, OUT(), .cut = -8 },
	{ "no fd", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = FD) },
	{ "closed fd", VIEWOS_SOCK_CREATE, EIO, .out = { .flags = FD, .fd = 999 } },
	{ "a file", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = FD), .make_fd = make_file },
	{ "a pipe", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = FD), .make_fd = make_pipe },
	{ "a unix socket", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = FD), .make_fd = make_unix },
	{ "of another family", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = FD), .make_fd = make_inet6 },
	{ "of another type", VIEWOS_SOCK_CREATE, EIO, OUT(.flags = FD), .make_fd = make_type },
	{ "an error", VIEWOS_SOCK_CREATE, EPERM, .header_error = -EPERM },
	{ "bind: no backing to go on with", VIEWOS_SOCK_BIND, EPROTO,
	  OUT(.flags = VIEWOS_SOCK_OUT_CONTINUE) },
	{ "bind: in progress", VIEWOS_SOCK_BIND, EIO, OUT(.flags = VIEWOS_SOCK_OUT_INPROGRESS) },
	{ "bind: an fd", VIEWOS_SOCK_BIND, EIO, OUT(.flags = FD), .make_fd = make_good },
	{ "connect: no backing to go on with", VIEWOS_SOCK_CONNECT, EPROTO,
	  OUT(.flags = VIEWOS_SOCK_OUT_CONTINUE) },
	{ "connect: a file", VIEWOS_SOCK_CONNECT, EIO, OUT(.flags = FD), .make_fd = make_file },
	{ "listen: no backing to go on with", VIEWOS_SOCK_LISTEN, EPROTO,
	  OUT(.flags = VIEWOS_SOCK_OUT_CONTINUE) },
	{ "getname: no backing to go on with", VIEWOS_SOCK_GETNAME, EPROTO,
	  OUT(.flags = VIEWOS_SOCK_OUT_CONTINUE) },
	{ "getname: too long", VIEWOS_SOCK_GETNAME, EIO, OUT(.name_len = 129), .cut = -129 },
	{ "shutdown: no backing to go on with", VIEWOS_SOCK_SHUTDOWN, EPROTO,
	  OUT(.flags = VIEWOS_SOCK_OUT_CONTINUE) },
	{ "setsockopt: data", VIEWOS_SOCK_SETSOCKOPT, EIO, OUT(.data_len = 8), .cut = -8 },
	{ "getsockopt: more than asked for", VIEWOS_SOCK_GETSOCKOPT, EIO, OUT(.data_len = 64),
	  .cut = -64 },
	{ "ioctl: more than asked for", VIEWOS_SOCK_IOCTL, EIO, OUT(.data_len = 64), .cut = -64 },
	{ "send: no backing to go on with", VIEWOS_SOCK_SENDMSG, EPROTO,
	  OUT(.flags = VIEWOS_SOCK_OUT_CONTINUE) },
	{ "receive: more than asked for", VIEWOS_SOCK_RECVMSG, EIO, OUT(.data_len = 64),
	  .cut = -64 },
	{ "receive: control that is none", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 24),
	  .cut = -24 },
	{ "receive: control too short to be", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 8),
	  .cut = -8, .control = { { 8 } } },
	{ "receive: control without a header", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 24),
	  .cut = -24, .control = { { HEADER - 1 } } },
	{ "receive: control longer than it is", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 24),
	  .cut = -24, .control = { { 25 } } },
	{ "receive: control of all lengths", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 24),
	  .cut = -24, .control = { { SIZE_MAX } } },
	{ "receive: control, and too little", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 24),
	  .cut = -24, .control = { { HEADER } } },
	{ "receive: control, and none", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 32),
	  .cut = -32, .control = { { HEADER } } },
	{ "receive: control with files", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 20),
	  .cut = -20, .control = { { 20, SOL_SOCKET, SCM_RIGHTS } } },
	{ "receive: files behind control", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 32),
	  .cut = -32, .control = { { HEADER }, { HEADER, SOL_SOCKET, SCM_RIGHTS } } },
	{ "receive: too much control", VIEWOS_SOCK_RECVMSG, EIO, OUT(.control_len = 4104),
	  .cut = -4104, .control = { { 4104 } } },
	{ "receive: most control, no lie", VIEWOS_SOCK_RECVMSG, 0, OUT(.control_len = 4096),
	  .cut = -4096, .control = { { 4096 } } },
	{ "receive: odd control, no lie", VIEWOS_SOCK_RECVMSG, 0, OUT(.control_len = 33),
	  .cut = -33, .control = { { HEADER }, { HEADER + 1 } } },
};

static int tell_lie(int session, const struct sock_request *req, const struct lie *lie)
{
	static char rest[8192];
	struct viewos_sock_out out = lie->out;
	int fd = -1, ret;

	if (lie->header_error)
		return sock_error(session, req->header.unique, -lie->header_error);
	memcpy(rest, lie->control, sizeof(lie->control));
	if (lie->make_fd)
		out.fd = fd = lie->make_fd(req);
	ret = sock_write(session, req->header.unique, 0, &out,
			 sizeof(out) - (lie->cut > 0 ? lie->cut : 0), rest,
			 lie->cut < 0 ? -lie->cut : 0);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Each reply that is right for what is asked, for who is asked about something else. */
static void tell_truth(int session, const struct sock_request *req)
{
	struct viewos_sock_out out = {
		.fd = -1, .flags = VIEWOS_SOCK_OUT_EVENTS, .events = POLLIN | POLLOUT, .seq = 1 };

	if (req->header.opcode == VIEWOS_SOCK_RELEASE || req->header.opcode == FUSE_INTERRUPT)
		return;
	if (req->header.opcode == VIEWOS_SOCK_INIT) {
		out.flags = 0;
		out.events = 0;
		out.seq = 0;
		out.value = VIEWOS_SOCK_MAJOR;
	}
	sock_ok(session, req->header.unique, out, NULL);
}

/* Backing is a socket of the program's own, which it has as its first. */
static void give_own(int session, const struct sock_request *req, int number)
{
	struct viewos_sock_out out = { .flags = FD };
	static unsigned int created;
	int fd;

	if (req->header.opcode == VIEWOS_SOCK_CREATE && !created++) {
		tell_truth(session, req);
		return;
	}
	fd = fd_of(req->header.pid, number);
	out.fd = fd;
	if (sock_ok(session, req->header.unique, out, NULL) == -EBADF)
		sock_error(session, req->header.unique, EBADF);
	close(fd);
}

static void init_lie(int session, const char *what, const struct sock_request *req)
{
	struct viewos_sock_out out = { .fd = -1, .value = VIEWOS_SOCK_MAJOR };

	if (!strcmp(what, "major"))
		out.value++;
	else if (!strcmp(what, "file"))
		out.fd = open("/dev/null", O_RDONLY);
	else if (!strcmp(what, "fd"))
		out.fd = 999;
	if (!strcmp(what, "file") || !strcmp(what, "fd"))
		out.flags = VIEWOS_SOCK_OUT_NETNS;
	if (!strcmp(what, "die"))
		_exit(0);
	if (!strcmp(what, "error"))
		sock_error(session, req->header.unique, EDOM);
	else if (!strcmp(what, "short"))
		sock_write(session, req->header.unique, 0, &out, 8, NULL, 0);
	else
		sock_ok(session, req->header.unique, out, NULL);
}

/*
 * By the source: "lie:N", "init:WHAT", "die:OP", "deaf:OP", "own:FD:OP".
 */
static void handle(int session, const char *source, const struct sock_request *req)
{
	unsigned int number, op;

	if (sscanf(source, "lie:%u", &number) == 1 && req->header.opcode == lies[number].op) {
		if (tell_lie(session, req, &lies[number]) == -EBADF)
			sock_error(session, req->header.unique, EIO);
		return;
	}
	if (!strncmp(source, "init:", 5) && req->header.opcode == VIEWOS_SOCK_INIT) {
		init_lie(session, source + 5, req);
		return;
	}
	if (sscanf(source, "die:%u", &op) == 1 && req->header.opcode == op)
		_exit(0);
	if (sscanf(source, "deaf:%u", &op) == 1 && req->header.opcode == op)
		return;
	if (sscanf(source, "own:%u:%u", &number, &op) == 2 && req->header.opcode == op) {
		give_own(session, req, number);
		return;
	}
	tell_truth(session, req);
}

static struct sockaddr_in address = {
	.sin_family = AF_INET, .sin_port = 0x0700, .sin_addr.s_addr = 0x0100007f };

/* What the operation says, by which the program asks for this; 0 or the positive errno. */
static int operate(int fd, uint32_t op)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	char bytes[8] = "";
	int ret, value = 0;

	switch (op) {
	case VIEWOS_SOCK_BIND:
		ret = bind(fd, (void *)&address, sizeof(address));
		break;
	case VIEWOS_SOCK_CONNECT:
		ret = connect(fd, (void *)&address, sizeof(address));
		break;
	case VIEWOS_SOCK_LISTEN:
		ret = listen(fd, 5);
		break;
	case VIEWOS_SOCK_GETNAME:
		ret = getsockname(fd, (void *)&name, &len);
		break;
	case VIEWOS_SOCK_SHUTDOWN:
		ret = shutdown(fd, SHUT_RDWR);
		break;
	case VIEWOS_SOCK_SETSOCKOPT:
		ret = setsockopt(fd, IPPROTO_TCP, 1, &value, sizeof(value));
		break;
	case VIEWOS_SOCK_GETSOCKOPT:
		len = sizeof(value);
		ret = getsockopt(fd, IPPROTO_TCP, 1, &value, &len);
		break;
	case VIEWOS_SOCK_IOCTL:
		ret = ioctl(fd, FIONREAD, &value);
		break;
	case VIEWOS_SOCK_SENDMSG:
		ret = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		break;
	case VIEWOS_SOCK_RECVMSG:
		ret = recv(fd, bytes, sizeof(bytes), 0);
		break;
	default:
		ret = -1;
		errno = EDOM;
	}
	return ret < 0 ? errno : 0;
}

/* In a view of its own: the error of the operation, or of the socket. */
static int try(const char *source, uint32_t op)
{
	int err = sock_view_enter(SERVER, source), fd;

	if (err)
		return 200;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (op == VIEWOS_SOCK_CREATE || fd < 0)
		return fd < 0 ? errno : 0;
	return operate(fd, op);
}

FIXTURE(hostile)
{
	pid_t server;
};

FIXTURE_SETUP(hostile)
{
	self->server = sock_start(SERVER, handle);
	ASSERT_LT(0, self->server);
}

FIXTURE_TEARDOWN(hostile)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
}

TEST_F(hostile, lies)
{
	char source[32];
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		snprintf(source, sizeof(source), "lie:%zu", i);
		EXPECT_EQ(lies[i].error, IN_CHILD(try(source, lies[i].op)))
			TH_LOG("%s", lies[i].name);
	}
	/* And without one it works. */
	EXPECT_EQ(0, IN_CHILD(try("truth", VIEWOS_SOCK_BIND)));
}

TEST_F(hostile, first_words)
{
	static const struct {
		char source[16];
		int error;
	} first[] = {
		{ "init:major", EPROTO }, { "init:error", EDOM }, { "init:die", ENOTCONN },
		{ "init:short", EIO }, { "init:file", EIO }, { "init:fd", EIO },
	};
	int view = view_create(control_open(), "");
	size_t i;

	ASSERT_LE(0, view);
	for (i = 0; i < sizeof(first) / sizeof(*first); i++)
		EXPECT_EQ(-first[i].error, rule_add(view, sock_rule(SERVER, first[i].source)))
			TH_LOG("%s", first[i].source);
	EXPECT_EQ(0, rule_add(view, sock_rule(SERVER, "truth")));
}

static const uint32_t operations[] = {
	VIEWOS_SOCK_CREATE, VIEWOS_SOCK_BIND, VIEWOS_SOCK_CONNECT, VIEWOS_SOCK_LISTEN,
	VIEWOS_SOCK_GETNAME, VIEWOS_SOCK_SHUTDOWN, VIEWOS_SOCK_SETSOCKOPT,
	VIEWOS_SOCK_GETSOCKOPT, VIEWOS_SOCK_IOCTL, VIEWOS_SOCK_SENDMSG, VIEWOS_SOCK_RECVMSG,
};

TEST_F(hostile, death)
{
	char source[32];
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		snprintf(source, sizeof(source), "die:%u", operations[i]);
		EXPECT_EQ(ENETDOWN, IN_CHILD(try(source, operations[i])))
			TH_LOG("operation %#x", operations[i]);
	}
}

/* Of a server that never answers one can be killed. */
TEST_F(hostile, deaf)
{
	char source[32];
	size_t i;
	pid_t pid;
	int status;

	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		snprintf(source, sizeof(source), "deaf:%u", operations[i]);
		pid = fork();
		if (!pid)
			_exit(try(source, operations[i]));
		sleep_ms(200);
		EXPECT_EQ(0, waitpid(pid, &status, WNOHANG))
			TH_LOG("operation %#x: %d", operations[i], WEXITSTATUS(status));
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_status(pid));
	}
}

/* A backing that is the program's own virtual socket. */
static int own(uint32_t op, int number, uint32_t other)
{
	char source[32];
	int first, second;

	snprintf(source, sizeof(source), "own:%d:%u", number, op);
	if (sock_view_enter(SERVER, source))
		return 200;
	first = socket(AF_INET, SOCK_STREAM, 0);
	if (first < 0)
		return errno;
	if (dup2(first, number) < 0)
		return 201;
	if (other == VIEWOS_SOCK_CREATE) {
		second = socket(AF_INET, SOCK_STREAM, 0);
		return second < 0 ? errno : 0;
	}
	return operate(first, other);
}

TEST_F(hostile, own_socket)
{
	/* Itself, as its backing. */
	EXPECT_EQ(EIO, IN_CHILD(own(VIEWOS_SOCK_CONNECT, 60, VIEWOS_SOCK_CONNECT)));
	/* One without a backing, as that of another. */
	EXPECT_EQ(EIO, IN_CHILD(own(VIEWOS_SOCK_CREATE, 60, VIEWOS_SOCK_CREATE)));
}

/* Virtual sockets in one another, by views in one another. */
static int nest(int depth)
{
	int i, fd, err = 0;

	for (i = 0; i < depth && !err; i++)
		err = sock_view_enter(SERVER, "backing");
	if (err)
		return 200;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return errno;
	return bind(fd, (void *)&(struct sockaddr_in){ .sin_family = AF_INET }, sizeof(address)) ?
	       errno : 0;
}

TEST_F(hostile, nested)
{
	EXPECT_EQ(0, IN_CHILD(nest(5)));
}

/* Sockets with a backing outlive the server. */
static int outlive(pid_t server)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	int fd, i;
	char byte;

	if (sock_view_enter(SERVER, "backing"))
		return 200;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (void *)&name, len) || getsockname(fd, (void *)&name, &len))
		return 201;
	kill(server, SIGKILL);
	/* New ones cannot be had. */
	for (i = 0; i < 1000; i++) {
		if (socket(AF_INET, SOCK_DGRAM, 0) < 0 && errno == ENETDOWN)
			break;
		sleep_ms(10);
	}
	if (i == 1000)
		return 202;
	if (sendto(fd, "x", 1, 0, (void *)&name, len) != 1 || recv(fd, &byte, 1, 0) != 1)
		return errno;
	return 0;
}

TEST_F(hostile, outlived)
{
	EXPECT_EQ(0, IN_CHILD(outlive(self->server)));
}

/* Its notices and stray answers. */
TEST_F(hostile, stray)
{
	static struct sock_request req;
	struct viewos_server_create create = {
		.size = sizeof(create), .classes = 1 << VIEWOS_CLASS_SOCKET };
	int server = ioctl(control_open(), VIEWOS_IOC_SERVER_CREATE, &create);
	struct viewos_server_accept accept = { };
	struct viewos_sock_event event = { .fd = -1, .events = POLLIN, .seq = 1 };
	int session, view = view_create(control_open(), "");
	pid_t pid;

	ASSERT_LE(0, server);
	ASSERT_EQ(0, server_add(server, SERVER "-stray", false));
	pid = fork();
	if (!pid) {
		if (rule_add(view, sock_rule(SERVER "-stray", "")) || view_enter(view))
			_exit(100);
		_exit(socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0);
	}
	session = server_accept(server, &accept);
	ASSERT_LE(0, session);
	EXPECT_EQ(VIEWOS_CLASS_SOCKET, accept.class);
	ASSERT_LT(0, read(session, &req, sizeof(req)));
	EXPECT_EQ(VIEWOS_SOCK_INIT, req.header.opcode);
	EXPECT_EQ(VIEWOS_SOCK_MAJOR, req.in.value);
	tell_truth(session, &req);
	ASSERT_LT(0, read(session, &req, sizeof(req)));
	ASSERT_EQ(VIEWOS_SOCK_CREATE, req.header.opcode);
#define NOTICE(code, len) sock_write(session, 0, code, &event, len, NULL, 0)
	event.id = 12345;
	EXPECT_EQ(-ENOENT, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event)));
	event.id = req.header.nodeid;
	EXPECT_EQ(-EINVAL, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event) - 8));
	EXPECT_EQ(-EINVAL, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT + 1, sizeof(event)));
	event.pad = 1;
	EXPECT_EQ(-EINVAL, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event)));
	event.pad = 0;
	event.flags = VIEWOS_SOCK_OUT_CONTINUE;
	EXPECT_EQ(-EINVAL, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event)));
	event.flags = 0;
	event.error = 512;
	EXPECT_EQ(-EINVAL, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event)));
	event.error = 0;
	event.events = 0x10000;
	EXPECT_EQ(-EINVAL, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event)));
	event.events = 0;
	event.flags = VIEWOS_SOCK_OUT_FD;
	EXPECT_EQ(-EBADF, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event)));
	event.fd = 0;
	EXPECT_EQ(-EINVAL, NOTICE(VIEWOS_SOCK_NOTIFY_EVENT, sizeof(event)));
	/* An answer to nothing. */
	EXPECT_EQ(-ENOENT, sock_error(session, req.header.unique + 1000, EIO));
	tell_truth(session, &req);
	EXPECT_EQ(-ENOENT, sock_error(session, req.header.unique, EIO));
	EXPECT_EQ(0, child_status(pid));
	close(view);
}

TEST_HARNESS_MAIN
