/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where ftrace sends a hooked function: on to itself, or to its replacement.
 *
 * The function's first instruction, its ftrace site, calls us before it has
 * touched the stack or an argument; %rax is free there. For a task without the
 * mark we return into the function. For one with it we drop that return address
 * and jump to the replacement, which returns to the function's caller.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "compat.h"
#include "mark.h"

.macro VIEWOS_HOOK function:req
SYM_CODE_START(viewos_entry_\function)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	VIEWOS_GET_CURRENT %rax
	btq	$VIEWOS_MARK_BIT, VIEWOS_MARK_OFFSET(%rax)
	jc	1f
	RET
1:
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	jmp	viewos_hook_\function
SYM_CODE_END(viewos_entry_\function)
.endm

.text
VIEWOS_HOOK cgroup_can_fork
VIEWOS_HOOK cgroup_cancel_fork
VIEWOS_HOOK cgroup_task_exit
