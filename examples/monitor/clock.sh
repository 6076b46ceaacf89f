#!/bin/sh
# The same in a shell; and it fails every now and then, which is what a monitor is for.
echo "it is $(date)"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    echo tick >&"$DAEMON_EVENTS"
    sleep 0.5
done
echo "the spring is broken" >&2
exit 1
