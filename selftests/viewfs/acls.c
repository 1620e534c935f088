// SPDX-License-Identifier: GPL-2.0
/*
 * Access control lists that the server keeps and the kernel heeds: how often they are asked
 * for, when what is cached goes, and lists that cannot be.
 *
 * The server is a process of the test's own, with the fake server's "file", of mode 0640 but
 * for what the test says; attributes and names are good for as long as the test says.
 */

#include "../recorded.h"

#include <sys/xattr.h>

#define SERVER "acls-test"
#define ACCESS "system.posix_acl_access"
#define USER 1234

/* What the server and the test share. */
struct record {
	uint32_t flags;		/* what the server takes at INIT */
	uint32_t ttl;		/* seconds */
	uint32_t mode;		/* of "file" */
	uint32_t uid;
	uint32_t gid;
	uint32_t asked[64];	/* requests by opcode */
	int get_error;		/* if not 0, the answer to GETXATTR */
	uint32_t len;		/* of the list */
	uint8_t acl[8192];
	uint32_t set_flags;	/* of the last SETXATTR */
	bool notify;		/* with the next look-up the file is taken back */
};

FIXTURE(acls)
{
	RECORDED_FIELDS;
};

/* user::rw-, user:USER:perm, group::---, mask::rw-, other::--- */
static void acl_of_user(struct record *record, uint8_t perm)
{
	const uint8_t acl[] = {
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, perm, 0, 0xd2, 4, 0, 0,
		4, 0, 0, 0, 255, 255, 255, 255, 16, 0, 6, 0, 255, 255, 255, 255,
		32, 0, 0, 0, 255, 255, 255, 255
	};

	memcpy(record->acl, acl, sizeof(acl));
	record->len = sizeof(acl);
}

static void serve_attr(const struct record *record, uint64_t node, struct fuse_attr *attr)
{
	fake_attr(attr, node);
	if (S_ISREG(attr->mode)) {
		attr->mode = S_IFREG | record->mode;
		attr->uid = record->uid;
		attr->gid = record->gid;
	}
}

static void serve_getxattr(struct fake_server *fake, const struct record *record,
			   const struct fuse_in_header *in, const struct fuse_getxattr_in *get)
{
	struct fuse_getxattr_out out = { .size = record->len };

	if (record->get_error || in->nodeid != NODE_FILE)
		fake_reply(fake, in->unique, record->get_error ?: -ENODATA, NULL, 0);
	else if (!get->size)
		fake_reply(fake, in->unique, 0, &out, sizeof(out));
	else if (get->size < record->len)
		fake_reply(fake, in->unique, -ERANGE, NULL, 0);
	else
		fake_reply(fake, in->unique, 0, record->acl, record->len);
}

static void serve_setxattr(struct fake_server *fake, struct record *record,
			   const struct fuse_in_header *in, const struct fuse_setxattr_in *set)
{
	bool ext = record->flags & FUSE_SETXATTR_EXT;
	const char *name = (const char *)set + (ext ? sizeof(*set) : FUSE_COMPAT_SETXATTR_IN_SIZE);

	record->set_flags = ext ? set->setxattr_flags : 0;
	record->len = set->size;
	memcpy(record->acl, name + strlen(name) + 1, set->size);
	fake_reply(fake, in->unique, strcmp(name, ACCESS) ? -EPROTO : 0, NULL, 0);
}

static void serve_setattr(struct fake_server *fake, struct record *record,
			  const struct fuse_in_header *in, const struct fuse_setattr_in *set)
{
	struct fuse_attr_out out = { .attr_valid = record->ttl };

	if (set->valid & FATTR_MODE)
		record->mode = set->mode & 07777;
	serve_attr(record, in->nodeid, &out.attr);
	fake_reply(fake, in->unique, 0, &out, sizeof(out));
}

static void notify_inode(struct fake_server *fake)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out out;
	} notice = {
		.header = { .len = sizeof(notice), .error = FUSE_NOTIFY_INVAL_INODE },
		.out = { .ino = NODE_FILE, .off = -1 },
	};

	if (write(fake->session, &notice, sizeof(notice)) != sizeof(notice))
		abort();
}

static void serve_lookup(struct fake_server *fake, struct record *record,
			 const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out entry = {
		.nodeid = NODE_FILE, .entry_valid = record->ttl, .attr_valid = record->ttl };

	if (record->notify)
		notify_inode(fake);
	record->notify = false;
	if (strcmp(name, "file")) {
		fake_reply(fake, in->unique, -ENOENT, NULL, 0);
		return;
	}
	serve_attr(record, NODE_FILE, &entry.attr);
	fake_reply(fake, in->unique, 0, &entry, sizeof(entry));
}

static void serve_one(struct fake_server *fake, struct record *record,
		      const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = 7, .minor = 36, .max_write = 65536, .flags = record->flags,
	};
	struct fuse_attr_out attr = { .attr_valid = record->ttl };
	const void *body = in + 1;

	if (in->opcode < 64)
		record->asked[in->opcode]++;
	switch (in->opcode) {
	case FUSE_INIT:
		fake_reply(fake, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		serve_lookup(fake, record, in, body);
		break;
	case FUSE_GETATTR:
		serve_attr(record, in->nodeid, &attr.attr);
		fake_reply(fake, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_SETATTR:
		serve_setattr(fake, record, in, body);
		break;
	case FUSE_GETXATTR:
		serve_getxattr(fake, record, in, body);
		break;
	case FUSE_SETXATTR:
		serve_setxattr(fake, record, in, body);
		break;
	case FUSE_REMOVEXATTR:
		record->len = 0;
		record->get_error = -ENODATA;
		fake_reply(fake, in->unique, 0, NULL, 0);
		break;
	default:
		fake_handle(fake, in, body);
	}
}

static void serve(int session, void *record)
{
	recorded_serve(session, record, NULL, serve_one);
}

FIXTURE_SETUP(acls)
{
	RECORDED_SETUP();
	ASSERT_EQ(0, chmod(self->dir, 0755));
	self->record->flags = FUSE_POSIX_ACL;
	self->record->ttl = 1000;
	self->record->mode = 0660;
	acl_of_user(self->record, 4);
}

FIXTURE_TEARDOWN(acls)
{
	RECORDED_TEARDOWN();
}

static int acls_mount(struct _test_data_acls *self)
{
	self->server = server_start(SERVER, serve, self->record);
	if (self->server < 0)
		return -ECHILD;
	return RECORDED_MOUNT("");
}

/* What the user of the list is told who opens the file. */
static int user_opens(int flags)
{
	return IN_CHILD(setgroups(0, NULL) ?: setresgid(USER, USER, USER) ?:
			setresuid(USER, USER, USER) ?: open("file", flags) < 0 ? errno : 0);
}

/* Asked for since the last look. */
static uint32_t gets(struct _test_data_acls *self)
{
	uint32_t n = self->record->asked[FUSE_GETXATTR];

	self->record->asked[FUSE_GETXATTR] = 0;
	return n;
}

TEST_F(acls, heeded_and_cached)
{
	ASSERT_EQ(0, acls_mount(self));
	EXPECT_EQ(0, user_opens(O_RDONLY));
	/* For the directory, too, whose group has rights. */
	EXPECT_EQ(2, gets(self));
	EXPECT_EQ(0, user_opens(O_RDONLY));
	EXPECT_EQ(0, gets(self));
	EXPECT_EQ(EACCES, user_opens(O_WRONLY));
	/* Whom the list does not name. */
	EXPECT_EQ(EACCES, IN_CHILD(become_nobody() ?: -result(open("file", O_RDONLY))));
	/* Its owner is not asked about. */
	gets(self);
	EXPECT_EQ(0, access("file", R_OK | W_OK));
	EXPECT_EQ(0, gets(self));
}

TEST_F(acls, dropped_with_the_attributes)
{
	struct stat st;

	ASSERT_EQ(0, acls_mount(self));
	ASSERT_EQ(0, user_opens(O_RDONLY));
	/* The server says that something has changed. */
	acl_of_user(self->record, 6);
	self->record->notify = true;
	EXPECT_EQ(-ENOENT, result(stat("other", &st)));
	EXPECT_EQ(0, user_opens(O_WRONLY));
	/* Who is refused is refused by what the server has now. */
	acl_of_user(self->record, 4);
	self->record->notify = true;
	EXPECT_EQ(-ENOENT, result(stat("other", &st)));
	EXPECT_EQ(EACCES, user_opens(O_WRONLY));
	acl_of_user(self->record, 6);
	EXPECT_EQ(0, user_opens(O_WRONLY));
	/* A mode that is set may change the list. */
	acl_of_user(self->record, 0);
	ASSERT_EQ(0, chmod("file", 0660));
	EXPECT_EQ(EACCES, user_opens(O_RDONLY));
}

TEST_F(acls, asked_anew_where_attributes_are)
{
	self->record->ttl = 0;
	ASSERT_EQ(0, acls_mount(self));
	EXPECT_EQ(0, user_opens(O_RDONLY));
	acl_of_user(self->record, 0);
	EXPECT_EQ(EACCES, user_opens(O_RDONLY));
	acl_of_user(self->record, 6);
	EXPECT_EQ(0, user_opens(O_RDWR));
}

TEST_F(acls, set_and_read)
{
	uint8_t got[128], want[128];
	ssize_t len;

	ASSERT_EQ(0, acls_mount(self));
	len = getxattr("file", ACCESS, got, sizeof(got));
	ASSERT_EQ(self->record->len, len);
	EXPECT_EQ(0, memcmp(got, self->record->acl, len));
	memcpy(want, got, len);
	want[14] = 6;
	ASSERT_EQ(0, setxattr("file", ACCESS, want, len, 0));
	EXPECT_EQ(0, memcmp(want, self->record->acl, len));
	EXPECT_EQ(0, user_opens(O_RDWR));
	want[0] = 3;
	EXPECT_EQ(-EOPNOTSUPP, result(setxattr("file", ACCESS, want, len, 0)));
	want[0] = 2;
	want[4] = 77;
	EXPECT_EQ(-EINVAL, result(setxattr("file", ACCESS, want, len, 0)));
	EXPECT_EQ(EPERM, IN_CHILD(become_nobody() ?:
				  -result(setxattr("file", ACCESS, got, len, 0))));
	ASSERT_EQ(0, removexattr("file", ACCESS));
	EXPECT_EQ(-ENODATA, result(getxattr("file", ACCESS, got, sizeof(got))));
	self->record->mode = 0600;
	ASSERT_EQ(0, chmod("file", 0600));
	EXPECT_EQ(EACCES, user_opens(O_RDONLY));
}

static int set_by_user(void)
{
	uint8_t acl[128];
	ssize_t len = getxattr("file", ACCESS, acl, sizeof(acl));

	return setgroups(0, NULL) ?: setresgid(USER, USER, USER) ?: setresuid(USER, USER, USER) ?:
	       -result(setxattr("file", ACCESS, acl, len, 0));
}

TEST_F(acls, set_group_id)
{
	uint8_t acl[128];

	self->record->mode = 02660;
	self->record->uid = USER;
	self->record->gid = 7;
	ASSERT_EQ(0, acls_mount(self));
	memcpy(acl, self->record->acl, self->record->len);
	ASSERT_EQ(0, setxattr("file", ACCESS, acl, self->record->len, 0));
	EXPECT_EQ(02660, self->record->mode);
	/* Its owner, who is not of its group. */
	EXPECT_EQ(0, IN_CHILD(set_by_user()));
	EXPECT_EQ(0660, self->record->mode);
}

TEST_F(acls, set_group_id_by_the_server)
{
	uint8_t acl[128];

	self->record->flags |= FUSE_SETXATTR_EXT;
	self->record->mode = 02660;
	self->record->uid = USER;
	self->record->gid = 7;
	ASSERT_EQ(0, acls_mount(self));
	memcpy(acl, self->record->acl, self->record->len);
	ASSERT_EQ(0, setxattr("file", ACCESS, acl, self->record->len, 0));
	EXPECT_EQ(0, self->record->set_flags);
	EXPECT_EQ(0, IN_CHILD(set_by_user()));
	EXPECT_EQ(FUSE_SETXATTR_ACL_KILL_SGID, self->record->set_flags);
	EXPECT_EQ(02660, self->record->mode);
}

TEST_F(acls, not_of_servers_that_do_not_ask)
{
	uint8_t acl[128];

	memcpy(acl, self->record->acl, self->record->len);
	self->record->flags = 0;
	ASSERT_EQ(0, acls_mount(self));
	EXPECT_EQ(-EOPNOTSUPP, result(setxattr("file", ACCESS, acl, self->record->len, 0)));
	EXPECT_EQ(-EOPNOTSUPP, result(getxattr("file", ACCESS, acl, sizeof(acl))));
	EXPECT_EQ(EACCES, user_opens(O_RDONLY));
	EXPECT_EQ(0, gets(self));
	EXPECT_EQ(0, self->record->asked[FUSE_SETXATTR]);
}

TEST_F(acls, lists_that_cannot_be)
{
	static const int errors[] = { -EIO, -EACCES, -ERANGE, -ENOMEM };

	self->record->ttl = 0;
	ASSERT_EQ(0, acls_mount(self));
	ASSERT_EQ(0, user_opens(O_RDONLY));
	/* Cut short, of another version, with an unknown tag, twice the same, too long. */
	self->record->len -= 1;
	EXPECT_EQ(EIO, user_opens(O_RDONLY));
	self->record->len = 3;
	EXPECT_EQ(EIO, user_opens(O_RDONLY));
	acl_of_user(self->record, 6);
	self->record->acl[0] = 1;
	EXPECT_EQ(EIO, user_opens(O_RDONLY));
	acl_of_user(self->record, 6);
	self->record->acl[12] = 77;
	EXPECT_EQ(EIO, user_opens(O_RDONLY));
	acl_of_user(self->record, 6);
	self->record->acl[12] = 1;
	EXPECT_EQ(EIO, user_opens(O_RDONLY));
	self->record->len = sizeof(self->record->acl);
	EXPECT_EQ(E2BIG, user_opens(O_RDONLY));
	acl_of_user(self->record, 6);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		self->record->get_error = errors[i];
		EXPECT_EQ(errors[i] == -ERANGE ? E2BIG : -errors[i], user_opens(O_RDONLY));
	}
	/* None is none: the mode decides. */
	self->record->get_error = 0;
	self->record->len = 4;
	EXPECT_EQ(EACCES, user_opens(O_RDONLY));
	self->record->get_error = -ENODATA;
	self->record->mode = 0664;
	EXPECT_EQ(0, user_opens(O_RDONLY));
	/* A server that has no attributes is not asked again. */
	self->record->get_error = -ENOSYS;
	EXPECT_EQ(0, user_opens(O_RDONLY));
	gets(self);
	EXPECT_EQ(0, user_opens(O_RDONLY));
	EXPECT_EQ(0, gets(self));
	kill(self->server, SIGKILL);
}

TEST_HARNESS_MAIN
