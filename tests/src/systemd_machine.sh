# Boots a real systemd as process 1 of fresh namespaces, and takes away whatever it left.
#
#   unshare --mount bash machine.sh guard DIRECTORY     runs until standard input ends, or the machine does
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
    if ! mount -t cgroup2 none "$groups"; then
        echo "machine: systemd needs cgroup2, of the kernel, and the right to mount it" >&2
        exit 1
    fi
    remove_orphaned_cgroups
    group=$groups/daemonic-test-$$
    mkdir "$group"
    (
        echo "$BASHPID" >"$group/cgroup.procs"
        exec setpriv --pdeathsig KILL \
            unshare --pid --fork --kill-child --mount --uts --ipc --cgroup --propagation private \
            bash "$0" boot "$directory" </dev/null
    ) &
    machine=$!
    # Ends with whoever holds the other end of our standard input, however it ended.
    { read -r _ || put_down; } <&0 &
    wait "$machine" || echo "machine: it ended with status $?" >&2
    for ear in $(jobs -pr); do
        kill -KILL "$ear"
        wait "$ear" || true
    done 2>/dev/null
    remove_cgroup "$group"
}

# From here on as process 1.
boot() {
    mount -t tmpfs none "$directory/machine"
    cd "$directory/machine"
    mkdir upper work root
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
    configure
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
        $manager --system --unit=lab.target --show-status=no
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

directory=$2
"$1"
