// SPDX-License-Identifier: GPL-2.0
/* What clients do with system calls that a server decides. */

#include "state.h"

#include <sys/syscall.h>

/* Those that a client can do without, whatever they return; and one that the kernel lacks. */
const uint16_t fuzz_calls[] = {
	SYS_getppid, SYS_getpgid, SYS_getcwd, SYS_nanosleep, SYS_sched_yield, SYS_uname,
	SYS_access, SYS_getrandom, SYS_sysinfo, 400,
};

const unsigned int fuzz_calls_nr = ARRAY_SIZE(fuzz_calls);

static uint64_t last_rule;

static void calls_put(struct viewos_rule_add *add, uint8_t how)
{
	unsigned int i;

	for (i = 0; i < fuzz_calls_nr; i++)
		if (!how || how >> i % 8 & 1)
			add->calls[VIEWOS_ARCH_X86_64][fuzz_calls[i] / 64] |=
				1ULL << fuzz_calls[i] % 64;
}

static struct viewos_rule_add rule_of(unsigned int verdict)
{
	return (struct viewos_rule_add){
		.size = sizeof(struct viewos_rule_add), .class = VIEWOS_CLASS_SYSCALL,
		.verdict = verdict, .family = VIEWOS_RULE_ANY, .type = VIEWOS_RULE_ANY,
		.protocol = VIEWOS_RULE_ANY, .netns_fd = -1 };
}

int rule_for_calls(int view, const char *server)
{
	struct viewos_rule_add add = rule_of(VIEWOS_VERDICT_SERVE);

	strncpy(add.target, server, sizeof(add.target) - 1);
	calls_put(&add, 0);
	add.calls[VIEWOS_ARCH_X86_64][SYS_exit_group / 64] |= 1ULL << SYS_exit_group % 64;
	return result(ioctl(view, VIEWOS_IOC_RULE_ADD, &add));
}

static void do_call_rule(struct state *state)
{
	static const unsigned int verdicts[] = {
		VIEWOS_VERDICT_NATIVE, VIEWOS_VERDICT_DENY, VIEWOS_VERDICT_VALUE,
		VIEWOS_VERDICT_SERVE };
	int view = some_fd(state);
	struct viewos_rule_add add = rule_of(verdicts[take_below(state->stream, 4)]);

	if (add.verdict == VIEWOS_VERDICT_DENY)
		add.error = 1 + take_number(state->stream) % 520;
	if (add.verdict == VIEWOS_VERDICT_VALUE)
		add.value = take_number(state->stream);
	if (add.verdict == VIEWOS_VERDICT_SERVE)
		strncpy(add.target, some_name(state), sizeof(add.target) - 1);
	calls_put(&add, take(state->stream));
	if (take(state->stream) > 250)
		add.flags = take_number(state->stream);
	if (!ioctl(view, VIEWOS_IOC_RULE_ADD, &add))
		last_rule = add.id;
}

/* A rule for programs, well-formed or nearly so. */
static void do_binfmt_rule(struct state *state)
{
	static const unsigned int verdicts[] = {
		VIEWOS_VERDICT_NATIVE, VIEWOS_VERDICT_DENY, VIEWOS_VERDICT_REDIRECT };
	struct viewos_rule_add add = rule_of(verdicts[take_below(state->stream, 3)]);
	struct viewos_binfmt match = { .size = sizeof(match) };
	uint8_t how = take(state->stream);
	int view = some_fd(state);
	unsigned int i;

	add.class = VIEWOS_CLASS_BINFMT;
	add.binfmt = (uintptr_t)&match;
	match.len = 1 + how % 4;
	match.flags = how & VIEWOS_BINFMT_ALL;
	for (i = 0; i < match.len; i++) {
		match.magic[i] = take_below(state->stream, 2) ? "#!/b"[i] : take(state->stream);
		if (!(how & VIEWOS_BINFMT_EXTENSION))
			match.mask[i] = take(state->stream);
	}
	if (!(how & VIEWOS_BINFMT_EXTENSION))
		match.offset = take_number(state->stream) % 300;
	if (add.verdict == VIEWOS_VERDICT_DENY)
		add.error = 1 + take_number(state->stream) % 520;
	if (add.verdict == VIEWOS_VERDICT_REDIRECT)
		add.source = (uintptr_t)(how & 16 ? "/bin/true" : "/bin/sh");
	if (how > 240)
		match.len = take_number(state->stream);
	if (how > 250)
		add.binfmt = take_number(state->stream);
	if (!ioctl(view, VIEWOS_IOC_RULE_ADD, &add))
		last_rule = add.id;
}

/* By a child, which is soon done with it, whatever interprets it. */
static void do_execute(struct state *state)
{
	static const char *const programs[] = {
		"/bin/true", "/bin/sh", "/usr/bin/ldd", "/proc/self/exe" };
	const char *program = programs[take_below(state->stream, 4)];
	pid_t pid = fork();

	if (!pid) {
		alarm(1);
		execl(program, program, "--version", NULL);
		_exit(1);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void do_call_rule_del(struct state *state)
{
	struct viewos_rule_del del = { .size = sizeof(del), .id = last_rule };

	ioctl(some_fd(state), VIEWOS_IOC_RULE_DEL, &del);
}

/* Pointers lead into the buffer, or anywhere. */
static long some_arg(struct state *state)
{
	uint8_t how = take(state->stream);

	if (how < 128)
		return (long)(buffer + how);
	return how < 200 ? how - 128 : (long)take_number(state->stream);
}

static void do_call(struct state *state)
{
	long nr = fuzz_calls[take(state->stream) % fuzz_calls_nr];
	long first = some_arg(state), second = some_arg(state), third = some_arg(state);

	/* Who is to sleep is to do so for no time, unless the server has it otherwise. */
	if (nr == SYS_nanosleep)
		memset(buffer, 0, 256);
	if (nr == SYS_getrandom)
		second &= BUFFER / 2 - 1;
	if (syscall(nr, first, second, third) < 0)
		errno = 0;
}

/* By int 0x80, where other calls have these numbers; getpid and getppid are harmless. */
static void do_call32(struct state *state)
{
	long nr = take_below(state->stream, 2) ? 20 : 64;

	asm volatile("int $0x80" : "+a" (nr) : "b" (0), "c" (0), "d" (0)
		     : "r8", "r9", "r10", "r11", "memory");
}

/* As a server would, by who is none. */
static void do_memory(struct state *state)
{
	struct viewos_session_memory memory = {
		.size = sizeof(memory), .flags = take_below(state->stream, 2),
		.unique = take_number(state->stream), .address = take_number(state->stream),
		.buffer = (uintptr_t)buffer, .len = take_number(state->stream) };

	ioctl(some_fd(state), VIEWOS_IOC_SESSION_MEMORY, &memory);
}

const call_fn call_calls[] = {
	do_call, do_call, do_call, do_call, do_call32, do_call_rule, do_call_rule_del, do_memory,
	do_binfmt_rule, do_execute, NULL
};
