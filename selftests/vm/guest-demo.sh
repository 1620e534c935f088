#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the VM: the demonstration. Each step is checked, not just shown.
set -euo pipefail

note()
{
	printf '\n\033[1m%s\033[0m\n' "$*"
}

# Shows a command, runs it, passes its status on.
run()
{
	printf '\033[32m$\033[0m %s\n' "$*"
	eval "$*"
}

# The same, for a command that has to fail.
refused()
{
	if run "$*"; then
		echo "demo: this should have failed: $*" >&2
		exit 1
	fi
}

cd /root
mkdir -p /mnt/cave /mnt/tape /tmp/project
echo 'print("hello from", __file__)' >/tmp/project/hello.py
echo 'a line of text' >/tmp/project/notes.txt
tar -C /tmp -cf /root/project.tar project

note "The module is loaded; nothing is hooked, and there is no view but the system itself."
run "lsmod | grep viewos"
run "viewctl tree"

note "A view named cave, kept alive until it is destroyed, with a file system in memory served by a program."
run "viewctl create cave --mount mem::/mnt/cave >/dev/null"
run "viewctl tree"
run "viewctl mounts"

note "Inside the view the directory is the server's. Outside nothing happened."
run "viewctl enter cave -- bash -c 'echo treasure > /mnt/cave/chest; ls -l /mnt/cave'"
run "ls -l /mnt/cave"
refused "cat /mnt/cave/chest"
refused "grep viewfs /proc/mounts"
run "viewctl enter cave -- cat /mnt/cave/chest"

note "Not by a back door either: only the view, and what is beneath it, gets in."
pid=$(viewctl ps --noheadings --output PID cave | head -n 1 | tr -d ' ')
refused "cat /proc/$pid/root/mnt/cave/chest"

note "Programs run on it and from it: tar, python3, bash, an ELF file, a mapped file."
run "viewctl enter cave -- tar -C /mnt/cave -xf /root/project.tar"
run "viewctl enter cave -- python3 /mnt/cave/project/hello.py"
run "viewctl enter cave -- bash -c 'cp /usr/bin/sha256sum /mnt/cave/sum; cd /mnt/cave; ./sum project/notes.txt'"
run "sha256sum /tmp/project/notes.txt"

note "Views nest: a view inside the view, with an archive mounted as a directory."
run "viewctl enter cave -- viewctl run --name tape -m archive:/root/project.tar:/mnt/tape -- bash -c 'ls /mnt/tape/project; cat /mnt/cave/chest; viewctl tree'"
run "ls /mnt/tape"

note "An ordinary user needs no privilege, and no root, for a view of their own."
run "su tester -c 'viewctl run -m mem::/mnt/cave -- bash -c \"id -un; echo mine > /mnt/cave/file; cat /mnt/cave/file\"'"
run "viewctl enter cave -- ls /mnt/cave"

note "What it cost: requests that the view's programs caused, and the rest ran at native speed."
run "viewctl ls"

note "Gone without a trace."
run "viewctl destroy --kill cave"
sleep 0.5
run "viewctl ls"
run "ls -A /mnt/cave"
note "Play with it yourself: make demo SHELL=1"
