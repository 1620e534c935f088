/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * viewos: a name looked up and opened in one request of a path session.
 *
 * The kernel offers its additions to the FUSE wire protocol in the last 32 bits of struct
 * fuse_init_in, and the server takes those it wants in the last 32 bits of struct
 * fuse_init_out: VIEWOS_PATH_*. Who knows nothing of them has zeros there.
 *
 * With VIEWOS_PATH_LOOKUP_OPEN the open of a name that the kernel does not know is one
 * request, VIEWOS_FUSE_LOOKUP_OPEN, instead of LOOKUP and OPEN. It is sent for opens without
 * O_CREAT, O_TRUNC and O_DIRECTORY; any other open is asked for as ever.
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
 */
#ifndef _UAPI_LINUX_VIEWOS_PATH_OPEN_H
#define _UAPI_LINUX_VIEWOS_PATH_OPEN_H

#include <linux/fuse.h>
#include <linux/types.h>

/** VIEWOS_PATH_LOOKUP_OPEN - INIT: VIEWOS_FUSE_LOOKUP_OPEN may be sent */
#define VIEWOS_PATH_LOOKUP_OPEN		0x00000002

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

#endif /* _UAPI_LINUX_VIEWOS_PATH_OPEN_H */
