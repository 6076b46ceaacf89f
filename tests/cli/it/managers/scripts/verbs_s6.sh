mount -t tmpfs -o mode=755 none /var/lib
mkdir -p /run/service/clilab
printf '#!/bin/sh\nsleep 0.3\nexec %s run\n' "$D" >/run/service/clilab/run
chmod 755 /run/service/clilab/run
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
