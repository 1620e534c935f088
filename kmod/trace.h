/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints on every edge of the lives of views, tasks, sessions and requests. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM viewos

#if !defined(_VIEWOS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _VIEWOS_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(viewos_pair,
	TP_PROTO(u64 id, u64 other),
	TP_ARGS(id, other),
	TP_STRUCT__entry(__field(u64, id) __field(u64, other)),
	TP_fast_assign(__entry->id = id; __entry->other = other;),
	TP_printk("id=%llu in=%llu", __entry->id, __entry->other)
);

/* A view, and its parent. */
DEFINE_EVENT(viewos_pair, viewos_view_create, TP_PROTO(u64 id, u64 other), TP_ARGS(id, other));
/* A session, and its view. */
DEFINE_EVENT(viewos_pair, viewos_session_create, TP_PROTO(u64 id, u64 other), TP_ARGS(id, other));
/* A task, and its view. */
DEFINE_EVENT(viewos_pair, viewos_task_attach, TP_PROTO(u64 id, u64 other), TP_ARGS(id, other));
DEFINE_EVENT(viewos_pair, viewos_task_detach, TP_PROTO(u64 id, u64 other), TP_ARGS(id, other));

DECLARE_EVENT_CLASS(viewos_one,
	TP_PROTO(u64 id),
	TP_ARGS(id),
	TP_STRUCT__entry(__field(u64, id)),
	TP_fast_assign(__entry->id = id;),
	TP_printk("id=%llu", __entry->id)
);

DEFINE_EVENT(viewos_one, viewos_view_gone, TP_PROTO(u64 id), TP_ARGS(id));
DEFINE_EVENT(viewos_one, viewos_session_orphan, TP_PROTO(u64 id), TP_ARGS(id));
DEFINE_EVENT(viewos_one, viewos_session_recover, TP_PROTO(u64 id), TP_ARGS(id));
DEFINE_EVENT(viewos_one, viewos_session_gone, TP_PROTO(u64 id), TP_ARGS(id));

TRACE_EVENT(viewos_session_end,
	TP_PROTO(u64 id, int error),
	TP_ARGS(id, error),
	TP_STRUCT__entry(__field(u64, id) __field(int, error)),
	TP_fast_assign(__entry->id = id; __entry->error = error;),
	TP_printk("id=%llu error=%d", __entry->id, __entry->error)
);

DECLARE_EVENT_CLASS(viewos_request,
	TP_PROTO(u64 session, u64 unique, int value),
	TP_ARGS(session, unique, value),
	TP_STRUCT__entry(__field(u64, session) __field(u64, unique) __field(int, value)),
	TP_fast_assign(
		__entry->session = session;
		__entry->unique = unique;
		__entry->value = value;
	),
	TP_printk("session=%llu unique=%llu value=%d", __entry->session, __entry->unique,
		  __entry->value)
);

/* The value of these two is the opcode. */
DEFINE_EVENT(viewos_request, viewos_request_queue,
	TP_PROTO(u64 session, u64 unique, int value), TP_ARGS(session, unique, value));
DEFINE_EVENT(viewos_request, viewos_request_read,
	TP_PROTO(u64 session, u64 unique, int value), TP_ARGS(session, unique, value));
/* The value of these two is the error. */
DEFINE_EVENT(viewos_request, viewos_request_abandon,
	TP_PROTO(u64 session, u64 unique, int value), TP_ARGS(session, unique, value));
DEFINE_EVENT(viewos_request, viewos_request_finish,
	TP_PROTO(u64 session, u64 unique, int value), TP_ARGS(session, unique, value));

#endif /* _VIEWOS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
