// SPDX-License-Identifier: GPL-2.0
/*
 * Every way in which a program can have a socket made meets the rules: socket(2),
 * socketpair(2), int 0x80 with socketcall and with calls of its own, io_uring by itself,
 * by a worker and by a polling thread. And what is no making of a socket meets none.
 */

#include "../viewos_test.h"

#include "../rules.h"

#include <linux/if_alg.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/un.h>

/* Numbers of i386. */
enum { NR32_getpid = 20, NR32_socketcall = 102, NR32_socket = 359, NR32_socketpair = 360 };
enum { CALL_SOCKET = 1, CALL_SOCKETPAIR = 8 };

#ifndef IORING_OP_SOCKET
#define IORING_OP_SOCKET	45
#endif

#define DENIED	ENETUNREACH

FIXTURE(entry)
{
	int view;
	uint64_t here;
};

/* In the view, IPv4 is of another network namespace, IPv6 and Unix are denied. */
FIXTURE_SETUP(entry)
{
	int netns;

	self->view = view_create(control_open(), "");
	ASSERT_LE(0, self->view);
	self->here = socket_netns(socket(AF_INET, SOCK_STREAM, 0));
	ASSERT_LT(0, self->here);
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	netns = open("/proc/self/ns/net", O_RDONLY);
	ASSERT_LE(0, netns);
	ASSERT_EQ(0, setns(open("/proc/1/ns/net", O_RDONLY), CLONE_NEWNET));
	ASSERT_EQ(self->here, socket_netns(socket(AF_INET, SOCK_STREAM, 0)));
	ASSERT_EQ(0, rule_add(self->view, rule_netns(AF_INET, netns)));
	ASSERT_EQ(0, deny(self->view, AF_INET6, ANY, ANY, DENIED));
	ASSERT_EQ(0, deny(self->view, AF_UNIX, ANY, ANY, DENIED));
	close(netns);
}

FIXTURE_TEARDOWN(entry)
{
	close(self->view);
}

TEST_F(entry, native_calls)
{
	int fds[2];

	ASSERT_EQ(0, view_enter(self->view));
	EXPECT_NE(self->here, socket_netns(socket(AF_INET, SOCK_STREAM, 0)));
	EXPECT_EQ(DENIED, socket_error(AF_INET6, SOCK_STREAM, 0));
	EXPECT_EQ(-DENIED, result(socketpair(AF_UNIX, SOCK_STREAM, 0, fds)));
	EXPECT_EQ(-DENIED, result(syscall(SYS_socket, AF_INET6, SOCK_DGRAM, 0)));
	EXPECT_EQ(0, socket_error(AF_NETLINK, SOCK_RAW, 0));
}

/* All of these, from 32-bit code. */
#ifdef __x86_64__
static int call32(long nr, long a, long b, long c, long d)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret) : "a" (nr), "b" (a), "c" (b), "d" (c), "S" (d)
		     : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

static int socketcall(uint32_t *low, int call, uint32_t a, uint32_t b, uint32_t c, void *d)
{
	low[0] = a;
	low[1] = b;
	low[2] = c;
	low[3] = (uintptr_t)d;
	return call32(NR32_socketcall, call, (long)low, 0, 0);
}

TEST_F(entry, calls_of_32_bits)
{
	uint32_t *low;
	int fd;

	if (IN_CHILD(call32(NR32_getpid, 0, 0, 0, 0) != getpid()))
		SKIP(return, "the kernel takes no 32-bit system calls");
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		   -1, 0);
	ASSERT_NE(MAP_FAILED, low);
	EXPECT_EQ(0, socketcall(low, CALL_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, low + 8));
	ASSERT_EQ(0, view_enter(self->view));
	EXPECT_EQ(-DENIED, socketcall(low, CALL_SOCKETPAIR, AF_UNIX, SOCK_STREAM, 0, low + 8));
	EXPECT_EQ(-DENIED, socketcall(low, CALL_SOCKET, AF_INET6, SOCK_STREAM, 0, NULL));
	fd = socketcall(low, CALL_SOCKET, AF_INET, SOCK_STREAM, 0, NULL);
	ASSERT_LE(0, fd);
	EXPECT_NE(self->here, socket_netns(fd));
	EXPECT_EQ(-DENIED, call32(NR32_socket, AF_INET6, SOCK_STREAM, 0, 0));
	EXPECT_EQ(-DENIED, call32(NR32_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)(low + 8)));
	fd = call32(NR32_socket, AF_INET, SOCK_DGRAM, 0, 0);
	ASSERT_LE(0, fd);
	EXPECT_NE(self->here, socket_netns(fd));
}
#endif

/* A ring of one entry, in which a call is made and waited for. */
static int ring_socket(uint32_t setup, uint8_t flags, int family, int *result_of)
{
	struct io_uring_params params = { .flags = setup, .sq_thread_idle = 1000 };
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	uint32_t *tail, *head, *array;
	void *map;
	int ring;

	ring = result(syscall(SYS_io_uring_setup, 4, &params));
	if (ring < 0)
		return ring;
	map = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(*cqes),
		   PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, params.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
		    ring, IORING_OFF_SQES);
	if (map == MAP_FAILED || sqes == MAP_FAILED)
		return -errno;
	sqes[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_SOCKET, .flags = flags, .fd = family, .off = SOCK_STREAM,
	};
	array = map + params.sq_off.array;
	array[0] = 0;
	tail = map + params.sq_off.tail;
	__atomic_store_n(tail, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_io_uring_enter, ring, setup & IORING_SETUP_SQPOLL ? 0 : 1, 0,
		setup & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0, NULL, 0);
	head = map + params.cq_off.tail;
	while (!__atomic_load_n(head, __ATOMIC_ACQUIRE))
		if (result(syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS, NULL,
				   0)) < 0 && errno != EINTR)
			return -errno;
	cqes = map + params.cq_off.cqes;
	*result_of = cqes[0].res;
	close(ring);
	return 0;
}

static const struct {
	const char *name;
	uint32_t setup;
	uint8_t flags;
} rings[] = {
	{ "inline", 0, 0 },
	{ "worker", 0, IOSQE_ASYNC },
	{ "polling thread", IORING_SETUP_SQPOLL, 0 },
};

TEST_F(entry, io_uring)
{
	int err, fd = -1;

	ASSERT_EQ(0, view_enter(self->view));
	for (int i = 0; i < 3; i++) {
		TH_LOG("%s", rings[i].name);
		err = ring_socket(rings[i].setup, rings[i].flags, AF_INET, &fd);
		if (err == -EPERM)
			SKIP(return, "io_uring is not permitted (kernel.io_uring_disabled?)");
		ASSERT_EQ(0, err);
		ASSERT_LE(0, fd);
		EXPECT_NE(self->here, socket_netns(fd));
		ASSERT_EQ(0, ring_socket(rings[i].setup, rings[i].flags, AF_INET6, &fd));
		EXPECT_EQ(-DENIED, fd);
	}
}

static void *thread_socket(void *arg)
{
	return (void *)(long)socket_error(AF_INET6, SOCK_STREAM, 0);
}

TEST_F(entry, threads_and_children)
{
	pthread_t thread;
	void *error;
	pid_t pid;

	ASSERT_EQ(0, view_enter(self->view));
	ASSERT_EQ(0, pthread_create(&thread, NULL, thread_socket, NULL));
	ASSERT_EQ(0, pthread_join(thread, &error));
	EXPECT_EQ(DENIED, (long)error);
	EXPECT_EQ(DENIED, IN_CHILD(socket_error(AF_INET6, SOCK_STREAM, 0)));
	pid = vfork();
	if (!pid)
		_exit(socket(AF_INET6, SOCK_STREAM, 0) < 0 ? errno : 0);
	EXPECT_EQ(DENIED, child_status(pid));
	/* A network namespace of one's own is no way round. */
	EXPECT_EQ(DENIED, IN_CHILD(unshare(CLONE_NEWNET) ? 255 :
				   socket_error(AF_INET6, SOCK_STREAM, 0)));
	EXPECT_EQ(DENIED, IN_CHILD(unshare(CLONE_NEWUSER | CLONE_NEWNET) ? 255 :
				   socket_error(AF_INET6, SOCK_STREAM, 0)));
}

/* In a view with nesting inheritance, every process is in one of its own. */
TEST_F(entry, nesting_processes)
{
	ASSERT_EQ(0, view_set(self->view, VIEWOS_INHERIT_NEST));
	ASSERT_EQ(0, view_enter(self->view));
	EXPECT_EQ(0, IN_CHILD(({
		if (socket_error(AF_INET6, SOCK_STREAM, 0) != DENIED)
			_exit(1);
		IN_CHILD(socket_netns(socket(AF_INET, SOCK_STREAM, 0)) == self->here);
	})));
}

/* What comes of a socket that is there is no new socket: accept(2), SCM_RIGHTS, AF_ALG. */
TEST_F(entry, not_a_socket_made)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sockaddr_alg alg = {
		.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256",
	};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	int hash = socket(AF_ALG, SOCK_SEQPACKET, 0), fd;
	socklen_t len = sizeof(address);

	/* The kernel finds an abstract name. */
	ASSERT_EQ(0, bind(listener, (void *)&address, sizeof(sa_family_t)));
	ASSERT_EQ(0, listen(listener, 5));
	ASSERT_EQ(0, getsockname(listener, (void *)&address, &len));
	ASSERT_EQ(0, deny(self->view, ANY, ANY, ANY, DENIED));
	ASSERT_EQ(0, view_enter(self->view));
	ASSERT_EQ(0, connect(client, (void *)&address, len));
	EXPECT_LE(0, accept(listener, NULL, NULL));
	if (hash < 0 || bind(hash, (void *)&alg, sizeof(alg)))
		return;
	fd = accept(hash, NULL, NULL);
	EXPECT_LE(0, fd);
}

/* Sockets of the kernel's own are not the task's. */
TEST_F(entry, kernel_sockets)
{
	ASSERT_EQ(0, deny(self->view, ANY, ANY, ANY, DENIED));
	/* A new network namespace makes some; so does the loading of a protocol. */
	EXPECT_EQ(0, IN_VIEW(self->view, unshare(CLONE_NEWNET)));
}

TEST_HARNESS_MAIN
