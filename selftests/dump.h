/* SPDX-License-Identifier: GPL-2.0 */
/* Dumps of the generic netlink family. */
#ifndef _VIEWOS_DUMP_H
#define _VIEWOS_DUMP_H

#include "abi.h"

/* Reads a dump, and counts the messages in which @attr has the value of @len bytes at @data. */
static inline int dump_count(uint8_t cmd, uint64_t view, uint16_t attr, const void *data,
			     size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nl_message message;
	static char answer[65536];
	int family = nl_family();
	int fd, found = 0;
	bool done = false;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (family < 0 || fd < 0)
		return -EIO;
	nl_begin(&message, family, cmd, NLM_F_DUMP);
	if (view)
		nl_put(&message, VIEWOS_A_VIEW_ID, &view, sizeof(view));
	sendto(fd, &message, message.header.nlmsg_len, 0, (void *)&kernel, sizeof(kernel));
	while (!done) {
		int left = recv(fd, answer, sizeof(answer), 0);
		struct nlmsghdr *header = (void *)answer;

		for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
			struct nlattr *a = NLMSG_DATA(header) + GENL_HDRLEN;

			if (header->nlmsg_type == NLMSG_ERROR) {
				close(fd);
				return ((struct nlmsgerr *)NLMSG_DATA(header))->error;
			}
			if (header->nlmsg_type == NLMSG_DONE) {
				done = true;
				break;
			}
			for (; (char *)a < (char *)header + header->nlmsg_len;
			     a = (void *)a + NLA_ALIGN(a->nla_len))
				if ((a->nla_type & NLA_TYPE_MASK) == attr &&
				    a->nla_len >= NLA_HDRLEN + len &&
				    !memcmp((void *)a + NLA_HDRLEN, data, len))
					found++;
		}
		if (left < 0)
			break;
	}
	close(fd);
	return found;
}

#endif /* _VIEWOS_DUMP_H */
