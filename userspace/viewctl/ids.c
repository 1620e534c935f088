// SPDX-License-Identifier: GPL-2.0
/* viewctl: --ids, owners and devices that are so in the view alone */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "ids.h"

/* Now, while there is somebody to be told; and the server has another current directory. */
static int file_open(struct ids *ids)
{
	int fd = open(ids->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	int ret = 0;

	if (fd >= 0)
		ids->path = realpath(ids->file, NULL);
	if (!ids->path)
		ret = -errno;
	else if (strlen(ids->path) >= VIEWOS_SOURCE_LEN)
		ret = -ENAMETOOLONG;
	if (fd >= 0)
		close(fd);
	if (ret)
		fail_at(&ids->where, "'%s': %s", ids->file, strerror(-ret));
	return ret;
}

static const char *ids_error(const struct ids *ids, int error)
{
	switch (-error) {
	case EBADMSG:
		return "it is no list of ids, as was told above";
	case EBUSY:
		return ids->path ? "another view keeps its ids there" : calls_error(error, true);
	case EPROTO:
	case EINVAL:
		return "the server, or the module that is loaded, is too old for it";
	default:
		return calls_error(error, true);
	}
}

static int rule_add(const struct ids *ids, int view, struct viewos_call_rule *rule,
		    const char *text)
{
	char error[512];
	int ret = calls_parse(text, rule, error, sizeof(error));

	if (ret < 0) {
		fail_at(&ids->where, "%s", ret == -ENOMEM ? strerror(ENOMEM) : error);
		return ret;
	}
	if (rule->verdict == VIEWOS_VERDICT_SERVE) {
		snprintf(rule->target, sizeof(rule->target), "%s", ids->server.name);
		snprintf(rule->source, sizeof(rule->source), "%s", ids->path ? ids->path : "");
	}
	rule->flags |= VIEWOS_RULE_ADD_KNOWN;
	ret = viewos_call_rule_add(view, rule, NULL);
	if (ret < 0 && ids->path)
		fail_at(&ids->where, "'%s': %s", ids->path, ids_error(ids, ret));
	else if (ret < 0)
		fail_at(&ids->where, "%s", ids_error(ids, ret));
	return ret;
}

/*
 * Where the kernel says by itself who one is, it is asked who has become somebody else alone.
 */
#define IDS_RULE_LEN	160

static void rule_write(char rule[IDS_RULE_LEN], const struct identity *identity, bool everybody)
{
	snprintf(rule, IDS_RULE_LEN, "@ids=serve:ids,uid=%u,gid=%u%s", identity->uid,
		 identity->gid, everybody ? ",everybody" : "");
}

static int rules_add(const struct ids *ids, int view, const struct identity *identity, bool mapped)
{
	struct viewos_call_rule *rule = malloc(sizeof(*rule));
	char text[IDS_RULE_LEN];
	int ret;

	if (!rule)
		return -ENOMEM;
	rule_write(text, identity, !mapped && identity_differs(identity));
	ret = rule_add(ids, view, rule, text);
	free(rule);
	return ret;
}

int ids_rulings(struct rulings *rulings, const struct identity *identity)
{
	static const struct where where = { .name = "--ids" };
	struct ruling *ruling;
	char rule[IDS_RULE_LEN];

	rule_write(rule, identity, false);
	if (rulings_calls(rulings, &where, rule))
		return -ENOMEM;
	for (ruling = rulings->first; ruling; ruling = ruling->next) {
		ruling->calls->flags |= VIEWOS_RULE_ADD_KNOWN;
		ruling->any_source = true;
	}
	return 0;
}

/* A server of its own for each view, as its end is to be waited for. */
static int server_start(struct ids *ids, uint64_t view_id)
{
	char name[VIEWOS_NAME_LEN];
	int ret;

	snprintf(name, sizeof(name), "ids@%" PRIu64, view_id);
	ret = ondemand_get(&ids->server, VIEWOS_CLASS_SYSCALL, "ids", name, false);
	if (ret < 0 || !ids->path)
		return ret;
	ids->pidfd = syscall(SYS_pidfd_open, ids->server.pid, 0);
	if (ids->pidfd >= 0)
		return 0;
	ret = -errno;
	ids->pidfd = 0;
	fail("viewos-ids: %s", strerror(-ret));
	return ret;
}

int ids_start(struct ids *ids, uint64_t view_id)
{
	int ret;

	if (!ids->wanted)
		return 0;
	ret = ids->file ? file_open(ids) : 0;
	if (!ret)
		ret = server_start(ids, view_id);
	return ret < 0 ? ret : 0;
}

int ids_add(const struct ids *ids, int view, const struct identity *identity, bool mapped)
{
	return ids->wanted ? rules_add(ids, view, identity, mapped) : 0;
}

void ids_await(const struct ids *ids)
{
	struct pollfd fd = { .fd = ids->pidfd, .events = POLLIN };

	while (ids->pidfd && poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
}

void ids_cancel(struct ids *ids)
{
	if (ids->wanted)
		ondemand_kill(&ids->server);
}

void ids_free(struct ids *ids)
{
	if (ids->pidfd)
		close(ids->pidfd);
	free(ids->path);
}
