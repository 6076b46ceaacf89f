# OpenRC has not booted this machine: these are the records that a boot leaves.
mkdir /run/openrc
for state in starting started stopping inactive wasinactive failed hotplugged daemons options exclusive scheduled tmp; do
    mkdir /run/openrc/$state
done
echo default >/run/openrc/softlevel
rm -f /etc/init.d/*
mkdir -p /etc/runlevels/default
install_and_remove openrc
