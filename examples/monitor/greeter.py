#!/usr/bin/env python3
"""Tells the monitor of an event: one line with its name, written to the descriptor in DAEMON_EVENTS."""

import os
import time

events = int(os.environ["DAEMON_EVENTS"])

print("hello", flush=True)
while True:
    os.write(events, b"greeting\n")
    time.sleep(0.5)
