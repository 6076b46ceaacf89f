mount -t tmpfs -o mode=755 none /var/lib
mkdir -p /run/service/clilab
printf '#!/bin/sh\nsleep 0.3\nexec %s run\n' "$D" >/run/service/clilab/run
chmod 755 /run/service/clilab/run
s6-svscan /run/service &
until_true "$D" status
for verb in restart try-restart stop start restart stop restart; do
    "$D" "$verb"
done
"$D" stop
echo down
"$D" try-restart
