// SPDX-License-Identifier: GPL-2.0
/* viewos-netstack: addresses of the interface. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "space.h"

/* As <linux/if_addr.h> and the kernel's <net/ipv6.h> have them. */
#define ADDRESS_TENTATIVE	0x40
#define ADDRESS_PERMANENT	0x80
#define SCOPE_LINK		0x20

static int do_ioctl(unsigned long command, void *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret, error;

	if (fd < 0)
		return -1;
	ret = ioctl(fd, command, arg);
	error = errno;
	close(fd);
	errno = error;
	return ret;
}

static void put(struct sockaddr *to, in_addr_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = address };

	memcpy(to, &in, sizeof(in));
}

int address_set(struct in_addr address, struct in_addr mask)
{
	struct ifreq ifr = { .ifr_name = SPACE_INTERFACE };

	put(&ifr.ifr_addr, address.s_addr);
	if (do_ioctl(SIOCSIFADDR, &ifr))
		return -1;
	put(&ifr.ifr_netmask, mask.s_addr);
	return do_ioctl(SIOCSIFNETMASK, &ifr);
}

int address_clear(void)
{
	struct ifreq ifr = { .ifr_name = SPACE_INTERFACE };

	put(&ifr.ifr_addr, 0);
	return do_ioctl(SIOCSIFADDR, &ifr);
}

int address_gateway(struct in_addr gateway)
{
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	put(&route.rt_dst, 0);
	put(&route.rt_genmask, 0);
	put(&route.rt_gateway, gateway.s_addr);
	return do_ioctl(SIOCADDRT, &route);
}

in_addr_t address_get(void)
{
	struct ifreq ifr = { .ifr_name = SPACE_INTERFACE };
	struct sockaddr_in in;

	if (do_ioctl(SIOCGIFADDR, &ifr))
		return 0;
	memcpy(&in, &ifr.ifr_addr, sizeof(in));
	return in.sin_addr.s_addr;
}

/* A line of /proc/net/if_inet6: address, index, length, scope, flags, name. */
static bool is_automatic6(const char *line)
{
	unsigned int scope, flags;
	char name[IFNAMSIZ];

	return sscanf(line, "%*32s %*x %*x %x %x %15s", &scope, &flags, name) == 3 &&
	       !strcmp(name, SPACE_INTERFACE) && scope != SCOPE_LINK &&
	       !(flags & (ADDRESS_TENTATIVE | ADDRESS_PERMANENT));
}

bool address_automatic6(void)
{
	int fd = open("/proc/self/net/if_inet6", O_RDONLY | O_CLOEXEC);
	char text[4096], *line;
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	for (line = text; line && *line; line = strchr(line, '\n'), line += !!line)
		if (is_automatic6(line))
			return true;
	return false;
}
