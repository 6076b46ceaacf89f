mount -t tmpfs -o mode=755 none /var/lib
mkdir -p /run/service/clilab
printf '#!/bin/sh\nsleep 0.3\nexec %s run\n' "$D" >/run/service/clilab/run
# As an installed service, it stays down after an end in order.
printf '#!/bin/sh\nif [ "$1" -eq 0 ]; then exit 125; fi\n' >/run/service/clilab/finish
chmod 755 /run/service/clilab/run /run/service/clilab/finish
s6-svscan /run/service &
until_true "$D" status
"$D" restart
"$D" try-restart
"$D" stop
# By a caller that ignores SIGCHLD, which programs inherit.
env --ignore-signal=CHLD "$D" start
"$D" stop
echo down
"$D" try-restart
