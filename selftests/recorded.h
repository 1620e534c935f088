/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of one mount share that have a server of their own: both have a struct record, in
 * which the server notes what it is asked, and the test what is to be answered.
 */
#ifndef _RECORDED_H
#define _RECORDED_H

#include "fake_server.h"

#include <sys/mman.h>

struct record;

/* Gives each request to @one until the session ends. */
static inline void recorded_serve(int session, struct record *record, const char *mountpoint,
				  void (*one)(struct fake_server *fake, struct record *record,
					      const struct fuse_in_header *in))
{
	struct fake_server fake = { .session = session, .mountpoint = mountpoint };
	static char buffer[(1 << 20) + 8192] __attribute__((aligned(8)));
	ssize_t len;

	for (;;) {
		len = read(session, buffer, sizeof(buffer));
		if (len < 0 && errno != EINTR)
			break;
		if (len >= (ssize_t)sizeof(struct fuse_in_header))
			one(&fake, record, (void *)buffer);
	}
}

/* Of a fixture: its own may follow. */
#define RECORDED_FIELDS			\
	char dir[32];			\
	struct record *record;		\
	pid_t server;			\
	bool mounted

/* A directory, and a record that is all 0. */
#define RECORDED_SETUP() do {								\
	ASSERT_EQ(0, own_mounts());							\
	strcpy(self->dir, "/tmp/viewfs.XXXXXX");					\
	ASSERT_NE(NULL, mkdtemp(self->dir));						\
	self->record = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE,	\
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);				\
	ASSERT_NE(MAP_FAILED, self->record);						\
} while (0)

#define RECORDED_SERVER(serve, data) do {			\
	self->server = server_start(SERVER, serve, data);	\
	ASSERT_LT(0, self->server);				\
} while (0)

/* Mounts, and goes there. */
#define RECORDED_MOUNT(options) ({						\
	int recorded_err = viewfs_mount(SERVER, self->dir, options);		\
	self->mounted = !recorded_err;						\
	recorded_err ? recorded_err : result(chdir(self->dir)); })

#define RECORDED_TEARDOWN() do {			\
	EXPECT_EQ(0, chdir("/"));			\
	if (self->mounted)				\
		EXPECT_EQ(0, umount(self->dir));	\
	if (self->server > 0) {				\
		kill(self->server, SIGKILL);		\
		waitpid(self->server, NULL, 0);		\
	}						\
	rmdir(self->dir);				\
	munmap(self->record, sizeof(struct record));	\
} while (0)

#endif /* _RECORDED_H */
