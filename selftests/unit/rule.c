// SPDX-License-Identifier: GPL-2.0
/* Rules as text, as libviewos reads and writes them: every form, every wrong token. */

#include "../viewos_test.h"

#include "../../userspace/lib/viewos.h"

#include <arpa/inet.h>

static struct viewos_rule rules[VIEWOS_RULE_PARSED_MAX];
static char message[512];

static int parse(const char *text)
{
	/* What was there before must not show through. */
	memset(rules, 0xa5, sizeof(rules));
	memset(message, 0, sizeof(message));
	return viewos_rule_parse(text, rules, message, sizeof(message));
}

static const char *text_of(const struct viewos_rule *rule)
{
	static char text[2 * VIEWOS_SOURCE_LEN + 256];
	int len = viewos_rule_format(rule, text, sizeof(text));

	return len == (int)strlen(text) ? text : "(wrong length)";
}

TEST(match)
{
	static const struct {
		const char *text;
		int family, type, protocol;
	} cases[] = {
		{ "any=native", -1, -1, -1 },
		{ "*=native", -1, -1, -1 },
		{ "*/*/*=native", -1, -1, -1 },
		{ "any/any/any=native", -1, -1, -1 },
		{ "inet=native", AF_INET, -1, -1 },
		{ "2=native", 2, -1, -1 },
		{ "0x2=native", 2, -1, -1 },
		{ "0=native", 0, -1, -1 },
		{ "255=native", 255, -1, -1 },
		{ "inet6/stream=native", AF_INET6, SOCK_STREAM, -1 },
		{ "inet/2=native", AF_INET, SOCK_DGRAM, -1 },
		{ "inet/10=native", AF_INET, 10, -1 },
		{ "any/stream=native", -1, SOCK_STREAM, -1 },
		{ "inet/any/tcp=native", AF_INET, -1, IPPROTO_TCP },
		{ "inet/stream/tcp=native", AF_INET, SOCK_STREAM, IPPROTO_TCP },
		{ "inet/stream/mptcp=native", AF_INET, SOCK_STREAM, 262 },
		{ "inet/stream/sctp=native", AF_INET, SOCK_STREAM, IPPROTO_SCTP },
		{ "inet/dgram/0=native", AF_INET, SOCK_DGRAM, 0 },
		{ "inet/raw/255=native", AF_INET, SOCK_RAW, 255 },
		{ "inet6/raw/icmpv6=native", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
		{ "any/any/6=native", -1, -1, 6 },
		{ "unix/seqpacket=native", AF_UNIX, SOCK_SEQPACKET, -1 },
		{ "local/dgram=native", AF_UNIX, SOCK_DGRAM, -1 },
		{ "netlink=native", AF_NETLINK, -1, -1 },
		{ "route=native", AF_NETLINK, -1, -1 },
		{ "netlink/any/route=native", AF_NETLINK, -1, 0 },
		{ "netlink/raw/generic=native", AF_NETLINK, SOCK_RAW, 16 },
		{ "netlink/raw/uevent=native", AF_NETLINK, SOCK_RAW, 15 },
		{ "packet/raw/all=native", AF_PACKET, SOCK_RAW, 0x300 },
		{ "packet/packet=native", AF_PACKET, SOCK_PACKET, -1 },
		{ "vsock/stream=native", AF_VSOCK, SOCK_STREAM, -1 },
		{ "bluetooth/raw/hci=native", AF_BLUETOOTH, SOCK_RAW, 1 },
		{ "can/dgram/bcm=native", AF_CAN, SOCK_DGRAM, 2 },
		{ "can/raw/raw=native", AF_CAN, SOCK_RAW, 1 },
		{ "alg/seqpacket=native", AF_ALG, SOCK_SEQPACKET, -1 },
		{ "xdp=native", AF_XDP, -1, -1 },
		{ "rds/rdm=native", AF_RDS, SOCK_RDM, -1 },
		{ "inet/dccp/dccp=native", AF_INET, SOCK_DCCP, IPPROTO_DCCP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASSERT_EQ(1, parse(cases[i].text));
		EXPECT_EQ(VIEWOS_CLASS_SOCKET, rules[0].class_);
		EXPECT_EQ(cases[i].family, rules[0].family);
		EXPECT_EQ(cases[i].type, rules[0].type);
		EXPECT_EQ(cases[i].protocol, rules[0].protocol);
		EXPECT_EQ(VIEWOS_VERDICT_NATIVE, rules[0].verdict);
		EXPECT_EQ(-1, rules[0].netns);
		EXPECT_EQ(0, rules[0].error);
		EXPECT_STREQ("", rules[0].stack);
		EXPECT_STREQ("", rules[0].target);
		EXPECT_STREQ("", rules[0].source);
		EXPECT_STREQ("", rules[0].options);
		EXPECT_STREQ("", message);
	}
}

TEST(inet46)
{
	ASSERT_EQ(2, parse("inet46/stream/tcp@a=deny:EPERM"));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(i ? AF_INET6 : AF_INET, rules[i].family);
		EXPECT_EQ(SOCK_STREAM, rules[i].type);
		EXPECT_EQ(IPPROTO_TCP, rules[i].protocol);
		EXPECT_EQ(VIEWOS_VERDICT_DENY, rules[i].verdict);
		EXPECT_EQ(EPERM, rules[i].error);
		EXPECT_STREQ("a", rules[i].stack);
	}
}

TEST(deny)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{ "inet=deny", EACCES },
		{ "inet=deny:EAFNOSUPPORT", EAFNOSUPPORT },
		{ "inet=deny:1", 1 },
		{ "inet=deny:511", 511 },
		{ "inet=deny:EWOULDBLOCK", EAGAIN },
		{ "inet=deny:EAGAIN", EAGAIN },
		{ "inet=deny:ENOTSUP", EOPNOTSUPP },
		{ "inet=deny:EOPNOTSUPP", EOPNOTSUPP },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASSERT_EQ(1, parse(cases[i].text));
		EXPECT_EQ(VIEWOS_VERDICT_DENY, rules[0].verdict);
		EXPECT_EQ(cases[i].error, rules[0].error);
	}
}

TEST(stack)
{
	ASSERT_EQ(1, parse("any=stack:lwip"));
	EXPECT_EQ(VIEWOS_VERDICT_REDIRECT, rules[0].verdict);
	EXPECT_EQ(-1, rules[0].netns);
	EXPECT_STREQ("lwip", rules[0].target);
	EXPECT_STREQ("", rules[0].stack);
	ASSERT_EQ(1, parse("inet/stream@lw-ip_2.0:x@y=native"));
	EXPECT_STREQ("lw-ip_2.0:x@y", rules[0].stack);
	EXPECT_EQ(VIEWOS_VERDICT_NATIVE, rules[0].verdict);
	ASSERT_EQ(1, parse("any@a=stack:b:c"));
	EXPECT_STREQ("b:c", rules[0].target);
}

TEST(netns)
{
	static const struct {
		const char *text, *source;
	} cases[] = {
		{ "inet=netns:/proc/self/ns/net", "/proc/self/ns/net" },
		{ "inet=netns:./here", "./here" },
		{ "inet=netns:vpn", "/run/netns/vpn" },
		{ "inet=netns:vpn:2", "/run/netns/vpn:2" },
		{ "inet=netns:4711", "/proc/4711/ns/net" },
		{ "inet=netns:4711a", "/run/netns/4711a" },
		{ "inet=netns:a=b", "/run/netns/a=b" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASSERT_EQ(1, parse(cases[i].text));
		EXPECT_EQ(VIEWOS_VERDICT_REDIRECT, rules[0].verdict);
		EXPECT_EQ(-1, rules[0].netns);
		EXPECT_STREQ("", rules[0].target);
		EXPECT_STREQ(cases[i].source, rules[0].source);
	}
}

TEST(serve)
{
	static const struct {
		const char *text, *target, *options, *source;
	} cases[] = {
		{ "inet=serve:lwip", "lwip", "", "" },
		{ "inet=serve:lwip:", "lwip", "", "" },
		{ "inet=serve:lwip,", "lwip", "", "" },
		{ "inet=serve:lwip:tap0", "lwip", "", "tap0" },
		{ "inet=serve:lwip,mtu=1400", "lwip", "mtu=1400", "" },
		{ "inet=serve:lwip,mtu=1400,ip=10.0.0.1:vde:/run/vde",
		  "lwip", "mtu=1400,ip=10.0.0.1", "vde:/run/vde" },
		{ "inet=serve:lwip:a,b@c=d", "lwip", "", "a,b@c=d" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASSERT_EQ(1, parse(cases[i].text));
		EXPECT_EQ(VIEWOS_VERDICT_SERVE, rules[0].verdict);
		EXPECT_STREQ(cases[i].target, rules[0].target);
		EXPECT_STREQ(cases[i].options, rules[0].options);
		EXPECT_STREQ(cases[i].source, rules[0].source);
	}
}

/* The complaint quotes the token, and says what was expected. */
TEST(wrong)
{
	static const struct {
		const char *text, *quoted;
	} cases[] = {
		{ "", "''" },
		{ "inet", "'inet'" },
		{ "=native", "''" },
		{ "inett=native", "'inett'" },
		{ "INET=native", "'INET'" },
		{ "-1=native", "'-1'" },
		{ "256=native", "'256'" },
		{ "2x=native", "'2x'" },
		{ " inet=native", "' inet'" },
		{ "99999999999999999999=native", "'99999999999999999999'" },
		{ "inet/=native", "''" },
		{ "inet/tcp=native", "'tcp'" },
		{ "inet/0=native", "'0'" },
		{ "inet/11=native", "'11'" },
		{ "inet/-1=native", "'-1'" },
		{ "inet/stream/=native", "''" },
		{ "inet/stream/foo=native", "'foo'" },
		{ "inet/stream/-1=native", "'-1'" },
		{ "inet/stream/4294967296=native", "'4294967296'" },
		{ "any/any/tcp=native", "'tcp'" },
		{ "unix/any/tcp=native", "'tcp'" },
		{ "netlink/raw/tcp=native", "'tcp'" },
		{ "packet/raw/foo=native", "'foo'" },
		{ "can/raw/foo=native", "'foo'" },
		{ "bluetooth/raw/foo=native", "'foo'" },
		{ "inet46/any/foo=native", "'foo'" },
		{ "inet/stream/tcp/x=native", "'x'" },
		{ "inet@=native", "''" },
		{ "inet@9=native", "'9'" },
		{ "inet@a b=native", "'a b'" },
		{ "inet=", "''" },
		{ "inet=Native", "'Native'" },
		{ "inet=native:x", "'x'" },
		{ "inet=native:", "''" },
		{ "inet=permit", "'permit'" },
		{ "inet=deny:", "''" },
		{ "inet=deny:0", "'0'" },
		{ "inet=deny:512", "'512'" },
		{ "inet=deny:-13", "'-13'" },
		{ "inet=deny:13x", "'13x'" },
		{ "inet=deny:ENONSENSE", "'ENONSENSE'" },
		{ "inet=deny:eacces", "'eacces'" },
		{ "inet=netns", "'netns:'" },
		{ "inet=netns:", "'netns:'" },
		{ "inet=netns:.", "'.'" },
		{ "inet=netns:..", "'..'" },
		{ "inet=stack", "''" },
		{ "inet=stack:", "''" },
		{ "inet=stack:9", "'9'" },
		{ "inet=stack:a/b", "'a/b'" },
		{ "inet=serve", "'serve'" },
		{ "inet=serve:", "''" },
		{ "inet=serve::source", "''" },
		{ "inet=serve:,options", "''" },
		{ "inet=serve:9", "'9'" },
		{ "inet=serve:a/b", "'a/b'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		TH_LOG("%s", cases[i].text);
		EXPECT_EQ(-EINVAL, parse(cases[i].text));
		EXPECT_EQ(0, strncmp(message, cases[i].quoted, strlen(cases[i].quoted)));
		EXPECT_NE(NULL, strstr(message, ": "));
		/* Nobody has to want to hear it. */
		EXPECT_EQ(-EINVAL, viewos_rule_parse(cases[i].text, rules, NULL, 0));
	}
}

static int parse_long(const char *before, size_t length, const char *after)
{
	static char text[3 * VIEWOS_SOURCE_LEN];

	snprintf(text, sizeof(text), "%s%*s%s", before, (int)length, "", after);
	memset(text + strlen(before), 'a', length);
	return parse(text);
}

TEST(lengths)
{
	EXPECT_EQ(1, parse_long("inet@", VIEWOS_NAME_LEN - 1, "=native"));
	EXPECT_EQ(-EINVAL, parse_long("inet@", VIEWOS_NAME_LEN, "=native"));
	EXPECT_EQ(1, parse_long("inet=stack:", VIEWOS_NAME_LEN - 1, ""));
	EXPECT_EQ(-EINVAL, parse_long("inet=stack:", VIEWOS_NAME_LEN, ""));
	EXPECT_EQ(1, parse_long("inet=serve:", VIEWOS_NAME_LEN - 1, ":x"));
	EXPECT_EQ(-EINVAL, parse_long("inet=serve:", VIEWOS_NAME_LEN, ":x"));
	EXPECT_EQ(1, parse_long("inet=serve:a:", VIEWOS_SOURCE_LEN - 1, ""));
	EXPECT_EQ(VIEWOS_SOURCE_LEN - 1, strlen(rules[0].source));
	EXPECT_EQ(-EINVAL, parse_long("inet=serve:a:", VIEWOS_SOURCE_LEN, ""));
	EXPECT_EQ(1, parse_long("inet=serve:a,", VIEWOS_SOURCE_LEN - 1, ":s"));
	EXPECT_EQ(VIEWOS_SOURCE_LEN - 1, strlen(rules[0].options));
	EXPECT_EQ(-EINVAL, parse_long("inet=serve:a,", VIEWOS_SOURCE_LEN, ":s"));
	EXPECT_EQ(1, parse_long("inet=netns:/", VIEWOS_SOURCE_LEN - 2, ""));
	EXPECT_EQ(-EINVAL, parse_long("inet=netns:/", VIEWOS_SOURCE_LEN - 1, ""));
	EXPECT_EQ(-EINVAL, parse_long("inet=netns:", VIEWOS_SOURCE_LEN - 5, ""));
	/* A complaint is cut to the room that it has. */
	EXPECT_EQ(-EINVAL, parse_long("", VIEWOS_SOURCE_LEN, "=native"));
	EXPECT_EQ(sizeof(message) - 1, strlen(message));
	memset(message, 'x', sizeof(message));
	EXPECT_EQ(-EINVAL, viewos_rule_parse("foo", rules, message, 2));
	EXPECT_STREQ("'", message);
	EXPECT_EQ('x', message[2]);
}

/* What is written is what is read, and reads as the same. */
TEST(format)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "*=native", "any=native" },
		{ "local/1/*=native", "unix/stream=native" },
		{ "2/any/6=deny", "inet/any/tcp=deny:EACCES" },
		{ "any/any/6=deny:1", "any/any/6=deny:EPERM" },
		{ "any/stream=deny:500", "any/stream=deny:500" },
		{ "200/9/7=native", "200/9/7=native" },
		{ "inet/stream/0=native", "inet/stream/0=native" },
		{ "packet/raw/all=native", "packet/raw/all=native" },
		{ "inet6@st=stack:t", "inet6@st=stack:t" },
		{ "inet=netns:/a/b", "inet=netns:/a/b" },
		{ "inet=serve:s", "inet=serve:s" },
		{ "inet=serve:s:src", "inet=serve:s:src" },
		{ "inet=serve:s,o=1,p", "inet=serve:s,o=1,p" },
		{ "inet=serve:s,o=1,p:src", "inet=serve:s,o=1,p:src" },
	};
	struct viewos_rule first;
	char small[8];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASSERT_EQ(1, parse(cases[i].text));
		EXPECT_STREQ(cases[i].canonical, text_of(&rules[0]));
		first = rules[0];
		ASSERT_EQ(1, parse(cases[i].canonical));
		EXPECT_STREQ(cases[i].canonical, text_of(&rules[0]));
		EXPECT_EQ(0, memcmp(&first, &rules[0], offsetof(struct viewos_rule, source)));
	}
	/* Cut, with the length that it would have. */
	ASSERT_EQ(1, parse("inet/stream/tcp@stack=deny"));
	memset(small, 'x', sizeof(small));
	EXPECT_EQ((int)strlen("inet/stream/tcp@stack=deny:EACCES"),
		  viewos_rule_format(&rules[0], small, 7));
	EXPECT_STREQ("inet/s", small);
	EXPECT_EQ('x', small[7]);
	EXPECT_EQ((int)strlen("inet/stream/tcp@stack=deny:EACCES"),
		  viewos_rule_format(&rules[0], NULL, 0));
	EXPECT_EQ((int)strlen("inet/stream/tcp"),
		  viewos_match_format(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0));
}

/* Every name of a table is read as what it is shown for. */
TEST(names)
{
	char text[64];
	int n = 0;

	for (int family = -1; family < 256; family++) {
		const char *name = viewos_family_name(family);

		if (name) {
			snprintf(text, sizeof(text), "%s=native", name);
			ASSERT_EQ(1, parse(text));
			EXPECT_EQ(family, rules[0].family);
			n++;
		}
		for (int protocol = -1; protocol < 65536; protocol++) {
			const char *other = viewos_protocol_name(family, protocol);

			if (!other || !name)
				continue;
			snprintf(text, sizeof(text), "%s/any/%s=native", name, other);
			ASSERT_EQ(1, parse(text));
			EXPECT_EQ(protocol, rules[0].protocol);
		}
	}
	EXPECT_EQ(46, n);
	EXPECT_STREQ("any", viewos_family_name(-1));
	EXPECT_STREQ("unix", viewos_family_name(AF_UNIX));
	EXPECT_STREQ("any", viewos_type_name(-1));
	EXPECT_STREQ("seqpacket", viewos_type_name(SOCK_SEQPACKET));
	EXPECT_EQ(NULL, viewos_type_name(0));
	EXPECT_EQ(NULL, viewos_family_name(0));
	EXPECT_STREQ("all", viewos_protocol_name(AF_PACKET, htons(3)));
	EXPECT_EQ(NULL, viewos_protocol_name(-1, 6));
}

static uint64_t rng = 1;

static uint32_t below(uint32_t bound)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (rng >> 33) % bound;
}

/* Whatever bytes: no crash, and what is accepted can be written and read again. */
TEST(damaged_texts)
{
	static const char *const texts[] = {
		"inet/stream/tcp@stack=native", "any=deny:EACCES", "inet46/dgram=netns:vpn",
		"netlink/raw/generic=stack:other", "inet6=serve:name,option=1:source",
	};
	static const char *const pieces[] = {
		"", "/", "any", "@", "=", ":", ",", "0", "-1", "9", "a", "\xff", "\n", "native",
	};
	static char text[sizeof(rules)];
	struct viewos_rule first;
	int accepted = 0, ret;

	for (int i = 0; i < 100000; i++) {
		const char *from = texts[below(sizeof(texts) / sizeof(texts[0]))];
		size_t at = below(strlen(from) + 1), cut = below(3);

		/* A few bytes less there, and a piece more. */
		snprintf(text, sizeof(text), "%.*s%s%s", (int)at, from,
			 pieces[below(sizeof(pieces) / sizeof(pieces[0]))],
			 from + (at + cut < strlen(from) ? at + cut : strlen(from)));
		ret = viewos_rule_parse(text, rules, message, sizeof(message));
		if (ret < 0) {
			ASSERT_EQ(-EINVAL, ret);
			continue;
		}
		accepted++;
		first = rules[0];
		snprintf(text, sizeof(text), "%s", text_of(&first));
		ASSERT_EQ(1, viewos_rule_parse(text, rules, message, sizeof(message)));
		ASSERT_STREQ(text, text_of(&rules[0]));
	}
	EXPECT_LT(10000, accepted);
	EXPECT_GT(90000, accepted);
}

TEST_HARNESS_MAIN
