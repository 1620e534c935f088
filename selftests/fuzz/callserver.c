// SPDX-License-Identifier: GPL-2.0
/* The server's answers for system calls, and what it does to their callers' memory. */

#include "fuzz.h"

#include <linux/audit.h>
#include <linux/viewos_syscall.h>

/* A call that is over, or not: for answers and accesses that come late. */
static uint64_t last_unique;

void call_reset(void)
{
	last_unique = 0;
}

/* Of the caller that waits, of another, of none; there, nowhere, at the end of things. */
static void access_memory(struct stream *stream, int session, const struct fuse_in_header *header,
			  const struct viewos_call_in *in)
{
	static char bytes[VIEWOS_CALL_MAX_MEMORY + 4096];
	uint8_t how = take(stream);
	struct viewos_session_memory memory = {
		.size = sizeof(memory), .flags = how & VIEWOS_MEMORY_WRITE,
		.unique = header->unique, .buffer = (uintptr_t)bytes, .len = 8,
		.address = how & 2 ? in->sp : in->args[take_below(stream, 6)] };

	if (how & 4)
		memory.len = take_number(stream);
	if (how & 8)
		memory.address += take_number(stream);
	if (how & 16)
		memory.unique = take_below(stream, 2) ? last_unique : take_number(stream);
	if (how > 200)
		memory.buffer = take_number(stream);
	if (how > 230)
		memory.flags = take_number(stream);
	if (how > 240)
		memory.size = take_number(stream);
	if (how > 250)
		memory.pad = take(stream);
	count(&stats->hostile);
	/* What is written comes from there, and may be what was read. */
	ioctl(session, VIEWOS_IOC_SESSION_MEMORY, &memory);
}

/* Those of a call that goes on. */
#define FLAGS_MADE	(VIEWOS_CALL_OUT_ALL & ~VIEWOS_CALL_OUT_TAG)

static void fill(struct stream *stream, const struct viewos_call_in *in,
		 struct viewos_call_out *out)
{
	uint8_t how = take(stream);
	unsigned int i;

	if (how < 100) {
		out->value = how & 1 ? take(stream) : in->args[0] & INT32_MAX;
		if (how & 8) {
			out->flags = VIEWOS_CALL_OUT_TAG;
			out->args[0] = how >> 4;
		}
		return;
	}
	out->action = VIEWOS_CALL_CONTINUE;
	out->flags = how & (how > 250 ? VIEWOS_CALL_OUT_ALL : FLAGS_MADE);
	if (!(out->flags & VIEWOS_CALL_OUT_ARGS))
		return;
	for (i = 0; i < 6; i++)
		out->args[i] = in->args[i];
	if (how > 200)
		out->args[take_below(stream, 6)] = take_number(stream);
}

bool call_answer(struct stream *stream, int session, const struct fuse_in_header *header,
		 char *data, size_t *len)
{
	const struct viewos_call_in *in = (const void *)(header + 1);
	struct viewos_call_init *init = (void *)data;
	struct viewos_call_out *out = (void *)data;
	uint8_t accesses = take(stream);

	if (header->opcode == VIEWOS_CALL_INIT) {
		*init = (struct viewos_call_init){ .major = VIEWOS_CALL_MAJOR };
		*len = sizeof(*init);
		return true;
	}
	if (header->opcode != VIEWOS_CALL_MADE && header->opcode != VIEWOS_CALL_ENDED)
		return false;
	for (accesses = accesses > 128 ? accesses % 4 : 0; accesses; accesses--)
		access_memory(stream, session, header, in);
	memset(out, 0, sizeof(*out));
	*len = sizeof(*out);
	fill(stream, in, out);
	/* Nothing can be asked for any more; and that is said now and then. */
	if (header->opcode == VIEWOS_CALL_ENDED && out->flags != FLAGS_MADE) {
		out->flags = 0;
		memset(out->args, 0, sizeof(out->args));
	}
	last_unique = header->unique;
	return true;
}

void call_notify(struct stream *stream, int session)
{
	struct {
		struct fuse_out_header header;
		struct viewos_call_fetch fetch;
	} notice = {
		.header = { .len = sizeof(notice), .error = VIEWOS_CALL_NOTIFY_FETCH },
		.fetch = { .arch = AUDIT_ARCH_X86_64 },
	};
	uint8_t how = take(stream);

	notice.fetch.nr = fuzz_calls[take(stream) % fuzz_calls_nr];
	notice.fetch.kind = take_below(stream, 3);
	notice.fetch.arg = take_below(stream, 6);
	notice.fetch.len = take_number(stream);
	if (how & 2) {
		notice.fetch.kind = VIEWOS_CALL_FETCH_FILE;
		notice.fetch.len &= VIEWOS_CALL_FILE_ALL;
	}
	notice.fetch.flags = how >> 2 & (VIEWOS_CALL_FETCH_AFTER | VIEWOS_CALL_FETCH_TAGGED);
	if (how & 1)
		notice.fetch.arch = AUDIT_ARCH_I386;
	if (how > 200)
		notice.fetch.nr = take_number(stream);
	if (how > 220)
		notice.fetch.arg = take_number(stream);
	if (how > 240)
		notice.header.len = take_below(stream, sizeof(notice));
	count(&stats->hostile);
	if (write(session, &notice, notice.header.len) < 0)
		return;
}
