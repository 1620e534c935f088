// SPDX-License-Identifier: GPL-2.0
/* viewctl rule: verbs about the rules of a view */
#include "viewctl.h"

static const struct verb *const rule_verbs[] = {
	&verb_rule_add,
	&verb_rule_del,
	&verb_rule_ls,
	NULL,
};

const struct verb verb_rule = {
	.name = "rule",
	.args = "add|del|ls [OPTIONS] [ARGUMENTS]",
	.summary = "Add, delete and list the rules of views",
	.help = "",
	.verbs = rule_verbs,
};
