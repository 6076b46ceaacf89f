# In namespaces of its own, with directories that nothing else sees. $D is the helper program.
set -eu
mount -t tmpfs -o mode=755 none /run
mkdir /run/lock
mount -t tmpfs -o mode=755 none /media
mkdir /media/upper /media/work
mount -t overlay none -o lowerdir=/etc,upperdir=/media/upper,workdir=/media/work /etc
mount -t tmpfs -o mode=755 none /usr/local/bin
mount -t tmpfs -o mode=755 none /var/log
mkdir -m 777 /run/words
install -m 755 "$D" /usr/local/bin/servicelab
S=/usr/local/bin/servicelab

until_true() {
    local left=400
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "not in time: $*" >&2; exit 1; }
        sleep 0.05
    done
}

# Succeeds if the daemon runs and is another process than $1.
is_another() {
    [ -s /run/servicelab.pid ] && [ "$(head -n 1 /run/servicelab.pid)" != "$1" ]
}

no_process_is_left() {
    ! ps -eo args | grep -E '(runsv|supervise|log[a-z]*) .*servicelab|servicelab run' | grep -v grep
}

# Installs, uses and removes the service of manager $1.
install_and_remove() {
    local first options="--manager $1 --run-as daemon"
    $S service install $options --now -- --port 80 --write /run/words/words -- "a  b" '$HOME' '*' "it's" '' 'x;y'
    until_true test -s /run/words/words
    tr '\0' '|' </run/words/words
    echo
    until_true test -s /run/servicelab.pid
    first=$(head -n 1 /run/servicelab.pid)
    ps -o user= -p "$first"
    $S service status --manager "$1"
    $S service install $options --now -- --port 80 --write /run/words/words -- "a  b" '$HOME' '*' "it's" '' 'x;y'
    [ "$(head -n 1 /run/servicelab.pid)" = "$first" ]
    kill -KILL "$first"
    until_true is_another "$first"
    first=$(head -n 1 /run/servicelab.pid)
    $S service uninstall
    ! kill -0 "$first" 2>/dev/null
    # What is left: files, links and processes (those of supervisors end a moment later).
    until_true no_process_is_left
    echo "left:"
    # The daemon's user may not remove the directory of the endpoint from /run, which a boot empties.
    find /etc /run -name '*servicelab*' -not -name '*.start' -not -name servicelab.control
    echo "end"
    $S service uninstall
}
