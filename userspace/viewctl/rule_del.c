// SPDX-License-Identifier: GPL-2.0
/* viewctl rule del: take rules of a view back */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "ruling.h"

static bool id_parse(const char *text, uint64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno;
}

static int rule_del(int argc, char **argv)
{
	static const struct option options[] = { OPTION_HELP };
	int fd, i, opt, ret, status = EXIT_DONE;
	uint64_t id;

	opt = getopt_long(argc, argv, ":h", options, NULL);
	if (opt != -1)
		return option_rest(&verb_rule_del, opt, argv);
	if (argc - optind < 2)
		return usage(&verb_rule_del, "%s is missing",
			     optind == argc ? "the view" : "the rule's id");
	for (i = optind + 1; i < argc; i++)
		if (!id_parse(argv[i], &id))
			return usage(&verb_rule_del, "'%s': expected the id of a rule", argv[i]);
	fd = view_open_by_name(argv[optind]);
	if (fd < 0)
		return EXIT_FAILED;
	for (i = optind + 1; i < argc; i++) {
		id_parse(argv[i], &id);
		ret = viewos_rule_del(fd, id);
		if (ret < 0)
			status = fail("'%s': '%s': %s", argv[optind], argv[i],
				      rule_error(ret, NULL));
	}
	close(fd);
	return status;
}

const struct verb verb_rule_del = {
	.name = "rule del",
	.args = "VIEW ID...",
	.summary = "Delete rules of a view; sockets made under them stay",
	.help = "",
	.run = rule_del,
};
