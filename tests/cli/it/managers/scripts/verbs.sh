mount -t tmpfs -o mode=755 none /etc/service
mount -t tmpfs -o mode=755 none /var/lib
mkdir /etc/service/clilab
printf '#!/bin/sh\nexec %s run\n' "$D" >/etc/service/clilab/run
# As an installed service, it stays down after an end in order.
printf '#!/bin/sh\nif [ "$1" = 0 ]; then exec sv down .; fi\n' >/etc/service/clilab/finish
chmod 755 /etc/service/clilab/run /etc/service/clilab/finish
runsvdir /etc/service &
until_true "$D" status
first=$(head -n 1 /run/clilab.pid)
"$D" status | grep -q 'unit .*clilab (runit, system)'
"$D" restart
until_true "$D" status
! kill -0 "$first" 2>/dev/null
"$D" reload
"$D" stop
[ ! -e /run/clilab.pid ]
"$D" start
until_true "$D" status
"$D" stop
