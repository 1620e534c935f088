// SPDX-License-Identifier: GPL-2.0
/* Files as the kernel's own subsystems use them: viewfs, and others beside it. */

#include "kinds.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/uio.h>

FIXTURE_OF_KINDS(system)

/* Whether it is one of the kinds. */
#define IS(kinds) (variant->kind & (kinds))

TEST_F(system, freeze)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY), status;
	pid_t pid;

	/* Freezing is of block devices: FUSE and tmpfs have nothing to write to one. */
	if (!IS(EXT4)) {
		EXPECT_EQ(-EOPNOTSUPP, result(ioctl(fd, FIFREEZE, 0)));
		EXPECT_EQ(-EINVAL, result(ioctl(fd, FITHAW, 0)));
	} else {
		ASSERT_EQ(0, ioctl(fd, FIFREEZE, 0));
		pid = fork();
		if (!pid)
			_exit(write_file("f", "x"));
		sleep_ms(200);
		EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
		ASSERT_EQ(0, ioctl(fd, FITHAW, 0));
		EXPECT_EQ(0, child_status(pid));
	}
	close(fd);
}

TEST_F(system, clones_of_data)
{
	struct file_clone_range range = { .src_length = 4096 };
	int from = open("from", O_RDWR | O_CREAT, 0644);
	int to = open("to", O_RDWR | O_CREAT, 0644);

	ASSERT_EQ(0, ftruncate(from, 4096));
	range.src_fd = from;
	EXPECT_EQ(-EOPNOTSUPP, result(ioctl(to, FICLONE, from)));
	EXPECT_EQ(-EOPNOTSUPP, result(ioctl(to, FICLONERANGE, &range)));
	close(from);
	close(to);
}

/* Takes an event, and says of which file it is; answers it, if it asks. */
static uint64_t take_event(int group, uint32_t answer, char *data)
{
	struct fanotify_event_metadata event = { .fd = -1 };
	struct fanotify_response response;

	if (read(group, &event, sizeof(event)) != sizeof(event))
		return 0;
	if (data)
		data[pread(event.fd, data, 15, 0)] = 0;
	response.fd = event.fd;
	response.response = answer;
	if (answer && write(group, &response, sizeof(response)) != sizeof(response))
		return 0;
	close(event.fd);
	return event.mask;
}

TEST_F(system, fanotify)
{
	int group = fanotify_init(FAN_CLASS_CONTENT | FAN_NONBLOCK, O_RDONLY);
	char data[16] = "";
	pid_t pid;

	if (group < 0)
		SKIP(return, "no fanotify here");
	ASSERT_EQ(0, write_file("f", "text"));
	ASSERT_EQ(0, fanotify_mark(group, FAN_MARK_ADD, FAN_CLOSE_WRITE | FAN_MODIFY, AT_FDCWD,
				   "f"));
	EXPECT_EQ(0, IN_CHILD(write_file("f", "other")));
	EXPECT_EQ(FAN_CLOSE_WRITE | FAN_MODIFY, take_event(group, 0, data));
	EXPECT_STREQ("other", data);
	ASSERT_EQ(0, fanotify_mark(group, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL));
	close(group);

	/* One who may say no, to a whole mount. */
	group = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
	ASSERT_LE(0, group);
	if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_PERM, AT_FDCWD, ".")) {
		close(group);
		SKIP(return, "no permission events in this kernel");
	}
	pid = fork();
	if (!pid)
		_exit(-result(open("f", O_RDONLY)));
	EXPECT_EQ(FAN_OPEN_PERM, take_event(group, FAN_DENY, NULL));
	EXPECT_EQ(EPERM, child_status(pid));
	pid = fork();
	if (!pid)
		_exit(!has_text("f", "other"));
	EXPECT_EQ(FAN_OPEN_PERM, take_event(group, FAN_ALLOW, data));
	EXPECT_STREQ("other", data);
	EXPECT_EQ(0, child_status(pid));
	close(group);
}

TEST_F(system, asynchronous_io)
{
	char data[4096], back[4096] = "";
	struct iocb write_it = { .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_nbytes = sizeof(data) };
	struct iocb sync_it = { .aio_lio_opcode = IOCB_CMD_FSYNC };
	struct iocb read_it = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_nbytes = sizeof(back) };
	struct iocb *all[] = { &write_it, &sync_it, &read_it };
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	aio_context_t context = 0;
	struct io_event event;

	memset(data, 'd', sizeof(data));
	write_it.aio_buf = (uintptr_t)data;
	read_it.aio_buf = (uintptr_t)back;
	ASSERT_EQ(0, syscall(SYS_io_setup, 4, &context));
	for (int i = 0; i < 3; i++) {
		all[i]->aio_fildes = fd;
		ASSERT_EQ(1, syscall(SYS_io_submit, context, 1, &all[i]));
		ASSERT_EQ(1, syscall(SYS_io_getevents, context, 1, 1, &event, NULL));
		EXPECT_EQ(i == 1 ? 0 : 4096, event.res);
	}
	EXPECT_EQ(0, memcmp(data, back, sizeof(data)));
	EXPECT_EQ(0, syscall(SYS_io_destroy, context));
	close(fd);
}

TEST_F(system, memory_advice)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	unsigned char present[4];
	char *map;

	ASSERT_EQ(0, ftruncate(fd, 4 * page));
	map = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, madvise(map, 4 * page, MADV_POPULATE_WRITE));
	EXPECT_EQ(0, mincore(map, 4 * page, present));
	EXPECT_EQ(1, present[0] & present[1] & present[2] & present[3] & 1);
	memset(map, 'x', 4 * page);
	/* A hole, made through the mapping. */
	EXPECT_EQ(0, madvise(map + page, page, MADV_REMOVE));
	EXPECT_EQ('x', map[0]);
	EXPECT_EQ(0, map[page]);
	EXPECT_EQ('x', map[2 * page]);
	EXPECT_EQ(0, mlock(map, 4 * page));
	EXPECT_EQ(0, munlock(map, 4 * page));
	EXPECT_EQ(0, madvise(map, 4 * page, MADV_PAGEOUT));
	EXPECT_EQ('x', map[3 * page]);
	EXPECT_EQ(0, munmap(map, 4 * page));
	close(fd);
}

TEST_F(system, memory_of_another)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	struct iovec here, there;
	char word[5] = "";
	char *map;
	pid_t pid;

	ASSERT_EQ(0, ftruncate(fd, page));
	map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	strcpy(map, "text");
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	here = (struct iovec){ word, 4 };
	there = (struct iovec){ map, 4 };
	EXPECT_EQ(4, process_vm_readv(pid, &here, 1, &there, 1, 0));
	EXPECT_STREQ("text", word);
	here.iov_base = "else";
	EXPECT_EQ(4, process_vm_writev(pid, &here, 1, &there, 1, 0));
	EXPECT_STREQ("else", map);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap(map, page);
	close(fd);
	EXPECT_EQ(0, truncate("f", 4));
	EXPECT_TRUE(has_text("f", "else"));
}

TEST_F(system, loop_device)
{
	/* A file system in a file, which the kernel's threads read and write. */
	ASSERT_EQ(0, system("truncate -s 8M image && mke2fs -qFt ext4 image && mkdir on"));
	ASSERT_EQ(0, system("mount -o loop image on"));
	EXPECT_EQ(0, write_file("on/f", "in the image"));
	EXPECT_EQ(0, system("dd if=/dev/zero of=on/big bs=64k count=16 status=none"));
	EXPECT_EQ(0, umount("on"));
	EXPECT_EQ(0, system("e2fsck -fn image >/dev/null 2>&1"));
	EXPECT_EQ(0, system("mount -o loop,ro image on"));
	EXPECT_TRUE(has_text("on/f", "in the image"));
	EXPECT_EQ(0, umount("on"));
}

TEST_F(system, above_in_an_overlay)
{
	struct stat st;

	ASSERT_EQ(0, system("mkdir up work on && mkdir /tmp/lower && "
			    "mount -t tmpfs none /tmp/lower && mkdir /tmp/lower/d && "
			    "echo below | tee /tmp/lower/f /tmp/lower/g >/tmp/lower/d/h"));
	EXPECT_EQ(0, system("mount -t overlay -o lowerdir=/tmp/lower,upperdir=up,"
			    "workdir=work none on"));
	/* Copied up, removed, renamed, and a directory that hides what is below it. */
	EXPECT_EQ(0, system("echo more >>on/f && rm on/g && mv on/f on/moved && "
			    "rm -r on/d && mkdir on/d && touch on/d/new"));
	EXPECT_TRUE(has_text("on/moved", "below\nmore\n"));
	EXPECT_EQ(0, system("[ \"$(ls on on/d | xargs)\" = 'on: d moved on/d: new' ]"));
	ASSERT_EQ(0, lstat("up/g", &st));
	EXPECT_EQ(S_IFCHR, st.st_mode & S_IFMT);
	EXPECT_EQ(0, umount("on"));
	EXPECT_EQ(0, system("[ \"$(cat /tmp/lower/f)\" = below ]"));
	EXPECT_EQ(0, umount("/tmp/lower"));
	rmdir("/tmp/lower");
}

TEST_F(system, below_an_overlay)
{
	ASSERT_EQ(0, system("mkdir lower on && echo below >lower/f && echo more >lower/g"));
	ASSERT_EQ(0, system("mkdir /tmp/upper && mount -t tmpfs none /tmp/upper && "
			    "mkdir /tmp/upper/up /tmp/upper/work"));
	EXPECT_EQ(0, system("mount -t overlay -o lowerdir=lower,upperdir=/tmp/upper/up,"
			    "workdir=/tmp/upper/work none on"));
	EXPECT_TRUE(has_text("on/f", "below\n"));
	EXPECT_EQ(0, write_file("on/f", "above"));
	EXPECT_EQ(0, unlink("on/g"));
	EXPECT_TRUE(has_text("on/f", "above"));
	EXPECT_TRUE(has_text("lower/f", "below\n"));
	EXPECT_EQ(-ENOENT, result(access("on/g", F_OK)));
	EXPECT_EQ(0, umount("on"));
	EXPECT_EQ(0, umount("/tmp/upper"));
	rmdir("/tmp/upper");
}

TEST_HARNESS_MAIN
