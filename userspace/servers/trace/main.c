// SPDX-License-Identifier: GPL-2.0
/*
 * viewos-trace: tells of the system calls that a view makes, and lets all go on.
 *
 * A session has one thread, so calls and results come in the order of what happens. A call is
 * told of when its end is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/options.h"
#include "trace.h"

/* Calls without an end yet are found by their number. */
#define BUCKETS	256

/**
 * struct trace - a session
 * @out: where to
 * @json: as JSON
 * @count: a table at the end, in place of lines
 * @counts: for it
 * @names: of calls, by architecture (0 x86-64, 1 i386) and number
 * @signatures: likewise
 * @pending: calls whose end is not known
 */
struct trace {
	FILE *out;
	bool json;
	bool count;
	struct counts counts;
	char *names[2][VIEWOS_CALLS];
	const struct signature *signatures[2][VIEWOS_CALLS];
	struct traced *pending[BUCKETS];
};

static const struct option_entry options[] = {
	{ "count", OPTION_FLAG, offsetof(struct trace, count) },
	{ "json", OPTION_FLAG, offsetof(struct trace, json) },
	{ NULL, 0, 0 },
};

static void traced_free(struct traced *traced)
{
	unsigned int i;

	for (i = 0; i < TRACE_ARGS; i++)
		free(traced->args[i]);
	free(traced);
}

static void tell(struct trace *trace, struct traced *traced, const struct ended *ended)
{
	if (trace->count)
		counts_add(&trace->counts, traced, ended);
	else if (trace->json)
		line_print_json(trace->out, traced, ended);
	else
		line_print(trace->out, traced, ended);
	traced_free(traced);
}

static struct traced **bucket(struct trace *trace, uint64_t id)
{
	return &trace->pending[id / 2 % BUCKETS];
}

/* What is under way when the session ends. */
static void tell_unended(struct trace *trace)
{
	const struct ended ended = { .known = false };
	struct traced *traced;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		while ((traced = trace->pending[i])) {
			trace->pending[i] = traced->next;
			tell(trace, traced, &ended);
		}
}

static struct traced *call_note(struct trace *trace, struct viewos_call_req *req)
{
	bool i386 = req->in->arch == AUDIT_ARCH_I386;
	struct traced *traced;

	if (req->in->nr >= VIEWOS_CALLS)
		return NULL;
	traced = calloc(1, sizeof(*traced));
	if (!traced)
		return NULL;
	traced->id = req->id;
	traced->i386 = i386;
	traced->pid = req->in->pid;
	traced->tid = req->in->tid;
	traced->name = trace->names[i386][req->in->nr];
	traced->signature = trace->signatures[i386][req->in->nr];
	if (trace->count || !decode(traced, req))
		return traced;
	traced_free(traced);
	return NULL;
}

static void trace_call(struct viewos_call_req *req)
{
	static const struct ended never = { .known = false };
	struct traced *traced, **at;
	struct trace *trace = req->data;
	bool returns = viewos_call_returns(req->in);

	traced = call_note(trace, req);
	/* Without memory it is not told of, but it is made. */
	if (!traced) {
		viewos_call_reply_continue(req, NULL, 0);
		return;
	}
	if (!returns) {
		viewos_call_reply_continue(req, NULL, 0);
		tell(trace, traced, &never);
		return;
	}
	at = bucket(trace, traced->id);
	traced->next = *at;
	*at = traced;
	/* Who was killed just now has no result. */
	if (viewos_call_reply_continue(req, NULL, VIEWOS_CALL_OUT_RESULT)) {
		*at = traced->next;
		tell(trace, traced, &never);
	}
}

static void trace_result(void *data, const struct viewos_call_result *result)
{
	const struct ended ended = {
		.known = true, .value = result->value, .time = result->time };
	struct trace *trace = data;
	struct traced **at, *traced;

	for (at = bucket(trace, result->unique); (traced = *at); at = &traced->next) {
		if (traced->id != result->unique)
			continue;
		*at = traced->next;
		tell(trace, traced, &ended);
		break;
	}
}

/* Strings come along with the calls: there is one of most. */
static int trace_init(struct viewos_call_session *session, void *data)
{
	static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct trace *trace = data;
	int i386, nr, string, ret;

	for (i386 = 0; i386 < 2 && !trace->count; i386++)
		for (nr = 0; nr < VIEWOS_CALLS; nr++) {
			string = signature_string(trace->signatures[i386][nr]);
			if (string < 0)
				continue;
			ret = viewos_call_fetch_string(session, arches[i386], nr, string);
			if (ret)
				return ret;
		}
	return 0;
}

static int names_fill(struct trace *trace)
{
	static const uint32_t tokens[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86 };
	int i386, nr;
	char *name;

	for (i386 = 0; i386 < 2; i386++)
		for (nr = 0; nr < VIEWOS_CALLS; nr++) {
			name = seccomp_syscall_resolve_num_arch(tokens[i386], nr);
			if (!name && asprintf(&name, "%d", nr) < 0)
				return -ENOMEM;
			trace->names[i386][nr] = name;
			trace->signatures[i386][nr] = signature_find(name, i386);
		}
	return 0;
}

/* Where lines go: the file that is the source, or where complaints go. */
static int out_open(struct trace *trace, const struct viewos_accepted *accepted)
{
	int fd;

	/* Files are made with the server's rights. */
	if (accepted->uid != geteuid())
		return -EPERM;
	if (*accepted->source)
		fd = open(accepted->source, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
			  0666);
	else
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		fprintf(stderr, "viewos-trace: '%s': %s\n", accepted->source, strerror(errno));
		return -errno;
	}
	trace->out = fdopen(fd, "a");
	if (trace->out)
		return 0;
	close(fd);
	return -ENOMEM;
}

static void trace_close(void *data)
{
	struct trace *trace = data;
	int nr;

	if (trace->out) {
		tell_unended(trace);
		if (trace->count)
			counts_print(&trace->counts, trace->out, trace->json);
		fclose(trace->out);
	}
	counts_free(&trace->counts);
	for (nr = 0; nr < VIEWOS_CALLS; nr++) {
		free(trace->names[0][nr]);
		free(trace->names[1][nr]);
	}
	free(trace);
}

static int trace_open(const struct viewos_accepted *accepted, void **data)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	int ret;

	if (!trace)
		return -ENOMEM;
	ret = options_parse("viewos-trace", accepted->options, options, trace);
	if (!ret)
		ret = names_fill(trace);
	if (!ret)
		ret = out_open(trace, accepted);
	if (ret) {
		trace_close(trace);
		return ret;
	}
	*data = trace;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct viewos_call_ops ops = {
		.init = trace_init, .call = trace_call, .result = trace_result };
	static const struct viewos_call_server server = {
		.name = "trace",
		.ops = &ops,
		.ops_size = sizeof(ops),
		.threads = 1,
		.open = trace_open,
		.close = trace_close,
		.usage = "The source is a file, to which a line is appended for each call; by\n"
			 "default they go where complaints go. Options: json (as JSON), count (a\n"
			 "table at the end, in place of lines). See viewctl help trace.\n",
	};

	return viewos_call_main(argc, argv, &server);
}
