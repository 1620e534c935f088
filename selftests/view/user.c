// SPDX-License-Identifier: GPL-2.0
/* An ordinary user: what they may do, what of others they may not, limits, set-user-ID. */

#include "../mem_server.h"

#include <sys/prctl.h>

#define SERVER "user-test"
#define PARAMETERS "/sys/module/viewos/parameters/"

enum { TESTER = 1000, OTHER = 65534, LIMIT = 8 };

static int become(uid_t uid)
{
	/* Without the second, /proc/self would be root's. */
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
		return -errno;
	return 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* A user namespace in which the user is root, and a mount namespace. */
static int own_user_ns(void)
{
	uid_t uid = getuid();
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	return write_file("/proc/self/setgroups", "deny") ?:
	       write_file("/proc/self/uid_map", map) ?: write_file("/proc/self/gid_map", map) ?:
	       result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

static int no_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

TEST(create_enter_nest)
{
	int control = control_open();
	struct viewos_view_info info;
	int view, beneath;

	ASSERT_EQ(0, become(TESTER));
	view = view_create(control, "mine");
	ASSERT_LE(0, view);
	ASSERT_EQ(0, view_info(view, &info));
	EXPECT_EQ(TESTER, info.owner);
	EXPECT_EQ(0, no_new_privs());
	ASSERT_EQ(0, view_enter(view));
	EXPECT_EQ(1, no_new_privs());
	EXPECT_EQ(0, view_set(view, VIEWOS_INHERIT_NEST));
	EXPECT_EQ(0, IN_CHILD(view_self() == info.id));
	EXPECT_EQ(0, view_set(view, VIEWOS_INHERIT_SHARE));
	EXPECT_EQ(-EPERM, view_set(view, VIEWOS_INHERIT_LEAVE));
	beneath = view_create(control, "");
	ASSERT_LE(0, beneath);
	ASSERT_EQ(0, view_enter(beneath));
	ASSERT_EQ(0, view_info(beneath, &info));
	EXPECT_EQ(2, info.depth);
	EXPECT_EQ(-EPERM, view_enter(view));
	EXPECT_EQ(-EPERM, view_create_in(control, view, "", VIEWOS_INHERIT_SHARE));
	/* It is theirs all the same. */
	EXPECT_EQ(-EBUSY, view_destroy(view, 0));
}

TEST(own_user_namespace)
{
	int control = control_open();
	struct viewos_view_info info;
	int view, beneath;

	ASSERT_EQ(0, become(TESTER));
	ASSERT_EQ(0, own_user_ns());
	EXPECT_EQ(-EPERM, view_create_in(control, -1, "", VIEWOS_INHERIT_LEAVE));
	view = view_create(control, "mine");
	ASSERT_LE(0, view);
	ASSERT_EQ(0, view_info(view, &info));
	EXPECT_EQ(0, info.owner);
	ASSERT_EQ(0, view_enter(view));
	EXPECT_EQ(0, no_new_privs());
	/* Root over their own views: down, up, and out of one by fork. */
	beneath = view_create_in(control, -1, "", VIEWOS_INHERIT_LEAVE);
	ASSERT_LE(0, beneath);
	ASSERT_EQ(0, view_enter(beneath));
	EXPECT_EQ(0, IN_CHILD(view_self() != info.id));
	EXPECT_EQ(0, view_enter(view));
	/* But not over the system. */
	EXPECT_EQ(-EPERM, view_open(control, VIEWOS_VIEW_ROOT, "", 0));
	EXPECT_EQ(-EPERM, view_set(view, VIEWOS_INHERIT_LEAVE));
}

TEST(mount_takes_a_user_namespace)
{
	pid_t server;

	ASSERT_EQ(0, become(TESTER));
	server = fake_start(SERVER, "/mnt");
	ASSERT_LT(0, server);
	EXPECT_EQ(-EPERM, viewfs_mount(SERVER, "/mnt", ""));
	ASSERT_EQ(0, own_user_ns());
	EXPECT_EQ(0, viewfs_mount(SERVER, "/mnt", ""));
	EXPECT_EQ(0, access("/mnt/file", F_OK));
	EXPECT_EQ(0, umount("/mnt"));
	EXPECT_EQ(0, child_status(server));
}

FIXTURE(foreign)
{
	struct viewos_view_info info;
	int control;
	int view;
	int server;
	int public;
};

FIXTURE_VARIANT(foreign)
{
	bool own_user_ns;
};

FIXTURE_VARIANT_ADD(foreign, plain)
{
	.own_user_ns = false,
};

FIXTURE_VARIANT_ADD(foreign, root_of_a_user_namespace)
{
	.own_user_ns = true,
};

/* Root's objects, of which the user even has fds. */
FIXTURE_SETUP(foreign)
{
	self->control = control_open();
	self->view = view_create(self->control, "root-view");
	self->server = server_create(self->control);
	self->public = server_create(self->control);
	ASSERT_LE(0, self->view);
	ASSERT_LE(0, self->server);
	ASSERT_LE(0, self->public);
	ASSERT_EQ(0, view_info(self->view, &self->info));
	ASSERT_EQ(0, server_add(self->server, SERVER "-root", false));
	ASSERT_EQ(0, become(TESTER));
	ASSERT_EQ(0, variant->own_user_ns ? own_user_ns() : 0);
}

FIXTURE_TEARDOWN(foreign)
{
}

TEST_F(foreign, view_refused)
{
	struct viewos_view_info info;

	EXPECT_EQ(-EPERM, view_open(self->control, self->info.id, "", 0));
	EXPECT_EQ(-ENOENT, view_open(self->control, 0, "root-view", 0));
	EXPECT_EQ(-EPERM, view_open(self->control, VIEWOS_VIEW_ROOT, "", 0));
	EXPECT_EQ(-EPERM, view_set(self->view, VIEWOS_INHERIT_NEST));
	EXPECT_EQ(-EPERM, view_destroy(self->view, VIEWOS_VIEW_DESTROY_KILL));
	EXPECT_EQ(0, view_info(self->view, &info));
	EXPECT_EQ(VIEWOS_INHERIT_SHARE, info.inherit);
	EXPECT_STREQ("root-view", info.name);
	/* The name is free for this user. */
	EXPECT_LE(0, view_create(self->control, "root-view"));
}

/* Who was given an fd may go in and build beneath it, as an unprivileged guest. */
TEST_F(foreign, view_by_an_fd_handed_over)
{
	struct viewos_view_info info;
	int beneath;

	beneath = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	ASSERT_LE(0, beneath);
	ASSERT_EQ(0, view_info(beneath, &info));
	EXPECT_EQ(self->info.id, info.parent_id);
	EXPECT_EQ(variant->own_user_ns ? 0 : TESTER, info.owner);
	EXPECT_EQ(-EPERM, view_create_in(self->control, self->view, "", VIEWOS_INHERIT_LEAVE));
	EXPECT_EQ(0, no_new_privs());
	EXPECT_EQ(0, view_enter(self->view));
	EXPECT_EQ(1, no_new_privs());
	/* In it they have no more to say than before. */
	EXPECT_EQ(-EPERM, view_set(self->view, VIEWOS_INHERIT_NEST));
	EXPECT_EQ(-EPERM, view_destroy(self->view, VIEWOS_VIEW_DESTROY_KILL));
	EXPECT_EQ(0, view_enter(beneath));
	EXPECT_EQ(-EPERM, view_enter(self->view));
}

TEST_F(foreign, server_refused)
{
	EXPECT_EQ(-EPERM, server_add(self->public, SERVER "-taken", false));
	EXPECT_EQ(-EPERM, server_add(server_create(self->control), SERVER "-public", true));
	EXPECT_EQ(-ENOENT, server_del(SERVER "-root"));
	EXPECT_EQ(0, server_add(server_create(self->control), SERVER "-root", false));
	EXPECT_EQ(0, server_del(SERVER "-root"));
	EXPECT_EQ(variant->own_user_ns ? -ENOENT : -EPERM,
		  viewfs_mount(SERVER "-root", "/mnt", ""));
}

/* Each makes one more of what is limited: an fd or 0, or -errno. */
static int make_view(void)
{
	return view_create(control_open(), "");
}

static int make_server(void)
{
	return server_create(control_open());
}

static int make_session(void)
{
	static int count;
	char name[64];
	pid_t server;
	int err;

	err = count++ ? 0 : own_user_ns();
	snprintf(name, sizeof(name), SERVER "-%d-%d", getpid(), count);
	server = fake_start(name, "/mnt");
	err = err ?: viewfs_mount(name, "/mnt", "");
	if (err)
		kill(server, SIGKILL);
	return err;
}

FIXTURE(limit)
{
	char before[32];
};

FIXTURE_VARIANT(limit)
{
	const char *parameter;
	int (*make)(void);
};

FIXTURE_VARIANT_ADD(limit, views)
{
	.parameter = PARAMETERS "max_user_views",
	.make = make_view,
};

FIXTURE_VARIANT_ADD(limit, servers)
{
	.parameter = PARAMETERS "max_user_servers",
	.make = make_server,
};

FIXTURE_VARIANT_ADD(limit, sessions)
{
	.parameter = PARAMETERS "max_user_sessions",
	.make = make_session,
};

FIXTURE_SETUP(limit)
{
	FILE *file = fopen(variant->parameter, "r");
	char limit[8];

	ASSERT_NE(NULL, file);
	ASSERT_NE(NULL, fgets(self->before, sizeof(self->before), file));
	fclose(file);
	snprintf(limit, sizeof(limit), "%d", LIMIT);
	ASSERT_EQ(0, write_file(variant->parameter, limit));
}

FIXTURE_TEARDOWN(limit)
{
	EXPECT_EQ(0, write_file(variant->parameter, self->before));
}

/* At the limit a process that cannot get a view of its own is not born. */
static int fork_at_the_limit(void)
{
	int view = view_create_in(control_open(), -1, "", VIEWOS_INHERIT_NEST);

	if (view_enter(view) || IN_CHILD(0))
		return 255;
	while (make_view() >= 0)
		;
	return IN_CHILD(0) == -1 ? errno : 254;
}

/* Makes all that the user may have; returns 0 if one more is refused as it should be. */
static int take_all(int (*make)(void))
{
	int i, ret;

	for (i = 0; i < LIMIT; i++) {
		ret = make();
		if (ret < 0)
			return -ret;
	}
	return make() == -EUSERS ? 0 : 255;
}

/* A user may have all; what processes had that have ended may take a moment to come back. */
static bool may_take_all(uid_t user, int (*make)(void))
{
	for (int i = 0; i < 500; i++) {
		if (!IN_CHILD((user && become(user)) ? 255 : take_all(make)))
			return true;
		sleep_ms(10);
	}
	return false;
}

static bool may_not_fork_at_the_limit(uid_t user)
{
	int ret = 255;

	for (int i = 0; i < 500 && ret == 255; i++) {
		ret = IN_CHILD(become(user) ? 254 : fork_at_the_limit());
		sleep_ms(10);
	}
	return ret == EAGAIN;
}

TEST_F(limit, is_the_users_own)
{
	char byte = 0;
	int ready[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		byte = become(TESTER) ? 255 : take_all(variant->make);
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(0, byte);
	/* All processes of the user have it together, whatever their namespace. */
	EXPECT_EQ(EUSERS, IN_CHILD(become(TESTER) ? 255 : -variant->make()));
	EXPECT_EQ(EUSERS, IN_CHILD(become(TESTER) || own_user_ns() ? 255 : -variant->make()));
	/* Others have their own. */
	EXPECT_TRUE(may_take_all(OTHER, variant->make));
	EXPECT_TRUE(may_take_all(0, variant->make));
	EXPECT_TRUE(variant->make != make_view || may_not_fork_at_the_limit(OTHER));
	/* And it comes back. */
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
	EXPECT_TRUE(may_take_all(TESTER, variant->make));
}

static int copy_program(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp %s %s", from, to);
	return system(command);
}

/* What "id -u" says, run from @path; or -1. */
static int effective_uid(const char *path)
{
	char command[256];
	int uid = -1;
	FILE *file;

	snprintf(command, sizeof(command), "%s -u", path);
	file = popen(command, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &uid) != 1)
		uid = -1;
	pclose(file);
	return uid;
}

TEST(set_user_id_gains_nothing_in_a_view)
{
	char dir[] = "/tmp/user.XXXXXX", path[64];

	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, chmod(dir, 0755));
	snprintf(path, sizeof(path), "%s/id", dir);
	ASSERT_EQ(0, copy_program("/usr/bin/id", path));
	ASSERT_EQ(0, chmod(path, 04755));
	ASSERT_EQ(0, become(TESTER));
	ASSERT_EQ(0, effective_uid(path));
	ASSERT_EQ(0, view_enter(view_create(control_open(), "")));
	EXPECT_EQ(TESTER, effective_uid(path));
}

/* In the user's namespaces: a view with a mount, and on it a set-user-ID program of theirs. */
static pid_t user_with_program(const char *dir, const char *path)
{
	char byte = 0;
	int ready[2];
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		byte = become(TESTER) || own_user_ns() || mem_start(SERVER "-mem") < 0 ||
		       view_enter(view_create(control_open(), "user-view")) ||
		       mem_mount(SERVER "-mem", dir) || copy_program("/usr/bin/id", path) ||
		       chmod(path, 04755);
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	if (read(ready[0], &byte, 1) == 1 && !byte)
		return pid;
	kill(pid, SIGKILL);
	return -1;
}

/* Somebody else in that view, as root can put them there, does not become the user. */
TEST(set_user_id_file_of_a_user_namespace)
{
	char dir[] = "/tmp/user.XXXXXX", path[64], native[] = "/tmp/user-id", proc[64];
	struct stat st;
	pid_t pid;
	int ns;

	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, chmod(dir, 0755));
	snprintf(path, sizeof(path), "%s/id", dir);
	pid = user_with_program(dir, path);
	ASSERT_LT(0, pid);
	snprintf(proc, sizeof(proc), "/proc/%d/ns/mnt", pid);
	ns = open(proc, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, ns);
	/* A file like it that is not on viewfs has the effect. */
	ASSERT_EQ(0, copy_program("/usr/bin/id", native));
	ASSERT_EQ(0, chown(native, TESTER, TESTER));
	ASSERT_EQ(0, chmod(native, 04755));
	EXPECT_EQ(0, IN_CHILD(become(OTHER) || effective_uid(native) != TESTER));

	ASSERT_EQ(0, view_enter(view_open(control_open(), 0, "user-view", 0)));
	ASSERT_EQ(0, setns(ns, CLONE_NEWNS));
	EXPECT_EQ(0, no_new_privs());
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(TESTER, st.st_uid);
	EXPECT_EQ(04755, st.st_mode & 07777);
	EXPECT_EQ(0, IN_CHILD(become(OTHER) || effective_uid(path) != OTHER));
	EXPECT_EQ(0, effective_uid(path));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_status(pid));
}

TEST_HARNESS_MAIN
