/* SPDX-License-Identifier: GPL-2.0 */
/* Every bound of the module, each with its reason. */
#ifndef _VIEWOS_LIMITS_H
#define _VIEWOS_LIMITS_H

#include <linux/sizes.h>

/*
 * Per-user defaults, module parameters of the same name. Ten thousand views are
 * a design goal; a server and a session cost some kilobytes each.
 */
#define VIEWOS_MAX_USER_VIEWS		16384
#define VIEWOS_MAX_USER_SERVERS		1024
#define VIEWOS_MAX_USER_SESSIONS	4096

/*
 * Requests queued or being served in one session. A caller waits with one
 * request, so this bounds tasks and requests that nobody waits for together;
 * one more is refused with EBUSY.
 */
#define VIEWOS_MAX_SESSION_REQUESTS	16384

/*
 * Requests without a waiting caller (page reads and writes) under way in one
 * session before the next submitter waits: enough for a reader that streams
 * with full readahead windows.
 */
#define VIEWOS_MAX_BACKGROUND		64

/*
 * Jiffies that a server may sleep on while only requests wait for it that nobody waits for
 * (RELEASE, FORGET), and how many of them may be: they go with the next one that somebody
 * does wait for, which saves the server a wakeup each.
 */
#define VIEWOS_LAZY_JIFFIES		2
#define VIEWOS_MAX_LAZY			32

/*
 * Sleeping threads of a server among which one is chosen for a request, with a spinlock held: as
 * many as it takes for one per CPU of most machines.
 */
#define VIEWOS_MAX_READER_LOOKS		32

/* Sessions that wait at a server to be accepted; one more is EAGAIN. */
#define VIEWOS_MAX_BACKLOG		128

/* Pages in one READ or WRITE: 1 MiB, what kernel FUSE allows at most. */
#define VIEWOS_MAX_PAGES		256

/*
 * A server's read buffer must take the largest request. libfuse and kernel FUSE
 * agree on 8 KiB as the least, and on header room of a page.
 */
#define VIEWOS_MIN_READ_BUFFER		SZ_8K

/* The largest reply that is not page data: an xattr list or value. */
#define VIEWOS_MAX_REPLY		SZ_64K

/* The largest notice: content of a file, as much as is read or written at once. */
#define VIEWOS_MAX_NOTICE		(SZ_1M + SZ_4K)

/*
 * Answers to FUSE_NOTIFY_RETRIEVE that a session has not read, each of which may hold as
 * many pages as a WRITE.
 */
#define VIEWOS_MAX_RETRIEVES		64

/* Seconds that a mount waits for its server to accept and to answer INIT. */
#define VIEWOS_CONNECT_TIMEOUT		30

/* The largest timeout= of a mount, in seconds: a day. */
#define VIEWOS_MAX_TIMEOUT		86400

/*
 * The largest recover= of a mount, in seconds: an hour is ample for a server to be started
 * again by hand, and callers wait meanwhile.
 */
#define VIEWOS_MAX_RECOVER		3600

/*
 * What the rules of a view and of those above it may name: families, types and
 * protocols each; the largest number of families is about 46.
 */
#define VIEWOS_MAX_POLICY_SET		64

/* Stacks that they may name, the default among them. */
#define VIEWOS_MAX_STACKS		32

/* Combinations of all these: a table of 128 KiB, and at worst a second to compile. */
#define VIEWOS_MAX_CELLS		16384

/* Virtual sockets whose backing is virtual itself, one in another: kernel stack. */
#define VIEWOS_MAX_BACKING_DEPTH	3

/*
 * Names of one session that are held to be other objects. Each pins an object and its
 * mount; a server that has more to redirect than a program looks at in a while should
 * redirect a directory above.
 */
#define VIEWOS_MAX_REDIRECTS		16384

/* Stacking depth of a mount that reads through backing files: these are on one of depth 0. */
#define VIEWOS_STACK_DEPTH		1

/* Mounts made to see whether a directory may be crossed into, that wait to be freed together. */
#define VIEWOS_MAX_PROBES		256

/* Seconds between looks for crossings that nobody uses; at the second look they go. */
#define VIEWOS_CROSSING_EXPIRY		60

#endif /* _VIEWOS_LIMITS_H */
