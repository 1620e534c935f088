// SPDX-License-Identifier: GPL-2.0
/*
 * IPv4 and IPv6, and control messages both ways: on sockets of the kernel's own, on virtual ones
 * with a backing, and on those that are all requests.
 */

#include "../sock_server.h"

#define SERVER	"control-test"

/* What the families call the same things. */
struct names {
	int family, level, want_info, info, want_ttl, ttl;
	socklen_t address_len, info_len;
};

static const struct names names4 = {
	AF_INET, IPPROTO_IP, IP_PKTINFO, IP_PKTINFO, IP_RECVTTL, IP_TTL,
	sizeof(struct sockaddr_in), sizeof(struct in_pktinfo),
};

static const struct names names6 = {
	AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT,
	sizeof(struct sockaddr_in6), sizeof(struct in6_pktinfo),
};

static void handle_none(int session, const char *source, const struct sock_request *req)
{
	sock_error(session, req->header.unique, EPROTO);
}

FIXTURE(control)
{
	pid_t server;
};

FIXTURE_VARIANT(control)
{
	const struct names *names;
	const char *source;
};

FIXTURE_VARIANT_ADD(control, native4) { .names = &names4 };
FIXTURE_VARIANT_ADD(control, native6) { .names = &names6 };
FIXTURE_VARIANT_ADD(control, backing4) { .names = &names4, .source = "backing" };
FIXTURE_VARIANT_ADD(control, backing6) { .names = &names6, .source = "backing" };
FIXTURE_VARIANT_ADD(control, requests4) { .names = &names4, .source = "requests" };
FIXTURE_VARIANT_ADD(control, requests6) { .names = &names6, .source = "requests" };

FIXTURE_SETUP(control)
{
	int family = variant->names->family;

	self->server = 0;
	if (!variant->source)
		return;
	self->server = sock_start(SERVER, handle_none);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(0, sock_view_enter_of(family, SERVER, variant->source));
}

FIXTURE_TEARDOWN(control)
{
	if (self->server) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
}

/* A bound socket, with its address; -errno. */
static int bound(const struct names *names, int type, union vaddress *address)
{
	socklen_t len = names->address_len;
	int fd = socket(names->family, type, 0);

	*address = (union vaddress){ .family = names->family };
	vaddress_loopback(address);
	if (fd < 0 || bind(fd, (void *)address, len) || getsockname(fd, (void *)address, &len))
		return -errno;
	return len == names->address_len ? fd : -EPROTO;
}

/* Two bound sockets, of which the second is to be told all that there is. */
static int dgram_pair(const struct names *names, int pair[2], union vaddress address[2])
{
	int i, on = 1;

	for (i = 0; i < 2; i++) {
		pair[i] = bound(names, SOCK_DGRAM, &address[i]);
		if (pair[i] < 0)
			return pair[i];
	}
	if (setsockopt(pair[1], names->level, names->want_info, &on, sizeof(on)) ||
	    setsockopt(pair[1], names->level, names->want_ttl, &on, sizeof(on)))
		return -errno;
	return 0;
}

union control {
	char space[512];
	struct cmsghdr header;
};

static struct cmsghdr *find(struct msghdr *msg, int level, int type)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg))
		if (cmsg->cmsg_level == level && cmsg->cmsg_type == type)
			return cmsg;
	return NULL;
}

/* The number in a message of control, or -1. */
static int number(struct msghdr *msg, const struct names *names, int type)
{
	struct cmsghdr *cmsg = find(msg, names->level, type);
	int value = -1;

	if (cmsg && cmsg->cmsg_len == CMSG_LEN(sizeof(value)))
		memcpy(&value, CMSG_DATA(cmsg), sizeof(value));
	return value;
}

/* Is it about a datagram to this address, that came on some interface? */
static bool info_tells(struct msghdr *msg, const struct names *names, const union vaddress *to)
{
	struct cmsghdr *cmsg = find(msg, names->level, names->info);
	struct in6_pktinfo info6;
	struct in_pktinfo info;

	if (!cmsg || cmsg->cmsg_len != CMSG_LEN(names->info_len))
		return false;
	if (names->family == AF_INET6) {
		memcpy(&info6, CMSG_DATA(cmsg), sizeof(info6));
		return info6.ipi6_ifindex &&
		       !memcmp(&info6.ipi6_addr, &to->in6.sin6_addr, sizeof(info6.ipi6_addr));
	}
	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	return info.ipi_ifindex && info.ipi_addr.s_addr == to->in.sin_addr.s_addr;
}

static void put(struct msghdr *msg, union control *control, int level, int type, const void *data,
		size_t len)
{
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(len);
	memset(control, 0, sizeof(*control));
	control->header.cmsg_level = level;
	control->header.cmsg_type = type;
	control->header.cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(&control->header), data, len);
}

TEST_F(control, stream)
{
	const struct names *names = variant->names;
	union vaddress address, peer = { };
	socklen_t len = sizeof(peer);
	int listener = bound(names, SOCK_STREAM, &address), client, accepted;
	char text[8];

	ASSERT_LE(0, listener);
	EXPECT_EQ(names->family, address.family);
	ASSERT_EQ(0, listen(listener, 1));
	client = socket(names->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(client, (void *)&address, names->address_len));
	accepted = accept(listener, (void *)&peer, &len);
	ASSERT_LE(0, accepted);
	EXPECT_EQ(names->address_len, len);
	EXPECT_EQ(names->family, peer.family);
	ASSERT_EQ(4, send(accepted, "text", 4, 0));
	EXPECT_EQ(4, recv(client, text, sizeof(text), 0));
	len = sizeof(peer);
	ASSERT_EQ(0, getpeername(client, (void *)&peer, &len));
	EXPECT_EQ(names->address_len, len);
	EXPECT_EQ(address.in.sin_port, peer.in.sin_port);
	/* Less room than there is address. */
	len = 4;
	ASSERT_EQ(0, getpeername(client, (void *)&peer, &len));
	EXPECT_EQ(names->address_len, len);
}

TEST_F(control, told)
{
	const struct names *names = variant->names;
	union vaddress address[2], from;
	union control control;
	char text[8];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
			      .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int pair[2], value = 0;
	socklen_t len = sizeof(value);

	ASSERT_EQ(0, dgram_pair(names, pair, address));
	ASSERT_EQ(0, getsockopt(pair[1], names->level, names->want_ttl, &value, &len));
	EXPECT_EQ(1, value);
	ASSERT_EQ(2, sendto(pair[0], "hi", 2, 0, (void *)&address[1], names->address_len));
	ASSERT_EQ(2, recvmsg(pair[1], &msg, 0));
	EXPECT_EQ(0, msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC));
	EXPECT_EQ(names->address_len, msg.msg_namelen);
	EXPECT_EQ(address[0].in.sin_port, from.in.sin_port);
	EXPECT_EQ(64, number(&msg, names, names->ttl));
	EXPECT_TRUE(info_tells(&msg, names, &address[1]));
	EXPECT_EQ(CMSG_SPACE(names->info_len) + CMSG_SPACE(sizeof(int)), msg.msg_controllen);
}

TEST_F(control, asked_for)
{
	const struct names *names = variant->names;
	union vaddress address[2];
	union control control;
	char text[8] = "out";
	struct iovec iov = { text, 3 };
	struct msghdr msg = { .msg_name = &address[1], .msg_namelen = names->address_len,
			      .msg_iov = &iov, .msg_iovlen = 1 };
	int pair[2], ttl = 7;

	ASSERT_EQ(0, dgram_pair(names, pair, address));
	put(&msg, &control, names->level, names->ttl, &ttl, sizeof(ttl));
	ASSERT_EQ(3, sendmsg(pair[0], &msg, 0));
	msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			       .msg_controllen = sizeof(control) };
	ASSERT_EQ(3, recvmsg(pair[1], &msg, 0));
	EXPECT_EQ(7, number(&msg, names, names->ttl));
}

/* From another address than the socket's own; that of loopback has many in IPv4 only. */
TEST_F(control, source)
{
	const struct names *names = variant->names;
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK + 1) };
	struct in6_pktinfo info6 = { .ipi6_addr = IN6ADDR_LOOPBACK_INIT };
	bool six = names->family == AF_INET6;
	union vaddress address, from;
	union control control;
	char text[8] = "out";
	struct iovec iov = { text, 3 };
	struct msghdr msg = { .msg_name = &address, .msg_namelen = names->address_len,
			      .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = socket(names->family, SOCK_DGRAM, 0), to = bound(names, SOCK_DGRAM, &address);

	ASSERT_LE(0, to);
	put(&msg, &control, names->level, names->info, six ? (void *)&info6 : (void *)&info,
	    names->info_len);
	ASSERT_EQ(3, sendmsg(fd, &msg, 0));
	msg.msg_name = &from;
	msg.msg_namelen = sizeof(from);
	ASSERT_EQ(3, recvmsg(to, &msg, 0));
	EXPECT_EQ(0, six ? memcmp(&from.in6.sin6_addr, &info6.ipi6_addr, sizeof(in6addr_loopback)) :
			   memcmp(&from.in.sin_addr, &info.ipi_spec_dst, sizeof(struct in_addr)));
}

/* Control messages for which there is no room, or only for a part. */
TEST_F(control, cut_off)
{
	const struct names *names = variant->names;
	const size_t rooms[] = { 0, sizeof(struct cmsghdr) - 1, sizeof(struct cmsghdr),
				 CMSG_LEN(names->info_len) - 1, CMSG_LEN(names->info_len) };
	union vaddress address[2];
	union control control;
	char text[8];
	struct iovec iov = { text, sizeof(text) };
	int pair[2];
	size_t i;

	ASSERT_EQ(0, dgram_pair(names, pair, address));
	for (i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
				      .msg_control = rooms[i] ? &control : NULL,
				      .msg_controllen = rooms[i] };

		memset(&control, 0x5a, sizeof(control));
		ASSERT_EQ(1, sendto(pair[0], "x", 1, 0, (void *)&address[1],
				    names->address_len));
		ASSERT_EQ(1, recvmsg(pair[1], &msg, 0));
		EXPECT_EQ(MSG_CTRUNC, msg.msg_flags & MSG_CTRUNC);
		EXPECT_GE(rooms[i], msg.msg_controllen);
		EXPECT_EQ(0x5a, control.space[rooms[i]]);
		if (rooms[i] >= sizeof(struct cmsghdr))
			EXPECT_EQ(rooms[i], control.header.cmsg_len);
	}
}

/* Lengths that are none. */
TEST_F(control, hostile)
{
	const struct names *names = variant->names;
	const size_t lens[] = { 0, 1, sizeof(struct cmsghdr) - 1, 4096, SIZE_MAX };
	size_t size = 1 << 20, i;
	union vaddress address[2];
	union control control;
	char text[8] = "x";
	struct iovec iov = { text, 1 };
	struct msghdr msg = { .msg_name = &address[1], .msg_namelen = names->address_len,
			      .msg_iov = &iov, .msg_iovlen = 1 };
	char *much = malloc(size);
	int pair[2], ttl = 7;

	ASSERT_EQ(0, dgram_pair(names, pair, address));
	put(&msg, &control, names->level, names->ttl, &ttl, sizeof(ttl));
	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		control.header.cmsg_len = lens[i];
		EXPECT_EQ(-1, sendmsg(pair[0], &msg, 0));
		EXPECT_EQ(EINVAL, errno);
	}
	put(&msg, &control, names->level, 12345, &ttl, sizeof(ttl));
	EXPECT_EQ(-1, sendmsg(pair[0], &msg, 0));
	EXPECT_EQ(EINVAL, errno);
	msg.msg_control = (void *)-4096L;
	EXPECT_EQ(-1, sendmsg(pair[0], &msg, 0));
	EXPECT_EQ(EFAULT, errno);
	/* Too short to be a message, so none; but for 32-bit programs that is an error. */
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(struct cmsghdr) - 1;
	EXPECT_EQ(sizeof(long) == 8 ? 1 : -1, sendmsg(pair[0], &msg, 0));
	ASSERT_NE(NULL, much);
	memset(much, 0, size);
	((struct cmsghdr *)much)->cmsg_len = size;
	msg.msg_control = much;
	msg.msg_controllen = size;
	EXPECT_EQ(-1, sendmsg(pair[0], &msg, 0));
	EXPECT_EQ(sizeof(long) == 8 ? ENOBUFS : ENOMEM, errno);
	msg.msg_controllen = SIZE_MAX;
	EXPECT_EQ(-1, sendmsg(pair[0], &msg, 0));
	EXPECT_EQ(ENOBUFS, errno);
	free(much);
	/* It goes on. */
	msg.msg_control = NULL;
	msg.msg_controllen = 0;
	EXPECT_EQ(1, sendmsg(pair[0], &msg, 0));
}

/* An address of the other family, or of one that there is not. */
TEST_F(control, confused)
{
	const struct names *names = variant->names;
	union vaddress address[2], other = { };
	int pair[2], stream;

	ASSERT_EQ(0, dgram_pair(names, pair, address));
	/* Of IPv4 a socket of IPv6 may take. */
	other.family = AF_INET6;
	other.in.sin_port = address[1].in.sin_port;
	if (names->family == AF_INET)
		EXPECT_EQ(-1, sendto(pair[0], "x", 1, 0, (void *)&other, sizeof(other)));
	EXPECT_EQ(-1, sendto(pair[0], "x", 1, 0, (void *)&address[1], sizeof(sa_family_t)));
	other.family = 200;
	EXPECT_EQ(-1, sendto(pair[0], "x", 1, 0, (void *)&other, sizeof(other)));
	stream = socket(names->family, SOCK_STREAM, 0);
	EXPECT_EQ(-1, connect(stream, (void *)&other, sizeof(other)));
}

TEST_HARNESS_MAIN
