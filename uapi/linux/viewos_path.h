/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * viewos: what path sessions can say beyond the FUSE wire protocol.
 *
 * The kernel offers its additions in the last 32 bits of struct fuse_init_in, and the server
 * takes those it wants in the last 32 bits of struct fuse_init_out: VIEWOS_PATH_*. Who knows
 * nothing of them has zeros there. A server that takes VIEWOS_PATH_TARGET is never sent what
 * VIEWOS_PATH_LOOKUP_OPEN allows, and its mount is one that other file systems cannot be
 * stacked upon as deeply: a server should take it only if it makes use of it.
 *
 * VIEWOS_PATH_TARGET: objects by fd
 *
 * The answer to some operations may end with a struct viewos_path_target, behind what
 * FUSE has there. It hands over an open file of the server, by fd of the process that writes
 * the reply; the fd may be closed when the write has returned. An fd is only taken
 * from a process with the ids of the one that accepted the session, and no more capabilities
 * than that had (EPERM).
 *
 * LOOKUP: the name is a redirect, it is that very object from now on. The object is a
 *	directory or a regular file. The entry's nodeid must be 0, and nothing is to be
 *	forgotten; of its attributes only the type is looked at, which must be the
 *	object's. entry_valid is how long the name holds; after it the name is looked
 *	up again, and remains what it is if the answer brings the same object.
 *
 *	Who opens the name or walks through it crosses, by a mount that vanishes when
 *	nobody has used it for a minute or two, into the object's own file system.
 *	The mount has the restrictions of the mount through which the server has the
 *	object (nosuid, nodev, noexec, ro, nosymfollow; they cannot be taken back) and
 *	those of the viewfs mount. It is read-only too with
 *	VIEWOS_TARGET_READONLY, and if the object is a file that the server has not
 *	open for writing. Mounts beneath the object are not seen. The server must have it
 *	open for reading. While a directory's name is crossed it cannot be removed or
 *	renamed (EBUSY).
 *
 *	A directory must be one that the server's process could bind elsewhere with
 *	mount(2), but for the privilege: of a mount in its own mount namespace, not
 *	unbindable, without mounts beneath that are locked (else EINVAL).
 *
 * OPEN, CREATE, TMPFILE: the file is read, written, mapped, seeked, synced and allocated through
 *	the given regular file, without the server. It must be open for what the
 *	caller asks for (EBADF), may be append-only no more than the caller's (EPERM),
 *	and must not lie on a file system that is stacked upon another (ELOOP).
 *	Attributes, also truncation, remain the server's. RELEASE is sent, FLUSH
 *	and FSYNC are not. A server should answer all openers of a node alike.
 *
 * Errors of the write for both, upon which the caller of the operation gets EIO: EBADF no such
 * fd, or O_PATH; EINVAL not an object of the right type, or one that cannot be
 * mounted; ELOOP an object of this very mount; EOPNOTSUPP of an idmapped mount. The caller
 * gets ENOSPC while the session has too many redirects.
 *
 * When the session ends, files that were opened and mounts that were crossed go on; names
 * that were not crossed are ENOTCONN.
 *
 * VIEWOS_PATH_LOOKUP_OPEN: a name looked up and opened in one request
 *
 * The open of a name that the kernel does not know is one request, VIEWOS_FUSE_LOOKUP_OPEN,
 * instead of LOOKUP and OPEN. It is sent for opens without O_CREAT, O_TRUNC and O_DIRECTORY;
 * any other open is asked for as ever.
 *
 *   request  fuse_in_header (nodeid is the directory's), viewos_lookup_open_in, the name
 *            with its NUL
 *   reply    fuse_out_header, viewos_lookup_open_out; or, where LOOKUP fails,
 *            fuse_out_header alone with that error
 *
 * The unique of such a request has VIEWOS_UNIQUE_LOOKUP_OPEN set, so that who stands between
 * the kernel and a FUSE library can tell its replies from others.
 *
 * The server opens the file only if it is a regular one that the caller may
 * open, as far as it can tell. If it is in doubt, it does not open
 * (VIEWOS_LOOKUP_NOT_OPENED), and the kernel goes on by the entry alone. In any case the
 * kernel checks permission afterwards, and sends RELEASE if that fails.
 *
 * A server that answers ENOSYS is asked no more. libviewos does all this for servers made with
 * it: to them it is a LOOKUP and then an OPEN.
 *
 * VIEWOS_PATH_CONTENT: a small file comes with its name
 *
 * For a server that takes this and VIEWOS_PATH_LOOKUP_OPEN, the reply to the latter's request
 * may end with the content of the file, behind struct viewos_lookup_open_out: the
 * whole of it, as many bytes as entry.attr.size says, and at most VIEWOS_CONTENT_MAX. It is
 * kept like what READ brings. There can be some if the file is a regular one that is
 * opened for reading, without O_DIRECT, and the open went well without FOPEN_DIRECT_IO, or is
 * not needed (error is -ENOSYS); of any other the reply is an error (EIO to who opens).
 * A server that needs no open is sent such requests for these opens further on.
 *
 * libviewos does this for servers made with it: to them it is a READ after the OPEN.
 *
 * VIEWOS_PATH_DEVICES: devices that the server serves
 *
 * Attributes whose mode is of a character or block device, and has VIEWOS_MODE_SERVED besides,
 * are those of a device of the server's own. stat(2) shows the type and the number that the
 * server chose; but the number stands for nothing, and no driver of the kernel's is ever reached.
 * So such a node can be opened also where devices cannot (nodev), and no privilege is needed
 * to have one. The mode has the bit wherever attributes are told. The type, the bit and
 * the number are parts of what a node is: if one of them changes, it is another node, and what
 * was open is EIO. Of any other type the bit is an error (EIO to whoever asked).
 * Without the bit a device is a name for one of the kernel's, as ever.
 *
 * OPEN:	O_EXCL is among the flags if the caller gave it, without O_CREAT: wants to be the
 *	only one (of block devices); O_TRUNC never is. FOPEN_STREAM and
 *	FOPEN_NONSEEKABLE are heeded; nothing is cached, whatever is said of that. If
 *	the answer brings a file (VIEWOS_PATH_TARGET), it is read, written and mapped through
 *	that; else mmap(2) is ENODEV.
 * READ, WRITE: one for each call, more of them only if each was filled and the device is no
 *	stream. In the flags is O_NONBLOCK as it is then. Calls may come at the same time,
 *	also of one open file. There is no end at the node's size: a READ that brings nothing
 *	says where that is.
 * LSEEK:	with SEEK_END, SEEK_DATA and SEEK_HOLE, and the offset as the caller gave it; the
 *	answer is the new position. ENOSYS is EINVAL.
 * POLL:	as of files.
 * IOCTL: as of files; and commands whose numbers do not tell what they copy, but which are
 *	known, do so as well: of block devices BLKROGET, BLKROSET, BLKGETSIZE, BLKGETSIZE64,
 *	BLKRAGET, BLKFRAGET, BLKSECTGET, BLKSSZGET, BLKBSZGET, BLKBSZSET, BLKPBSZGET,
 *	BLKIOMIN, BLKIOOPT, BLKALIGNOFF, BLKROTATIONAL, BLKDISCARDZEROES, BLKDISCARD,
 *	BLKSECDISCARD, BLKZEROOUT and HDIO_GETGEO; of character devices FIONREAD, TIOCOUTQ,
 *	TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ and TIOCSWINSZ. A program of 32 bits
 *	gets a long of 32 bits, see out_size; the numbers of commands are those of 64.
 * SETATTR: never of the size.
 *
 * VIEWOS_PATH_RECOVER: mounts that outlive their server
 *
 * It is offered to the server of a mount with recover=SECONDS, and who takes it says: what I name
 * means the same to the next process that serves under my name. That is, of that process:
 *
 *  - node ids and generations stand for the same nodes, in whatever order they come, and without
 *    having been looked up from it. FORGET may give back more lookups than it has answered: to
 *    it the count is a hint;
 *  - so do the handles (fh) of OPEN, CREATE and OPENDIR, and the offsets of READDIR;
 *  - its answer to INIT takes the same flags of FUSE and the same additions, and its max_write
 *    and max_pages are not less.
 *
 * A mount with recover= whose server does not take it fails (EOPNOTSUPP). Locks are the kernel's
 * own in such a mount: FUSE_POSIX_LOCKS and FUSE_FLOCK_LOCKS are not offered.
 *
 * When the server's session fd has gone, its requests and new ones wait for SECONDS. A server
 * that is registered under the same name, by the same user, in the same user and pid
 * namespace gets the session from VIEWOS_IOC_SERVER_ACCEPT, before others, with the session_id that
 * it had. The first request is INIT, with VIEWOS_PATH_RECOVERING in the last word. If the answer is
 * an error, or another one than before, or does not come in time, the session ends as
 * without recover=. Then come, in their old order, the requests that the former server had not
 * answered, and the rest. One that the former server had read has VIEWOS_HEADER_REPEATED set, and
 * its old unique: it may have been done, or in part, or not at all. A server that can tell should
 * answer as if it were done for the first time: EEXIST of a CREATE that was repeated is
 * success, if the file may be that one. A request that was with VIEWOS_RECOVER_REPEATS servers
 * when they died is not asked again, and fails with ENOTCONN. Requests whose callers have been
 * killed are not repeated.
 *
 * Operations that were answered with ENOSYS before are not asked for again. Who polls is woken
 * after a recovery, and polls again. Answers to FUSE_NOTIFY_RETRIEVE that had not been read are
 * dropped. Files and names that were redirected stay so.
 */
#ifndef _UAPI_LINUX_VIEWOS_PATH_H
#define _UAPI_LINUX_VIEWOS_PATH_H

#include <linux/fuse.h>
#include <linux/types.h>

/* What <linux/fuse.h> has since protocol 7.39, for who has an older one. */
#if FUSE_KERNEL_MINOR_VERSION < 39

#define FUSE_STATX 52

struct fuse_sx_time {
	__s64 tv_sec;
	__u32 tv_nsec;
	__s32 __reserved;
};

struct fuse_statx {
	__u32 mask;
	__u32 blksize;
	__u64 attributes;
	__u32 nlink;
	__u32 uid;
	__u32 gid;
	__u16 mode;
	__u16 __spare0[1];
	__u64 ino;
	__u64 size;
	__u64 blocks;
	__u64 attributes_mask;
	struct fuse_sx_time atime;
	struct fuse_sx_time btime;
	struct fuse_sx_time ctime;
	struct fuse_sx_time mtime;
	__u32 rdev_major;
	__u32 rdev_minor;
	__u32 dev_major;
	__u32 dev_minor;
	__u64 __spare2[14];
};

struct fuse_statx_in {
	__u32 getattr_flags;
	__u32 reserved;
	__u64 fh;
	__u32 sx_flags;
	__u32 sx_mask;
};

struct fuse_statx_out {
	__u64 attr_valid;
	__u32 attr_valid_nsec;
	__u32 flags;
	__u64 spare[2];
	struct fuse_statx stat;
};

#endif /* FUSE_KERNEL_MINOR_VERSION < 39 */

/** VIEWOS_PATH_TARGET - INIT: answers may bring a struct viewos_path_target */
#define VIEWOS_PATH_TARGET		0x00000001

/** VIEWOS_PATH_LOOKUP_OPEN - INIT: VIEWOS_FUSE_LOOKUP_OPEN may be sent */
#define VIEWOS_PATH_LOOKUP_OPEN		0x00000002

/** VIEWOS_PATH_DEVICES - INIT: modes may have VIEWOS_MODE_SERVED */
#define VIEWOS_PATH_DEVICES		0x00000004

/** VIEWOS_PATH_RECOVER - INIT: another process of the server may go on with the session */
#define VIEWOS_PATH_RECOVER		0x00000008

/** VIEWOS_PATH_RECOVERING - request of INIT: the session was at work with another process before */
#define VIEWOS_PATH_RECOVERING		0x00000010

/** VIEWOS_HEADER_REPEATED - bit of the last 16 bits of fuse_in_header: it was sent before */
#define VIEWOS_HEADER_REPEATED		0x0001

/** VIEWOS_RECOVER_REPEATS - servers that may die while they have a request */
#define VIEWOS_RECOVER_REPEATS		8

/** VIEWOS_PATH_CONTENT - INIT: replies to VIEWOS_FUSE_LOOKUP_OPEN may bring content */
#define VIEWOS_PATH_CONTENT		0x00000020

/** VIEWOS_CONTENT_MAX - bytes of content at most */
#define VIEWOS_CONTENT_MAX		4096

/** VIEWOS_MODE_SERVED - bit of fuse_attr.mode: the device is the server's, not the kernel's */
#define VIEWOS_MODE_SERVED		0x80000000

/** VIEWOS_TARGET_READONLY - LOOKUP: the crossing is read-only */
#define VIEWOS_TARGET_READONLY		0x00000001

/**
 * struct viewos_path_target - end of an answer that hands over a file
 * @fd: the file, in the process that writes the reply
 * @flags: VIEWOS_TARGET_*; none for OPEN and CREATE
 */
struct viewos_path_target {
	__s32 fd;
	__u32 flags;
};

/** VIEWOS_FUSE_LOOKUP_OPEN - opcode: look a name up, and open it if it is a file */
#define VIEWOS_FUSE_LOOKUP_OPEN		0x56000001

/** VIEWOS_UNIQUE_LOOKUP_OPEN - bit of fuse_in_header.unique that these requests alone have */
#define VIEWOS_UNIQUE_LOOKUP_OPEN	0x8000000000000000ULL

/** VIEWOS_LOOKUP_NOT_OPENED - the name is known, OPEN is to be asked for */
#define VIEWOS_LOOKUP_NOT_OPENED	1

/**
 * struct viewos_lookup_open_in - body of VIEWOS_FUSE_LOOKUP_OPEN, before the name
 * @flags: O_*, as in struct fuse_open_in
 * @open_flags: FUSE_OPEN_*, likewise
 */
struct viewos_lookup_open_in {
	__u32 flags;
	__u32 open_flags;
};

/**
 * struct viewos_lookup_open_out - reply to VIEWOS_FUSE_LOOKUP_OPEN
 * @entry: as LOOKUP has it; no nodeid says that the name is known not to be
 * @open: as OPEN has it, if @error is zero
 * @error: zero, or the negative errno with which OPEN failed, or VIEWOS_LOOKUP_NOT_OPENED
 * @pad: must be zero
 */
struct viewos_lookup_open_out {
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	__s32 error;
	__u32 pad;
};

#endif /* _UAPI_LINUX_VIEWOS_PATH_H */
