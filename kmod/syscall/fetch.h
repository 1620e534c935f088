/* SPDX-License-Identifier: GPL-2.0 */
/* What is sent along with a call, as one word: so that it is read and written without a lock. */
#ifndef _VIEWOS_SYSCALL_FETCH_H
#define _VIEWOS_SYSCALL_FETCH_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include <linux/viewos_syscall.h>

static_assert(VIEWOS_CALL_MAX_FETCH <= U16_MAX);

static inline u32 fetch_pack(const struct viewos_call_fetch *fetch)
{
	static_assert(VIEWOS_CALL_FETCH_AFTER == 1 && VIEWOS_CALL_FETCH_TAGGED == 2);

	return fetch->kind | fetch->arg << 8 | fetch->flags << 14 | fetch->len << 16;
}

/** fetch_kind() - enum viewos_call_fetch_kind */
static inline unsigned int fetch_kind(u32 word)
{
	return word & 0xff;
}

static inline unsigned int fetch_arg(u32 word)
{
	return word >> 8 & 0x3f;
}

/** fetch_after() - is it asked for when the call has ended, and not before? */
static inline bool fetch_after(u32 word)
{
	return word >> 14 & 1;
}

/** fetch_tagged() - is it asked for of threads with a tag alone? */
static inline bool fetch_tagged(u32 word)
{
	return word >> 15 & 1;
}

static inline u32 fetch_len(u32 word)
{
	return word >> 16;
}

struct user_namespace;

/** viewos_call_file_valid() - do these bits of VIEWOS_CALL_FILE_* name a file, by argument @arg? */
bool viewos_call_file_valid(u32 how, unsigned int arg);

/**
 * viewos_call_file() - what the file is that a call of current's is about
 * @fetch: how the call names it
 * @in: the call
 * @ns: whose numbers of users are meant
 * @file: filled in; all zero before
 *
 * Looks it up as the call does, with current's rights. Return: 0, or what a look-up gives.
 */
int viewos_call_file(u32 fetch, const struct viewos_call_in *in, struct user_namespace *ns,
		     struct viewos_call_file *file);

#endif /* _VIEWOS_SYSCALL_FETCH_H */
