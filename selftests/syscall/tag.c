// SPDX-License-Identifier: GPL-2.0
/* Tags that a server of system calls gives to threads: who has them, and who is asked about. */

#include "served.h"

#include <pthread.h>

#define SERVER "test-tag"

FIXTURE(tag)
{
	SERVED_FIELDS;
};

FIXTURE_SETUP(tag)
{
	SERVED_SETUP(SERVER);
	SERVE(calls_with(call_served(X64, X64_getppid, SERVER), X64, X64_getpgrp));
}

FIXTURE_TEARDOWN(tag)
{
	SERVED_TEARDOWN();
}

static int answer_tag(int session, const struct call_request *req, int64_t value, uint64_t tag)
{
	return call_out(session, req, (struct viewos_call_out){
		.flags = VIEWOS_CALL_OUT_TAG, .value = value, .args = { tag } });
}

static int fetch_tagged(int session, uint32_t nr, uint32_t flags)
{
	struct viewos_call_fetch fetch = {
		.nr = nr, .arch = AUDIT_ARCH_X86_64,
		.flags = VIEWOS_CALL_FETCH_TAGGED | flags };

	return call_write(session, 0, VIEWOS_CALL_NOTIFY_FETCH, &fetch, sizeof(fetch));
}

/* The next one is a call, by who has this tag. */
#define ASSERT_TAG(session, wanted) do {					\
	ASSERT_EQ(VIEWOS_CALL_MADE, call_next(session, self->req));		\
	EXPECT_EQ(wanted, self->req->in.tag);					\
} while (0)

static int ppid(void)
{
	return call64(X64_getppid, 0, 0);
}

TEST_F(tag, given_changed_and_taken_away)
{
	pid_t pid = CALLER(self->view, ppid() != 1 || ppid() != 2 || ppid() != 3 || ppid() != 4);

	ASSERT_TAG(self->session, 0);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 1, 7));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 2, UINT32_MAX));
	ASSERT_TAG(self->session, UINT32_MAX);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 3, 0));
	ASSERT_TAG(self->session, 0);
	EXPECT_EQ(0, call_answer(self->session, self->req, 4));
	EXPECT_EQ(0, child_status(pid));
}

static void *thread(void *arg)
{
	*(int *)arg = ppid();
	return NULL;
}

static int in_thread(void)
{
	pthread_t other;
	int value = -1;

	if (pthread_create(&other, NULL, thread, &value) || pthread_join(other, NULL))
		return -1;
	return value;
}

static int in_child(bool by_vfork)
{
	pid_t pid = by_vfork ? vfork() : fork();

	if (!pid)
		_exit(ppid());
	return child_status(pid);
}

/* Each has its own afterwards. */
TEST_F(tag, inherited)
{
	pid_t pid = CALLER(self->view, ppid() != 1 || in_child(false) != 2 || in_child(true) != 3 ||
			   in_thread() != 4 || ppid() != 5);

	ASSERT_TAG(self->session, 0);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 1, 7));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 2, 8));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 3, 9));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 4, 10));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(0, call_answer(self->session, self->req, 5));
	EXPECT_EQ(0, child_status(pid));
}

/* A program that calls getppid(2) and nothing else of ours. */
TEST_F(tag, kept_by_exec)
{
	pid_t pid = CALLER(self->view, ppid() != 1 ||
			   execlp("python3", "python3", "-Sc",
				  "import os; os._exit(os.getppid() != 11)", NULL));

	ASSERT_TAG(self->session, 0);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 1, 7));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(0, call_answer(self->session, self->req, 11));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(tag, asked_of_those_alone)
{
	pid_t pid;

	ASSERT_EQ(0, fetch_tagged(self->session, X64_getpgrp, 0));
	pid = CALLER(self->view, call64(X64_getpgrp, 0, 0) != getpgid(0) || ppid() != 1 ||
		     call64(X64_getpgrp, 0, 0) != 12 || ppid() != 2 ||
		     call64(X64_getpgrp, 0, 0) != getpgid(0));
	ASSERT_TAG(self->session, 0);
	EXPECT_EQ(X64_getppid, self->req->in.nr);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 1, 7));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(X64_getpgrp, self->req->in.nr);
	EXPECT_EQ(0, call_answer(self->session, self->req, 12));
	ASSERT_TAG(self->session, 7);
	EXPECT_EQ(X64_getppid, self->req->in.nr);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 2, 0));
	EXPECT_EQ(0, child_status(pid));
}

/* So that the end alone is asked about, of them alone. */
TEST_F(tag, asked_when_it_has_ended)
{
	pid_t pid;

	ASSERT_EQ(0, fetch_tagged(self->session, X64_getpgrp, VIEWOS_CALL_FETCH_AFTER));
	pid = CALLER(self->view, call64(X64_getpgrp, 0, 0) != getpgid(0) || ppid() != 1 ||
		     call64(X64_getpgrp, 0, 0) != 12);
	ASSERT_TAG(self->session, 0);
	EXPECT_EQ(0, answer_tag(self->session, self->req, 1, 7));
	ASSERT_EQ(VIEWOS_CALL_ENDED, call_next(self->session, self->req));
	EXPECT_EQ(7, self->req->in.tag);
	EXPECT_EQ(0, call_answer(self->session, self->req, 12));
	EXPECT_EQ(0, child_status(pid));
}

/* Each session has its own; those that have ended make room. */
TEST_F(tag, of_several_sessions)
{
	struct viewos_rule_add rule = call_served(X64, X64_getppid, SERVER);
	int views[VIEWOS_CALL_MAX_TAGS + 1], sessions[VIEWOS_CALL_MAX_TAGS + 1], i;
	int ready[2], go[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	views[0] = self->view;
	sessions[0] = self->session;
	for (i = 1; i <= VIEWOS_CALL_MAX_TAGS; i++) {
		views[i] = view_create_in(self->control, views[i - 1], "", 0);
		ASSERT_LE(0, views[i]);
		sessions[i] = call_session(self->server, views[i], rule);
		ASSERT_LE(0, sessions[i]);
	}
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (i = 0; i <= VIEWOS_CALL_MAX_TAGS; i++) {
			close(sessions[i]);
			if (view_enter(views[i]) ||
			    ppid() != (i < VIEWOS_CALL_MAX_TAGS ? 20 + i : -ENOSPC))
				_exit(30 + i);
		}
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(40);
		_exit(ppid() != 50 || ppid() != 51);
	}
	for (i = 0; i <= VIEWOS_CALL_MAX_TAGS; i++) {
		ASSERT_TAG(sessions[i], 0);
		EXPECT_EQ(0, answer_tag(sessions[i], self->req, 20 + i, 100 + i));
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	/* That of a view in between ends. */
	close(sessions[1]);
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_TAG(sessions[i - 1], 0);
	EXPECT_EQ(0, answer_tag(sessions[i - 1], self->req, 50, 200));
	ASSERT_TAG(sessions[i - 1], 200);
	EXPECT_EQ(0, call_answer(sessions[i - 1], self->req, 51));
	EXPECT_EQ(0, child_status(pid));
	for (i = 1; i <= VIEWOS_CALL_MAX_TAGS; i++) {
		if (i > 1)
			close(sessions[i]);
		close(views[i]);
	}
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
}

/* Who goes on has no room for it in the answer, and no tag is larger. */
TEST_F(tag, malformed)
{
	const struct viewos_call_out outs[] = {
		{ .flags = VIEWOS_CALL_OUT_TAG, .args = { 1ULL << 32 } },
		{ .flags = VIEWOS_CALL_OUT_TAG, .args = { 1, 1 } },
		{ .flags = VIEWOS_CALL_OUT_TAG | VIEWOS_CALL_OUT_RESULT, .args = { 1 } },
		{ .flags = VIEWOS_CALL_OUT_TAG << 1, .args = { 1 } },
		{ .args = { 1 } },
		{ .action = VIEWOS_CALL_CONTINUE, .flags = VIEWOS_CALL_OUT_TAG, .args = { 1 } },
		{ .action = VIEWOS_CALL_CONTINUE,
		  .flags = VIEWOS_CALL_OUT_TAG | VIEWOS_CALL_OUT_ARGS },
	};
	pid_t pid;
	size_t i;

	for (i = 0; i < sizeof(outs) / sizeof(outs[0]); i++) {
		pid = CALLER(self->view, ppid() != -EIO || ppid() != 1);
		ASSERT_TAG(self->session, 0);
		EXPECT_EQ(-EINVAL, call_out(self->session, self->req, outs[i]));
		ASSERT_TAG(self->session, 0);
		EXPECT_EQ(0, call_answer(self->session, self->req, 1));
		EXPECT_EQ(0, child_status(pid));
	}
	EXPECT_EQ(-EINVAL, fetch_tagged(self->session, X64_getpgrp, 4));
}

TEST_HARNESS_MAIN
