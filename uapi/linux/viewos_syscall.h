/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * viewos syscall sessions: what the kernel and a server of system calls say to each other.
 *
 * A rule of class syscall with the verdict serve connects to a server, which gets a
 * session of class VIEWOS_CLASS_SYSCALL. In it, requests are read and replies are
 * written in the frames of FUSE: struct fuse_in_header and struct fuse_out_header of
 * <linux/fuse.h>, with opcodes of their own. Interrupts come as FUSE_INTERRUPT.
 *
 *   request  fuse_in_header, viewos_call_init         VIEWOS_CALL_INIT
 *            fuse_in_header, viewos_call_in, data     VIEWOS_CALL_MADE
 *            fuse_in_header, viewos_call_result       VIEWOS_CALL_RESULT, unanswered
 *            fuse_in_header, viewos_call_ended, data  VIEWOS_CALL_ENDED
 *   reply    fuse_out_header, viewos_call_init        to INIT
 *            fuse_out_header, viewos_call_out         to MADE and to ENDED
 *            fuse_out_header alone if its error is not zero: the call fails with it
 *   notice   fuse_out_header with unique 0 and error VIEWOS_CALL_NOTIFY_FETCH,
 *            viewos_call_fetch
 *
 * uid, gid and pid of fuse_in_header tell who makes the call; the pid is that of the thread.
 *
 * While a call waits for its reply, and no longer, the server can read and write the
 * memory of who makes it by VIEWOS_IOC_SESSION_MEMORY. What most calls need can be sent
 * along with them: see struct viewos_call_fetch.
 *
 * A server can also be asked when a call has ended, and its program does not go on before the
 * reply: see VIEWOS_CALL_ENDED. So it can change what the call gives, in memory and as its value,
 * without having to do what the kernel does. What file a call is about the kernel finds out, as
 * the call itself does: see struct viewos_call_file.
 *
 * A call that is to go on is next the business of the view above that has a rule for it, whose
 * server sees the changed arguments; a result is that of all of this. A call that no view
 * says more of is made by its program, with the program's rights, and with
 * arguments that the server may have changed. Registers that the program sees are not.
 *
 * A server can tag threads: a number that comes along with each later call of the thread, and of
 * all that it makes, whatever they execute. So a server that keeps something of some processes need
 * not know when these are made and end, and can be asked about them alone: see VIEWOS_CALL_OUT_TAG
 * and VIEWOS_CALL_FETCH_TAGGED.
 *
 * Security: what the kernel copies at the beginning of a call (integers, and so the
 * numbers of files) is what the server has seen. What a pointer leads to is read by the kernel
 * again when the call goes on, after another thread of the program, or whoever shares the memory,
 * may have changed it. So a server that looks at a path and lets the call go on has decided
 * nothing about files: that takes a class that sees names where they are looked up. A
 * server that must be sure answers with a value, and does the work by itself.
 *
 * Who may be served: the server acts with the rights of the program. So it must be able to
 * trace it: same ids, no capability more than the server has, a program that may be
 * dumped; or CAP_SYS_PTRACE for the server in the program's user namespace. All others'
 * calls fail with EACCES.
 *
 * Where no answer comes the call fails, it is never made: EIO when the session has ended, and
 * when the reply is malformed; EDEADLK when the server itself makes it; EBUSY when too
 * many wait. exit(2) and exit_group(2) go on whatever happens.
 *
 * Signals: a call that the server has not read yet is taken back by one. Of one that it has
 * read it is told by FUSE_INTERRUPT, and the caller waits on; a fatal signal alone
 * ends the waiting. EINTR as the answer means that the call has done nothing: it is begun again
 * after a handler with SA_RESTART, and is EINTR else.
 */
#ifndef _UAPI_LINUX_VIEWOS_SYSCALL_H
#define _UAPI_LINUX_VIEWOS_SYSCALL_H

#include <linux/types.h>

/** VIEWOS_CALL_MAJOR - the protocol; a server that speaks another answers EPROTO */
#define VIEWOS_CALL_MAJOR	1
/**
 * VIEWOS_CALL_MINOR - grows with what is added: 1, the time in results; 2, VIEWOS_CALL_ENDED,
 *	and files that come along; 3, tags
 */
#define VIEWOS_CALL_MINOR	3

/** VIEWOS_CALL_MAX_FETCH - most bytes of data that come with a call */
#define VIEWOS_CALL_MAX_FETCH	4096
/** VIEWOS_CALL_MAX_MEMORY - most bytes that one VIEWOS_IOC_SESSION_MEMORY copies */
#define VIEWOS_CALL_MAX_MEMORY	65536
/** VIEWOS_CALL_MAX_TAGS - most sessions of which a thread can have tags */
#define VIEWOS_CALL_MAX_TAGS	4

/**
 * enum viewos_call_op - operations, in fuse_in_header.opcode
 * @VIEWOS_CALL_INIT: the first request. Whoever makes the rule waits for the reply; another
 *	major than the kernel's is EPROTO for them, an error is what they get. Notices
 *	that are sent before it hold from the first call on
 * @VIEWOS_CALL_MADE: a system call is made
 * @VIEWOS_CALL_RESULT: how a call ended for which VIEWOS_CALL_OUT_RESULT was asked. There is
 *	no reply, and nobody waits: it may come a few milliseconds later, but before
 *	the next call of the same thread. The child of fork(2) has no result of its own
 * @VIEWOS_CALL_ENDED: a call has been made for which VIEWOS_CALL_OUT_ENDED was given; or one
 *	with VIEWOS_CALL_FETCH_AFTER that did not fail, and of which no MADE has told. Its program
 *	waits for the reply, which is as to MADE, without flags: CONTINUE leaves the
 *	value as it is. Not asked for a program that the call has made one which the server may
 *	not trace, as execve(2) of a set-user-id program does. Without a reply the call has been
 *	made, and fails nevertheless. A signal does not take the request back; the server
 *	outside of whose view another one is, is asked before that
 */
enum viewos_call_op {
	VIEWOS_CALL_INIT	= 0x2000,
	VIEWOS_CALL_MADE	= 0x2001,
	VIEWOS_CALL_RESULT	= 0x2002,
	VIEWOS_CALL_ENDED	= 0x2003,
};

/**
 * struct viewos_call_init - INIT and its reply
 * @major: VIEWOS_CALL_MAJOR
 * @minor: VIEWOS_CALL_MINOR
 * @flags: zero
 * @pad: zero
 */
struct viewos_call_init {
	__u32 major;
	__u32 minor;
	__u32 flags;
	__u32 pad;
};

/**
 * struct viewos_call_in - a system call
 * @nr: its number
 * @arch: AUDIT_ARCH_X86_64 or AUDIT_ARCH_I386 of <linux/audit.h>: by which table it is made
 * @pid: its process, in the pid namespace of the server; 0 if it is not visible there
 * @tid: likewise, its thread
 * @args: its arguments, all six, whatever the call takes; of I386 the upper half is zero
 * @ip: the program's instruction pointer
 * @sp: the program's stack pointer; the 128 bytes beneath are in use
 * @fetched: bytes of data that follow, by struct viewos_call_fetch; or a negative errno:
 *	-EFAULT, -ENAMETOOLONG a string has no end, -ENODATA nothing was wanted, or it is NULL
 * @tag: what the session has given the thread, or who made it, by VIEWOS_CALL_OUT_TAG; or 0
 */
struct viewos_call_in {
	__u32 nr;
	__u32 arch;
	__u32 pid;
	__u32 tid;
	__aligned_u64 args[6];
	__aligned_u64 ip;
	__aligned_u64 sp;
	__s32 fetched;
	__u32 tag;
};

/**
 * enum viewos_call_action - what becomes of a call
 * @VIEWOS_CALL_VALUE: it returns @value, which is no error (for these the reply has an
 *	error), of I386 as int neither
 * @VIEWOS_CALL_CONTINUE: it is made. The only one for exit and exit_group
 */
enum viewos_call_action {
	VIEWOS_CALL_VALUE	= 0,
	VIEWOS_CALL_CONTINUE	= 1,
};

/** VIEWOS_CALL_OUT_ARGS - CONTINUE: with the arguments in @args */
#define VIEWOS_CALL_OUT_ARGS	0x00000001
/** VIEWOS_CALL_OUT_RESULT - CONTINUE: tell how it ends */
#define VIEWOS_CALL_OUT_RESULT	0x00000002
/** VIEWOS_CALL_OUT_ENDED - CONTINUE: ask when it has ended */
#define VIEWOS_CALL_OUT_ENDED	0x00000004
/**
 * VIEWOS_CALL_OUT_TAG - VALUE: from now on @args[0], of 32 bits, is the thread's tag; 0 takes it
 *	away. Tags are each session's own; a thread has those of VIEWOS_CALL_MAX_TAGS, and with
 *	one more the call is ENOSPC. Those of sessions that have ended do not count
 */
#define VIEWOS_CALL_OUT_TAG	0x00000008
#define VIEWOS_CALL_OUT_ALL	0x0000000F
/* None is for exit, exit_group and reboot, which may not return. */

/**
 * struct viewos_call_out - the answer to MADE
 * @action: enum viewos_call_action
 * @flags: VIEWOS_CALL_OUT_*
 * @value: of VALUE; else zero
 * @args: with VIEWOS_CALL_OUT_ARGS, or the tag with VIEWOS_CALL_OUT_TAG; else zero. Of I386
 *	the upper half must be zero
 *
 * Anything that is not as told here makes the write EINVAL, and the program's call EIO.
 * EBUSY: another thread of the server reads or writes the caller's memory just now;
 * the call still waits for its reply.
 */
struct viewos_call_out {
	__u32 action;
	__u32 flags;
	__aligned_s64 value;
	__aligned_u64 args[6];
};

/**
 * struct viewos_call_result - how a call ended
 * @unique: fuse_in_header.unique of the call
 * @value: what it returned; from -4095 to -1 an errno, of which those from 512 on mean
 *	that the call will be begun again
 * @time: nanoseconds that it took, without those before the answer
 */
struct viewos_call_result {
	__aligned_u64 unique;
	__aligned_s64 value;
	__aligned_u64 time;
};

/**
 * struct viewos_call_ended - a system call that has been made
 * @in: the call, with the arguments that the server has seen, or would have seen
 * @unique: fuse_in_header.unique of its MADE, or 0 if there was none
 * @value: what it returns, as in struct viewos_call_result
 */
struct viewos_call_ended {
	struct viewos_call_in in;
	__aligned_u64 unique;
	__aligned_s64 value;
};

/**
 * enum viewos_call_fetch_kind - what to send along
 * @VIEWOS_CALL_FETCH_NONE: nothing
 * @VIEWOS_CALL_FETCH_STRING: the string that the argument points to, without its final NUL
 * @VIEWOS_CALL_FETCH_BYTES: so many bytes from where it points to
 * @VIEWOS_CALL_FETCH_FILE: struct viewos_call_file of the file that it names; if there is none,
 *	@fetched of struct viewos_call_in is the error
 */
enum viewos_call_fetch_kind {
	VIEWOS_CALL_FETCH_NONE		= 0,
	VIEWOS_CALL_FETCH_STRING	= 1,
	VIEWOS_CALL_FETCH_BYTES		= 2,
	VIEWOS_CALL_FETCH_FILE		= 3,
};

/* How an argument names a file, in @len of struct viewos_call_fetch. */

/** VIEWOS_CALL_FILE_FD - it is the number of an open file; alone */
#define VIEWOS_CALL_FILE_FD		0x00000001
/** VIEWOS_CALL_FILE_PATH - it is a path */
#define VIEWOS_CALL_FILE_PATH		0x00000002
/** VIEWOS_CALL_FILE_AT - the argument before it is that of a directory, or AT_FDCWD */
#define VIEWOS_CALL_FILE_AT		0x00000004
/** VIEWOS_CALL_FILE_NOFOLLOW - a symbolic link at its end is the file */
#define VIEWOS_CALL_FILE_NOFOLLOW	0x00000008
/** VIEWOS_CALL_FILE_FLAGS - argument @arg has AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW and the like */
#define VIEWOS_CALL_FILE_FLAGS(arg)	(0x00000010 | (arg) << 5)
#define VIEWOS_CALL_FILE_ALL		0x000000FF

/** VIEWOS_CALL_FETCH_AFTER - ask when the call has ended, and not before, and not if it failed */
#define VIEWOS_CALL_FETCH_AFTER		0x00000001
/** VIEWOS_CALL_FETCH_TAGGED - ask of threads that have a tag, and of no others */
#define VIEWOS_CALL_FETCH_TAGGED	0x00000002

/** VIEWOS_CALL_NOTIFY_FETCH - fuse_out_header.error of a notice */
#define VIEWOS_CALL_NOTIFY_FETCH	0x2000

/**
 * struct viewos_call_fetch - from now on send this along with a call
 * @nr: number of the call
 * @arch: AUDIT_ARCH_X86_64 or AUDIT_ARCH_I386
 * @kind: enum viewos_call_fetch_kind
 * @arg: which argument, 0 to 5
 * @len: of BYTES how many, at most VIEWOS_CALL_MAX_FETCH; of STRING the same, with its NUL;
 *	of FILE VIEWOS_CALL_FILE_*, how it is named; else zero
 * @flags: VIEWOS_CALL_FETCH_*; AFTER is not for exit, exit_group and reboot
 *
 * One for each call; the last one said holds. A call that is asked for when it has ended
 * gets it then, as what it is then.
 */
struct viewos_call_fetch {
	__u32 nr;
	__u32 arch;
	__u32 kind;
	__u32 arg;
	__u32 len;
	__u32 flags;
};

/** VIEWOS_CALL_FILE_READONLY - nothing can be written where it is */
#define VIEWOS_CALL_FILE_READONLY	0x00000001

/** struct viewos_call_time - seconds since 1970, and nanoseconds */
struct viewos_call_time {
	__aligned_s64 sec;
	__u32 nsec;
	__u32 pad;
};

/**
 * struct viewos_call_file - what stat(2) would say of a file to who makes the call
 * @flags: VIEWOS_CALL_FILE_READONLY
 * @mask: STATX_* of <linux/stat.h>: which of the following the file system knows
 * @mode: type and permissions
 * @nlink: links
 * @uid: owner, by the number that the server has for it
 * @gid: likewise, group
 * @dev_major: where it is
 * @dev_minor: likewise
 * @rdev_major: of a device, which
 * @rdev_minor: likewise
 * @blksize: preferred size of a read or a write
 * @generation: another one for each file that has had @ino, where the file system has that
 * @ino: inode
 * @size: bytes
 * @blocks: of 512 bytes
 * @magic: kind of file system, of <linux/magic.h>
 * @atime: read
 * @mtime: written
 * @ctime: changed
 * @btime: made, if @mask has STATX_BTIME
 *
 * The name is looked up once for this, and once by the call: in between it may have become
 * that of another file.
 */
struct viewos_call_file {
	__u32 flags;
	__u32 mask;
	__u32 mode;
	__u32 nlink;
	__u32 uid;
	__u32 gid;
	__u32 dev_major;
	__u32 dev_minor;
	__u32 rdev_major;
	__u32 rdev_minor;
	__u32 blksize;
	__u32 generation;
	__aligned_u64 ino;
	__aligned_u64 size;
	__aligned_u64 blocks;
	__aligned_u64 magic;
	struct viewos_call_time atime;
	struct viewos_call_time mtime;
	struct viewos_call_time ctime;
	struct viewos_call_time btime;
};

#endif /* _UAPI_LINUX_VIEWOS_SYSCALL_H */
