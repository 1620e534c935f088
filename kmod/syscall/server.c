// SPDX-License-Identifier: GPL-2.0
/* A server of system calls at work: the first words, notices, the end. */

#include <linux/audit.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <linux/viewos_syscall.h>

#include "../request.h"
#include "../session.h"
#include "fetch.h"
#include "serve.h"

void viewos_call_server_free(struct viewos_call_server *server)
{
	if (!server)
		return;
	/* From here on no notice looks for it. */
	viewos_session_set_ops(server->session, NULL, NULL);
	/* Of what its view did last it is told still. */
	viewos_session_close(server->session);
	viewos_session_put(server->session);
	kvfree_rcu(server, rcu);
}

static bool fetch_valid(const struct viewos_call_fetch *fetch)
{
	if (fetch->nr >= VIEWOS_CALLS || fetch->arg > 5 ||
	    fetch->flags & ~(VIEWOS_CALL_FETCH_AFTER | VIEWOS_CALL_FETCH_TAGGED))
		return false;
	switch (fetch->kind) {
	case VIEWOS_CALL_FETCH_NONE:
		return !fetch->len && !fetch->arg;
	case VIEWOS_CALL_FETCH_STRING:
	case VIEWOS_CALL_FETCH_BYTES:
		return fetch->len && fetch->len <= VIEWOS_CALL_MAX_FETCH;
	case VIEWOS_CALL_FETCH_FILE:
		return viewos_call_file_valid(fetch->len, fetch->arg);
	default:
		return false;
	}
}

/* What is to be sent along from now on. Runs in the server's context. */
static int server_notify(struct viewos_session *session, int code, const void *data, u32 len)
{
	struct viewos_call_server *server = session->ops_data;
	const struct viewos_call_fetch *fetch = data;
	unsigned int call;

	if (code != VIEWOS_CALL_NOTIFY_FETCH || len != sizeof(*fetch) || !fetch_valid(fetch))
		return -EINVAL;
	call = fetch->nr;
	if (fetch->arch == AUDIT_ARCH_I386)
		call += VIEWOS_ARCH_I386 * VIEWOS_CALLS;
	else if (fetch->arch != AUDIT_ARCH_X86_64)
		return -EINVAL;
	/* These have no end. */
	if (fetch->flags & VIEWOS_CALL_FETCH_AFTER && viewos_call_leaves(call))
		return -EINVAL;
	WRITE_ONCE(server->fetch[call], fetch_pack(fetch));
	return 0;
}

static const struct viewos_session_ops server_ops = {
	.notify = server_notify,
};

static int server_init(struct viewos_call_server *server)
{
	struct viewos_call_init *init;
	struct viewos_request *req;
	int err;

	req = viewos_request_alloc(VIEWOS_CALL_INIT, 0, sizeof(*init), sizeof(*init));
	if (IS_ERR(req))
		return PTR_ERR(req);
	init = viewos_request_body(req);
	init->major = VIEWOS_CALL_MAJOR;
	init->minor = VIEWOS_CALL_MINOR;
	err = viewos_request_call(server->session, req);
	init = req->out;
	if (!err && (init->major != VIEWOS_CALL_MAJOR || init->flags || init->pad))
		err = -EPROTO;
	viewos_request_put(req);
	if (!err) {
		server->session->timeout = 0;
		viewos_session_ready(server->session);
	}
	return err;
}

struct viewos_call_server *viewos_call_server_connect(const char *server, const char *source,
						      const char *options, u64 view_id)
{
	struct viewos_connect connect = {
		.class = VIEWOS_CLASS_SYSCALL,
		.server = server,
		.source = source,
		.options = options,
		.view_id = view_id,
	};
	struct viewos_call_server *made;
	int err;

	made = kvzalloc(sizeof(*made), GFP_KERNEL_ACCOUNT);
	if (!made)
		return ERR_PTR(-ENOMEM);
	made->session = viewos_session_connect(&connect);
	if (IS_ERR(made->session)) {
		err = PTR_ERR(made->session);
		kvfree(made);
		return ERR_PTR(err);
	}
	made->id = made->session->id;
	viewos_session_set_ops(made->session, &server_ops, made);
	err = server_init(made);
	if (err) {
		viewos_call_server_free(made);
		return ERR_PTR(err);
	}
	return made;
}
