"""A file system that answers as badly as it is told: `mount.py DIRECTORY dead|mute|stuck`.

Whoever serves nothing is `dead`: who enters it waits, but can be killed. One who is `mute` has taken each request and keeps
the answer: who waits for it cannot be killed. One who is `stuck` serves files, but while the file `stuck` is there, only the
process that it names can close them.
What was asked of the last two is in the file `asked`, a line each: the number of the request, and of the process.
"""

import ctypes
import os
import stat
import struct
import sys
import time

INIT, LOOKUP, GETATTR, SETATTR, MKNOD, OPEN, OPENDIR, WRITE, RELEASE, FLUSH, RELEASEDIR, CREATE = (
    26, 1, 3, 4, 8, 14, 27, 16, 18, 25, 29, 35)
UNANSWERED = 2, 36, 42
ROOT, MISSING, NOT_SERVED = 1, 2, 38

fuse, libc = os.open("/dev/fuse", os.O_RDWR), ctypes.CDLL(None)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
assert libc.mount(b"dead", sys.argv[1].encode(), b"fuse", 0, options) == 0
nodes, sizes, behaviour = {}, {}, sys.argv[2]


def answer(unique, data=b"", error=0):
    os.write(fuse, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)


def attributes(node):
    size, mode = (0, stat.S_IFDIR | 0o755) if node == ROOT else (sizes[node], stat.S_IFREG | 0o644)
    return struct.pack("<QQQQQQIIIIIIIIII", node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def entry(node):
    return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + attributes(node)


def made(name):
    node = nodes[name] = len(nodes) + 2
    sizes[node] = 0
    return entry(node)


def is_stuck(thread):
    try:
        with open("stuck") as stuck:
            return not os.path.exists(f"/proc/{stuck.read()}/task/{thread}")
    except FileNotFoundError:
        return False


def serve(kind, unique, node, data):
    if kind == LOOKUP:
        name = data.split(b"\0")[0]
        answer(unique, entry(nodes[name])) if name in nodes else answer(unique, error=MISSING)
    elif kind in (GETATTR, SETATTR):
        answer(unique, struct.pack("<QII", 0, 0, 0) + attributes(node))
    elif kind == MKNOD:
        answer(unique, made(data[16:].split(b"\0")[0]))
    elif kind == CREATE:
        answer(unique, made(data[16:].split(b"\0")[0]) + struct.pack("<QII", 1, 0, 0))
    elif kind in (OPEN, OPENDIR):
        answer(unique, struct.pack("<QII", 1, 0, 0))
    elif kind == WRITE:
        offset, size = struct.unpack("<QI", data[8:20])
        sizes[node] = max(sizes[node], offset + size)
        answer(unique, struct.pack("<II", size, 0))
    elif kind in (RELEASE, RELEASEDIR, FLUSH):
        answer(unique)
    elif kind not in UNANSWERED:
        answer(unique, error=NOT_SERVED)


with open("held", "w") as held:
    held.write("held\n")
if behaviour == "dead":
    time.sleep(1000)
asked = open("asked", "w", buffering=1)
while True:
    request = os.read(fuse, 1 << 20)
    _, kind, unique, node, _, _, pid = struct.unpack("<IIQQIII", request[:36])
    if kind == INIT:
        answer(unique, struct.pack("<IIIIHHIIHHI", 7, 31, 65536, 0, 10, 10, 65536, 1, 0, 0, 0) + bytes(24))
        continue
    print(kind, pid, file=asked)
    if behaviour == "stuck" and not (kind == FLUSH and is_stuck(pid)):
        serve(kind, unique, node, request[40:])
