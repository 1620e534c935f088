// SPDX-License-Identifier: GPL-2.0
/* The names of uname(2): who sees which, who may change them, and what is refused. */

#include "../viewos_test.h"

#include <sys/utsname.h>

static struct viewos_view_uts uts_init(void)
{
	return (struct viewos_view_uts){ .size = sizeof(struct viewos_view_uts) };
}

static void uts_name(struct viewos_view_uts *uts, int field, const char *name)
{
	uts->fields |= 1U << field;
	memcpy(uts->names[field], name, strnlen(name, VIEWOS_UTS_LEN));
}

static int uts_set(int view, const struct viewos_view_uts *uts)
{
	return result(ioctl(view, VIEWOS_IOC_VIEW_UTS, uts));
}

/* One name alone. */
static int uts_set_one(int view, int field, const char *name)
{
	struct viewos_view_uts uts = uts_init();

	uts_name(&uts, field, name);
	return uts_set(view, &uts);
}

static bool proc_says(const char *file, const char *text)
{
	char path[64], line[128] = "";
	FILE *in;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", file);
	in = fopen(path, "r");
	if (!in)
		return false;
	if (fgets(line, sizeof(line), in))
		line[strcspn(line, "\n")] = '\0';
	fclose(in);
	return !strcmp(line, text);
}

static bool release_is(const char *release)
{
	struct utsname now;

	return !uname(&now) && !strcmp(now.release, release);
}

FIXTURE(uts)
{
	struct utsname before;
	int control, view;
};

FIXTURE_SETUP(uts)
{
	ASSERT_EQ(0, uname(&self->before));
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
}

FIXTURE_TEARDOWN(uts)
{
	struct utsname now;

	/* Whatever a test did, here nothing has changed. */
	EXPECT_EQ(0, uname(&now));
	EXPECT_EQ(0, memcmp(&now, &self->before, sizeof(now)));
	close(self->view);
	close(self->control);
}

TEST_F(uts, all_names_and_all_who_tell_them)
{
	struct viewos_view_uts uts = uts_init();

	uts_name(&uts, VIEWOS_UTS_SYSNAME, "Unix");
	uts_name(&uts, VIEWOS_UTS_NODENAME, "host");
	uts_name(&uts, VIEWOS_UTS_RELEASE, "99.1-test");
	uts_name(&uts, VIEWOS_UTS_VERSION, "#7, of today");
	uts_name(&uts, VIEWOS_UTS_MACHINE, "pdp11");
	uts_name(&uts, VIEWOS_UTS_DOMAINNAME, "domain");
	EXPECT_EQ(0, IN_CHILD(({
		struct utsname now;
		char host[65];

		unshare(CLONE_NEWUTS) || uts_set(self->view, &uts) || view_enter(self->view) ||
		uname(&now) || strcmp(now.sysname, "Unix") || strcmp(now.nodename, "host") ||
		strcmp(now.release, "99.1-test") || strcmp(now.version, "#7, of today") ||
		strcmp(now.machine, "pdp11") || strcmp(now.domainname, "domain") ||
		gethostname(host, sizeof(host)) || strcmp(host, "host") ||
		!proc_says("ostype", "Unix") || !proc_says("hostname", "host") ||
		!proc_says("osrelease", "99.1-test") || !proc_says("version", "#7, of today") ||
		!proc_says("domainname", "domain");
	})));
}

TEST_F(uts, the_others_stay)
{
	EXPECT_EQ(0, IN_CHILD(({
		struct utsname now;

		unshare(CLONE_NEWUTS) ||
		uts_set_one(self->view, VIEWOS_UTS_RELEASE, "1.2") || uname(&now) ||
		strcmp(now.release, "1.2") || strcmp(now.version, self->before.version) ||
		strcmp(now.nodename, self->before.nodename) ||
		strcmp(now.machine, self->before.machine);
	})));
}

TEST_F(uts, children_see_it_and_nested_namespaces_copy_it)
{
	EXPECT_EQ(0, IN_CHILD(({
		int nested = view_create_in(self->control, self->view, "", 0);

		unshare(CLONE_NEWUTS) || uts_set_one(self->view, VIEWOS_UTS_RELEASE, "5") ||
		view_enter(self->view) || IN_CHILD(!release_is("5")) ||
		IN_CHILD(unshare(CLONE_NEWUTS) || !release_is("5") ||
			 uts_set_one(nested, VIEWOS_UTS_RELEASE, "6") || view_enter(nested) ||
			 !release_is("6") || IN_CHILD(!release_is("6"))) ||
		!release_is("5");
	})));
}

TEST_F(uts, who_joins_the_namespace_sees_it)
{
	int ready[2], go[2];
	char byte, path[64];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWUTS) ||
		      uts_set_one(self->view, VIEWOS_UTS_RELEASE, "7.7") ||
		      write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	EXPECT_EQ(0, IN_CHILD(setns(open(path, O_RDONLY), CLONE_NEWUTS) || !release_is("7.7")));
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(uts, not_in_the_initial_namespace)
{
	EXPECT_EQ(-EPERM, uts_set_one(self->view, VIEWOS_UTS_RELEASE, "5"));
}

TEST_F(uts, nobody_who_is_there_finds_it_changed)
{
	EXPECT_EQ(0, IN_CHILD(({
		int fd, bad;
		pid_t pid;

		bad = unshare(CLONE_NEWUTS);
		/* A child has it, too. */
		pid = fork();
		if (!pid) {
			pause();
			_exit(0);
		}
		bad |= uts_set_one(self->view, VIEWOS_UTS_RELEASE, "5") != -EBUSY;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		/* Somebody may come into it by this. */
		fd = open("/proc/self/ns/uts", O_RDONLY);
		bad |= uts_set_one(self->view, VIEWOS_UTS_RELEASE, "5") != -EBUSY;
		close(fd);
		bad |= !release_is(self->before.release);
		bad |= uts_set_one(self->view, VIEWOS_UTS_RELEASE, "5") != 0;
		/* That the view shows it is no use of it. */
		bad |= uts_set_one(self->view, VIEWOS_UTS_RELEASE, "6") != 0;
		bad || !release_is("6");
	})));
}

TEST_F(uts, the_host_name_can_be_changed_later)
{
	EXPECT_EQ(0, IN_CHILD(({
		struct utsname now;

		unshare(CLONE_NEWUTS) || uts_set_one(self->view, VIEWOS_UTS_NODENAME, "") ||
		sethostname("later", 5) || uname(&now) || strcmp(now.nodename, "later");
	})));
}

TEST_F(uts, malformed_is_EINVAL)
{
	static const struct {
		const char *why;
		unsigned int field;
		const char *name;
	} bad[] = {
		{ "empty", VIEWOS_UTS_RELEASE, "" },
		{ "empty", VIEWOS_UTS_SYSNAME, "" },
		{ "empty", VIEWOS_UTS_VERSION, "" },
		{ "empty", VIEWOS_UTS_MACHINE, "" },
		{ "newline", VIEWOS_UTS_NODENAME, "a\nb" },
		{ "escape", VIEWOS_UTS_VERSION, "\033[2J" },
		{ "delete", VIEWOS_UTS_RELEASE, "5\x7f" },
		{ "too long", VIEWOS_UTS_NODENAME,
		  "12345678901234567890123456789012345678901234567890123456789012345" },
	};

	EXPECT_EQ(0, IN_CHILD(({
		struct viewos_view_uts uts;
		int wrong = unshare(CLONE_NEWUTS) != 0;

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			wrong |= uts_set_one(self->view, bad[i].field, bad[i].name) != -EINVAL;
		uts = uts_init();
		uts.flags = 1;
		wrong |= uts_set(self->view, &uts) != -EINVAL;
		uts = uts_init();
		uts.pad = 1;
		wrong |= uts_set(self->view, &uts) != -EINVAL;
		uts = uts_init();
		uts.pad2[1] = 1;
		wrong |= uts_set(self->view, &uts) != -EINVAL;
		uts = uts_init();
		uts.fields = 1U << VIEWOS_UTS_FIELDS;
		wrong |= uts_set(self->view, &uts) != -EINVAL;
		/* A name that is not asked for, and one with something behind its end. */
		uts = uts_init();
		uts.names[VIEWOS_UTS_RELEASE][0] = '5';
		wrong |= uts_set(self->view, &uts) != -EINVAL;
		uts_name(&uts, VIEWOS_UTS_RELEASE, "5");
		uts.names[VIEWOS_UTS_RELEASE][3] = '5';
		wrong |= uts_set(self->view, &uts) != -EINVAL;
		uts = uts_init();
		uts_name(&uts, VIEWOS_UTS_NODENAME,
			 "1234567890123456789012345678901234567890123456789012345678901234");
		wrong |= uts_set(self->view, &uts) != 0;
		wrong || !release_is(self->before.release);
	})));
}

TEST_F(uts, an_ordinary_user)
{
	EXPECT_EQ(0, IN_CHILD(({
		int own, wrong = become_nobody() != 0;

		own = view_create(self->control, "");
		/* Root's namespace and root's view are not theirs. */
		wrong |= own < 0;
		wrong |= uts_set_one(own, VIEWOS_UTS_RELEASE, "5") != -EPERM;
		wrong |= unshare(CLONE_NEWUSER) != 0;
		wrong |= uts_set_one(own, VIEWOS_UTS_RELEASE, "5") != -EPERM;
		wrong |= unshare(CLONE_NEWUTS) != 0;
		wrong |= uts_set_one(self->view, VIEWOS_UTS_RELEASE, "5") != -EPERM;
		wrong |= uts_set_one(own, VIEWOS_UTS_RELEASE, "5") != 0;
		wrong || !release_is("5");
	})));
}

/* Root's namespace, and a user who is root of a user namespace beneath it. */
TEST_F(uts, not_that_of_somebody_above)
{
	EXPECT_EQ(0, IN_CHILD(({
		int own, wrong = unshare(CLONE_NEWUTS) != 0;

		own = view_create(self->control, "");
		wrong |= unshare(CLONE_NEWUSER) != 0;
		wrong |= uts_set_one(own, VIEWOS_UTS_RELEASE, "5") != -EPERM;
		wrong || !release_is(self->before.release);
	})));
}

TEST_F(uts, not_of_the_root_view)
{
	int root = view_open(self->control, 0, "", VIEWOS_VIEW_OPEN_SELF);

	ASSERT_LE(0, root);
	EXPECT_EQ(0, IN_CHILD(unshare(CLONE_NEWUTS) ||
			      uts_set_one(root, VIEWOS_UTS_RELEASE, "5") != -EPERM));
	close(root);
}

TEST_HARNESS_MAIN
