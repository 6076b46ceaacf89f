"""The baseline of the part `messages`: gevent's Pool(100). Prints nanoseconds per message; arguments: messages, handler."""
import sys
import time

import gevent
import gevent.pool


def nothing(_):
    pass


def wait(_):
    gevent.sleep(0.001)


count, handler = int(sys.argv[1]), {"nothing": nothing, "waits": wait}[sys.argv[2]]
pool = gevent.pool.Pool(100)
begin = time.perf_counter_ns()
for message in range(count):
    pool.spawn(handler, message)
pool.join()
print((time.perf_counter_ns() - begin) / count)
