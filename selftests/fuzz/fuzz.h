/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the fuzzer: an input is bytes, which say what clients and their server do. */
#ifndef _FUZZ_H
#define _FUZZ_H

#include "../abi.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <sys/uio.h>

#define INPUT_MAX	1022
#define CORPUS_MAX	4096
#define WORKERS_MAX	8
#define CLIENTS_MAX	3
#define TRACKS		(1 + CLIENTS_MAX)
#define ANSWER_MAX	(80 << 10)

/* A directory with a file and a directory, for redirects to lead to. */
#define FUZZ_OBJECTS	"/tmp/fuzz/objects"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

/**
 * struct input - one run
 * @worth: it reached code that no other had: worth to be saved
 * @len: bytes of @data
 * @data: begins with the fixed part of struct plan, then what the parties do
 */
struct input {
	bool worth;
	uint16_t len;
	uint8_t data[INPUT_MAX];
};

/**
 * struct stream - bytes that are yet to be decoded
 *
 * What is taken behind the end is 0; so 0 is to stand for the harmless.
 */
struct stream {
	const uint8_t *at;
	const uint8_t *end;
};

static inline bool stream_more(const struct stream *stream)
{
	return stream->at < stream->end;
}

static inline uint8_t take(struct stream *stream)
{
	return stream->at < stream->end ? *stream->at++ : 0;
}

static inline uint32_t take_below(struct stream *stream, uint32_t bound)
{
	return take(stream) % bound;
}

/* Small, at some border, or anything. */
static inline uint64_t take_number(struct stream *stream)
{
	static const uint64_t borders[] = {
		127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 4097, 8191, 8192, 8193,
		65535, 65536, 131072, 1 << 20, INT32_MAX, 1ULL << 31, UINT32_MAX, 1ULL << 32,
		INT64_MAX - 4095, INT64_MAX, 1ULL << 63, UINT64_MAX - 4095, UINT64_MAX - 1,
		UINT64_MAX,
	};
	uint8_t byte = take(stream);
	uint64_t number = 0;
	int i;

	if (byte < 96)
		return byte;
	if (byte < 192)
		return borders[byte % ARRAY_SIZE(borders)];
	for (i = 0; i < (byte < 224 ? 2 : 8); i++)
		number = number << 8 | take(stream);
	return number;
}

/**
 * struct stats - what was done, shared by all processes
 * @inputs: runs
 * @calls: operations of clients
 * @requests: what servers were asked
 * @hostile: replies and notices that no server should write
 * @kills: clients that were killed with a request pending
 * @deaths: sessions that their server closed with clients alive
 * @recoveries: sessions that a server was to go on with
 */
struct stats {
	uint64_t inputs;
	uint64_t calls;
	uint64_t requests;
	uint64_t hostile;
	uint64_t kills;
	uint64_t deaths;
	uint64_t recoveries;
};

extern struct stats *stats;

/* Whether there is coverage to be guided by. */
extern bool guided;

static inline void count(uint64_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

/* cover.c: what of the module a run went through, by KCOV if there is one */

/* Once, before there are workers. False if the kernel has no KCOV. */
bool cover_init(void);
/* In a worker, before its runs. */
void cover_open(void);
/* In a process of a run: record it as this track. */
void cover_begin(unsigned int track);
/* In a worker, after a run: whether it went ways that none has gone, or even to new places. */
enum news { NEWS_NONE, NEWS_WAY, NEWS_PLACE };
enum news cover_news(void);
/* Blocks of the module that were seen. */
unsigned int cover_blocks(void);

/* client.c */

/**
 * struct client - a process that uses views and files
 * @stream: what it does
 * @control: the control node
 * @server: the server fd, shared with who serves
 * @name: of the server
 * @dir: where it mounts
 * @sockets: it is in a view whose sockets the server answers for
 * @calls: it is in a view some of whose system calls the server decides
 */
struct client {
	struct stream stream;
	int control;
	int server;
	const char *name;
	const char *dir;
	bool sockets;
	bool calls;
};

void client_mount(struct client *client, uint8_t how);
void client_run(struct client *client);

/* socks.c */

/* A rule by which a server answers for the sockets of a view: 0 or -errno. */
int rule_for(int view, const char *server, const char *source);

/* calls.c */

/* System calls that are served. */
extern const uint16_t fuzz_calls[];
extern const unsigned int fuzz_calls_nr;

/* A rule by which a server decides them: 0 or -errno. */
int rule_for_calls(int view, const char *server);

/* server.c */

/**
 * struct hostile - a server that does what it should only until told otherwise
 * @stream: how it answers
 * @fd: server fd, or -1 when it is closed
 * @alive: readable, or hung up, when no client is left
 * @clients: their process group
 * @kill_first: kill clients that wait for it while its sessions are open
 */
struct hostile {
	struct stream stream;
	int fd;
	int alive;
	pid_t clients;
	bool kill_first;
};

/**
 * struct answer - a reply that is being made
 * @header: of it
 * @data: what follows
 * @len: how much
 * @send: otherwise there is to be none
 */
struct answer {
	struct fuse_out_header header;
	char data[ANSWER_MAX];
	size_t len;
	bool send;
};

/* The one that is made now. */
extern struct answer answer;

/* Until no client is left. False if one can neither end nor be killed. */
bool hostile_serve(struct hostile *hostile);

/* fileserver.c */

/* What servers say, and programs and the kernel know by heart. */
static const int errors[] = {
	EINTR, EAGAIN, EIO, ENOSPC, EDQUOT, ENOSYS, ESTALE, ENOENT, ENOMEM, EFBIG, EROFS, EACCES,
	EOPNOTSUPP, ENOTCONN, ENODEV, EPIPE, EBADF, EEXIST, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP,
	ENODATA, ERANGE, ETIMEDOUT, 511,
};

/* Before a run. */
void file_reset(void);
/* Makes what a server of files would say to a request. */
void file_answer(struct stream *stream, const struct fuse_in_header *in);
/* Tells of what nobody asked for. */
void file_notify(struct stream *stream, int session);
/* Are answers to these kept back, in this run? */
bool file_answers_late(uint32_t opcode);
/* Can the last session go on with another server? */
bool file_recovers(void);

/* sockserver.c */

/* Before a run. */
void sock_reset(void);
/* What a server of sockets would say to a request; false if nothing. */
bool sock_answer(struct stream *stream, const struct fuse_in_header *header, char *data,
		 size_t *len);
/* Tells of events that nobody asked for. */
void sock_notify(struct stream *stream, int session);

/* callserver.c */

/* Before a run. */
void call_reset(void);
/* What a server of system calls would say, after it has used the caller's memory; likewise. */
bool call_answer(struct stream *stream, int session, const struct fuse_in_header *header,
		 char *data, size_t *len);
/* Asks for something to come along with some call. */
void call_notify(struct stream *stream, int session);

#endif /* _FUZZ_H */
