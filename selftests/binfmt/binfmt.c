// SPDX-License-Identifier: GPL-2.0
/*
 * Rules for programs: what matches, who wins, what the interpreter gets, in nested views, while
 * rules come and go, and what is refused. This very program is the interpreter.
 */

#include "../viewos_test.h"
#include "../rules.h"

#include <limits.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* What a program is as which this one was told to tell what it got. */
#define PROGRAM "\xfeview\x01\x02"

static char this_program[PATH_MAX];
static char dir[] = "/tmp/binfmt.XXXXXX";

/* The interpreter: tells whether the program is open, and its arguments. */
static void interpret(int argc, char **argv)
{
	int fd = getauxval(AT_EXECFD);
	char byte = 0;

	dprintf(1, "%d", fd > 0 && pread(fd, &byte, 1, 0) == 1 && byte == PROGRAM[0]);
	for (int i = 1; i < argc; i++)
		dprintf(1, " %s", argv[i]);
}

FIXTURE(binfmt)
{
	int control, view;
	char program[64];
};

static void program_write(const char *path, const void *data, size_t len, int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

FIXTURE_SETUP(binfmt)
{
	strcpy(dir, "/tmp/binfmt.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(dir));
	/* Others are to reach what is in it. */
	ASSERT_EQ(0, chmod(dir, 0755));
	snprintf(self->program, sizeof(self->program), "%s/a.prog", dir);
	program_write(self->program, PROGRAM "rest", sizeof(PROGRAM) + 3, 0755);
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
}

FIXTURE_TEARDOWN(binfmt)
{
	unlink(self->program);
	rmdir(dir);
	close(self->view);
	close(self->control);
}

static struct viewos_binfmt magic(const char *bytes, unsigned int len, unsigned int offset)
{
	struct viewos_binfmt match = { .size = sizeof(match), .len = len, .offset = offset };

	memcpy(match.magic, bytes, len);
	memset(match.mask, 0xff, len);
	return match;
}

static struct viewos_binfmt extension(const char *name)
{
	struct viewos_binfmt match = {
		.size = sizeof(match), .flags = VIEWOS_BINFMT_EXTENSION, .len = strlen(name) };

	memcpy(match.magic, name, match.len);
	return match;
}

static struct viewos_binfmt with(struct viewos_binfmt match, unsigned int flags)
{
	match.flags |= flags;
	return match;
}

static struct viewos_rule_add rule_for(struct viewos_binfmt *match, unsigned int verdict)
{
	struct viewos_rule_add rule = rule_native();

	rule.class = VIEWOS_CLASS_BINFMT;
	rule.verdict = verdict;
	rule.binfmt = (uintptr_t)match;
	return rule;
}

static int format_by(int view, struct viewos_binfmt match, const char *interpreter, uint64_t *id)
{
	struct viewos_rule_add rule = rule_for(&match, VIEWOS_VERDICT_REDIRECT);
	int err;

	rule.source = (uintptr_t)interpreter;
	err = rule_add_in(view, &rule);
	if (id)
		*id = rule.id;
	return err;
}

static int format_add(int view, struct viewos_binfmt match)
{
	return format_by(view, match, this_program, NULL);
}

static int format_native(int view, struct viewos_binfmt match)
{
	return rule_add(view, rule_for(&match, VIEWOS_VERDICT_NATIVE));
}

static int format_deny(int view, struct viewos_binfmt match, int error)
{
	struct viewos_rule_add rule = rule_for(&match, VIEWOS_VERDICT_DENY);

	rule.error = error;
	return rule_add(view, rule);
}

/* What a program says in a view, or "errno N". */
static const char *said(int view, const char *path, char *const argv[])
{
	static char text[512];
	ssize_t len;
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		return "no pipe";
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		setenv("BINFMT_TEST", "1", 1);
		if (view >= 0 && view_enter(view))
			_exit(99);
		execv(path, argv);
		dprintf(1, "errno %d", errno);
		_exit(1);
	}
	close(fds[1]);
	for (len = 0; len < (ssize_t)sizeof(text) - 1; ) {
		ssize_t part = read(fds[0], text + len, sizeof(text) - 1 - len);

		if (part <= 0)
			break;
		len += part;
	}
	text[len] = 0;
	close(fds[0]);
	waitpid(pid, NULL, 0);
	return text;
}

#define SAID(view, path, ...) said(view, path, (char *[]){ "zero", ##__VA_ARGS__, NULL })

/* The interpreter's words, of the program. */
#define TOLD(open, rest) ({								\
	static char wanted[512];							\
	snprintf(wanted, sizeof(wanted), "%d %s%s", open, self->program, rest);		\
	wanted; })

TEST_F(binfmt, magic)
{
	ASSERT_EQ(0, format_add(self->view, magic(PROGRAM, 7, 0)));
	EXPECT_STREQ(TOLD(0, " one two"), SAID(self->view, self->program, "one", "two"));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
	/* Neither outside, nor what is another program. */
	EXPECT_STREQ("errno 8", SAID(-1, self->program));
	program_write(self->program, PROGRAM, 6, 0755);
	EXPECT_STREQ("errno 8", SAID(self->view, self->program));
}

TEST_F(binfmt, at_an_offset)
{
	char begin[VIEWOS_BINFMT_WINDOW];

	memset(begin, 'x', sizeof(begin));
	begin[sizeof(begin) - 1] = 'Y';
	program_write(self->program, begin, sizeof(begin), 0755);
	ASSERT_EQ(0, format_add(self->view, magic("xY", 2, sizeof(begin) - 2)));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
	program_write(self->program, begin, sizeof(begin) - 1, 0755);
	EXPECT_STREQ("errno 8", SAID(self->view, self->program));
}

TEST_F(binfmt, mask)
{
	struct viewos_binfmt match = magic("\xfe\x10\x02", 3, 0);

	match.mask[1] = 0;
	match.mask[2] = 0x0f;
	program_write(self->program, "\xfe\xff\xf2", 3, 0755);
	ASSERT_EQ(0, format_add(self->view, match));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
	program_write(self->program, "\xfe\xff\xf3", 3, 0755);
	EXPECT_STREQ("errno 8", SAID(self->view, self->program));
}

TEST_F(binfmt, extension)
{
	char other[80];

	snprintf(other, sizeof(other), "%s/prog", dir);
	program_write(other, PROGRAM, 7, 0755);
	ASSERT_EQ(0, format_add(self->view, extension("prog")));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
	EXPECT_STREQ("errno 8", SAID(self->view, other));
	EXPECT_EQ(0, unlink(other));
}

TEST_F(binfmt, before_scripts_and_the_machines_own)
{
	program_write(self->program, "#!/bin/echo no\n", 15, 0755);
	ASSERT_EQ(0, format_add(self->view, extension("prog")));
	EXPECT_STREQ("no", strtok((char *)SAID(-1, self->program), " "));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
}

TEST_F(binfmt, argv0_and_open)
{
	ASSERT_EQ(0, format_add(self->view, with(extension("prog"), VIEWOS_BINFMT_ARGV0)));
	EXPECT_STREQ(TOLD(0, " zero one"), SAID(self->view, self->program, "one"));
	ASSERT_EQ(0, format_add(self->view, with(extension("prog"), VIEWOS_BINFMT_OPEN)));
	EXPECT_STREQ(TOLD(1, " one"), SAID(self->view, self->program, "one"));
}

/* Who may execute it, but not read it. */
TEST_F(binfmt, open_for_who_cannot_read_it)
{
	ASSERT_EQ(0, format_add(self->view, with(extension("prog"), VIEWOS_BINFMT_OPEN)));
	ASSERT_EQ(0, chmod(self->program, 0711));
	EXPECT_EQ(0, IN_CHILD(become_nobody() ||
			      strcmp(TOLD(1, ""), SAID(self->view, self->program))));
}

TEST_F(binfmt, the_youngest)
{
	ASSERT_EQ(0, format_add(self->view, extension("prog")));
	ASSERT_EQ(0, format_deny(self->view, magic(PROGRAM, 3, 0), EDOM));
	EXPECT_STREQ("errno 33", SAID(self->view, self->program));
	ASSERT_EQ(0, format_add(self->view, extension("prog")));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
}

TEST_F(binfmt, nested)
{
	int inner;

	ASSERT_EQ(0, format_add(self->view, extension("prog")));
	inner = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	ASSERT_LE(0, inner);
	EXPECT_STREQ(TOLD(0, ""), SAID(inner, self->program));
	ASSERT_EQ(0, format_deny(inner, extension("prog"), EDOM));
	EXPECT_STREQ("errno 33", SAID(inner, self->program));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
	/* As it is above. */
	ASSERT_EQ(0, format_native(inner, extension("prog")));
	EXPECT_STREQ(TOLD(0, ""), SAID(inner, self->program));
	ASSERT_EQ(0, format_native(self->view, magic(PROGRAM, 1, 0)));
	EXPECT_STREQ("errno 8", SAID(inner, self->program));
	close(inner);
}

TEST_F(binfmt, deleted)
{
	uint64_t id;

	ASSERT_EQ(0, format_by(self->view, extension("prog"), this_program, &id));
	EXPECT_STREQ(TOLD(0, ""), SAID(self->view, self->program));
	EXPECT_EQ(0, rule_del(self->view, id));
	EXPECT_STREQ("errno 8", SAID(self->view, self->program));
	EXPECT_EQ(-ENOENT, rule_del(self->view, id));
}

TEST_F(binfmt, interpreters_that_fail)
{
	char none[80];

	snprintf(none, sizeof(none), "%s/none", dir);
	ASSERT_EQ(0, format_by(self->view, extension("prog"), none, NULL));
	EXPECT_STREQ("errno 2", SAID(self->view, self->program));
	ASSERT_EQ(0, format_by(self->view, extension("prog"), "/etc/passwd", NULL));
	EXPECT_STREQ("errno 13", SAID(self->view, self->program));
	/* It is one of these itself. */
	ASSERT_EQ(0, format_by(self->view, extension("prog"), self->program, NULL));
	EXPECT_STREQ("errno 40", SAID(self->view, self->program));
}

/* The interpreter would not find what it is to interpret. */
TEST_F(binfmt, by_a_descriptor)
{
	char *argv[] = { "zero", NULL };
	int fd = open(self->program, O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, format_add(self->view, magic(PROGRAM, 7, 0)));
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH) == 0 ||
		errno != ENOENT;
	})));
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		setenv("BINFMT_TEST", "1", 1);
		close(1);
		open("/dev/null", O_WRONLY);
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
		1;
	})));
	close(fd);
}

/* A program's rights are its interpreter's only if who made the rule may say so. */
TEST_F(binfmt, credentials)
{
	unsigned int flags = VIEWOS_BINFMT_OPEN | VIEWOS_BINFMT_CREDENTIALS;
	int control;

	ASSERT_EQ(0, format_add(self->view, with(extension("prog"), flags)));
	EXPECT_EQ(0, IN_CHILD(become_nobody() || (control = control_open()) < 0 ||
			      format_add(view_create(control, ""), with(extension("x"), flags)) !=
			      -EPERM));
	EXPECT_EQ(0, IN_CHILD(become_nobody() || (control = control_open()) < 0 ||
			      format_add(view_create(control, ""), extension("x"))));
}

TEST_F(binfmt, set_user_id)
{
	unsigned int flags = VIEWOS_BINFMT_OPEN | VIEWOS_BINFMT_CREDENTIALS;

	program_write(self->program, PROGRAM, 7, 0755);
	ASSERT_EQ(0, chmod(self->program, 04755));
	ASSERT_EQ(0, format_add(self->view, extension("prog")));
	setenv("BINFMT_EUID", "1", 1);
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		become_nobody() || strcmp("65534", SAID(-1, self->program));
	})));
	ASSERT_EQ(0, format_add(self->view, with(extension("prog"), flags)));
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		become_nobody() || strcmp("0", SAID(-1, self->program));
	})));
	unsetenv("BINFMT_EUID");
}

static void *execute_for_ever(void *arg)
{
	for (;;)
		said(-1, arg, (char *[]){ "zero", NULL });
	return NULL;
}

/* Rules come and go while programs are executed: each time one of both. */
TEST_F(binfmt, a_storm)
{
	struct viewos_binfmt match = extension("prog");
	pthread_t threads[2];
	uint64_t id;
	pid_t pid;
	int i;

	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (view_enter(self->view))
			_exit(1);
		for (i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, execute_for_ever, self->program);
		pause();
	}
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, format_by(self->view, match, i % 3 ? this_program : "/none", &id));
		ASSERT_EQ(0, rule_del(self->view, id));
	}
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

#define REFUSED(error, change) do {							\
	struct viewos_binfmt match = magic("ab", 2, 0);					\
	struct viewos_rule_add rule = rule_for(&match, VIEWOS_VERDICT_REDIRECT);	\
											\
	rule.source = (uintptr_t)"/bin/true";						\
	change;										\
	EXPECT_EQ(-(error), rule_add(self->view, rule));				\
} while (0)

TEST_F(binfmt, refused)
{
	REFUSED(EINVAL, match.len = 0);
	REFUSED(EINVAL, match.len = VIEWOS_BINFMT_LEN);
	REFUSED(EINVAL, match.len = UINT32_MAX);
	REFUSED(EINVAL, match.offset = VIEWOS_BINFMT_WINDOW - 1);
	REFUSED(EINVAL, match.offset = UINT32_MAX);
	REFUSED(EINVAL, match.flags = 0x10);
	REFUSED(EINVAL, match.flags = VIEWOS_BINFMT_CREDENTIALS);
	REFUSED(EINVAL, match.magic[2] = 1);
	REFUSED(EINVAL, match.mask[2] = 1);
	REFUSED(EINVAL, memset(match.mask, 0, sizeof(match.mask)));
	REFUSED(EINVAL, match = extension("a.b"));
	REFUSED(EINVAL, match = extension("a/b"));
	REFUSED(EINVAL, match = extension(""));
	REFUSED(EINVAL, match = extension("ab"); match.magic[1] = 0);
	REFUSED(EINVAL, match = extension("ab"); match.offset = 1);
	REFUSED(EINVAL, match = extension("ab"); match.mask[0] = 1);
	REFUSED(EINVAL, match.size = 16);
	REFUSED(EINVAL, match.size++);
	REFUSED(EFAULT, rule.binfmt = 8);
	REFUSED(EINVAL, rule.binfmt = 0);
	REFUSED(EFAULT, rule.source = 8);
	REFUSED(EINVAL, rule.source = 0);
	REFUSED(EINVAL, rule.source = (uintptr_t)"");
	REFUSED(EINVAL, rule.source = (uintptr_t)"bin/true");
	REFUSED(EINVAL, rule.options = (uintptr_t)"x");
	REFUSED(EINVAL, rule.flags = 1);
	REFUSED(EINVAL, rule.family = AF_INET);
	REFUSED(EINVAL, rule.netns_fd = 0);
	REFUSED(EINVAL, rule.value = 1);
	REFUSED(EINVAL, rule.error = 1);
	REFUSED(EINVAL, rule.calls[0][0] = 1);
	REFUSED(EINVAL, rule.stack[0] = 'a');
	REFUSED(EINVAL, rule.target[0] = 'a');
	REFUSED(EINVAL, rule.verdict = VIEWOS_VERDICT_SERVE);
	REFUSED(EINVAL, rule.verdict = VIEWOS_VERDICT_VALUE);
	REFUSED(EINVAL, rule.verdict = VIEWOS_VERDICT_NATIVE);
	REFUSED(EINVAL, rule.verdict = VIEWOS_VERDICT_DENY; rule.source = 0);
	REFUSED(EINVAL, rule.verdict = VIEWOS_VERDICT_DENY; rule.source = 0; rule.error = ENOEXEC);
	REFUSED(EINVAL, rule.verdict = VIEWOS_VERDICT_DENY; rule.source = 0; rule.error = EPERM;
		match.flags = VIEWOS_BINFMT_ARGV0);
	/* Not what is for another class. */
	REFUSED(EINVAL, rule.class = VIEWOS_CLASS_SOCKET);
	REFUSED(EINVAL, rule.class = VIEWOS_CLASS_SYSCALL);
	REFUSED(EINVAL, rule.class = VIEWOS_CLASS_BINFMT + 1);
}

TEST_F(binfmt, who_may)
{
	int control, view;

	EXPECT_EQ(0, IN_CHILD(become_nobody() ||
			      format_add(self->view, extension("x")) != -EPERM));
	/* Who is in a view does not change what it is. */
	EXPECT_EQ(0, IN_CHILD(become_nobody() || (control = control_open()) < 0 ||
			      (view = view_create(control, "")) < 0 || view_enter(view) ||
			      format_add(view, extension("x")) != -EPERM));
}

TEST_F(binfmt, as_many_as_rules_can_be)
{
	struct viewos_binfmt match = extension("prog");
	int i;

	for (i = 0; i < VIEWOS_RULES_MAX; i++)
		ASSERT_EQ(0, format_by(self->view, match, i ? "/none" : this_program, NULL));
	EXPECT_EQ(-ENOSPC, format_by(self->view, match, this_program, NULL));
	EXPECT_STREQ("errno 2", SAID(self->view, self->program));
}

/* Before the harness: as the interpreter this program runs no test. */
__attribute__((constructor(101))) static void begin(int argc, char **argv)
{
	if (readlink("/proc/self/exe", this_program, sizeof(this_program) - 1) < 0)
		_exit(1);
	if (getenv("BINFMT_EUID") && getenv("BINFMT_TEST"))
		dprintf(1, "%d", geteuid());
	else if (getenv("BINFMT_TEST"))
		interpret(argc, argv);
	else
		return;
	_exit(0);
}

TEST_HARNESS_MAIN
