#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file system (FUSE, raw protocol) with one file, whose contents are never delivered: every read hangs.

    hanging_filesystem.py DIRECTORY FILE SIZE

Needs root and /dev/fuse. Prints "ready" when it is mounted on DIRECTORY, and "reading" for each read that begins. Ends,
and releases those that hang, when standard input ends.
"""
import ctypes
import os
import select
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT = 25, 26, 27, 28, 29, 34, 36
ENOENT, EINTR, ENOSYS = 2, 4, 38
MNT_DETACH = 2

directory, name, size = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions"
if libc.mount(b"hanging", directory.encode(), b"fuse.hanging", 0, options.encode()) != 0:
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")


def attributes(node):
    mode, length = (0o40755, 0) if node == 1 else (0o100644, size)
    return struct.pack("<QQQQQQIIIIIIIIII", node, length, (length + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(unique, data=b"", error=0):
    os.write(device, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)


print("ready", flush=True)
while True:
    ready, _, _ = select.select([device, 0], [], [])
    if 0 in ready and not os.read(0, 1):
        break
    if device not in ready:
        continue
    request = os.read(device, 1 << 18)
    _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
    body = request[40:]
    if opcode == INIT:
        answer(unique, struct.pack("<IIIIHHIIHHI", 7, 31, 4096, 0, 12, 10, 4096, 1, 1, 0, 0).ljust(64, b"\0"))
    elif opcode == LOOKUP:
        if body.split(b"\0")[0] == name:
            answer(unique, struct.pack("<QQQQII", 2, 0, 3600, 3600, 0, 0) + attributes(2))
        else:
            answer(unique, error=ENOENT)
    elif opcode == GETATTR:
        answer(unique, struct.pack("<QII", 3600, 0, 0) + attributes(node))
    elif opcode in (OPEN, OPENDIR):
        # FOPEN_DIRECT_IO: otherwise the next open waits for the read that hangs, and umockdev holds a lock meanwhile
        answer(unique, struct.pack("<QIi", 1, 1 if opcode == OPEN else 0, 0))
    elif opcode in (RELEASE, RELEASEDIR, FLUSH, READDIR):
        answer(unique)
    elif opcode == INTERRUPT:
        # a process that is killed could not exit before
        answer(struct.unpack_from("<Q", body)[0], error=EINTR)
    elif opcode == READ:
        print("reading", flush=True)
    elif opcode == FORGET:
        pass
    else:
        answer(unique, error=ENOSYS)
libc.umount2(directory.encode(), MNT_DETACH)
