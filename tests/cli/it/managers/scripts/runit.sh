mount -t tmpfs -o mode=755 none /etc/service
mkdir -p /etc/service/web/control
printf '#!/bin/sh\nexec %s run web\n' "$D" >/etc/service/web/run
printf '#!/bin/sh\nexec %s caller $(head -n 1 /run/web.pid) %s\n' "$D" "$PWD/calls" >/etc/service/web/control/1
chmod 755 /etc/service/web/run /etc/service/web/control/1
runsvdir /etc/service &
ask_and_act
sv 1 /etc/service/web
until_true test -s calls
cat calls
$D caller "$(daemon)" "$PWD/calls.by-hand"
cat calls.by-hand

# Processes of a user that call themselves a supervisor: of root's service, and of a directory of the user's.
cp "$(command -v bash)" "$PWD/runsv"
mkdir -p /run/own/supervise
chown -R 4711 /run/own
runsv=$PWD/runsv
pretend() {
    (cd "$1" && setpriv --reuid 4711 --regid 4711 --clear-groups "$runsv" -c 'sleep infinity & echo $!; wait' >"$2") &
    until_true test -s "$2"
    $D managing "$(cat "$2")"
}
pretend /etc/service/web /run/faked
pretend /run/own /run/own.faked
$D perform stop "$(cat /run/own.faked)" || echo refused
