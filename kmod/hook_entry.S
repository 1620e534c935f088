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
#include <asm/frame.h>
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
VIEWOS_HOOK arch_setup_additional_pages
VIEWOS_HOOK compat_arch_setup_additional_pages
VIEWOS_HOOK get_timespec64
VIEWOS_HOOK get_old_timespec32
VIEWOS_HOOK get_itimerspec64
VIEWOS_HOOK get_old_itimerspec32
VIEWOS_HOOK do_sys_settimeofday64
VIEWOS_HOOK do_adjtimex
VIEWOS_HOOK_VIRTUAL sock_setsockopt
VIEWOS_HOOK_VIRTUAL sock_getsockopt

/*
 * A system call: asks what is to become of it. The function's first argument is the
 * registers of the call; that which all calls pass has the number as its second.
 * viewos_syscall_decide() wants to know where the function goes on, which is \body, and returns
 * two values: whether it is decided, and what the call returns then.
 */
.macro VIEWOS_DECIDE decided:req, body:vararg
	FRAME_BEGIN
	pushq	%rdi
	pushq	%rsi
	\body
	call	viewos_syscall_decide
	popq	%rsi
	popq	%rdi
	FRAME_END
	testq	%rax, %rax
	jnz	\decided
.endm

SYM_CODE_START(viewos_entry_syscall)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	VIEWOS_GET_CURRENT %rax
	btq	$VIEWOS_MARK_BIT, VIEWOS_MARK_OFFSET(%rax)
	jc	1f
	RET
1:
	/* That is where we return to. */
	VIEWOS_DECIDE 2f, movq 16+FRAME_OFFSET(%rsp), %rsi
	RET
2:
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	movq	%rdx, %rax
	RET
SYM_CODE_END(viewos_entry_syscall)

/*
 * The same where the function was left by a changed instruction pointer. It goes on behind
 * its site, which takes a return: a jump there would not be one to an ENDBR.
 */
SYM_CODE_START(viewos_taken_syscall)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	FRAME_BEGIN
	pushq	%rdi
	pushq	%rsi
	call	viewos_hook_regs_body
	popq	%rsi
	popq	%rdi
	FRAME_END
	pushq	%rax
	VIEWOS_DECIDE 1f, movq %rax, %rsi
	RET
1:
	addq	$8, %rsp
	movq	%rdx, %rax
	RET
SYM_CODE_END(viewos_taken_syscall)

/* Goes to the second argument, an address behind an ftrace site: by a return, as above. */
SYM_CODE_START(viewos_hook_call_make)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	pushq	%rsi
	RET
SYM_CODE_END(viewos_hook_call_make)
