# OpenRC has not booted this machine: these are the records that a boot leaves.
mount -t tmpfs none /media
mkdir /media/upper /media/work /run/openrc
mount -t overlay none -o lowerdir=/etc,upperdir=/media/upper,workdir=/media/work /etc
for state in starting started stopping inactive wasinactive failed hotplugged daemons options exclusive scheduled tmp; do
    mkdir /run/openrc/$state
done
echo default >/run/openrc/softlevel
rm -f /etc/init.d/*
cat >/etc/init.d/web <<END
#!/sbin/openrc-run
command=$D
command_args="run web"
supervisor=supervise-daemon
extra_started_commands=reload
reload() {
	$D caller \$(head -n 1 /run/web.pid) $PWD/calls
}
END
chmod 755 /etc/init.d/web
rc-service web start >&2
ask_and_act 2>&1
$D perform reload "$(daemon)"
cat calls
RC_SVCNAME=web $D caller "$(daemon)" "$PWD/calls.by-hand"
cat calls.by-hand
setpriv --reuid 4711 --regid 4711 --clear-groups "$D" perform stop "$(daemon)" 2>&1 || echo refused
# Another service, whose user has written the pid of `web` into its pidfile.
pid=$(daemon)
printf '#!/sbin/openrc-run\ncommand=/bin/sleep\ncommand_args=1000\ncommand_background=yes\npidfile=/run/another.pid\n' >/etc/init.d/another
chmod 755 /etc/init.d/another
rc-service another start >&2
sleeper=$(cat /run/another.pid)
rm -r /run/openrc/options/web
echo "$pid" >/run/another.pid
$D perform stop "$pid" 2>&1 || echo refused
kill -0 "$sleeper" "$pid"
