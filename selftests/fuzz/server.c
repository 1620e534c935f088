// SPDX-License-Identifier: GPL-2.0
/* The server: it knows what to answer, and at times does otherwise. */

#include "fuzz.h"

#include <linux/viewos_path.h>
#include <linux/viewos_socket.h>
#include <linux/viewos_syscall.h>
#include <stddef.h>

#define SESSIONS_MAX	8
#define WITHHELD_MAX	128
#define WITHHELD_LEN	256

/* So long without a request, and those who wait are taken to wait for us: a slow kernel's too. */
#define IDLE_MS		(guided ? 120 : 40)
/* So long a killed process may need to be gone, in a slow machine under load. */
#define GONE_MS		60000

/**
 * struct withheld - a reply that is kept until clients are tired of waiting, or dead
 * @session: where it belongs
 * @header: of it
 * @data: what follows
 * @len: how much
 */
struct withheld {
	int session;
	struct fuse_out_header header;
	char data[WITHHELD_LEN];
	size_t len;
};

static int sessions[SESSIONS_MAX];
static unsigned int nr_sessions;
static struct withheld withheld[WITHHELD_MAX];
static unsigned int nr_withheld;
struct answer answer;

static void answer_write(int session, uint32_t len)
{
	struct iovec iov[] = {
		{ &answer.header, sizeof(answer.header) }, { answer.data, answer.len } };

	answer.header.len = len;
	/* Refused or not, and whatever comes next, is for the kernel. */
	if (writev(session, iov, 2) < 0)
		return;
}

static void session_close(unsigned int i)
{
	unsigned int n;

	for (n = 0; n < nr_withheld; n++)
		if (withheld[n].session == sessions[i])
			withheld[n--] = withheld[--nr_withheld];
	close(sessions[i]);
	sessions[i] = sessions[--nr_sessions];
}

/* False if there is no room. */
static bool answer_withhold(int session)
{
	struct withheld *late = &withheld[nr_withheld];

	if (nr_withheld == WITHHELD_MAX || answer.len > sizeof(late->data))
		return false;
	late->session = session;
	late->header = answer.header;
	memcpy(late->data, answer.data, answer.len);
	late->len = answer.len;
	nr_withheld++;
	return true;
}

/* Other bytes than it should have, or more, or fewer. */
static void answer_damage(struct stream *stream, unsigned int how)
{
	uint64_t number;
	size_t i, at;

	switch (how) {
	case 0:
		for (i = take_below(stream, 4) + 1; i && answer.len; i--)
			answer.data[take_number(stream) % answer.len] ^= 1 + take(stream);
		break;
	case 1:
		number = take_number(stream);
		if (answer.len < 8)
			break;
		at = take(stream) % (answer.len / 8) * 8;
		memcpy(answer.data + at, &number, 8);
		break;
	case 2:
		number = take(stream);
		answer.len -= number < answer.len ? number : answer.len;
		break;
	case 3:
		number = take_number(stream) % (ANSWER_MAX - 1);
		for (i = answer.len; i < number; i++)
			answer.data[i] = number;
		answer.len = number;
		break;
	default:
		for (i = 0; i < answer.len; i++)
			answer.data[i] = take(stream);
		break;
	}
}

/* Another type: in the place of an entry's mode, and of an attribute's. */
static void answer_retype(struct stream *stream)
{
	struct fuse_entry_out *entry = (void *)answer.data;
	uint64_t number = take_below(stream, 32);

	entry->attr.mode = number % 16 << 12 | 0777;
	if (number & 16)
		entry->attr.mode |= VIEWOS_MODE_SERVED;
	((struct fuse_attr_out *)answer.data)->attr.mode = entry->attr.mode;
}

/* A name in a directory, wherever it is. */
static void answer_rename(struct stream *stream)
{
	static const char *const names[] = { "/", "..", ".", "\0", "a/b" };
	const char *name;
	size_t at;

	if (answer.len <= FUSE_NAME_OFFSET + 2)
		return;
	name = names[take_below(stream, ARRAY_SIZE(names))];
	at = take_below(stream, 2) ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	if (at + 2 < answer.len)
		memcpy(answer.data + at, name, 2);
}

/* Something that no server should do with this answer. True if it is to be written still. */
static bool answer_spoil(struct hostile *hostile, int session)
{
	struct stream *stream = &hostile->stream;
	struct fuse_entry_out *entry = (void *)answer.data;
	unsigned int how = take_below(stream, 20);

	count(&stats->hostile);
	switch (how) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 10:
		answer_damage(stream, how);
		break;
	case 4:
		answer.header.error = -(take_number(stream) % 4200);
		answer.len = 0;
		break;
	case 5:
		answer.header.error = take_number(stream);
		break;
	case 6:
		return !answer_withhold(session);
	case 7:
		answer.header.unique += (int8_t)take(stream);
		break;
	case 8:
		answer_write(session, sizeof(answer.header) + answer.len);
		break;
	case 9:
		answer_write(session, take_number(stream));
		break;
	case 11:
		answer_retype(stream);
		break;
	case 12:
		entry->attr.size = take_number(stream);
		((struct fuse_attr_out *)answer.data)->attr.size = entry->attr.size;
		break;
	case 13:
		entry->nodeid = take_number(stream);
		entry->generation = take_below(stream, 3);
		break;
	case 14:
		answer_rename(stream);
		break;
	case 15:
		file_notify(&hostile->stream, session);
		break;
	case 16:
		if (write(session, &answer.header, take_below(stream, 17)) < 0)
			break;
		break;
	case 17:
		answer.header.error = -errors[take_below(stream, ARRAY_SIZE(errors))];
		answer.len = 0;
		break;
	case 18:
		/* Less than was asked for: of data, of names, or of what was written. */
		if (answer.len == sizeof(struct fuse_write_out))
			((struct fuse_write_out *)answer.data)->size /= 1 + take_below(stream, 9);
		else
			answer.len -= answer.len * take(stream) / 256;
		break;
	default:
		answer.header.unique = take_number(stream);
	}
	return true;
}

/* As they would have been in time, for who still waits, and for who does not. */
static void withheld_answer(void)
{
	while (nr_withheld) {
		struct withheld *late = &withheld[--nr_withheld];

		answer.header = late->header;
		memcpy(answer.data, late->data, late->len);
		answer.len = late->len;
		answer_write(late->session, sizeof(answer.header) + answer.len);
	}
}

/* A notice of the session's class. */
static void notify_of(struct hostile *hostile, int session, uint32_t opcode)
{
	if (opcode >= VIEWOS_CALL_INIT && opcode != VIEWOS_FUSE_LOOKUP_OPEN)
		call_notify(&hostile->stream, session);
	else if (opcode >= VIEWOS_SOCK_INIT)
		sock_notify(&hostile->stream, session);
	else
		file_notify(&hostile->stream, session);
}

/* False if the session is over. */
static bool session_handle(struct hostile *hostile, int session)
{
	struct stream *stream = &hostile->stream;
	static char buffer[320 << 10];
	const struct fuse_in_header *in = (void *)buffer;
	uint8_t how = take(stream);
	bool socks, calls;
	size_t room = how > 250 ? take_number(stream) % sizeof(buffer) : sizeof(buffer) - 1;
	ssize_t len = read(session, buffer, room);

	if (len < 0)
		return errno == EINTR || errno == EAGAIN || errno == ENOENT || errno == EINVAL;
	if (len < (ssize_t)sizeof(*in))
		return false;
	buffer[len] = 0;
	count(&stats->requests);
	memset(&answer.header, 0, sizeof(answer.header));
	answer.header.unique = in->unique;
	answer.len = 0;
	answer.send = true;
	calls = in->opcode >= VIEWOS_CALL_INIT && in->opcode != VIEWOS_FUSE_LOOKUP_OPEN;
	socks = in->opcode >= VIEWOS_SOCK_INIT && in->opcode < VIEWOS_CALL_INIT;
	if (calls)
		answer.send = call_answer(stream, session, in, answer.data, &answer.len);
	else if (socks)
		answer.send = sock_answer(stream, in, answer.data, &answer.len);
	else
		file_answer(stream, in);
	if (how > 120 && how <= 140)
		notify_of(hostile, session, in->opcode);
	if (how > (file_recovers() ? 232 : 248)) {
		count(&stats->deaths);
		return false;
	}
	if (how > 140 && !answer_spoil(hostile, session))
		return true;
	if (file_answers_late(in->opcode) && answer_withhold(session))
		return true;
	if (answer.send || how > 200)
		answer_write(session, sizeof(answer.header) + answer.len);
	return true;
}

static void sessions_handle(struct hostile *hostile, struct pollfd *fds, unsigned int n)
{
	unsigned int i;

	for (i = n; i-- > 0;)
		if (fds[i].revents && !session_handle(hostile, sessions[i]))
			session_close(i);
}

static void accept_one(struct hostile *hostile)
{
	struct viewos_server_accept accept = { .flags = VIEWOS_ACCEPT_NONBLOCK };
	int session = server_accept(hostile->fd, &accept);

	if (session == -EAGAIN || session == -EINTR)
		return;
	if (session < 0 || nr_sessions == SESSIONS_MAX) {
		close(hostile->fd);
		hostile->fd = -1;
		if (session >= 0)
			close(session);
		return;
	}
	if (take(&hostile->stream) > 250) {
		struct viewos_session_refuse refuse = {
			.size = sizeof(refuse), .error = take_number(&hostile->stream) };

		ioctl(session, VIEWOS_IOC_SESSION_REFUSE, &refuse);
	}
	/* What was there to be read may be gone again: interrupted, or aborted. */
	fcntl(session, F_SETFL, O_NONBLOCK);
	sessions[nr_sessions++] = session;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/*
 * Clients wait, but not for long: answers first, then death and signals, in either order. Who
 * kills them first answers the dead.
 */
static void impatient(struct hostile *hostile, unsigned int step)
{
	if (step == 1) {
		if (!hostile->kill_first)
			withheld_answer();
	} else if ((step == 2) == hostile->kill_first) {
		count(&stats->kills);
		kill(-hostile->clients, SIGKILL);
	} else {
		if (nr_sessions)
			count(&stats->deaths);
		while (nr_sessions)
			session_close(0);
		/* Those that outlive it come back, the first time. */
		if (file_recovers() && step < 4)
			return;
		if (hostile->fd >= 0)
			close(hostile->fd);
		hostile->fd = -1;
	}
}

/* What was asked by those who are gone, and what follows from that. */
static void answer_dead(struct hostile *hostile)
{
	unsigned int i, turns;

	withheld_answer();
	for (turns = 0; turns < 64 && nr_sessions; turns++) {
		struct pollfd fds[SESSIONS_MAX];
		unsigned int n = nr_sessions;

		for (i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = sessions[i], .events = POLLIN };
		if (poll(fds, n, 0) <= 0)
			break;
		sessions_handle(hostile, fds, n);
	}
}

bool hostile_serve(struct hostile *hostile)
{
	uint64_t start = now_ms();
	unsigned int step = 0;
	bool over = false;

	file_reset();
	sock_reset();
	call_reset();
	nr_sessions = 0;
	nr_withheld = 0;
	for (;;) {
		struct pollfd fds[SESSIONS_MAX + 2];
		unsigned int i, n = nr_sessions;
		int ready;

		for (i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = sessions[i], .events = POLLIN };
		fds[n] = (struct pollfd){ .fd = hostile->alive, .events = POLLIN };
		fds[n + 1] = (struct pollfd){ .fd = hostile->fd, .events = POLLIN };
		ready = poll(fds, n + 2, IDLE_MS);
		if (ready > 0 && fds[n].revents) {
			answer_dead(hostile);
			return true;
		}
		over |= now_ms() - start > 2000;
		if (ready <= 0 || over) {
			if (now_ms() - start > GONE_MS)
				return false;
			if (step < 4) {
				/* After this the sessions are others. */
				impatient(hostile, ++step);
				continue;
			}
		}
		if (ready <= 0)
			continue;
		sessions_handle(hostile, fds, n);
		if (fds[n + 1].revents && hostile->fd >= 0)
			accept_one(hostile);
	}
}
