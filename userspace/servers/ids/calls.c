// SPDX-License-Identifier: GPL-2.0
/* viewos-ids: the calls that tell and change whom files belong to, and that make files */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ids.h"

enum { X86_64, I386, ARCHES };

static const uint32_t arches[ARCHES] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };

/**
 * struct layout - where a call puts what it tells
 * @mode: offset of the mode
 * @mode_size: its bytes
 * @ids: offset of the owner, which the group follows
 * @id_size: bytes of each
 * @rdev: offset of the device number
 * @rdev_size: its bytes
 * @split: it is in two numbers: major and minor
 */
struct layout {
	size_t mode, mode_size;
	size_t ids, id_size;
	size_t rdev, rdev_size;
	bool split;
};

static const struct layout layout_x86_64 = { 24, 4, 28, 4, 40, 8, false };
static const struct layout layout_i386 = { 8, 2, 12, 2, 20, 4, false };
static const struct layout layout_old = { 4, 2, 8, 2, 12, 2, false };
static const struct layout layout_stat64 = { 16, 4, 24, 4, 32, 8, false };
static const struct layout layout_statx = { 28, 2, 20, 4, 128, 8, true };

enum kind { STAT, CHOWN, CHMOD, MKNOD, MAKE, OPEN, OPEN_HOW, CREAT };

#define FD	VIEWOS_CALL_FILE_FD
#define PATH	VIEWOS_CALL_FILE_PATH
#define LINK	(VIEWOS_CALL_FILE_PATH | VIEWOS_CALL_FILE_NOFOLLOW)
#define AT	(VIEWOS_CALL_FILE_PATH | VIEWOS_CALL_FILE_AT)
#define FLAGS	VIEWOS_CALL_FILE_FLAGS

/**
 * struct call - one of the calls
 * @name: its name
 * @kind: what it does
 * @file: argument that names the file
 * @how: VIEWOS_CALL_FILE_*
 * @arg: STAT: where it puts it; CHOWN: owner, before the group; CHMOD, MKNOD: mode; OPEN: flags;
 *	OPEN_HOW: where they are
 * @layout: STAT: by architecture, what it puts there; NULL where there is no such call
 */
struct call {
	const char *name;
	enum kind kind;
	unsigned int file;
	unsigned int how;
	unsigned int arg;
	const struct layout *layout[ARCHES];
};

static const struct call calls[] = {
	{ "stat", STAT, 0, PATH, 1, { &layout_x86_64, &layout_i386 } },
	{ "lstat", STAT, 0, LINK, 1, { &layout_x86_64, &layout_i386 } },
	{ "fstat", STAT, 0, FD, 1, { &layout_x86_64, &layout_i386 } },
	{ "newfstatat", STAT, 1, AT | FLAGS(3), 2, { &layout_x86_64, NULL } },
	{ "statx", STAT, 1, AT | FLAGS(2), 4, { &layout_statx, &layout_statx } },
	{ "stat64", STAT, 0, PATH, 1, { NULL, &layout_stat64 } },
	{ "lstat64", STAT, 0, LINK, 1, { NULL, &layout_stat64 } },
	{ "fstat64", STAT, 0, FD, 1, { NULL, &layout_stat64 } },
	{ "fstatat64", STAT, 1, AT | FLAGS(3), 2, { NULL, &layout_stat64 } },
	{ "oldstat", STAT, 0, PATH, 1, { NULL, &layout_old } },
	{ "oldlstat", STAT, 0, LINK, 1, { NULL, &layout_old } },
	{ "oldfstat", STAT, 0, FD, 1, { NULL, &layout_old } },
	{ "chown", CHOWN, 0, PATH, 1, { NULL, NULL } },
	{ "lchown", CHOWN, 0, LINK, 1, { NULL, NULL } },
	{ "fchown", CHOWN, 0, FD, 1, { NULL, NULL } },
	{ "chown32", CHOWN, 0, PATH, 1, { NULL, NULL } },
	{ "lchown32", CHOWN, 0, LINK, 1, { NULL, NULL } },
	{ "fchown32", CHOWN, 0, FD, 1, { NULL, NULL } },
	{ "fchownat", CHOWN, 1, AT | FLAGS(4), 2, { NULL, NULL } },
	{ "chmod", CHMOD, 0, PATH, 1, { NULL, NULL } },
	{ "fchmod", CHMOD, 0, FD, 1, { NULL, NULL } },
	{ "fchmodat", CHMOD, 1, AT, 2, { NULL, NULL } },
	{ "fchmodat2", CHMOD, 1, AT | FLAGS(3), 2, { NULL, NULL } },
	{ "mknod", MKNOD, 0, LINK, 1, { NULL, NULL } },
	{ "mknodat", MKNOD, 1, AT | VIEWOS_CALL_FILE_NOFOLLOW, 2, { NULL, NULL } },
	{ "mkdir", MAKE, 0, LINK, 0, { NULL, NULL } },
	{ "mkdirat", MAKE, 1, AT | VIEWOS_CALL_FILE_NOFOLLOW, 0, { NULL, NULL } },
	{ "symlink", MAKE, 1, LINK, 0, { NULL, NULL } },
	{ "symlinkat", MAKE, 2, AT | VIEWOS_CALL_FILE_NOFOLLOW, 0, { NULL, NULL } },
	{ "open", OPEN, 0, PATH, 1, { NULL, NULL } },
	{ "openat", OPEN, 1, AT, 2, { NULL, NULL } },
	{ "openat2", OPEN_HOW, 1, AT, 2, { NULL, NULL } },
	{ "creat", CREAT, 0, PATH, 0, { NULL, NULL } },
};

#define COUNT	(sizeof(calls) / sizeof(calls[0]))

/* By architecture and number; filled by calls_find(). */
static const struct call *by_number[ARCHES][VIEWOS_CALLS];

/* libseccomp may be older than the call. */
static int call_number(unsigned int arch, const char *name)
{
	if (!strcmp(name, "fchmodat2"))
		return 452;
	return seccomp_syscall_resolve_name_arch(arch == I386 ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64,
						 name);
}

void calls_find(void)
{
	const struct call *call;
	unsigned int arch;
	int nr;

	for (call = calls; call < calls + COUNT; call++)
		for (arch = 0; arch < ARCHES; arch++) {
			nr = call_number(arch, call->name);
			if (nr >= 0 && nr < VIEWOS_CALLS)
				by_number[arch][nr] = call;
		}
}

/* To whom what is made belongs has to be kept for those alone who are not root. */
static unsigned int call_when(const struct call *call)
{
	switch (call->kind) {
	case STAT:
		return VIEWOS_CALL_FETCH_AFTER;
	case MAKE:
		return VIEWOS_CALL_FETCH_AFTER | VIEWOS_CALL_FETCH_TAGGED;
	case OPEN:
	case OPEN_HOW:
	case CREAT:
		return VIEWOS_CALL_FETCH_TAGGED;
	default:
		return 0;
	}
}

int calls_init(struct viewos_call_session *session)
{
	const struct call *call;
	unsigned int arch, nr;
	int ret = 0;

	for (arch = 0; arch < ARCHES; arch++)
		for (nr = 0; !ret && nr < VIEWOS_CALLS; nr++) {
			call = by_number[arch][nr];
			if (!call)
				continue;
			ret = viewos_call_fetch_file(session, arches[arch], nr, call->file,
						     call->how, call_when(call));
		}
	return ret;
}

static const struct call *call_of(const struct viewos_call_req *req, unsigned int *arch)
{
	*arch = req->in->arch == AUDIT_ARCH_I386 ? I386 : X86_64;
	return req->in->nr < VIEWOS_CALLS ? by_number[*arch][req->in->nr] : NULL;
}

/* ---- stat ---- */

bool number_put(struct viewos_call_req *req, uint64_t address, uint64_t number, size_t size)
{
	/* The first bytes of a number are the lower ones. */
	return viewos_call_write(req, address, &number, size) == (ssize_t)size;
}

uint32_t id_out(uint32_t id, size_t size)
{
	return size == 2 && id > UINT16_MAX ? 65534 : id;
}

/* As the kernel has it for programs, in 32 bits. */
static uint64_t rdev_out(uint64_t rdev, const struct layout *layout)
{
	uint32_t major = major(rdev), minor = minor(rdev);

	if (layout->split)
		return major | (uint64_t)minor << 32;
	if (layout->rdev_size == 2)
		return (major & 0xff) << 8 | (minor & 0xff);
	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

static bool stat_put(struct viewos_call_req *req, uint64_t address, const struct layout *layout,
		     const struct viewos_call_file *file, const struct shown *shown)
{
	uint64_t rdev = makedev(file->rdev_major, file->rdev_minor);
	uint64_t ids = id_out(shown->uid, layout->id_size) |
		       (uint64_t)id_out(shown->gid, layout->id_size) << 8 * layout->id_size;

	if (!number_put(req, address + layout->ids, ids, 2 * layout->id_size))
		return false;
	if (shown->mode != file->mode &&
	    !number_put(req, address + layout->mode, shown->mode, layout->mode_size))
		return false;
	return shown->rdev == rdev || number_put(req, address + layout->rdev,
						 rdev_out(shown->rdev, layout), layout->rdev_size);
}

static void stat_ended(struct store *store, struct viewos_call_req *req,
		       const struct layout *layout, unsigned int arg)
{
	const struct viewos_call_file *file = viewos_call_file(req);
	struct shown shown;

	/* Its name is gone already. */
	if (!file || !layout) {
		viewos_call_reply_continue(req, NULL, 0);
		return;
	}
	store_show(store, file, &shown);
	if (stat_put(req, req->in->args[arg], layout, file, &shown))
		viewos_call_reply_continue(req, NULL, 0);
	else
		viewos_call_reply_err(req, EFAULT);
}

/* ---- chown, chmod ---- */

/* The call is made with another mode, or with other ids. */
static void go_on(struct viewos_call_req *req, unsigned int arg, uint64_t first, uint64_t second,
		  unsigned int count, unsigned int flags)
{
	__u64 args[6];

	memcpy(args, req->in->args, sizeof(args));
	args[arg] = first;
	if (count > 1)
		args[arg + 1] = second;
	viewos_call_reply_continue(req, args, flags);
}

/* The kernel's own is made without ids, so that the rest of it happens: the file has changed. */
static void chown_made(struct store *store, struct viewos_call_req *req,
		       const struct viewos_call_file *file, const struct call *call, bool narrow)
{
	uint32_t none = narrow ? UINT16_MAX : UINT32_MAX;
	uint32_t uid = req->in->args[call->arg] & none, gid = req->in->args[call->arg + 1] & none;
	struct kept *kept = store_get(store, file);

	if (!kept) {
		viewos_call_reply_err(req, ENOMEM);
		return;
	}
	if (uid != none)
		kept->uid = uid;
	if (gid != none)
		kept->gid = gid;
	if (!S_ISDIR(kept->mode))
		kept->mode &= ~(S_ISUID | (kept->mode & S_IXGRP ? S_ISGID : 0));
	store_settle(store, kept, file);
	if (file->uid == store->own_uid)
		go_on(req, call->arg, none, none, 2, 0);
	else
		viewos_call_reply_value(req, 0);
}

/* Outside no file becomes one that runs with its owner's rights, as that is somebody else. */
static uint32_t mode_outside(uint32_t type, uint32_t mode)
{
	return mode & (S_ISDIR(type) ? 07777 : 01777);
}

static void chmod_made(struct store *store, struct viewos_call_req *req,
		       const struct viewos_call_file *file, const struct call *call)
{
	uint32_t mode = req->in->args[call->arg] & 07777;
	bool own = file->uid == store->own_uid;
	struct kept *kept;

	/* The kernel refuses it. */
	if (S_ISLNK(file->mode)) {
		viewos_call_reply_continue(req, NULL, 0);
		return;
	}
	kept = store_get(store, file);
	if (!kept) {
		viewos_call_reply_err(req, ENOMEM);
		return;
	}
	kept->mode = (kept->mode & S_IFMT) | mode;
	if (own)
		kept->real = (file->mode & S_IFMT) | mode_outside(file->mode, mode);
	store_settle(store, kept, file);
	if (own)
		go_on(req, call->arg, mode_outside(file->mode, mode), 0, 1, 0);
	else
		viewos_call_reply_value(req, 0);
}

/* ---- what is made ---- */

static void made_by(struct store *store, const struct viewos_call_req *req, struct kept *kept)
{
	const struct who *who = people_find(&store->people, req->in->tag);

	kept->uid = who->ids[USERS][FS];
	kept->gid = who->ids[GROUPS][FS];
}

/* A new file, which is what it is outside, but belongs to who made it. */
static void made_ended(struct store *store, struct viewos_call_req *req,
		       const struct viewos_call_file *file)
{
	struct kept *kept = store_get(store, file);

	if (!kept) {
		viewos_call_reply_err(req, ENOMEM);
		return;
	}
	made_by(store, req, kept);
	kept->mode = file->mode;
	kept->rdev = makedev(file->rdev_major, file->rdev_minor);
	store_settle(store, kept, file);
	viewos_call_reply_continue(req, NULL, 0);
}

static bool may_create(struct viewos_call_req *req, const struct call *call)
{
	uint64_t flags = O_CREAT;

	if (call->kind == OPEN)
		flags = req->in->args[call->arg];
	else if (call->kind == OPEN_HOW &&
		 viewos_call_read(req, req->in->args[call->arg], &flags, sizeof(flags)) !=
		 sizeof(flags))
		return false;
	return flags & O_CREAT;
}

/* Does it make a file? Only who looks before can tell. */
static void open_made(struct viewos_call_req *req, const struct call *call)
{
	bool makes = req->in->fetched == -ENOENT && may_create(req, call);

	viewos_call_reply_continue(req, NULL, makes ? VIEWOS_CALL_OUT_ENDED : 0);
}

/* ---- mknod ---- */

static bool is_device(uint32_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

static void mknod_made(struct viewos_call_req *req, const struct call *call)
{
	uint32_t mode = req->in->args[call->arg];

	if (is_device(mode))
		go_on(req, call->arg, S_IFREG | (mode & 0777), 0, 2, VIEWOS_CALL_OUT_ENDED);
	else
		viewos_call_reply_continue(req, NULL, req->in->tag ? VIEWOS_CALL_OUT_ENDED : 0);
}

/* As it comes from programs: 12 bits of major, 20 of minor. */
static uint64_t rdev_in(uint32_t dev)
{
	return makedev((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static void mknod_ended(struct store *store, struct viewos_call_req *req, const struct call *call)
{
	const struct viewos_call_file *file = viewos_call_file(req);
	uint32_t mode = req->in->args[call->arg];
	struct kept *kept;

	if (!req->value && file && !is_device(mode)) {
		made_ended(store, req, file);
		return;
	}
	if (!req->value && file && S_ISREG(file->mode)) {
		kept = store_get(store, file);
		if (!kept) {
			viewos_call_reply_err(req, ENOMEM);
			return;
		}
		/* What the umask, or an ACL, has left of it. */
		kept->mode = (mode & (S_IFMT | 07000)) | (file->mode & 0777);
		made_by(store, req, kept);
		kept->rdev = rdev_in(req->in->args[call->arg + 1]);
	}
	viewos_call_reply_continue(req, NULL, 0);
}

/* ---- all ---- */

void calls_made(struct store *store, struct viewos_call_req *req)
{
	const struct viewos_call_file *file = viewos_call_file(req);
	unsigned int arch;
	const struct call *call = call_of(req, &arch);

	if (call && call->kind == MKNOD) {
		mknod_made(req, call);
	} else if (call && call->kind >= OPEN) {
		open_made(req, call);
	} else if (!call || !file) {
		/* The kernel says what is wrong. */
		viewos_call_reply_continue(req, NULL, 0);
	} else if (file->flags & VIEWOS_CALL_FILE_READONLY) {
		viewos_call_reply_err(req, EROFS);
	} else if (call->kind == CHOWN) {
		chown_made(store, req, file, call,
			   arch == I386 && !strstr(call->name, "32") && call->file == 0);
	} else {
		chmod_made(store, req, file, call);
	}
}

void calls_ended(struct store *store, struct viewos_call_req *req)
{
	unsigned int arch;
	const struct call *call = call_of(req, &arch);
	const struct viewos_call_file *file = viewos_call_file(req);

	if (call && call->kind >= MAKE && req->value >= 0 && file)
		made_ended(store, req, file);
	else if (call && call->kind == STAT)
		stat_ended(store, req, call->layout[arch], call->arg);
	else if (call && call->kind == MKNOD)
		mknod_ended(store, req, call);
	else
		viewos_call_reply_continue(req, NULL, 0);
}
