# Boots a real systemd as process 1 of fresh namespaces, and takes away whatever it left.
#
#   unshare --mount bash machine.sh guard DIRECTORY TARGET     runs until standard input ends, or the machine does
#
# TARGET is `lab.target`, with the journal and nothing else, or `multi-user.target`, with D-Bus and logind as well, and with
# the user `ada`, who has a service manager of her own. A machine that reboots comes up again, with the files it wrote.
#
# DIRECTORY is seen under the same path on both sides. Everything else the machine writes goes to an overlay in memory,
# below a mount that only this process and its children see. What could outlive them is one cgroup, named after this
# process: it is removed here, and if this process was killed, by the next one.
set -eu

# Process 1 takes every process of its namespace along, and is not dead before they are.
put_down() {
    if ! pkill -KILL -P "$machine"; then
        kill -KILL "$machine" || true
    fi
}

remove_cgroup() {
    for _ in $(seq 100); do
        if find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; then
            return
        fi
        # Somebody in it was killed and is not quite dead yet.
        sleep 0.05
    done
    echo "machine: a cgroup is left: $1" >&2
}

remove_orphaned_cgroups() {
    local group
    for group in "$groups"/daemonic-test-*; do
        if [ -d "$group" ] && [ ! -d "/proc/${group##*-}" ]; then
            remove_cgroup "$group"
        fi
    done
}

guard() {
    trap '' INT TERM HUP
    groups=$directory/cgroup
    mkdir "$groups" "$directory/machine"
    # Outlives a reboot of the machine.
    mount -t tmpfs none "$directory/machine"
    mkdir "$directory/machine"/{upper,work,root}
    if ! mount -t cgroup2 none "$groups"; then
        echo "machine: systemd needs cgroup2, of the kernel, and the right to mount it" >&2
        exit 1
    fi
    remove_orphaned_cgroups
    group=$groups/daemonic-test-$$
    # The kernel kills process 1 with SIGHUP when it reboots (reboot(2)).
    local status=129
    while [ $status = 129 ]; do
        status=0
        run_machine || status=$?
        remove_cgroup "$group"
    done
    echo "machine: it ended with status $status" >&2
}

# Runs the machine from its boot to its shutdown, or until standard input ends; returns the status of its process 1.
run_machine() {
    local status=0
    mkdir "$group"
    local network=
    if [ "$target" = multi-user.target ]; then
        # Ports of its own.
        network=--net
    fi
    (
        echo "$BASHPID" >"$group/cgroup.procs"
        exec setpriv --pdeathsig KILL \
            unshare $network --pid --fork --kill-child --mount --uts --ipc --cgroup --propagation private \
            bash "$0" boot "$directory" "$target" </dev/null
    ) &
    machine=$!
    # Ends when the other end of our standard input is closed, for any reason.
    { read -r _ || put_down; } <&0 &
    wait "$machine" || status=$?
    for ear in $(jobs -pr); do
        kill -KILL "$ear"
        wait "$ear" || true
    done 2>/dev/null
    return $status
}

# From here on as process 1.
boot() {
    cd "$directory/machine"
    mount -t overlay none -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" root
    cd root
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 none run
    mount -t tmpfs -o mode=1777 none tmp
    devices
    mkdir -p "./$directory"
    mount --bind "$directory" "./$directory"
    if [ ! -e etc/systemd/system/lab.target ]; then
        configure
        ${target%%.*}
    fi
    local manager=/usr/lib/systemd/systemd
    if [ ! -x .$manager ]; then
        echo "machine: there is no $manager (on Debian: apt install systemd)" >&2
        exit 1
    fi
    # Below the new /run, which holds nothing yet: the root shows the host's directories, whatever their names.
    mkdir run/host
    pivot_root . run/host
    umount --lazy /run/host
    rmdir /run/host
    exec env -i container=unshare PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        $manager --system --unit=$target --show-status=no
}

devices() {
    mount -t tmpfs -o mode=755 none dev
    mkdir dev/pts dev/shm
    for device in null zero full random urandom tty; do
        touch dev/$device
        mount --bind /dev/$device dev/$device
    done
    ln -s pts/ptmx dev/ptmx
    touch dev/console
    mount --bind /dev/null dev/console
}

configure() {
    rm -rf etc/systemd/system etc/systemd/system.conf.d etc/systemd/journald.conf.d usr/lib/systemd/system-generators
    mkdir -p etc/systemd/system etc/systemd/system.conf.d etc/systemd/journald.conf.d
    cat >etc/systemd/system/lab.target <<-END
		[Unit]
		DefaultDependencies=no
		Wants=systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service booted.service
	END
    cat >etc/systemd/system/booted.service <<-END
		[Unit]
		DefaultDependencies=no
		After=systemd-journald.service
		[Service]
		Type=oneshot
		ExecStart=touch $directory/booted
	END
    # A test that hangs is to say so soon, and one that restarts its daemon often is not to be slowed down.
    cat >etc/systemd/system.conf.d/lab.conf <<-END
		[Manager]
		DefaultTimeoutStartSec=20s
		DefaultTimeoutStopSec=20s
		DefaultStartLimitIntervalSec=0
	END
    cat >etc/systemd/journald.conf.d/lab.conf <<-END
		[Journal]
		Storage=volatile
		RateLimitBurst=0
	END
}

# The smallest target needs no more.
lab() {
    :
}

# Ordinary units depend on `sysinit.target` and more: the parts of it that a container can run, and need no time.
multi-user() {
    rm -rf usr/lib/systemd/system/*.target.wants
    mkdir -p etc/systemd/system/multi-user.target.wants var/lib/systemd/linger home/ada
    for unit in dbus.socket dbus.service systemd-logind.service systemd-journald.service; do
        ln -s /lib/systemd/system/$unit etc/systemd/system/multi-user.target.wants/
    done
    ln -sf ../booted.service etc/systemd/system/multi-user.target.wants/
    # Systemd makes it from these: sockets of the journal, without the one that needs the right to audit.
    mkdir -p etc/systemd/system/sockets.target.wants
    for unit in systemd-journald.socket systemd-journald-dev-log.socket; do
        ln -s /lib/systemd/system/$unit etc/systemd/system/sockets.target.wants/
    done
    echo 'ada:x:4711:4711::/home/ada:/bin/sh' >>etc/passwd
    echo 'ada:x:4711:' >>etc/group
    # PAM asks for it.
    echo 'ada:*:19000::::::' >>etc/shadow
    chown 4711:4711 home/ada
    # With linger, logind starts her service manager after the boot; the boot waits for it.
    touch var/lib/systemd/linger/ada
    ln -s /lib/systemd/system/user@.service etc/systemd/system/multi-user.target.wants/user@4711.service
    sed -i "s/^After=.*/& multi-user.target user@4711.service/" etc/systemd/system/booted.service
}

directory=$2
target=$3
"$1"
