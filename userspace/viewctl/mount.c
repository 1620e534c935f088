// SPDX-License-Identifier: GPL-2.0
/* viewctl mount: let a server show its files in a view */
#include <errno.h>
#include <string.h>

#include "inside.h"
#include "mounting.h"
#include "viewctl.h"

static int do_mount(void *arg)
{
	return mounting_do(arg) < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* What the command line says beside the mounting itself. */
struct request {
	const char *server;
	const char *name;
	const char *view;
};

static int mount_in(struct mounting *mounting, const struct request *request, const char *source)
{
	int status;

	if (mounting_source(mounting, source) < 0)
		return fail("'%s': %s", source, strerror(ENOMEM));
	if (mounting_prepare(mounting, request->server, request->name) < 0)
		return EXIT_FAILED;
	status = inside(request->view, do_mount, mounting);
	if (status)
		mounting_cancel(mounting);
	return status;
}

static int arguments_check(const struct mounting *mounting, const struct request *request,
			   int count, char **argv)
{
	if (count < 2)
		return usage(&verb_mount, "%s is missing", count ? "the target" : "the source");
	if (count > 2)
		return usage(&verb_mount, "'%s': unexpected argument", argv[2]);
	if (!mounting->type && !request->server)
		return usage(&verb_mount, "--type or --server is missing");
	if (request->server && request->name)
		return usage(&verb_mount, "--name: '%s': no server is started with --server",
			     request->name);
	return EXIT_DONE;
}

static int mount(int argc, char **argv)
{
	static const struct option options[] = {
		{ "type", required_argument, NULL, 't' },
		{ "options", required_argument, NULL, 'o' },
		{ "server", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'N' },
		{ "view", required_argument, NULL, 'v' },
		OPTION_HELP
	};
	struct mounting mounting = { 0 };
	struct request request = { 0 };
	int opt, status;

	while ((opt = getopt_long(argc, argv, ":ht:o:", options, NULL)) != -1) {
		if (opt == 't')
			mounting.type = optarg;
		else if (opt == 's')
			request.server = optarg;
		else if (opt == 'N')
			request.name = optarg;
		else if (opt == 'v')
			request.view = optarg;
		else if (opt != 'o')
			return option_rest(&verb_mount, opt, argv);
		else if (mounting_options(&mounting, optarg) < 0)
			return fail("'%s': %s", optarg, strerror(ENOMEM));
	}
	status = arguments_check(&mounting, &request, argc - optind, argv + optind);
	if (!status) {
		mounting.target = argv[optind + 1];
		status = mount_in(&mounting, &request, argv[optind]);
	}
	mounting_free(&mounting);
	return status;
}

const struct verb verb_mount = {
	.name = "mount",
	.args = "-t TYPE [OPTIONS] SOURCE TARGET",
	.summary = "Mount what a server shows of SOURCE, in the current view or another",
	.help = "  -t, --type TYPE          use the server registered as TYPE, or else start the\n"
		"                           program viewos-TYPE, or else the FUSE program TYPE\n"
		"  -o, --options OPTION,... ro, nosuid, nodev, noexec, noatime, nodiratime;\n"
		"                           of viewfs: timeout=SECONDS for a request,\n"
		"                           recover=SECONDS for another server,\n"
		"                           server_access, default_permissions; all others are\n"
		"                           the server's\n"
		"      --server NAME        use this registered server\n"
		"      --name NAME          register the program that is started as NAME\n"
		"      --view VIEW          mount inside this view\n",
	.run = mount,
};
