#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own, ends it, and says whether the terminal is as it was.

on_terminal.py WORD END COMMAND...

WORD is what the command must have drawn before it is ended, first at 80x24, then again after the terminal became 100x30.
END is text to type, or the name of a signal, or "-": somebody else ends it. Then prints "STATUS RESTORED", the command's
exit status (negative: the signal) and whether the modes of the terminal, its screen and its cursor were given back.
"""
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time

word, end, command = sys.argv[1].encode(), sys.argv[2], sys.argv[3:]
main, terminal = pty.openpty()


def resize(lines, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


output = b""


def read_until(text):
    global output
    deadline = time.monotonic() + 30
    start = len(output)
    while text not in output[start:]:
        if time.monotonic() > deadline:
            sys.exit(f"no {text!r} in {output[start:]!r}")
        # the terminal's driver adds some of its own
        output += os.read(main, 4096).replace(b"\r", b"")


resize(24, 80)
before = termios.tcgetattr(terminal)
child = subprocess.Popen(
    command, stdin=terminal, stdout=terminal, stderr=terminal, preexec_fn=own_terminal,
    env=dict(os.environ, TERM="xterm", LANG="C.UTF-8"))
read_until(word)
resize(30, 100)
# its driver sends SIGWINCH; in 24 lines there is no room for so many empty ones
read_until(b"\n\x1b[K" * 20)
print("drawn", flush=True)
if end.startswith("SIG"):
    child.send_signal(getattr(signal, end))
elif end != "-":
    os.write(main, end.encode())
read_until(b"\x1b[?1049l")
status = child.wait(30)
restored = termios.tcgetattr(terminal) == before and b"\x1b[?25h" in output
print(status, restored)
