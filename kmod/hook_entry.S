/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where ftrace sends a hooked function: on to itself, or to its replacement.
 *
 * The function's first instruction, its ftrace site, calls us before it has
 * touched the stack or an argument; %rax is free there. If the
 * call is none of our concern we return into the function. Else we drop that return
 * address and jump to the replacement, which returns to the function's caller.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "compat.h"
#include "mark.h"

.macro VIEWOS_HOOK_BEGIN function:req
SYM_CODE_START(viewos_entry_\function)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
.endm

.macro VIEWOS_HOOK_END function:req, taken:req
	\taken	1f
	RET
1:
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	viewos_hook_\function
SYM_CODE_END(viewos_entry_\function)
.endm

/* For tasks in a view. */
.macro VIEWOS_HOOK function:req
	VIEWOS_HOOK_BEGIN \function
	VIEWOS_GET_CURRENT %rax
	btq	$VIEWOS_MARK_BIT, VIEWOS_MARK_OFFSET(%rax)
	VIEWOS_HOOK_END \function jc
.endm

/* For virtual sockets, whoever has one. */
.macro VIEWOS_HOOK_VIRTUAL function:req
	VIEWOS_HOOK_BEGIN \function
	cmpq	$viewos_sock_ops, VIEWOS_SOCKET_OPS_OFFSET(%rdi)
	VIEWOS_HOOK_END \function je
.endm

.text
VIEWOS_HOOK cgroup_can_fork
VIEWOS_HOOK cgroup_cancel_fork
VIEWOS_HOOK cgroup_task_exit
VIEWOS_HOOK sock_create
VIEWOS_HOOK_VIRTUAL sock_setsockopt
VIEWOS_HOOK_VIRTUAL sock_getsockopt
