# The verbs of $UNIT beside its service of runit, which it has not installed.
mount -t tmpfs -o mode=755 none /etc/service
mkdir /etc/service/clilab
printf '#!/bin/sh\nexec %s run\n' "$UNIT" >/etc/service/clilab/run
chmod 755 /etc/service/clilab/run
runsvdir /etc/service >&2 &
until_true test -s /run/clilab.pid
$UNIT status
$UNIT start && exit 1
$UNIT reload
$UNIT restart
$UNIT stop
sv status /etc/service/clilab
$UNIT status || echo "status $?"
$UNIT start
sv status /etc/service/clilab
