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
	return fetch->kind | fetch->arg << 8 | fetch->len << 16;
}

/** fetch_kind() - enum viewos_call_fetch_kind */
static inline unsigned int fetch_kind(u32 word)
{
	return word & 0xff;
}

static inline unsigned int fetch_arg(u32 word)
{
	return word >> 8 & 0xff;
}

static inline u32 fetch_len(u32 word)
{
	return word >> 16;
}

#endif /* _VIEWOS_SYSCALL_FETCH_H */
