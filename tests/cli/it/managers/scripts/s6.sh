mkdir -p /run/service/web
printf '#!/bin/sh\nexec %s run web\n' "$D" >/run/service/web/run
chmod 755 /run/service/web/run
s6-svscan /run/service &
ask_and_act
# The links that root's tool would follow are not in a directory of root's.
chown 4711 /run/service/web
$D perform stop "$(daemon)" || echo refused
chown 0 /run/service/web
chown 4711 /run/service/web/supervise
$D perform stop "$(daemon)" || echo refused
