// SPDX-License-Identifier: GPL-2.0
/* One operation of the server: fill the call, wait, get an errno. */

#include <linux/slab.h>

#include "viewfs.h"

/**
 * viewfs_call_request() - make the request of a call
 * @call: what to ask
 *
 * Return: a NEW request, or ERR_PTR(-ENOMEM).
 */
struct viewos_request *viewfs_call_request(const struct viewfs_call *call)
{
	struct viewos_request *req;
	u32 len = 0;
	size_t i;
	void *to;

	for (i = 0; i < ARRAY_SIZE(call->in); i++)
		len += call->in[i].len;
	req = viewos_request_alloc(call->opcode, call->nodeid, len, call->out_len);
	if (IS_ERR(req))
		return req;
	to = viewos_request_body(req);
	for (i = 0; i < ARRAY_SIZE(call->in); i++) {
		if (!call->in[i].len)
			continue;
		memcpy(to, call->in[i].data, call->in[i].len);
		to += call->in[i].len;
	}
	if (call->out_var)
		req->flags |= VIEWOS_REQUEST_OUT_VAR;
	req->check = call->check;
	req->late = call->late;
	return req;
}

/**
 * viewfs_call_wait() - ask the server and wait
 * @fs: the mount
 * @call: what to ask
 *
 * Return: the length of the reply, which is then at call->out, or a negative errno.
 */
int viewfs_call_wait(struct viewfs_sb *fs, const struct viewfs_call *call)
{
	struct viewos_request *req;
	int err;

	req = viewfs_call_request(call);
	if (IS_ERR(req))
		return PTR_ERR(req);
	err = viewos_request_call(fs->session, req);
	if (!err) {
		err = req->out_len;
		if (call->out)
			memcpy(call->out, req->out, req->out_len);
		if (call->target) {
			call->target->file = req->file;
			req->file = NULL;
		}
	}
	viewos_request_put(req);
	return err;
}

static void forget_send(struct viewos_session *session, u64 nodeid, struct viewos_forget *forget)
{
	INIT_LIST_HEAD(&forget->node);
	forget->one.nodeid = nodeid;
	forget->one.nlookup = 1;
	viewos_session_forget(session, forget);
}

static struct viewos_forget *forget_alloc(void)
{
	return kmalloc(sizeof(struct viewos_forget), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
}

/**
 * viewfs_node_forget() - give one lookup back, of a node that has no inode
 * @session: the session
 * @nodeid: the node; nothing is done for none and for the root
 */
void viewfs_node_forget(struct viewos_session *session, u64 nodeid)
{
	if (nodeid && nodeid != FUSE_ROOT_ID)
		forget_send(session, nodeid, forget_alloc());
}

/**
 * viewfs_late_entry() - nobody waits for an entry any more
 * @req: a request whose reply begins with struct fuse_entry_out
 */
void viewfs_late_entry(struct viewos_request *req)
{
	struct fuse_entry_out *entry = req->out;

	viewfs_node_forget(req->session, entry->nodeid);
}

/* The node of a file that nobody wanted is forgotten after the file was released. */
static void late_released(struct viewos_request *req)
{
	struct viewos_session *session = req->private;

	viewfs_node_forget(session, req->in->nodeid);
}

/**
 * viewfs_open_undo() - release what the server opened, of which there will be no handle
 * @session: the session
 * @nodeid: the node
 * @opcode: FUSE_RELEASE or FUSE_RELEASEDIR
 * @fh: what was opened
 * @forget: give a lookup of the node back too
 */
void viewfs_open_undo(struct viewos_session *session, u64 nodeid, u32 opcode, u64 fh,
		      bool forget)
{
	struct fuse_release_in *in;
	struct viewos_request *req;

	if (!nodeid || nodeid == FUSE_ROOT_ID)
		forget = false;
	req = viewos_request_alloc(opcode, nodeid, sizeof(*in), 0);
	if (IS_ERR(req)) {
		if (forget)
			viewfs_node_forget(session, nodeid);
		return;
	}
	in = viewos_request_body(req);
	in->fh = fh;
	req->flags |= VIEWOS_REQUEST_KERNEL | VIEWOS_REQUEST_FORCE | VIEWOS_REQUEST_LAZY;
	req->private = session;
	if (forget)
		req->end = late_released;
	viewos_request_submit(session, req);
}

/**
 * viewfs_late_open() - nobody waits for an open any more
 * @req: an OPEN or OPENDIR
 */
void viewfs_late_open(struct viewos_request *req)
{
	struct fuse_open_out *out = req->out;
	u32 opcode = req->in->opcode == FUSE_OPENDIR ? FUSE_RELEASEDIR : FUSE_RELEASE;

	viewfs_open_undo(req->session, req->in->nodeid, opcode, out->fh, false);
}

/**
 * viewfs_late_create() - nobody waits for a new file any more
 * @req: a CREATE or TMPFILE
 */
void viewfs_late_create(struct viewos_request *req)
{
	struct fuse_entry_out *entry = req->out;
	struct fuse_open_out *out = req->out + sizeof(*entry);

	if (req->in->opcode == FUSE_CREATE)
		viewfs_late_names(req);
	viewfs_open_undo(req->session, entry->nodeid, FUSE_RELEASE, out->fh, true);
}
