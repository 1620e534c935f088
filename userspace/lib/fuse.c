// SPDX-License-Identifier: GPL-2.0
/* libviewos: serving path sessions by libfuse3's low-level interface */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pool.h"
#include "program.h"
#include "serve.h"
#include "viewos.h"

/* Cancelled only here; libfuse's own reader would be anywhere. */
static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)userdata;
	return viewos_pool_read(fd, buf, len);
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	return writev(fd, iov, count);
}

static const struct fuse_custom_io session_io = {
	.read = io_read,
	.writev = io_writev,
};

static int session_receive(void *data, void **slot)
{
	struct fuse_buf *buf = *slot;

	if (fuse_session_exited(data))
		return 0;
	if (!buf) {
		buf = calloc(1, sizeof(*buf));
		if (!buf)
			return -ENOMEM;
		*slot = buf;
	}
	return fuse_session_receive_buf(data, buf);
}

static void session_process(void *data, void **slot)
{
	fuse_session_process_buf(data, *slot);
}

static void session_drop(void *slot)
{
	struct fuse_buf *buf = slot;

	if (buf)
		free(buf->mem);
	free(buf);
}

static const struct viewos_pool_ops pool_ops = {
	.receive = session_receive,
	.process = session_process,
	.drop = session_drop,
};

int viewos_session_serve(int session, const struct viewos_serve_params *params,
			 struct viewos_stop *stop)
{
	char name[] = "viewos", debug[] = "-d";
	char *argv[] = { name, debug, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(params->debug ? 2 : 1, argv);
	struct fuse_session *se;
	int ret;

	se = fuse_session_new(&args, params->ops, params->ops_size, params->data);
	fuse_opt_free_args(&args);
	if (!se) {
		close(session);
		return -ENOMEM;
	}
	ret = fuse_session_custom_io(se, &session_io, session);
	if (ret < 0) {
		fuse_session_destroy(se);
		close(session);
		return ret;
	}
	ret = viewos_pool_run(&pool_ops, se, params->threads, stop);
	fuse_session_destroy(se);
	return ret;
}

int viewos_fuse_serve(int session, const struct fuse_lowlevel_ops *ops, size_t ops_size,
		      void *data, unsigned int threads)
{
	const struct viewos_serve_params params = {
		.ops = ops,
		.ops_size = ops_size,
		.data = data,
		.threads = threads,
	};
	struct viewos_stop stop;
	int ret;

	viewos_stop_init(&stop);
	ret = viewos_session_serve(session, &params, &stop);
	viewos_stop_exit(&stop);
	return ret;
}

static int program_serve(const struct viewos_program *program, int session, void *data, bool debug,
			 struct viewos_stop *stop)
{
	const struct viewos_serve_params params = {
		.ops = program->ops,
		.ops_size = program->ops_size,
		.data = data,
		.debug = debug,
	};

	return viewos_session_serve(session, &params, stop);
}

int viewos_fuse_main(int argc, char **argv, const struct viewos_fuse_server *server)
{
	const struct viewos_program program = {
		.name = server->name,
		.what = "file systems",
		.usage = server->usage,
		.class_ = VIEWOS_CLASS_PATH,
		.open = server->open,
		.close = server->close,
		.serve = program_serve,
		.ops = server->ops,
		.ops_size = server->ops_size,
	};

	return viewos_program_main(argc, argv, &program);
}
