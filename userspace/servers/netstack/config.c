// SPDX-License-Identifier: GPL-2.0
/* viewos-netstack: source and options. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/options.h"
#include "config.h"

#define PROGRAM "viewos-netstack"

struct texts {
	char *ip;
	char *gw;
	char *ip6;
	char *gw6;
	char *name;
	uint64_t mtu;
};

static const struct option_entry entries[] = {
	{ "ip", OPTION_STRING, offsetof(struct texts, ip) },
	{ "gw", OPTION_STRING, offsetof(struct texts, gw) },
	{ "ip6", OPTION_STRING, offsetof(struct texts, ip6) },
	{ "gw6", OPTION_STRING, offsetof(struct texts, gw6) },
	/* Of no meaning but that stacks of different names are different. */
	{ "name", OPTION_STRING, offsetof(struct texts, name) },
	{ "mtu", OPTION_NUMBER, offsetof(struct texts, mtu) },
	{}
};

static int complain(const char *option, const char *text, const char *expected)
{
	fprintf(stderr, PROGRAM ": option \"%s\": \"%s\" is not %s\n", option, text, expected);
	return -EINVAL;
}

/* "ADDRESS/LENGTH" */
static int parse_network(const char *option, const char *text, int family, void *address,
			 unsigned int *prefix)
{
	unsigned int most = family == AF_INET ? 32 : 128;
	char copy[INET6_ADDRSTRLEN + 8], *slash, *end;
	unsigned long length = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (slash && slash[1] >= '0' && slash[1] <= '9') {
		*slash = '\0';
		length = strtoul(slash + 1, &end, 10);
		if (*end)
			length = 0;
	}
	if (!length || length > most || inet_pton(family, copy, address) != 1)
		return complain(option, text, "an address with a length, as in 10.0.0.2/24");
	*prefix = length;
	return 0;
}

static int parse_address(const char *option, const char *text, int family, void *address)
{
	if (inet_pton(family, text, address) != 1)
		return complain(option, text, "an address");
	return 0;
}

/* What the network is asked for; then there must be one, and a gateway is its affair. */
static int parse_automatic(const struct texts *texts, struct config *config)
{
	config->dhcp = texts->ip && !strcmp(texts->ip, "dhcp");
	config->auto6 = texts->ip6 && !strcmp(texts->ip6, "auto");
	if (config->dhcp) {
		config->prefix = 0;
		config->gateway.s_addr = 0;
	}
	if (!*config->url && (config->dhcp || config->auto6)) {
		fprintf(stderr, PROGRAM ": option \"%s\": there is no network to ask\n",
			config->dhcp ? "ip" : "ip6");
		return -EINVAL;
	}
	if (config->dhcp && texts->gw)
		return complain("gw", texts->gw, "possible beside ip=dhcp");
	if (config->auto6 && texts->gw6)
		return complain("gw6", texts->gw6, "possible beside ip6=auto");
	return 0;
}

static int parse_texts(const struct texts *texts, struct config *config)
{
	int err;

	err = parse_automatic(texts, config);
	if (!err && texts->ip && !config->dhcp)
		err = parse_network("ip", texts->ip, AF_INET, &config->ip, &config->prefix);
	if (!err && texts->gw)
		err = parse_address("gw", texts->gw, AF_INET, &config->gateway);
	if (!err && texts->ip6 && !config->auto6)
		err = parse_network("ip6", texts->ip6, AF_INET6, &config->ip6, &config->prefix6);
	if (!err && texts->gw6)
		err = parse_address("gw6", texts->gw6, AF_INET6, &config->gateway6);
	if (err)
		return err;
	if (texts->mtu < CONFIG_MTU_MIN || texts->mtu > CONFIG_MTU_MAX) {
		fprintf(stderr, PROGRAM ": option \"mtu\": not from %d to %d\n", CONFIG_MTU_MIN,
			CONFIG_MTU_MAX);
		return -EINVAL;
	}
	config->mtu = texts->mtu;
	return 0;
}

/* Of the plugs only this one does nothing that the user could not do. */
static bool for_anybody(const char *url)
{
	return !*url || !strcmp(url, "slirp://");
}

int config_parse(const struct viewos_accepted *accepted, struct config *config)
{
	struct texts texts = { .mtu = 1500 };
	int err;

	memset(config, 0, sizeof(*config));
	snprintf(config->url, sizeof(config->url), "%s", accepted->source);
	if (*config->url && !strstr(config->url, "://")) {
		fprintf(stderr, PROGRAM ": source \"%s\": not a URL such as slirp://\n",
			config->url);
		return -EINVAL;
	}
	if (accepted->uid != geteuid() && !for_anybody(config->url)) {
		fprintf(stderr, PROGRAM ": source \"%s\": only for the server's own user\n",
			config->url);
		return -EPERM;
	}
	/* What it gives to everybody. */
	if (!strncmp(config->url, "slirp://", 8)) {
		inet_pton(AF_INET, "10.0.2.15", &config->ip);
		inet_pton(AF_INET, "10.0.2.2", &config->gateway);
		config->prefix = 24;
	}
	err = options_parse(PROGRAM, accepted->options, entries, &texts);
	if (!err)
		err = parse_texts(&texts, config);
	free(texts.ip);
	free(texts.gw);
	free(texts.ip6);
	free(texts.gw6);
	free(texts.name);
	return err;
}
