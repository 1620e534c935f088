// SPDX-License-Identifier: GPL-2.0
/* The ioctl interface against wrong sizes, flags, fds, pointers and numbers. */

#include "../viewos_test.h"

#include <linux/viewos_path.h>
#include <linux/viewos_syscall.h>

#include <stddef.h>
#include <sys/mman.h>

_Static_assert(sizeof(struct viewos_path_target) == 8, "ABI");
_Static_assert(sizeof(struct viewos_version) == 16, "ABI");
_Static_assert(sizeof(struct viewos_view_create) == 88, "ABI");
_Static_assert(sizeof(struct viewos_view_open) == 80, "ABI");
_Static_assert(sizeof(struct viewos_view_enter) == 8, "ABI");
_Static_assert(sizeof(struct viewos_view_info) == 136, "ABI");
_Static_assert(sizeof(struct viewos_view_set) == 16, "ABI");
_Static_assert(sizeof(struct viewos_view_destroy) == 8, "ABI");
_Static_assert(sizeof(struct viewos_view_kill) == 24, "ABI");
_Static_assert(sizeof(struct viewos_view_attach) == 16, "ABI");
_Static_assert(sizeof(struct viewos_server_create) == 16, "ABI");
_Static_assert(sizeof(struct viewos_server_accept) == 56, "ABI");
_Static_assert(sizeof(struct viewos_session_refuse) == 8, "ABI");
_Static_assert(sizeof(struct viewos_view_uts) == 408, "ABI");
_Static_assert(sizeof(struct viewos_view_clock) == 24, "ABI");
_Static_assert(sizeof(struct viewos_session_memory) == 40, "ABI");
_Static_assert(sizeof(struct viewos_call_init) == 16, "ABI");
_Static_assert(sizeof(struct viewos_call_in) == 88, "ABI");
_Static_assert(offsetof(struct viewos_call_in, args) == 16, "ABI");
_Static_assert(sizeof(struct viewos_call_out) == 64, "ABI");
_Static_assert(sizeof(struct viewos_call_result) == 24, "ABI");
_Static_assert(sizeof(struct viewos_call_fetch) == 24, "ABI");
_Static_assert(sizeof(struct viewos_rule_add) == 336, "ABI");
_Static_assert(sizeof(struct viewos_binfmt) == 272, "ABI");
_Static_assert(sizeof(struct viewos_call_ended) == 104, "ABI");
_Static_assert(sizeof(struct viewos_call_file) == 144, "ABI");
_Static_assert(offsetof(struct viewos_call_file, ino) == 48, "ABI");
_Static_assert(offsetof(struct viewos_call_file, atime) == 80, "ABI");
_Static_assert(offsetof(struct viewos_rule_add, id) == 184, "ABI");
_Static_assert(offsetof(struct viewos_rule_add, calls) == VIEWOS_RULE_ADD_SIZE_2, "ABI");
_Static_assert(offsetof(struct viewos_view_create, id) == 80, "ABI");
_Static_assert(offsetof(struct viewos_view_info, name) == 72, "ABI");
_Static_assert(offsetof(struct viewos_server_accept, source) == 40, "ABI");

FIXTURE(abi)
{
	int control, view, server;
};

FIXTURE_SETUP(abi)
{
	struct viewos_server_create create = {
		.size = sizeof(create),
		.classes = 1 << VIEWOS_CLASS_PATH,
	};

	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
	self->server = result(ioctl(self->control, VIEWOS_IOC_SERVER_CREATE, &create));
	ASSERT_LE(0, self->server);
}

FIXTURE_TEARDOWN(abi)
{
	close(self->server);
	close(self->view);
	close(self->control);
}

TEST_F(abi, version)
{
	struct viewos_version version = { .size = sizeof(version) };

	ASSERT_EQ(0, ioctl(self->control, VIEWOS_IOC_VERSION, &version));
	EXPECT_EQ(VIEWOS_ABI, version.abi);
	EXPECT_EQ(1ULL << VIEWOS_CLASS_PATH | 1ULL << VIEWOS_CLASS_SOCKET |
		  1ULL << VIEWOS_CLASS_SYSCALL, version.classes);
}

/* Every command, with the fd that it belongs to and the size of its struct. */
static const struct command {
	const char *name;
	unsigned long cmd;
	enum { ON_CONTROL, ON_VIEW, ON_SERVER } on;
} commands[] = {
	{ "VERSION", VIEWOS_IOC_VERSION, ON_CONTROL },
	{ "VIEW_CREATE", VIEWOS_IOC_VIEW_CREATE, ON_CONTROL },
	{ "VIEW_OPEN", VIEWOS_IOC_VIEW_OPEN, ON_CONTROL },
	{ "SERVER_CREATE", VIEWOS_IOC_SERVER_CREATE, ON_CONTROL },
	{ "VIEW_ENTER", VIEWOS_IOC_VIEW_ENTER, ON_VIEW },
	{ "VIEW_INFO", VIEWOS_IOC_VIEW_INFO, ON_VIEW },
	{ "VIEW_SET", VIEWOS_IOC_VIEW_SET, ON_VIEW },
	{ "VIEW_DESTROY", VIEWOS_IOC_VIEW_DESTROY, ON_VIEW },
	{ "VIEW_KILL", VIEWOS_IOC_VIEW_KILL, ON_VIEW },
	{ "VIEW_ATTACH", VIEWOS_IOC_VIEW_ATTACH, ON_VIEW },
	{ "VIEW_UTS", VIEWOS_IOC_VIEW_UTS, ON_VIEW },
	{ "VIEW_CLOCK", VIEWOS_IOC_VIEW_CLOCK, ON_VIEW },
	{ "SERVER_ACCEPT", VIEWOS_IOC_SERVER_ACCEPT, ON_SERVER },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

#define FD_OF(self, command) \
	((command)->on == ON_CONTROL ? (self)->control : \
	 (command)->on == ON_VIEW ? (self)->view : (self)->server)

static unsigned long resized(unsigned long cmd, size_t size)
{
	return (cmd & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT)) | size << _IOC_SIZESHIFT;
}

TEST_F(abi, size_field_wrong_is_EINVAL)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		uint32_t buffer[128] = { };
		uint32_t size = _IOC_SIZE(commands[i].cmd);
		static const uint32_t wrong[] = { 0, 1, 4, 7, 100, 4096, UINT32_MAX };

		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			if (wrong[j] == size)
				continue;
			buffer[0] = wrong[j];
			EXPECT_EQ(-EINVAL,
				  result(ioctl(FD_OF(self, &commands[i]), commands[i].cmd, buffer)))
				TH_LOG("%s with size %u", commands[i].name, wrong[j]);
		}
	}
}

TEST_F(abi, smaller_struct_is_EINVAL)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		uint32_t buffer[128] = { 4 };

		EXPECT_EQ(-EINVAL, result(ioctl(FD_OF(self, &commands[i]),
						resized(commands[i].cmd, 4), buffer)));
	}
}

TEST_F(abi, larger_struct)
{
	struct {
		struct viewos_view_info info;
		uint64_t more;
	} grown = { .info.size = sizeof(grown) };
	unsigned long cmd = resized(VIEWOS_IOC_VIEW_INFO, sizeof(grown));

	EXPECT_EQ(0, result(ioctl(self->view, cmd, &grown)));
	grown.more = 1;
	EXPECT_EQ(-E2BIG, result(ioctl(self->view, cmd, &grown)));
}

TEST_F(abi, bad_pointers_are_EFAULT)
{
	long page = sysconf(_SC_PAGESIZE);
	char *end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	ASSERT_NE(MAP_FAILED, end);
	ASSERT_EQ(0, munmap(end + page, page));
	for (i = 0; i < N_COMMANDS; i++) {
		int fd = FD_OF(self, &commands[i]);
		uint32_t *cut = (uint32_t *)(end + page - 4);

		EXPECT_EQ(-EFAULT, result(ioctl(fd, commands[i].cmd, NULL)));
		EXPECT_EQ(-EFAULT, result(ioctl(fd, commands[i].cmd, (void *)-4096L)));
		/* The size can be read, the rest is not there. */
		*cut = _IOC_SIZE(commands[i].cmd);
		EXPECT_EQ(-EFAULT, result(ioctl(fd, commands[i].cmd, cut)));
	}
	munmap(end, page);
}

TEST_F(abi, read_only_result_is_EFAULT_and_leaks_nothing)
{
	struct viewos_view_create *create;
	struct viewos_view_info info;
	uint64_t id = 0;
	int fd;

	create = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, create);
	create->size = sizeof(*create);
	create->parent_fd = -1;
	strcpy(create->name, "never");
	ASSERT_EQ(0, mprotect(create, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, result(ioctl(self->control, VIEWOS_IOC_VIEW_CREATE, create)));
	EXPECT_EQ(-ENOENT, view_open(self->control, 0, "never", 0));
	fd = dup(self->control);
	EXPECT_EQ(0, view_info(self->view, &info));
	EXPECT_LT(id, info.id);
	close(fd);
	munmap(create, 4096);
}

TEST_F(abi, unknown_flags_are_EINVAL)
{
	struct viewos_view_create create = {
		.size = sizeof(create), .flags = 1, .parent_fd = -1 };
	struct viewos_view_open open = { .size = sizeof(open), .flags = 2 };
	struct viewos_view_enter enter = { .size = sizeof(enter), .flags = 1 };
	struct viewos_view_info info = { .size = sizeof(info), .flags = 1U << 31 };
	struct viewos_view_set set = { .size = sizeof(set), .flags = 1 };
	struct viewos_view_destroy destroy = { .size = sizeof(destroy), .flags = 2 };
	struct viewos_server_create server = { .size = sizeof(server), .flags = 1, .classes = 2 };
	struct viewos_server_accept accept = { .size = sizeof(accept), .flags = 2 };

	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_VIEW_CREATE, &create)));
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_VIEW_OPEN, &open)));
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_ENTER, &enter)));
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_INFO, &info)));
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_SET, &set)));
	set.flags = 0;
	set.pad = 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_SET, &set)));
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_VIEW_DESTROY, &destroy)));
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SERVER_CREATE, &server)));
	EXPECT_EQ(-EINVAL, result(ioctl(self->server, VIEWOS_IOC_SERVER_ACCEPT, &accept)));
}

TEST_F(abi, absurd_numbers_are_EINVAL)
{
	struct viewos_server_create server = { .size = sizeof(server) };
	struct viewos_view_create create = {
		.size = sizeof(create), .parent_fd = -1, .inherit = 3 };

	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_VIEW_CREATE, &create)));
	create.inherit = UINT32_MAX;
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_VIEW_CREATE, &create)));
	EXPECT_EQ(-EINVAL, view_set(self->view, 3));
	/* No class, an unknown class, all of them. */
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SERVER_CREATE, &server)));
	server.classes = 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SERVER_CREATE, &server)));
	server.classes = UINT64_MAX;
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SERVER_CREATE, &server)));
}

TEST_F(abi, bad_fds)
{
	int null = open("/dev/null", O_RDWR);

	ASSERT_LE(0, null);
	/* A parent that is closed, not a view, or a number that no fd has. */
	EXPECT_EQ(-EBADF, view_create_in(self->control, 9999, "", 0));
	EXPECT_EQ(-EBADF, view_create_in(self->control, -2, "", 0));
	EXPECT_EQ(-EINVAL, view_create_in(self->control, null, "", 0));
	EXPECT_EQ(-EINVAL, view_create_in(self->control, self->server, "", 0));
	close(null);
}

TEST_F(abi, wrong_kind_of_fd_is_ENOTTY)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		uint32_t buffer[128] = { _IOC_SIZE(commands[i].cmd) };
		int fd = commands[i].on == ON_VIEW ? self->server : self->view;

		EXPECT_EQ(-ENOTTY, result(ioctl(fd, commands[i].cmd, buffer)));
	}
	EXPECT_EQ(-ENOTTY, result(ioctl(self->control, _IO(VIEWOS_IOC_MAGIC, 0x7f), 0)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->view, _IO(VIEWOS_IOC_MAGIC, 0x7f), 0)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->server, _IO(VIEWOS_IOC_MAGIC, 0x7f), 0)));
}

TEST_F(abi, bad_names_are_EINVAL)
{
	static const char *const bad[] = {
		"1abc", "a b", "a/b", "a\nb", "\x80", "-\xff", "a,b", "\x01",
	};
	struct viewos_view_create create = { .size = sizeof(create), .parent_fd = -1 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_EQ(-EINVAL, view_create(self->control, bad[i]))
			TH_LOG("name %zu", i);
	/* Without an end, and with something behind the end. */
	memset(create.name, 'a', sizeof(create.name));
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_VIEW_CREATE, &create)));
	memset(create.name, 0, sizeof(create.name));
	create.name[0] = 'a';
	create.name[5] = 'b';
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_VIEW_CREATE, &create)));
	/* The longest name is fine. */
	memset(create.name, 'a', sizeof(create.name) - 1);
	EXPECT_LE(0, result(ioctl(self->control, VIEWOS_IOC_VIEW_CREATE, &create)));
}

TEST_F(abi, open_wants_one_way)
{
	EXPECT_EQ(-EINVAL, view_open(self->control, 1, "name", 0));
	EXPECT_EQ(-EINVAL, view_open(self->control, 1, "", VIEWOS_VIEW_OPEN_SELF));
	EXPECT_EQ(-EINVAL, view_open(self->control, 0, "name", VIEWOS_VIEW_OPEN_SELF));
}

TEST_F(abi, accept_does_not_block_if_asked)
{
	struct viewos_server_accept accept = {
		.size = sizeof(accept), .flags = VIEWOS_ACCEPT_NONBLOCK };
	struct pollfd poll_fd = { .fd = self->server, .events = POLLIN };

	EXPECT_EQ(-EAGAIN, result(ioctl(self->server, VIEWOS_IOC_SERVER_ACCEPT, &accept)));
	accept.flags = 0;
	ASSERT_EQ(0, fcntl(self->server, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, result(ioctl(self->server, VIEWOS_IOC_SERVER_ACCEPT, &accept)));
	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
}

TEST_F(abi, root_view_cannot_be_changed)
{
	int root = view_open(self->control, VIEWOS_VIEW_ROOT, "", 0);

	ASSERT_LE(0, root);
	EXPECT_EQ(-EPERM, view_set(root, VIEWOS_INHERIT_NEST));
	EXPECT_EQ(-EPERM, view_destroy(root, VIEWOS_VIEW_DESTROY_KILL));
	close(root);
}

TEST_HARNESS_MAIN
