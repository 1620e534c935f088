// SPDX-License-Identifier: GPL-2.0
/* Rules by the ABI: arguments, rights, precedence, inheritance, limits, stacks. */

#include "../viewos_test.h"

#include "../rules.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>

FIXTURE(rule)
{
	int control;
	int view;
};

FIXTURE_SETUP(rule)
{
	self->control = control_open();
	ASSERT_LE(0, self->control);
	self->view = view_create(self->control, "");
	ASSERT_LE(0, self->view);
}

FIXTURE_TEARDOWN(rule)
{
	close(self->view);
	close(self->control);
}

#define REFUSED(error, ...) ({						\
	struct viewos_rule_add rule_bad = rule_deny(AF_INET, ANY, ANY, EACCES);	\
	struct viewos_rule_add *rule = &rule_bad;			\
	__VA_ARGS__;							\
	EXPECT_EQ(-(error), rule_add_in(self->view, rule)) {		\
		TH_LOG("%s", #__VA_ARGS__);				\
	}								\
})

TEST_F(rule, wrong_arguments)
{
	char page[sizeof(struct viewos_rule_add) + 8] = { };
	struct viewos_rule_add fine = rule_deny(AF_INET, ANY, ANY, EACCES);

	REFUSED(EINVAL, rule->size = 0);
	REFUSED(EINVAL, rule->size = sizeof(*rule) - 8);
	REFUSED(EINVAL, rule->flags = 1);
	REFUSED(EINVAL, rule->flags = 1U << 31);
	REFUSED(EINVAL, rule->pad = 1);
	REFUSED(EINVAL, rule->id = 1);
	REFUSED(EINVAL, rule->class = 0);
	REFUSED(EINVAL, rule->class = VIEWOS_CLASS_PATH);
	REFUSED(EINVAL, rule->class = 63);
	REFUSED(EINVAL, rule->class = UINT32_MAX);
	REFUSED(EINVAL, rule->verdict = 4);
	REFUSED(EINVAL, rule->verdict = UINT32_MAX);
	REFUSED(EINVAL, rule->family = -2);
	REFUSED(EINVAL, rule->family = INT32_MIN);
	REFUSED(EINVAL, rule->family = INT32_MAX);
	REFUSED(EINVAL, rule->type = -2);
	REFUSED(EINVAL, rule->type = 0);
	REFUSED(EINVAL, rule->type = SOCK_STREAM | SOCK_CLOEXEC);
	REFUSED(EINVAL, rule->type = SOCK_STREAM | SOCK_NONBLOCK);
	REFUSED(EINVAL, rule->type = INT32_MAX);
	REFUSED(EINVAL, rule->protocol = -2);
	REFUSED(EINVAL, rule->protocol = INT32_MIN);
	REFUSED(EINVAL, rule->error = 0);
	REFUSED(EINVAL, rule->error = 512);
	REFUSED(EINVAL, rule->error = UINT32_MAX);
	REFUSED(EINVAL, rule->error = -EACCES);
	REFUSED(EINVAL, strcpy(rule->target, "a"));
	REFUSED(EINVAL, rule->netns_fd = 0);
	REFUSED(EINVAL, rule->source = (uintptr_t)"a");
	REFUSED(EINVAL, rule->options = (uintptr_t)"a");
	/* What is wrong only together. */
	REFUSED(EINVAL, *rule = rule_native(), rule->error = EACCES);
	REFUSED(EINVAL, *rule = rule_native(), strcpy(rule->target, "a"));
	REFUSED(EINVAL, *rule = rule_native(), rule->netns_fd = 0);
	REFUSED(EINVAL, *rule = rule_native(), rule->source = (uintptr_t)"a");
	REFUSED(EINVAL, *rule = rule_stack(ANY, ""));
	REFUSED(EINVAL, *rule = rule_stack(ANY, "a"), rule->error = EACCES);
	REFUSED(EINVAL, *rule = rule_stack(ANY, "a"), rule->source = (uintptr_t)"a");
	REFUSED(EINVAL, *rule = rule_stack(ANY, "a"),
		rule->netns_fd = open("/proc/self/ns/net", O_RDONLY));
	REFUSED(EINVAL, rule->verdict = VIEWOS_VERDICT_SERVE, rule->error = 0);
	REFUSED(EINVAL, rule->verdict = VIEWOS_VERDICT_SERVE, strcpy(rule->target, "a"));

	/* What is right, at the end of a page and as a longer struct. */
	EXPECT_EQ(0, rule_add(self->view, fine));
	memcpy(page, &fine, sizeof(fine));
	((struct viewos_rule_add *)page)->size = sizeof(page);
	EXPECT_EQ(0, result(ioctl(self->view, _IOC(_IOC_READ | _IOC_WRITE, VIEWOS_IOC_MAGIC, 0x14,
						   sizeof(page)), page)));
	memcpy(page, &fine, sizeof(fine));
	((struct viewos_rule_add *)page)->size = sizeof(page);
	page[sizeof(page) - 1] = 1;
	EXPECT_EQ(-E2BIG, result(ioctl(self->view, _IOC(_IOC_READ | _IOC_WRITE, VIEWOS_IOC_MAGIC,
							0x14, sizeof(page)), page)));
}

TEST_F(rule, wrong_names)
{
	static const char *const wrong[] = { "9lives", "a/b", "a b", "\xe4", "-\n", "a,b", "a=b" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		REFUSED(EINVAL, strcpy(rule->stack, wrong[i]));
		REFUSED(EINVAL, *rule = rule_stack(ANY, wrong[i]));
		EXPECT_EQ(-EINVAL, stack_socket(wrong[i], AF_INET, SOCK_STREAM, 0));
	}
	/* Without an end, and with something behind it. */
	REFUSED(EINVAL, memset(rule->stack, 'a', sizeof(rule->stack)));
	REFUSED(EINVAL, strcpy(rule->stack, "a"), rule->stack[VIEWOS_NAME_LEN - 1] = 'a');
	REFUSED(EINVAL, rule->stack[1] = 'a');
	REFUSED(EINVAL, *rule = rule_stack(ANY, "a"),
		memset(rule->target, 'a', sizeof(rule->target)));
	REFUSED(EINVAL, *rule = rule_stack(ANY, "a"), rule->target[2] = 'a');
	/* The longest. */
	REFUSED(0, memset(rule->stack, 'a', sizeof(rule->stack) - 1));
}

TEST_F(rule, wrong_fds_and_pointers)
{
	int mount_ns = open("/proc/self/ns/mnt", O_RDONLY);
	int null = open("/dev/null", O_RDWR);
	int server = server_create(self->control);
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct viewos_rule_add fine = rule_deny(AF_INET, ANY, ANY, EACCES);
	struct viewos_rule_del del = { .size = sizeof(del), .id = 1 };

	ASSERT_LE(0, mount_ns);
	REFUSED(EBADF, *rule = rule_netns(ANY, 9999));
	REFUSED(EINVAL, *rule = rule_netns(ANY, mount_ns));
	REFUSED(EINVAL, *rule = rule_netns(ANY, null));
	REFUSED(EINVAL, *rule = rule_netns(ANY, self->view));

	EXPECT_EQ(-EFAULT, result(ioctl(self->view, VIEWOS_IOC_RULE_ADD, NULL)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->view, VIEWOS_IOC_RULE_DEL, (void *)8)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->control, VIEWOS_IOC_SOCKET, NULL)));
	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + 4096, 4096));
	memcpy(page + 4096 - 64, &fine, 64);
	EXPECT_EQ(-EFAULT, result(ioctl(self->view, VIEWOS_IOC_RULE_ADD, page + 4096 - 64)));

	EXPECT_EQ(-ENOTTY, result(ioctl(self->control, VIEWOS_IOC_RULE_ADD, &fine)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->control, VIEWOS_IOC_RULE_DEL, &del)));
	EXPECT_EQ(-ENOTTY, result(ioctl(server, VIEWOS_IOC_RULE_ADD, &fine)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->view, VIEWOS_IOC_SOCKET, &fine)));
	close(server);

	EXPECT_EQ(-ENOENT, rule_del(self->view, 0));
	EXPECT_EQ(-ENOENT, rule_del(self->view, UINT64_MAX));
	del.flags = 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_RULE_DEL, &del)));
	del = (struct viewos_rule_del){ .size = 4 };
	EXPECT_EQ(-EINVAL, result(ioctl(self->view, VIEWOS_IOC_RULE_DEL, &del)));
}

/* Names of servers; what a server does with a rule is another test's matter. */
TEST_F(rule, servers)
{
	static char source[VIEWOS_SOURCE_LEN + 1];
	int server = server_create(self->control);

	REFUSED(ENOENT, rule->verdict = VIEWOS_VERDICT_SERVE, rule->error = 0,
		strcpy(rule->target, "rule-test-none"));
	ASSERT_EQ(0, server_add(server, "rule-test-path", false));
	REFUSED(EPROTOTYPE, rule->verdict = VIEWOS_VERDICT_SERVE, rule->error = 0,
		strcpy(rule->target, "rule-test-path"));
	REFUSED(EFAULT, rule->verdict = VIEWOS_VERDICT_SERVE, rule->error = 0,
		strcpy(rule->target, "rule-test-path"), rule->source = 8);
	REFUSED(EFAULT, rule->verdict = VIEWOS_VERDICT_SERVE, rule->error = 0,
		strcpy(rule->target, "rule-test-path"), rule->options = 8);
	memset(source, 'a', sizeof(source) - 1);
	REFUSED(EINVAL, rule->verdict = VIEWOS_VERDICT_SERVE, rule->error = 0,
		strcpy(rule->target, "rule-test-path"), rule->source = (uintptr_t)source);
	source[VIEWOS_SOURCE_LEN - 1] = '\0';
	REFUSED(EPROTOTYPE, rule->verdict = VIEWOS_VERDICT_SERVE, rule->error = 0,
		strcpy(rule->target, "rule-test-path"), rule->source = (uintptr_t)source);
	close(server);
}

TEST_F(rule, ids)
{
	uint64_t first = rule_id(self->view, rule_native());
	uint64_t second = rule_id(self->view, rule_native());
	int other = view_create(self->control, "");
	uint64_t third;

	EXPECT_LT(0, first);
	EXPECT_LT(first, second);
	EXPECT_EQ(-ENOENT, rule_del(other, first));
	EXPECT_EQ(0, rule_del(self->view, second));
	EXPECT_EQ(-ENOENT, rule_del(self->view, second));
	third = rule_id(self->view, rule_native());
	EXPECT_LT(second, third);
	EXPECT_EQ(0, rule_del(self->view, first));
	EXPECT_EQ(0, rule_del(self->view, third));
}

TEST_F(rule, root_view_has_none)
{
	int root = view_open(self->control, VIEWOS_VIEW_ROOT, "", 0);

	ASSERT_LE(0, root);
	EXPECT_EQ(-EPERM, deny(root, AF_INET, ANY, ANY, EACCES));
	EXPECT_EQ(-EPERM, rule_del(root, 1));
	EXPECT_EQ(0, socket_error(AF_INET, SOCK_STREAM, 0));
}

/* Who is in a view, or beside it, does not change its rules; who is above, does. */
TEST_F(rule, from_above_only)
{
	uint64_t id = rule_id(self->view, rule_native());

	EXPECT_EQ(0, IN_CHILD(({
		int control = control_open();
		int mine, beside, beneath;
		uint64_t own;

		if (become_nobody())
			_exit(100);
		mine = view_create(control, "");
		beside = view_create(control, "");
		beneath = view_create_in(control, mine, "", VIEWOS_INHERIT_SHARE);
		own = rule_id(mine, rule_deny(AF_INET, ANY, ANY, EACCES));
		if (!own || !rule_id(beneath, rule_deny(AF_INET6, ANY, ANY, EACCES)))
			_exit(101);
		/* Somebody else's, by an fd that they were handed. */
		if (deny(self->view, ANY, ANY, ANY, EACCES) != -EPERM ||
		    rule_del(self->view, id) != -EPERM)
			_exit(102);
		if (view_enter(mine))
			_exit(103);
		if (rule_del(mine, own) != -EPERM || rule_add(mine, rule_native()) != -EPERM ||
		    deny(mine, ANY, ANY, ANY, EACCES) != -EPERM)
			_exit(104);
		if (rule_add(beside, rule_native()) != -EPERM)
			_exit(105);
		if (rule_add(beneath, rule_native()))
			_exit(106);
		if (view_enter(beneath))
			_exit(107);
		rule_add(beneath, rule_native()) != -EPERM ||
			rule_add(mine, rule_native()) != -EPERM ||
			socket_error(AF_INET, SOCK_STREAM, 0) != EACCES;
	})));
	/* Root may, over views of anybody, from anywhere. */
	EXPECT_EQ(0, IN_VIEW(self->view, rule_del(self->view, id)));
}

/* Root of a user namespace of their own is not above a view made outside of it. */
TEST_F(rule, own_user_namespace_is_not_above)
{
	EXPECT_EQ(0, IN_CHILD(({
		int control = control_open();
		int view, inner;

		if (become_nobody())
			_exit(100);
		view = view_create(control, "");
		if (view < 0 || view_enter(view) || unshare(CLONE_NEWUSER))
			_exit(101);
		if (rule_add(view, rule_native()) != -EPERM)
			_exit(102);
		/* Made in it, it is theirs. */
		inner = view_create(control, "");
		if (inner < 0 || deny(inner, ANY, ANY, ANY, EACCES))
			_exit(103);
		if (view_enter(inner))
			_exit(104);
		rule_add(inner, rule_native()) != -EPERM;
	})));
}

TEST_F(rule, verdict_deny)
{
	ASSERT_EQ(0, deny(self->view, AF_INET, SOCK_STREAM, ANY, ENETUNREACH));
	EXPECT_EQ(ENETUNREACH, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(ENETUNREACH, SOCKET_IN(self->view, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	EXPECT_EQ(ENETUNREACH, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, IPPROTO_TCP));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET, SOCK_DGRAM, 0));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_UNIX, SOCK_STREAM, 0));
	/* Outside nothing has changed. */
	EXPECT_EQ(0, socket_error(AF_INET, SOCK_STREAM, 0));
	/* The errors of socket(2) itself are what they were. */
	EXPECT_EQ(EPROTONOSUPPORT, SOCKET_IN(self->view, AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	EXPECT_EQ(EAFNOSUPPORT, SOCKET_IN(self->view, 44444, SOCK_DGRAM, 0));
}

/* The family counts most, then the type, then the protocol. */
TEST_F(rule, most_specific)
{
	static const struct { int family, type, protocol, error; } cases[] = {
		{ ANY, ANY, ANY, 101 },
		{ ANY, ANY, IPPROTO_UDP, 102 },
		{ ANY, SOCK_DGRAM, ANY, 103 },
		{ ANY, SOCK_DGRAM, IPPROTO_UDP, 104 },
		{ AF_INET, ANY, ANY, 105 },
		{ AF_INET, ANY, IPPROTO_UDP, 106 },
		{ AF_INET, SOCK_DGRAM, ANY, 107 },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDP, 108 },
	};
	int count = sizeof(cases) / sizeof(cases[0]);
	int view;

	/* Each is asked in vain by more specific ones, in both orders of adding. */
	for (int round = 0; round < 2; round++) {
		view = view_create(self->control, "");
		for (int i = 0; i < count; i++) {
			int k = round ? count - 1 - i : i;

			ASSERT_EQ(0, deny(view, cases[k].family, cases[k].type, cases[k].protocol,
					  cases[k].error));
		}
		EXPECT_EQ(108, SOCKET_IN(view, AF_INET, SOCK_DGRAM, IPPROTO_UDP));
		EXPECT_EQ(107, SOCKET_IN(view, AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
		EXPECT_EQ(106, SOCKET_IN(view, AF_INET, SOCK_STREAM, IPPROTO_UDP));
		EXPECT_EQ(105, SOCKET_IN(view, AF_INET, SOCK_STREAM, 0));
		EXPECT_EQ(104, SOCKET_IN(view, AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
		EXPECT_EQ(103, SOCKET_IN(view, AF_INET6, SOCK_DGRAM, IPPROTO_ICMP));
		EXPECT_EQ(102, SOCKET_IN(view, AF_INET6, SOCK_RAW, IPPROTO_UDP));
		EXPECT_EQ(101, SOCKET_IN(view, AF_UNIX, SOCK_STREAM, 0));
		close(view);
	}
}

/* What socket(2) takes for the same is the same. */
TEST_F(rule, default_protocols)
{
	ASSERT_EQ(0, deny(self->view, AF_INET, SOCK_STREAM, IPPROTO_TCP, 101));
	ASSERT_EQ(0, deny(self->view, AF_INET, SOCK_DGRAM, 0, 102));
	ASSERT_EQ(0, deny(self->view, AF_INET6, SOCK_STREAM, 0, 103));
	ASSERT_EQ(0, deny(self->view, AF_PACKET, SOCK_PACKET, ANY, 104));
	EXPECT_EQ(101, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(101, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, IPPROTO_TCP));
	EXPECT_EQ(102, SOCKET_IN(self->view, AF_INET, SOCK_DGRAM, 0));
	EXPECT_EQ(102, SOCKET_IN(self->view, AF_INET, SOCK_DGRAM, IPPROTO_UDP));
	EXPECT_EQ(103, SOCKET_IN(self->view, AF_INET6, SOCK_STREAM, IPPROTO_TCP));
	EXPECT_EQ(104, SOCKET_IN(self->view, AF_INET, SOCK_PACKET, 0));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET, SOCK_RAW, IPPROTO_TCP));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET6, SOCK_DGRAM, 0));
}

TEST_F(rule, of_equals_the_youngest)
{
	uint64_t second;

	ASSERT_EQ(0, deny(self->view, AF_INET, ANY, ANY, 101));
	second = rule_id(self->view, rule_deny(AF_INET, ANY, ANY, 102));
	ASSERT_LT(0, second);
	EXPECT_EQ(102, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, deny(self->view, AF_INET, ANY, ANY, 103));
	EXPECT_EQ(103, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, rule_del(self->view, second));
	EXPECT_EQ(103, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
}

TEST_F(rule, of_equals_the_youngest_that_is_left)
{
	uint64_t ids[3];

	for (int i = 0; i < 3; i++)
		ids[i] = rule_id(self->view, rule_deny(AF_INET, ANY, ANY, 101 + i));
	ASSERT_EQ(0, rule_del(self->view, ids[2]));
	EXPECT_EQ(102, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, rule_del(self->view, ids[0]));
	EXPECT_EQ(102, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, rule_del(self->view, ids[1]));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
}

/* A rule that says "native" shields what is more specific from what is less. */
TEST_F(rule, allow_list)
{
	struct viewos_rule_add rule = rule_native();

	rule.family = AF_UNIX;
	ASSERT_EQ(0, rule_add(self->view, rule));
	ASSERT_EQ(0, deny(self->view, ANY, ANY, ANY, EACCES));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_UNIX, SOCK_STREAM, 0));
	EXPECT_EQ(EACCES, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(EACCES, SOCKET_IN(self->view, AF_NETLINK, SOCK_RAW, 0));
	EXPECT_EQ(EACCES, SOCKET_IN(self->view, AF_PACKET, SOCK_RAW, 0));
	EXPECT_EQ(EACCES, SOCKET_IN(self->view, AF_VSOCK, SOCK_STREAM, 0));
}

/* The nearest view with a rule that matches decides, specific or not. */
TEST_F(rule, nearest_view_decides)
{
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	int grandchild = view_create_in(self->control, child, "", VIEWOS_INHERIT_SHARE);
	uint64_t id;

	ASSERT_EQ(0, deny(self->view, AF_INET, SOCK_STREAM, IPPROTO_TCP, 101));
	ASSERT_EQ(0, deny(self->view, AF_INET6, ANY, ANY, 102));
	EXPECT_EQ(101, SOCKET_IN(child, AF_INET, SOCK_STREAM, IPPROTO_TCP));
	EXPECT_EQ(101, SOCKET_IN(grandchild, AF_INET, SOCK_STREAM, IPPROTO_TCP));
	id = rule_id(child, rule_deny(ANY, ANY, ANY, 103));
	ASSERT_LT(0, id);
	EXPECT_EQ(101, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, IPPROTO_TCP));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET, SOCK_DGRAM, 0));
	EXPECT_EQ(103, SOCKET_IN(child, AF_INET, SOCK_STREAM, IPPROTO_TCP));
	EXPECT_EQ(103, SOCKET_IN(grandchild, AF_INET6, SOCK_STREAM, 0));
	ASSERT_EQ(0, deny(grandchild, AF_INET, ANY, ANY, 104));
	EXPECT_EQ(104, SOCKET_IN(grandchild, AF_INET, SOCK_STREAM, IPPROTO_TCP));
	EXPECT_EQ(103, SOCKET_IN(grandchild, AF_UNIX, SOCK_STREAM, 0));
	ASSERT_EQ(0, rule_del(child, id));
	EXPECT_EQ(102, SOCKET_IN(grandchild, AF_INET6, SOCK_STREAM, 0));
	EXPECT_EQ(0, SOCKET_IN(grandchild, AF_UNIX, SOCK_STREAM, 0));
	/* The parent's rules are not the child's to delete. */
	id = rule_id(self->view, rule_native());
	EXPECT_EQ(-ENOENT, rule_del(child, id));
}

TEST_F(rule, what_the_parent_denies_is_not_given_back)
{
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	int netns = open("/proc/self/ns/net", O_RDONLY);
	uint64_t parent, id;

	parent = rule_id(self->view, rule_deny(AF_INET, ANY, ANY, 101));
	ASSERT_LT(0, parent);
	ASSERT_EQ(0, rule_add(child, rule_native()));
	EXPECT_EQ(101, SOCKET_IN(child, AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(0, SOCKET_IN(child, AF_INET6, SOCK_STREAM, 0));
	id = rule_id(child, rule_netns(AF_INET, netns));
	ASSERT_LT(0, id);
	EXPECT_EQ(101, SOCKET_IN(child, AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, rule_del(child, id));
	/* Another errno is no gift. */
	id = rule_id(child, rule_deny(AF_INET, ANY, ANY, 102));
	ASSERT_LT(0, id);
	EXPECT_EQ(102, SOCKET_IN(child, AF_INET, SOCK_STREAM, 0));
	/* When the parent permits again, the child's own rule counts. */
	ASSERT_EQ(0, rule_del(self->view, parent));
	EXPECT_EQ(102, SOCKET_IN(child, AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, rule_del(child, id));
	EXPECT_EQ(0, SOCKET_IN(child, AF_INET, SOCK_STREAM, 0));
}

TEST_F(rule, denied_at_any_depth)
{
	int views[32];

	views[0] = self->view;
	for (int i = 1; i < 32; i++) {
		views[i] = view_create_in(self->control, views[i - 1], "", VIEWOS_INHERIT_SHARE);
		ASSERT_LE(0, views[i]);
		ASSERT_EQ(0, rule_add(views[i], rule_native()));
	}
	EXPECT_EQ(0, SOCKET_IN(views[31], AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, deny(views[0], AF_INET, ANY, ANY, 101));
	EXPECT_EQ(101, SOCKET_IN(views[31], AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(0, SOCKET_IN(views[31], AF_INET6, SOCK_STREAM, 0));
	ASSERT_EQ(0, deny(views[16], AF_INET6, ANY, ANY, 102));
	EXPECT_EQ(102, SOCKET_IN(views[31], AF_INET6, SOCK_STREAM, 0));
	EXPECT_EQ(0, SOCKET_IN(views[15], AF_INET6, SOCK_STREAM, 0));
}

TEST_F(rule, sockets_stay_what_they_are)
{
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		int fds[2] = { -1, -1 }, inet = socket(AF_INET, SOCK_STREAM, 0);
		char byte = 1;

		if (inet < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
			_exit(100);
		if (deny(self->view, ANY, ANY, ANY, EACCES))
			_exit(101);
		if (socket_error(AF_INET, SOCK_STREAM, 0) != EACCES)
			_exit(102);
		if (write(fds[0], &byte, 1) != 1 || read(fds[1], &byte, 1) != 1)
			_exit(103);
		/* An accepted socket comes from one that is there. */
		listen(inet, 1);
	})));
}

TEST_F(rule, limit)
{
	static uint64_t ids[VIEWOS_RULES_MAX];
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);

	for (int i = 0; i < VIEWOS_RULES_MAX; i++) {
		ids[i] = rule_id(self->view, rule_deny(AF_INET, 1 + i % 5, 50 + i / 5, 1 + i));
		ASSERT_LT(0, ids[i]);
	}
	EXPECT_EQ(-ENOSPC, deny(self->view, AF_INET, SOCK_RAW, 50, EACCES));
	/* Exit statuses go up to 255. */
	EXPECT_EQ(1 + 77, SOCKET_IN(self->view, AF_INET, 1 + 77 % 5, 50 + 77 / 5));
	EXPECT_EQ(1 + 200, SOCKET_IN(child, AF_INET, 1 + 200 % 5, 50 + 200 / 5));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET, SOCK_STREAM, 0));
	/* It is a limit of each view, and of what is there now. */
	EXPECT_EQ(0, deny(child, AF_INET6, ANY, ANY, EACCES));
	/* Of type 3, SOCK_RAW, and protocol 70. */
	ASSERT_EQ(0, rule_del(self->view, ids[102]));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET, SOCK_RAW, 70));
	EXPECT_EQ(0, deny(self->view, AF_INET, SOCK_RAW, 70, 250));
	EXPECT_EQ(250, SOCKET_IN(self->view, AF_INET, SOCK_RAW, 70));
	EXPECT_EQ(-ENOSPC, deny(self->view, AF_INET, SOCK_RAW, 70, EACCES));
}

/* Before there are too many rules there may be too many matches; nothing is lost by it. */
TEST_F(rule, too_many_matches)
{
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	int ret = 0, count;
	char name[VIEWOS_NAME_LEN];

	for (count = 0; !ret && count < VIEWOS_RULES_MAX; count++)
		ret = deny(self->view, AF_INET, SOCK_RAW, 10 + count, 100);
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_LT(32, count);
	EXPECT_EQ(100, SOCKET_IN(child, AF_INET, SOCK_RAW, 10 + count - 2));
	EXPECT_EQ(0, SOCKET_IN(child, AF_INET, SOCK_RAW, 10 + count - 1));
	/* The child has its parent's, too. */
	EXPECT_EQ(-ENOSPC, deny(child, AF_INET, SOCK_RAW, 10 + count, 100));
	EXPECT_EQ(0, deny(child, AF_INET6, SOCK_RAW, 10, 101));
	EXPECT_EQ(101, SOCKET_IN(child, AF_INET6, SOCK_RAW, 10));
	for (ret = 0, count = 0; !ret && count < VIEWOS_RULES_MAX; count++) {
		snprintf(name, sizeof(name), "stack%d", count);
		ret = rule_add(child, rule_of(rule_deny(ANY, ANY, ANY, 102), name));
	}
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_LT(8, count);
	EXPECT_EQ(102, IN_VIEW(child, stack_error("stack7", AF_INET, SOCK_STREAM)));
	EXPECT_EQ(ENOENT, IN_VIEW(child, stack_error(name, AF_INET, SOCK_STREAM)));
}

/* A child's rules that cannot be had with the parent's new ones keep those out. */
TEST_F(rule, too_many_matches_beneath)
{
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	int ret = 0, count;

	for (count = 0; !ret && count < VIEWOS_RULES_MAX; count++)
		ret = deny(child, AF_INET, SOCK_RAW, 10 + count, 100);
	ASSERT_EQ(-ENOSPC, ret);
	EXPECT_EQ(-ENOSPC, deny(self->view, AF_INET, SOCK_RAW, 500, 101));
	EXPECT_EQ(0, SOCKET_IN(self->view, AF_INET, SOCK_RAW, 200));
	EXPECT_EQ(0, deny(self->view, AF_INET, SOCK_STREAM, ANY, 101));
	EXPECT_EQ(101, SOCKET_IN(child, AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(100, SOCKET_IN(child, AF_INET, SOCK_RAW, 10));
}

/* A new network namespace, whose only process waits for its stdin to be closed. */
static pid_t netns_start(int *netns, bool user)
{
	char path[64], byte;
	int ready[2], end[2];
	pid_t pid;

	if (pipe(ready) || pipe(end))
		return -1;
	pid = fork();
	if (!pid) {
		close(end[1]);
		if (unshare((user ? CLONE_NEWUSER : 0) | CLONE_NEWNET) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(end[0], &byte, 1) != 0);
	}
	close(ready[1]);
	close(end[0]);
	*netns = -1;
	if (read(ready[0], &byte, 1) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		*netns = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(ready[0]);
	close(end[1]);
	waitpid(pid, NULL, 0);
	return *netns < 0 ? -1 : pid;
}

TEST_F(rule, verdict_netns)
{
	uint64_t here = socket_netns(socket(AF_INET, SOCK_STREAM, 0)), there;
	int netns, child;

	ASSERT_LT(0, here);
	ASSERT_LT(0, netns_start(&netns, false));
	EXPECT_EQ(0, IN_CHILD(({
		setns(netns, CLONE_NEWNET) ||
			socket_netns(socket(AF_INET, SOCK_STREAM, 0)) == here;
	})));
	ASSERT_EQ(0, rule_add(self->view, rule_netns(AF_INET, netns)));
	/* The rule holds it. */
	close(netns);
	child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	ASSERT_EQ(0, rule_add(child, rule_native()));
	EXPECT_EQ(0, IN_VIEW(child, ({
		struct ifreq ifr = { .ifr_name = "lo" };
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		/* There, lo is down. */
		if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) || ifr.ifr_flags & IFF_UP)
			_exit(100);
		there = socket_netns(fd);
		if (there == here || socket_netns(socket(AF_INET, SOCK_DGRAM, 0)) != there)
			_exit(101);
		/* Others are of the task's own namespace. */
		if (socket_netns(socket(AF_INET6, SOCK_STREAM, 0)) != here)
			_exit(102);
		0;
	})));
	EXPECT_EQ(here, socket_netns(socket(AF_INET, SOCK_STREAM, 0)));
}

/* It takes privilege over the network namespace, which its owner has. */
TEST_F(rule, netns_privilege)
{
	int init = open("/proc/self/ns/net", O_RDONLY);

	EXPECT_EQ(0, IN_CHILD(({
		int control = control_open();
		int view, own;

		/* Else what is in /proc of the child would be root's. */
		if (become_nobody() || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
			_exit(100);
		view = view_create(control, "");
		if (rule_add(view, rule_netns(AF_INET, init)) != -EPERM)
			_exit(101);
		if (netns_start(&own, true) < 0)
			_exit(102);
		if (rule_add(view, rule_netns(AF_INET, own)))
			_exit(103);
		view_enter(view) || socket_error(AF_INET, SOCK_STREAM, 0);
	})));
}

TEST_F(rule, stack_arguments)
{
	struct viewos_socket arg = {
		.size = sizeof(arg), .family = AF_INET, .type = SOCK_STREAM,
	};
	int fd;

	arg.flags = 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SOCKET, &arg)));
	arg.flags = 0;
	arg.pad = 1;
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SOCKET, &arg)));
	arg.pad = 0;
	arg.size = 4;
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SOCKET, &arg)));
	arg.size = sizeof(arg);
	memset(arg.stack, 'a', sizeof(arg.stack));
	EXPECT_EQ(-EINVAL, result(ioctl(self->control, VIEWOS_IOC_SOCKET, &arg)));
	memset(arg.stack, 0, sizeof(arg.stack));
	/* Without a name it is socket(2), outside every view, too. */
	fd = result(ioctl(self->control, VIEWOS_IOC_SOCKET, &arg));
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	fd = stack_socket("", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	EXPECT_EQ(-EINVAL, stack_socket("", AF_INET, SOCK_STREAM | 0x100, 0));
	EXPECT_EQ(-EAFNOSUPPORT, stack_socket("", 4711, SOCK_STREAM, 0));
	EXPECT_EQ(-EPROTONOSUPPORT, stack_socket("", AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	EXPECT_EQ(-ENOENT, stack_socket("none", AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(ENOENT, IN_VIEW(self->view, stack_error("none", AF_INET, SOCK_STREAM)));
}

/* Rules of a stack are asked for it alone, and those of the default are not. */
TEST_F(rule, stacks)
{
	uint64_t here = socket_netns(socket(AF_INET, SOCK_STREAM, 0));
	int netns, child;

	ASSERT_LT(0, netns_start(&netns, false));
	ASSERT_EQ(0, rule_add(self->view, rule_of(rule_netns(AF_INET, netns), "far")));
	ASSERT_EQ(0, rule_add(self->view, rule_of(rule_deny(ANY, ANY, ANY, 101), "shut")));
	ASSERT_EQ(0, deny(self->view, AF_INET6, ANY, ANY, 102));
	child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	EXPECT_EQ(0, IN_VIEW(child, ({
		if (socket_netns(socket(AF_INET, SOCK_STREAM, 0)) != here)
			_exit(100);
		if (socket_netns(stack_socket("", AF_INET, SOCK_STREAM, 0)) != here)
			_exit(101);
		if (socket_netns(stack_socket("far", AF_INET, SOCK_STREAM, 0)) == here)
			_exit(102);
		if (stack_error("shut", AF_INET, SOCK_STREAM) != 101)
			_exit(103);
		if (stack_error("other", AF_INET, SOCK_STREAM) != ENOENT)
			_exit(104);
		stack_error("", AF_INET6, SOCK_STREAM) != 102;
	})));
	EXPECT_EQ(ENOENT, stack_error("far", AF_INET, SOCK_STREAM));
}

TEST_F(rule, stack_as_default)
{
	uint64_t here = socket_netns(socket(AF_INET, SOCK_STREAM, 0));
	int netns, child;

	ASSERT_LT(0, netns_start(&netns, false));
	ASSERT_EQ(0, rule_add(self->view, rule_of(rule_netns(AF_INET, netns), "far")));
	ASSERT_EQ(0, rule_add(self->view, rule_stack(AF_INET, "far")));
	EXPECT_EQ(0, IN_VIEW(self->view, ({
		if (socket_netns(socket(AF_INET, SOCK_STREAM, 0)) == here)
			_exit(100);
		socket_netns(socket(AF_INET6, SOCK_STREAM, 0)) != here;
	})));
	/* A child has the stacks of its parent, and can name them. */
	child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	ASSERT_EQ(0, rule_add(child, rule_of(rule_native(), "near")));
	EXPECT_EQ(0, IN_VIEW(child, ({
		if (socket_netns(socket(AF_INET, SOCK_STREAM, 0)) == here)
			_exit(100);
		/* Native there is what the parent has as its default. */
		socket_netns(stack_socket("near", AF_INET, SOCK_STREAM, 0)) == here;
	})));
}

TEST_F(rule, stacks_that_lead_to_each_other)
{
	ASSERT_EQ(0, rule_add(self->view, rule_of(rule_stack(ANY, "b"), "a")));
	ASSERT_EQ(0, rule_add(self->view, rule_of(rule_stack(ANY, "c"), "b")));
	EXPECT_EQ(-ELOOP, rule_add(self->view, rule_of(rule_stack(ANY, "a"), "c")));
	EXPECT_EQ(-ELOOP, rule_add(self->view, rule_of(rule_stack(ANY, "d"), "d")));
	/* What was refused is not there. */
	ASSERT_EQ(0, rule_add(self->view, rule_of(rule_deny(ANY, ANY, ANY, 101), "c")));
	EXPECT_EQ(101, IN_VIEW(self->view, stack_error("a", AF_INET, SOCK_STREAM)));
}

/* One parent, a thousand children: what it changes they have at once. */
TEST_F(rule, a_thousand_views)
{
	enum { VIEWS = 1000 };
	static int views[VIEWS];
	uint64_t id;

	ASSERT_EQ(0, deny(self->view, AF_INET6, ANY, ANY, 101));
	for (int i = 0; i < VIEWS; i++) {
		views[i] = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
		ASSERT_LE(0, views[i]);
	}
	id = rule_id(self->view, rule_deny(AF_INET, ANY, ANY, 102));
	ASSERT_LT(0, id);
	for (int i = 0; i < VIEWS; i += 111) {
		EXPECT_EQ(101, SOCKET_IN(views[i], AF_INET6, SOCK_STREAM, 0));
		EXPECT_EQ(102, SOCKET_IN(views[i], AF_INET, SOCK_STREAM, 0));
	}
	/* One goes its own way. */
	ASSERT_EQ(0, deny(views[500], AF_INET, ANY, ANY, 103));
	EXPECT_EQ(103, SOCKET_IN(views[500], AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(102, SOCKET_IN(views[501], AF_INET, SOCK_STREAM, 0));
	ASSERT_EQ(0, rule_del(self->view, id));
	EXPECT_EQ(103, SOCKET_IN(views[500], AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(0, SOCKET_IN(views[499], AF_INET, SOCK_STREAM, 0));
	EXPECT_EQ(101, SOCKET_IN(views[999], AF_INET6, SOCK_STREAM, 0));
	for (int i = 0; i < VIEWS; i++)
		close(views[i]);
}

/* A view that dies with rules, stacks and a network namespace; and one being destroyed. */
TEST_F(rule, death)
{
	int child = view_create_in(self->control, self->view, "", VIEWOS_INHERIT_SHARE);
	int netns;

	ASSERT_LT(0, netns_start(&netns, false));
	ASSERT_EQ(0, deny(self->view, AF_INET6, ANY, ANY, 101));
	ASSERT_EQ(0, rule_add(self->view, rule_of(rule_netns(AF_INET, netns), "far")));
	/* The child holds its parent, and with it the rules. */
	ASSERT_EQ(0, dup2(open("/dev/null", O_RDWR), self->view) == self->view ? 0 : -1);
	EXPECT_EQ(101, SOCKET_IN(child, AF_INET6, SOCK_STREAM, 0));
	EXPECT_EQ(0, IN_VIEW(child, stack_error("far", AF_INET, SOCK_STREAM)));
	ASSERT_EQ(0, view_destroy(child, 0));
	close(child);
	for (int i = 0; i < 100; i++) {
		int view = view_create(self->control, "");

		ASSERT_EQ(0, rule_add(view, rule_netns(AF_INET, netns)));
		ASSERT_EQ(0, deny(view, AF_INET6, ANY, ANY, 101));
		close(view);
	}
	close(netns);
}

TEST_HARNESS_MAIN
