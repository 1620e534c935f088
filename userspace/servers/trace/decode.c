// SPDX-License-Identifier: GPL-2.0
/* viewos-trace: arguments as text, while their caller waits */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "trace.h"

/* Of bytes to be written so many are shown, and of argv so many strings. */
#define BYTES_SHOWN	32
#define STRINGS_SHOWN	32

struct flag {
	uint64_t value;
	const char *name;
};

#define FLAG(name)	{ name, #name }

/* Those that contain others come first. The kernel's O_LARGEFILE is not what libc has. */
static const struct flag open_flags[] = {
	FLAG(O_CREAT), FLAG(O_EXCL), FLAG(O_NOCTTY), FLAG(O_TRUNC), FLAG(O_APPEND),
	FLAG(O_NONBLOCK), FLAG(O_SYNC), FLAG(O_DSYNC), FLAG(O_DIRECT), { 0100000, "O_LARGEFILE" },
	FLAG(O_TMPFILE), FLAG(O_DIRECTORY), FLAG(O_NOFOLLOW), FLAG(O_NOATIME), FLAG(O_CLOEXEC),
	FLAG(O_PATH), { 0, NULL } };

static const struct flag prot_flags[] = {
	FLAG(PROT_READ), FLAG(PROT_WRITE), FLAG(PROT_EXEC), { 0, NULL } };

static const struct flag map_flags[] = {
	FLAG(MAP_SHARED_VALIDATE), FLAG(MAP_SHARED), FLAG(MAP_PRIVATE), FLAG(MAP_FIXED),
	FLAG(MAP_ANONYMOUS), FLAG(MAP_DENYWRITE), FLAG(MAP_LOCKED), FLAG(MAP_NORESERVE),
	FLAG(MAP_POPULATE), FLAG(MAP_STACK), FLAG(MAP_HUGETLB), FLAG(MAP_FIXED_NOREPLACE),
	{ 0, NULL } };

static void flags_put(FILE *out, uint64_t value, const struct flag *flags, const char *begin)
{
	const char *separator = begin && *begin ? "|" : "";

	fputs(begin ? begin : "", out);
	for (; flags->name; flags++) {
		if ((value & flags->value) != flags->value)
			continue;
		fprintf(out, "%s%s", separator, flags->name);
		separator = "|";
		value &= ~flags->value;
	}
	if (value || (!*separator && !begin))
		fprintf(out, "%s%#" PRIx64, separator, value);
}

/* Quoted as C has it: nothing that a terminal might obey. */
static void quoted_put(FILE *out, const char *text, size_t len, bool more)
{
	static const char escapes[] = "\"\"\\\\\nn\tt\rr";
	const char *at;
	size_t i;

	fputc('"', out);
	for (i = 0; i < len; i++) {
		unsigned char c = text[i];

		for (at = escapes; *at && *at != (char)c; at += 2)
			;
		if (*at)
			fprintf(out, "\\%c", at[1]);
		else if (c >= ' ' && c < 0x7f)
			fputc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
	fputs(more ? "\"..." : "\"", out);
}

static void pointer_put(FILE *out, uint64_t address)
{
	if (address)
		fprintf(out, "%#" PRIx64, address);
	else
		fputs("NULL", out);
}

static void string_put(FILE *out, struct viewos_call_req *req, uint64_t address)
{
	char text[VIEWOS_CALL_MAX_FETCH];
	ssize_t len;

	len = address ? viewos_call_read_string(req, address, text, sizeof(text)) : -EFAULT;
	if (len >= 0)
		quoted_put(out, text, len, false);
	else if (len == -ENAMETOOLONG)
		quoted_put(out, text, BYTES_SHOWN, true);
	else
		pointer_put(out, address);
}

static void bytes_put(FILE *out, struct viewos_call_req *req, uint64_t address, uint64_t size)
{
	char bytes[BYTES_SHOWN];
	ssize_t len = -EFAULT;

	if (address && size)
		len = viewos_call_read(req, address, bytes, size < sizeof(bytes) ? size :
				       sizeof(bytes));
	if (len > 0)
		quoted_put(out, bytes, len, (uint64_t)len < size);
	else if (address && !size)
		fputs("\"\"", out);
	else
		pointer_put(out, address);
}

static uint64_t word_read(struct viewos_call_req *req, uint64_t address, bool i386, bool *good)
{
	uint64_t word = 0;
	ssize_t width = i386 ? 4 : 8;

	*good = viewos_call_read(req, address, &word, width) == width;
	return word;
}

static void strings_put(FILE *out, struct viewos_call_req *req, uint64_t address, bool i386)
{
	uint64_t word;
	bool good;
	int i;

	if (!address) {
		fputs("NULL", out);
		return;
	}
	fputc('[', out);
	for (i = 0; ; i++, address += i386 ? 4 : 8) {
		word = word_read(req, address, i386, &good);
		if (good && !word)
			break;
		fputs(i ? ", " : "", out);
		if (!good || i == STRINGS_SHOWN) {
			fputs("...", out);
			break;
		}
		string_put(out, req, word);
	}
	fputc(']', out);
}

/* The environment is of no interest but for its size. */
static void strings_count(FILE *out, struct viewos_call_req *req, uint64_t address, bool i386)
{
	unsigned int count = 0;
	uint64_t at = address;
	bool good = address;

	while (good && count < 4096 && word_read(req, at, i386, &good)) {
		at += i386 ? 4 : 8;
		count++;
	}
	pointer_put(out, address);
	if (good)
		fprintf(out, " /* %u strings */", count);
}

static void time_put(FILE *out, struct viewos_call_req *req, uint64_t address, bool i386)
{
	uint64_t seconds, rest = 0;
	bool good = false;

	seconds = address ? word_read(req, address, i386, &good) : 0;
	if (good)
		rest = word_read(req, address + (i386 ? 4 : 8), i386, &good);
	if (!good)
		pointer_put(out, address);
	else
		fprintf(out, "{%" PRId64 ", %" PRId64 "}",
			i386 ? (int32_t)seconds : (int64_t)seconds,
			i386 ? (int32_t)rest : (int64_t)rest);
}

static void address_put(FILE *out, struct viewos_call_req *req, uint64_t address, uint64_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} name = { 0 };
	char text[INET6_ADDRSTRLEN];
	ssize_t len = -EFAULT;

	if (address && size >= sizeof(sa_family_t))
		len = viewos_call_read(req, address, &name, size < sizeof(name) ? size :
				       sizeof(name));
	if (len >= (ssize_t)sizeof(name.in) && name.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &name.in.sin_addr, text, sizeof(text));
		fprintf(out, "{AF_INET, %s:%u}", text, ntohs(name.in.sin_port));
	} else if (len >= (ssize_t)sizeof(name.in6) && name.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &name.in6.sin6_addr, text, sizeof(text));
		fprintf(out, "{AF_INET6, [%s]:%u}", text, ntohs(name.in6.sin6_port));
	} else if (len > (ssize_t)sizeof(sa_family_t) && name.any.sa_family == AF_UNIX) {
		size_t room = len - sizeof(sa_family_t);
		const char *path = name.un.sun_path;

		fputs("{AF_UNIX, ", out);
		quoted_put(out, path, *path ? strnlen(path, room) : room, false);
		fputc('}', out);
	} else if (len >= (ssize_t)sizeof(sa_family_t)) {
		fprintf(out, "{family %u}", name.any.sa_family);
	} else {
		pointer_put(out, address);
	}
}

static void open_put(FILE *out, uint64_t flags)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	flags_put(out, (uint32_t)flags & ~O_ACCMODE, open_flags, modes[flags & O_ACCMODE]);
}

static void clock_put(FILE *out, int clock)
{
	static const char *const names[] = {
		[CLOCK_REALTIME] = "CLOCK_REALTIME", [CLOCK_MONOTONIC] = "CLOCK_MONOTONIC",
		[CLOCK_PROCESS_CPUTIME_ID] = "CLOCK_PROCESS_CPUTIME_ID",
		[CLOCK_THREAD_CPUTIME_ID] = "CLOCK_THREAD_CPUTIME_ID",
		[CLOCK_MONOTONIC_RAW] = "CLOCK_MONOTONIC_RAW",
		[CLOCK_REALTIME_COARSE] = "CLOCK_REALTIME_COARSE",
		[CLOCK_MONOTONIC_COARSE] = "CLOCK_MONOTONIC_COARSE",
		[CLOCK_BOOTTIME] = "CLOCK_BOOTTIME" };

	if (clock >= 0 && clock < (int)(sizeof(names) / sizeof(names[0])) && names[clock])
		fputs(names[clock], out);
	else
		fprintf(out, "%d", clock);
}

static void signal_put(FILE *out, int signal)
{
	const char *name = signal > 0 ? sigabbrev_np(signal) : NULL;

	if (name)
		fprintf(out, "SIG%s", name);
	else
		fprintf(out, "%d", signal);
}

static void whence_put(FILE *out, unsigned int whence)
{
	static const char *const names[] = {
		"SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE" };

	if (whence < sizeof(names) / sizeof(names[0]))
		fputs(names[whence], out);
	else
		fprintf(out, "%u", whence);
}

/*
 * By the letter of the signature: d int, u size or unsigned, l offset, x flags and others in hex,
 * o mode, p pointer, s string, b bytes whose number is the next argument, A address likewise, D
 * directory fd, O flags of open(2), P and M those of mmap(2), W whence, c clock, g signal, t
 * time, v list of strings.
 */
static void arg_put(FILE *out, struct viewos_call_req *req, const char *kinds, unsigned int i,
		    bool i386)
{
	uint64_t arg = req->in->args[i], next = i + 1 < TRACE_ARGS ? req->in->args[i + 1] : 0;

	switch (kinds[i]) {
	case 'd':
		fprintf(out, "%d", (int)arg);
		break;
	case 'u':
		fprintf(out, "%" PRIu64, arg);
		break;
	case 'l':
		fprintf(out, "%" PRId64, i386 ? (int32_t)arg : (int64_t)arg);
		break;
	case 'o':
		fprintf(out, arg ? "0%o" : "0", (unsigned int)arg);
		break;
	case 'p':
		pointer_put(out, arg);
		break;
	case 's':
		string_put(out, req, arg);
		break;
	case 'b':
		bytes_put(out, req, arg, next);
		break;
	case 'A':
		address_put(out, req, arg, (uint32_t)next);
		break;
	case 'D':
		if ((int)arg == AT_FDCWD)
			fputs("AT_FDCWD", out);
		else
			fprintf(out, "%d", (int)arg);
		break;
	case 'O':
		open_put(out, arg);
		break;
	case 'P':
		flags_put(out, arg, prot_flags, arg ? NULL : "PROT_NONE");
		break;
	case 'M':
		flags_put(out, (uint32_t)arg, map_flags, NULL);
		break;
	case 'W':
		whence_put(out, arg);
		break;
	case 'c':
		clock_put(out, arg);
		break;
	case 'g':
		signal_put(out, arg);
		break;
	case 't':
		time_put(out, req, arg, i386);
		break;
	case 'v':
		if (i && kinds[i - 1] == 'v')
			strings_count(out, req, arg, i386);
		else
			strings_put(out, req, arg, i386);
		break;
	default:
		fprintf(out, "%#" PRIx64, arg);
	}
}

/* A mode is given only with a file that may be made. */
static unsigned int args_count(const struct viewos_call_req *req, const char *kinds)
{
	unsigned int count = strlen(kinds);
	const char *flags = strchr(kinds, 'O');
	const uint64_t making = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);

	if (flags && flags[1] == 'o' && !(req->in->args[flags - kinds] & making))
		count--;
	return count;
}

int decode(struct traced *traced, struct viewos_call_req *req)
{
	const char *kinds = traced->signature ? traced->signature->args : "xxxxxx";
	int along = signature_string(traced->signature);
	size_t size;
	FILE *out;

	for (traced->count = 0; traced->count < args_count(req, kinds); traced->count++) {
		out = open_memstream(&traced->args[traced->count], &size);
		if (!out)
			return -ENOMEM;
		/* Most strings have come along. */
		if ((int)traced->count == along && req->fetched)
			quoted_put(out, req->fetched, req->in->fetched, false);
		else
			arg_put(out, req, kinds, traced->count, traced->i386);
		if (fclose(out))
			return -ENOMEM;
	}
	return 0;
}
