// SPDX-License-Identifier: GPL-2.0
/*
 * viewos-ids: files of a view belong to whom its programs have given them, and are the devices
 * that these have made, and its programs are who they have become, though none of this is so
 * outside.
 *
 * A session has one thread, so what one call does the next one sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/options.h"
#include "ids.h"

/**
 * struct ids - a session
 * @store: what is kept
 * @keeping: where, from one view to the next; no path if nowhere
 * @everybody: who has changed nothing is told who he is, too
 * @complaints: stderr as it was at the beginning
 */
struct ids {
	struct store store;
	struct keeping keeping;
	bool everybody;
	FILE *complaints;
};

static const struct option_entry options[] = {
	{ "uid", OPTION_ID, offsetof(struct ids, store.uid) },
	{ "gid", OPTION_ID, offsetof(struct ids, store.gid) },
	{ "everybody", OPTION_FLAG, offsetof(struct ids, everybody) },
	{ NULL, 0, 0 },
};

static void ids_close(void *data)
{
	struct ids *ids = data;

	keeping_close(&ids->keeping, &ids->store, ids->complaints ? ids->complaints : stderr);
	if (ids->complaints)
		fclose(ids->complaints);
	store_free(&ids->store);
	people_free(&ids->store.people);
	free(ids);
}

static int complaints_open(struct ids *ids)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	ids->complaints = fd < 0 ? NULL : fdopen(fd, "a");
	if (fd >= 0 && !ids->complaints)
		close(fd);
	return ids->complaints ? 0 : -ENOMEM;
}

static int ids_open(const struct viewos_accepted *accepted, void **data)
{
	struct ids *ids;
	int ret;

	/* The list is read and written with the server's rights. */
	if (accepted->uid != geteuid())
		return -EPERM;
	ids = calloc(1, sizeof(*ids));
	if (!ids || table_init(&ids->store.table)) {
		free(ids);
		return -ENOMEM;
	}
	ids->keeping.fd = -1;
	ids->store.own_uid = accepted->uid;
	ids->store.own_gid = accepted->gid;
	ret = options_parse("viewos-ids", accepted->options, options, ids);
	if (!ret)
		ret = people_init(&ids->store.people, ids->store.uid, ids->store.gid);
	if (!ret && *accepted->source)
		ret = keeping_open(&ids->keeping, accepted->source, &ids->store);
	if (!ret && *accepted->source)
		ret = complaints_open(ids);
	if (ret) {
		ids_close(ids);
		return ret;
	}
	*data = ids;
	return 0;
}

static int ids_init(struct viewos_call_session *session, void *data)
{
	const struct ids *ids = data;
	int ret = calls_init(session);

	return ret ? ret : users_init(session, ids->everybody);
}

static void ids_call(struct viewos_call_req *req)
{
	struct ids *ids = req->data;

	if (!users_call(&ids->store.people, req))
		calls_made(&ids->store, req);
}

static void ids_ended(struct viewos_call_req *req)
{
	struct ids *ids = req->data;

	calls_ended(&ids->store, req);
}

int main(int argc, char **argv)
{
	static const struct viewos_call_ops ops = {
		.init = ids_init, .call = ids_call, .ended = ids_ended };
	static const struct viewos_call_server server = {
		.name = "ids",
		.ops = &ops,
		.ops_size = sizeof(ops),
		.threads = 1,
		.open = ids_open,
		.close = ids_close,
		.usage = "A rule is for @ids. The source is a file, from which is read whose\n"
			 "files are, and to which it is written at the end. Options: uid=N and gid=N,\n"
			 "whom the user's own files belong to (0); everybody, where the user is not\n"
			 "seen as that one by himself. See viewctl help run.\n",
	};

	calls_find();
	users_find();
	return viewos_call_main(argc, argv, &server);
}
