// SPDX-License-Identifier: GPL-2.0
/*
 * The same checks on sockets of the kernel's, on virtual ones with a backing, and on virtual ones
 * that are all requests: a program cannot tell.
 */

#include "../sock_server.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>

#define SERVER	"virtual-test"

static void handle_none(int session, const char *source, const struct sock_request *req)
{
	sock_error(session, req->header.unique, EPROTO);
}

FIXTURE(virtual)
{
	pid_t server;
	int outside;	/* to a process that is in no view */
	pid_t outsider;
};

FIXTURE_VARIANT(virtual)
{
	const char *source;
};

FIXTURE_VARIANT_ADD(virtual, native) { .source = NULL };
FIXTURE_VARIANT_ADD(virtual, backing) { .source = "backing" };
FIXTURE_VARIANT_ADD(virtual, requests) { .source = "requests" };

/* Sends what it reads from the socket that it is given back there, twice. */
static void outsider_run(int channel)
{
	char byte, space[CMSG_SPACE(sizeof(int))], text[16];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
			      .msg_controllen = sizeof(space) };
	ssize_t len;
	int fd;

	if (recvmsg(channel, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		_exit(0);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	len = read(fd, text, sizeof(text));
	if (len <= 0 || write(fd, text, len) != len || write(fd, text, len) != len)
		_exit(1);
	_exit(0);
}

FIXTURE_SETUP(virtual)
{
	int pair[2];

	/* Before the pair: its end is to be nobody else's. */
	self->server = 0;
	if (variant->source) {
		self->server = sock_start(SERVER, handle_none);
		ASSERT_LT(0, self->server);
	}
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	self->outside = pair[0];
	self->outsider = server_fork();
	if (!self->outsider) {
		close(pair[0]);
		outsider_run(pair[1]);
	}
	close(pair[1]);
	signal(SIGPIPE, SIG_IGN);
	if (variant->source)
		ASSERT_EQ(0, sock_view_enter(SERVER, variant->source));
}

FIXTURE_TEARDOWN(virtual)
{
	close(self->outside);
	waitpid(self->outsider, NULL, 0);
	if (self->server) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
}

static struct sockaddr_in loopback(in_port_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A bound socket, with its address. */
static int bound(int type, struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, type, 0);

	*address = loopback(0);
	if (fd < 0 || bind(fd, (void *)address, len) || getsockname(fd, (void *)address, &len))
		return -errno;
	return fd;
}

/* Two ends of a stream; 0 or -errno. */
static int stream_pair(int pair[2])
{
	struct sockaddr_in address;
	int listener = bound(SOCK_STREAM, &address);

	if (listener < 0)
		return listener;
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (listen(listener, 5) || connect(pair[0], (void *)&address, sizeof(address)))
		return -errno;
	pair[1] = accept(listener, NULL, NULL);
	if (pair[1] < 0)
		return -errno;
	return close(listener);
}

static int dgram_pair(int pair[2], struct sockaddr_in address[2])
{
	pair[0] = bound(SOCK_DGRAM, &address[0]);
	pair[1] = bound(SOCK_DGRAM, &address[1]);
	return pair[0] < 0 ? pair[0] : pair[1] < 0 ? pair[1] : 0;
}

/* The events that come true, or 0 after ten seconds. */
static short wait_for(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	return poll(&poll_fd, 1, 10000) == 1 ? poll_fd.revents : 0;
}

static short events_now(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	return poll(&poll_fd, 1, 0) == 1 ? poll_fd.revents : 0;
}

static int socket_option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, level, name, &value, &len) ? -errno : value;
}

TEST_F(virtual, names)
{
	struct sockaddr_in address, name;
	socklen_t len = sizeof(name);
	int listener = bound(SOCK_STREAM, &address), client, accepted;

	ASSERT_LE(0, listener);
	EXPECT_NE(0, address.sin_port);
	EXPECT_EQ(0, socket_option(listener, SOL_SOCKET, SO_ACCEPTCONN));
	ASSERT_EQ(0, listen(listener, 5));
	EXPECT_EQ(1, socket_option(listener, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(AF_INET, socket_option(listener, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(SOCK_STREAM, socket_option(listener, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(0, events_now(listener, POLLIN));
	client = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-1, getpeername(client, (void *)&name, &len));
	EXPECT_EQ(ENOTCONN, errno);
	ASSERT_EQ(0, connect(client, (void *)&address, sizeof(address)));
	EXPECT_EQ(POLLIN, wait_for(listener, POLLIN));
	accepted = accept4(listener, (void *)&name, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ASSERT_LE(0, accepted);
	EXPECT_EQ(FD_CLOEXEC, fcntl(accepted, F_GETFD));
	EXPECT_EQ(O_NONBLOCK, fcntl(accepted, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(sizeof(name), len);
	EXPECT_EQ(htonl(INADDR_LOOPBACK), name.sin_addr.s_addr);
	ASSERT_EQ(0, getpeername(client, (void *)&name, &len));
	EXPECT_EQ(0, memcmp(&name, &address, offsetof(struct sockaddr_in, sin_zero)));
	ASSERT_EQ(0, getsockname(accepted, (void *)&name, &len));
	EXPECT_EQ(address.sin_port, name.sin_port);
	EXPECT_EQ(-1, connect(client, (void *)&address, sizeof(address)));
	EXPECT_EQ(EISCONN, errno);
	EXPECT_EQ(-1, bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&address, sizeof(address)));
	EXPECT_EQ(EADDRINUSE, errno);
}

TEST_F(virtual, stream)
{
	char text[16] = "";
	int pair[2], bytes = -1;

	ASSERT_EQ(0, stream_pair(pair));
	EXPECT_EQ(-1, recv(pair[1], text, sizeof(text), MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(POLLOUT, events_now(pair[1], POLLIN | POLLOUT));
	ASSERT_EQ(5, send(pair[0], "hello", 5, 0));
	EXPECT_EQ(POLLIN, wait_for(pair[1], POLLIN));
	EXPECT_EQ(0, ioctl(pair[1], FIONREAD, &bytes));
	EXPECT_EQ(5, bytes);
	EXPECT_EQ(3, recv(pair[1], text, 3, MSG_PEEK));
	EXPECT_EQ(2, recv(pair[1], text, 2, 0));
	EXPECT_EQ(0, strncmp(text, "he", 2));
	EXPECT_EQ(3, read(pair[1], text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, "llo", 3));
	ASSERT_EQ(3, write(pair[1], "abc", 3));
	ASSERT_EQ(3, write(pair[1], "def", 3));
	EXPECT_EQ(6, recv(pair[0], text, 6, MSG_WAITALL));
	EXPECT_EQ(0, strncmp(text, "abcdef", 6));
}

TEST_F(virtual, half_close)
{
	char text[16];
	int pair[2];

	ASSERT_EQ(0, stream_pair(pair));
	ASSERT_EQ(3, send(pair[0], "end", 3, 0));
	ASSERT_EQ(0, shutdown(pair[0], SHUT_WR));
	EXPECT_EQ(POLLIN | POLLRDHUP, wait_for(pair[1], POLLRDHUP) | POLLIN);
	EXPECT_EQ(3, recv(pair[1], text, sizeof(text), 0));
	EXPECT_EQ(0, recv(pair[1], text, sizeof(text), 0));
	EXPECT_EQ(-1, send(pair[0], "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(EPIPE, errno);
	/* The other way it works. */
	ASSERT_EQ(4, send(pair[1], "more", 4, 0));
	EXPECT_EQ(4, recv(pair[0], text, sizeof(text), 0));
	close(pair[1]);
	EXPECT_EQ(0, recv(pair[0], text, sizeof(text), 0));
	EXPECT_EQ(POLLHUP, wait_for(pair[0], POLLIN) & POLLHUP);
}

TEST_F(virtual, connect_later)
{
	struct sockaddr_in address, nobody;
	int listener = bound(SOCK_STREAM, &address), client, fd, later;

	ASSERT_LE(0, listener);
	fd = bound(SOCK_STREAM, &nobody);
	close(fd);
	ASSERT_EQ(0, listen(listener, 5));
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	later = connect(client, (void *)&address, sizeof(address));
	if (later)
		EXPECT_EQ(EINPROGRESS, errno);
	EXPECT_EQ(POLLOUT, wait_for(client, POLLOUT));
	EXPECT_EQ(0, socket_option(client, SOL_SOCKET, SO_ERROR));
	/* Its end is told once by connecting again, too. */
	if (later)
		EXPECT_EQ(0, connect(client, (void *)&address, sizeof(address)));
	EXPECT_EQ(-1, connect(client, (void *)&address, sizeof(address)));
	EXPECT_EQ(EISCONN, errno);
	EXPECT_EQ(2, send(client, "ok", 2, 0));
	close(client);
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(client, (void *)&nobody, sizeof(nobody)) && errno == EINPROGRESS) {
		EXPECT_NE(0, wait_for(client, POLLOUT) & (POLLERR | POLLHUP));
		EXPECT_EQ(ECONNREFUSED, socket_option(client, SOL_SOCKET, SO_ERROR));
	} else {
		EXPECT_EQ(ECONNREFUSED, errno);
	}
	EXPECT_EQ(0, socket_option(client, SOL_SOCKET, SO_ERROR));
	close(client);
	/* It can also be asked for by connecting again. */
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(client, (void *)&nobody, sizeof(nobody)) && errno == EINPROGRESS) {
		EXPECT_NE(0, wait_for(client, POLLOUT) & (POLLERR | POLLHUP));
		EXPECT_EQ(-1, connect(client, (void *)&nobody, sizeof(nobody)));
	}
	EXPECT_EQ(ECONNREFUSED, errno);
	EXPECT_EQ(0, socket_option(client, SOL_SOCKET, SO_ERROR));
	close(client);
	client = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-1, connect(client, (void *)&nobody, sizeof(nobody)));
	EXPECT_EQ(ECONNREFUSED, errno);
	EXPECT_EQ(0, connect(client, (void *)&address, sizeof(address)));
}

/* What is told of one that failed is nothing of the next, which may be there before it is told. */
TEST_F(virtual, refused_again)
{
	struct sockaddr_in nobody;
	int client, fd, i, wrong = 0;

	fd = bound(SOCK_STREAM, &nobody);
	close(fd);
	client = socket(AF_INET, SOCK_STREAM, 0);
	for (i = 0; i < 1000; i++)
		if (!connect(client, (void *)&nobody, sizeof(nobody)) || errno != ECONNREFUSED)
			wrong++;
	EXPECT_EQ(0, wrong);
}

TEST_F(virtual, epoll)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int pair[2], edge = epoll_create1(0), level = epoll_create1(0);
	char byte;

	ASSERT_EQ(0, stream_pair(pair));
	ASSERT_EQ(0, epoll_ctl(edge, EPOLL_CTL_ADD, pair[1], &event));
	event.events = EPOLLIN;
	ASSERT_EQ(0, epoll_ctl(level, EPOLL_CTL_ADD, pair[1], &event));
	EXPECT_EQ(0, epoll_wait(edge, &event, 1, 0));
	EXPECT_EQ(0, epoll_wait(level, &event, 1, 0));
	ASSERT_EQ(2, send(pair[0], "ab", 2, 0));
	EXPECT_EQ(1, epoll_wait(edge, &event, 1, 10000));
	EXPECT_EQ(0, epoll_wait(edge, &event, 1, 0));
	EXPECT_EQ(1, epoll_wait(level, &event, 1, 10000));
	EXPECT_EQ(1, epoll_wait(level, &event, 1, 0));
	EXPECT_EQ(1, read(pair[1], &byte, 1));
	EXPECT_EQ(1, epoll_wait(level, &event, 1, 0));
	/* New data is a new edge. */
	ASSERT_EQ(1, send(pair[0], "c", 1, 0));
	EXPECT_EQ(1, epoll_wait(edge, &event, 1, 10000));
	EXPECT_EQ(1, read(pair[1], &byte, 1));
	EXPECT_EQ(1, read(pair[1], &byte, 1));
	EXPECT_EQ(0, epoll_wait(level, &event, 1, 0));
}

static void on_signal(int number)
{
}

static void *sender(void *arg)
{
	sleep_ms(50);
	return (void *)(long)send(*(int *)arg, "x", 1, 0);
}

TEST_F(virtual, blocking)
{
	struct timeval timeout = { .tv_usec = 50000 };
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t thread;
	int pair[2];
	char byte;

	ASSERT_EQ(0, stream_pair(pair));
	ASSERT_EQ(0, pthread_create(&thread, NULL, sender, &pair[0]));
	EXPECT_EQ(1, recv(pair[1], &byte, 1, 0));
	pthread_join(thread, NULL);
	/* A signal. */
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 50000);
	EXPECT_EQ(-1, recv(pair[1], &byte, 1, 0));
	EXPECT_EQ(EINTR, errno);
	ualarm(0, 0);
	/* Time. */
	ASSERT_EQ(0, setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	EXPECT_EQ(-1, recv(pair[1], &byte, 1, 0));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(virtual, datagrams)
{
	struct sockaddr_in address[2], from;
	socklen_t len = sizeof(from);
	char text[16];
	int pair[2], bytes = -1;

	ASSERT_EQ(0, dgram_pair(pair, address));
	ASSERT_EQ(5, sendto(pair[0], "hello", 5, 0, (void *)&address[1], sizeof(address[1])));
	ASSERT_EQ(3, sendto(pair[0], "abc", 3, 0, (void *)&address[1], sizeof(address[1])));
	EXPECT_EQ(POLLIN, wait_for(pair[1], POLLIN));
	EXPECT_EQ(0, ioctl(pair[1], FIONREAD, &bytes));
	EXPECT_EQ(5, bytes);
	EXPECT_EQ(5, recv(pair[1], text, sizeof(text), MSG_PEEK));
	EXPECT_EQ(5, recvfrom(pair[1], text, 2, MSG_TRUNC, (void *)&from, &len));
	EXPECT_EQ(sizeof(from), len);
	EXPECT_EQ(address[0].sin_port, from.sin_port);
	EXPECT_EQ(0, strncmp(text, "he", 2));
	EXPECT_EQ(3, recv(pair[1], text, sizeof(text), 0));
	EXPECT_EQ(-1, recv(pair[1], text, sizeof(text), MSG_DONTWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, send(pair[0], "x", 1, 0));
	EXPECT_EQ(EDESTADDRREQ, errno);
	ASSERT_EQ(0, connect(pair[0], (void *)&address[1], sizeof(address[1])));
	EXPECT_EQ(1, send(pair[0], "x", 1, 0));
	EXPECT_EQ(1, recv(pair[1], text, sizeof(text), 0));
}

TEST_F(virtual, many_messages)
{
	struct sockaddr_in address[2];
	char out[3][8] = { "one", "two", "three" }, in[4][8];
	struct iovec iov[7];
	struct mmsghdr messages[7] = { };
	int pair[2], i;

	ASSERT_EQ(0, dgram_pair(pair, address));
	ASSERT_EQ(0, connect(pair[0], (void *)&address[1], sizeof(address[1])));
	for (i = 0; i < 7; i++) {
		iov[i] = (struct iovec){ i < 3 ? out[i] : in[i - 3], i < 3 ? strlen(out[i]) : 8 };
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	EXPECT_EQ(3, sendmmsg(pair[0], messages, 3, 0));
	EXPECT_EQ(5, messages[2].msg_len);
	EXPECT_EQ(3, recvmmsg(pair[1], messages + 3, 4, MSG_WAITFORONE, NULL));
	EXPECT_EQ(3, messages[3].msg_len);
	EXPECT_EQ(5, messages[5].msg_len);
	EXPECT_EQ(0, strncmp(in[2], "three", 5));
}

static unsigned char byte_at(size_t offset)
{
	return offset * 2654435761u >> 13;
}

/* Reads so much; returns whether it was what byte_at() says. */
static bool read_all(int fd, size_t size)
{
	unsigned char buffer[10000];
	size_t done = 0;
	ssize_t len, i;

	while (done < size) {
		len = read(fd, buffer, sizeof(buffer));
		if (len <= 0)
			return false;
		for (i = 0; i < len; i++)
			if (buffer[i] != byte_at(done + i))
				return false;
		done += len;
	}
	return done == size;
}

enum { MUCH = 1000000 };

static void fill(unsigned char *bytes)
{
	size_t i;

	for (i = 0; i < MUCH; i++)
		bytes[i] = byte_at(i);
}

TEST_F(virtual, much)
{
	static unsigned char bytes[MUCH];
	int pair[2];
	pid_t pid;

	fill(bytes);
	ASSERT_EQ(0, stream_pair(pair));
	pid = fork();
	if (!pid)
		_exit(!read_all(pair[1], MUCH));
	/* All of it, since it may block. */
	EXPECT_EQ(MUCH, send(pair[0], bytes, MUCH, 0));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(virtual, full)
{
	static unsigned char bytes[MUCH];
	size_t sent = 0;
	int pair[2], i;

	ASSERT_EQ(0, stream_pair(pair));
	/* What is on its way makes room once it has come. */
	do {
		while (sent < 100 * MUCH && send(pair[0], bytes, MUCH, MSG_DONTWAIT) > 0)
			sent += MUCH;
		ASSERT_GT(100 * MUCH, sent);
		ASSERT_EQ(EAGAIN, errno);
		sleep_ms(100);
	} while (send(pair[0], bytes, 1, MSG_DONTWAIT) > 0);
	EXPECT_EQ(0, events_now(pair[0], POLLOUT));
	/* More may be on its way while there is nothing to be read. */
	for (i = 0; i < 10000 && !events_now(pair[0], POLLOUT); i++)
		if (recv(pair[1], bytes, MUCH, MSG_DONTWAIT) < 0)
			sleep_ms(1);
	EXPECT_EQ(POLLOUT, events_now(pair[0], POLLOUT));
}

TEST_F(virtual, sendfile_splice)
{
	static unsigned char bytes[MUCH];
	int pair[2], fd = memfd_create("much", 0), tube[2];
	off_t offset = 0;
	char text[8];
	pid_t pid;

	fill(bytes);
	ASSERT_EQ(MUCH, write(fd, bytes, MUCH));
	ASSERT_EQ(0, stream_pair(pair));
	pid = fork();
	if (!pid)
		_exit(!read_all(pair[1], MUCH));
	while (offset < MUCH)
		ASSERT_LT(0, sendfile(pair[0], fd, &offset, MUCH - offset));
	EXPECT_EQ(0, child_status(pid));
	ASSERT_EQ(0, pipe(tube));
	ASSERT_EQ(5, send(pair[0], "hello", 5, 0));
	EXPECT_EQ(POLLIN, wait_for(pair[1], POLLIN));
	EXPECT_EQ(5, splice(pair[1], NULL, tube[1], NULL, 100, 0));
	EXPECT_EQ(5, splice(tube[0], NULL, pair[1], NULL, 5, 0));
	EXPECT_EQ(5, recv(pair[0], text, sizeof(text), 0));
	EXPECT_EQ(0, strncmp(text, "hello", 5));
	/* Whether to wait is said by the program's own file, at both ends. */
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, fcntl(pair[i], F_SETFL, O_NONBLOCK));
		EXPECT_EQ(-1, splice(pair[i], NULL, tube[1], NULL, 100, 0));
		EXPECT_EQ(EAGAIN, errno);
	}
}

TEST_F(virtual, out_of_band)
{
	int pair[2];
	char byte;

	ASSERT_EQ(0, stream_pair(pair));
	if (send(pair[0], "!", 1, MSG_OOB) == 1) {
		EXPECT_EQ(POLLPRI, wait_for(pair[1], POLLPRI));
		EXPECT_EQ(1, recv(pair[1], &byte, 1, MSG_OOB));
	} else {
		EXPECT_EQ(EOPNOTSUPP, errno);
		EXPECT_EQ(-1, recv(pair[1], &byte, 1, MSG_OOB));
		EXPECT_EQ(EOPNOTSUPP, errno);
	}
	/* It goes on either way. */
	ASSERT_EQ(1, send(pair[0], "x", 1, 0));
	EXPECT_EQ(1, recv(pair[1], &byte, 1, 0));
	EXPECT_EQ('x', byte);
}

/* What is left of a large send when time is up is told. */
TEST_F(virtual, send_timeout)
{
	static unsigned char bytes[MUCH];
	struct timeval timeout = { .tv_usec = 50000 };
	ssize_t len, sent = 0;
	int pair[2];

	ASSERT_EQ(0, stream_pair(pair));
	ASSERT_EQ(0, setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)));
	while (sent < 100 * MUCH) {
		len = send(pair[0], bytes, MUCH, 0);
		if (len < 0)
			break;
		sent += len;
	}
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LT(0, sent);
	EXPECT_GT(100 * MUCH, sent);
}

TEST_F(virtual, shared)
{
	struct iovec iov = { "x", 1 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				  .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control.space) };
	char path[64], target[64] = "";
	int pair[2], copy;
	char text[16];

	ASSERT_EQ(0, stream_pair(pair));
	copy = dup(pair[0]);
	close(pair[0]);
	EXPECT_EQ(0, IN_CHILD(send(copy, "child", 5, 0) != 5));
	EXPECT_EQ(5, recv(pair[1], text, sizeof(text), 0));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	EXPECT_LT(0, readlink(path, target, sizeof(target) - 1));
	EXPECT_EQ(0, strncmp(target, "socket:[", 8));
	/* To a process outside the view, which goes on with it. */
	memcpy(CMSG_DATA(&control.header), &copy, sizeof(copy));
	ASSERT_EQ(1, sendmsg(self->outside, &msg, 0));
	close(copy);
	ASSERT_EQ(4, send(pair[1], "echo", 4, 0));
	EXPECT_EQ(8, recv(pair[1], text, 8, MSG_WAITALL));
	EXPECT_EQ(0, strncmp(text, "echoecho", 8));
	EXPECT_EQ(0, recv(pair[1], text, sizeof(text), 0));
}

TEST_F(virtual, bad_arguments)
{
	struct sockaddr_in address = loopback(htons(9));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, connect(fd, (void *)&address, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, connect(fd, (void *)&address, 4096));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, connect(fd, (void *)-4096L, sizeof(address)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, accept(fd, NULL, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, recv(fd, &byte, 1, 0));
	EXPECT_EQ(ENOTCONN, errno);
	EXPECT_EQ(-1, shutdown(fd, SHUT_WR));
	EXPECT_EQ(ENOTCONN, errno);
	EXPECT_EQ(-1, shutdown(fd, 7));
	EXPECT_EQ(EINVAL, errno);
}

TEST_HARNESS_MAIN
