"""A process that claims an environment of its own choice: `stranger.py MEBIBYTES [ready=ADDRESS] [NAME=VALUE...]`.

It says where that is with PR_SET_MM_MAP, prints "claimed", and waits to be killed. With `ready=` it says READY=1 there first.
"""

import ctypes
import os
import socket
import struct
import sys
import time

PR_SET_MM, PR_SET_MM_MAP = 35, 14
PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE = 3, 0x4022

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
libc.sbrk.restype = ctypes.c_void_p
libc.sbrk.argtypes = [ctypes.c_long]

size = int(sys.argv[1]) << 20
address, marks = None, b""
for argument in sys.argv[2:]:
    if argument.startswith("ready="):
        address = argument[len("ready=") :]
    else:
        marks += argument.encode() + b"\0"

memory = libc.mmap(None, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
ctypes.memmove(memory, marks, len(marks))
fields = [0, 0] + open("/proc/self/stat").read().rsplit(")", 1)[1].split()
number = lambda index: int(fields[index - 1])  # As proc_pid_stat(5) counts them.
layout = [number(26), number(27), number(45), number(46), number(47), libc.sbrk(0), number(28), number(48), number(49)]
layout += [memory, memory + size, 0]
description = ctypes.create_string_buffer(struct.pack("=12QIi", *layout, 0, -1))
if libc.prctl(PR_SET_MM, PR_SET_MM_MAP, ctypes.addressof(description), len(description) - 1, 0) != 0:
    sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
if address:
    speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        speaker.sendto(b"READY=1", address.replace("@", "\0", 1))
    except PermissionError:
        print("refused", flush=True)
print("claimed", flush=True)
time.sleep(1000)
